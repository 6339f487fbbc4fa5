//! The plan of a run as data: its steps in order, its states, and which state follows.

use common::service::Ctx;

/// What a run does, in order. A step is done once; whoever resumes a run goes on at the first that is not done.
pub(crate) const PLAN: [Step; 5] =
    [Step::ChooseArm, Step::BuildPage, Step::EmitCta, Step::RecordEvent, Step::CloseCycle];

/// Failed attempts at one step before the run fails. The trials of an open breaker are not among them: an outage is no
/// reason to give a run up before its time is over.
pub(crate) const MAX_ATTEMPTS: u32 = 12;

/// How long a run may take. It stays within the 15 minutes for which other apps remember an idempotency key, so that
/// no retry can have a second effect.
const DEADLINE_MS: i64 = 10 * 60 * 1_000;

/// How long a run may take: [`DEADLINE_MS`], or what the option `run_deadline_ms` says if that is less.
pub(crate) fn deadline_ms(ctx: &Ctx) -> i64 {
    let asked = ctx.config.options.get("run_deadline_ms").and_then(|text| text.parse().ok());
    asked.map_or(DEADLINE_MS, |asked: i64| asked.min(DEADLINE_MS))
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// The bandit draws an arm.
    ChooseArm,
    /// A7 builds and publishes the page.
    BuildPage,
    /// The call to action is reported.
    EmitCta,
    /// A2 stores what was done.
    RecordEvent,
    /// The cycle is reported as complete.
    CloseCycle,
}

impl Step {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ChooseArm => "choose_arm",
            Self::BuildPage => "build_page",
            Self::EmitCta => "emit_cta",
            Self::RecordEvent => "record_event",
            Self::CloseCycle => "close_cycle",
        }
    }
}

/// The state of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RunState {
    Queued,
    Running,
    Completed,
    Failed,
}

impl RunState {
    /// All states, in the order of a run's life.
    pub(crate) const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Completed, Self::Failed];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
        }
    }

    /// The state after the step at `position` is done.
    pub(crate) fn after(position: usize) -> Self {
        if position + 1 == PLAN.len() { Self::Completed } else { Self::Running }
    }
}
