//! The plan of a run as data: its steps in order, its states, and which state follows.

/// What a run does, in order. A step is done once; whoever resumes a run goes on at the first that is not done.
pub(crate) const PLAN: [Step; 5] =
    [Step::ChooseArm, Step::BuildPage, Step::EmitCta, Step::RecordEvent, Step::CloseCycle];

/// Attempts at one step before the run fails.
pub(crate) const MAX_ATTEMPTS: u32 = 6;

/// How long a run may take. It stays within the 15 minutes for which other apps remember an idempotency key, so that
/// no retry can have a second effect.
pub(crate) const DEADLINE_MS: i64 = 10 * 60 * 1_000;

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
