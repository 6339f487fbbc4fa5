//! What a run does: which apps, which phases, which workloads, at which size.

use std::time::Duration;

use clap::ValueEnum;
use common::check::ARRIVAL_LIMIT;
use common::fault::{Edge, Rules};
use common::ids::AppId;
use common::scenario::{Executor, Scenario, Shape, Step};
use common::service::Defect;
use common::suite::Suite;
use common::target::VUS_WITHOUT_APPROVAL;

use crate::cli::{self, Profile};
use crate::record::{PlannedPhase, RunStarted};
use crate::suites;

/// A latency verdict without history needs 1,800 samples; a little more is asked for.
const SAMPLES: u64 = 1_900;
/// Iterations of a smoke workload: enough for "fewer than 1 % errors" (381) in each half, with room to spare.
const SMOKE_ITERATIONS: u64 = 840;
/// The tag of workloads that measure a known issue; they are run apart.
pub(crate) const KNOWN_ISSUE: &str = "known_issue";

/// Walks of a trial: ten of which none comes through are enough to show that.
const TRIAL_WALKS: u64 = 10;
/// What a trial waits for effects; embedded apps need less than a second.
const TRIAL_PATIENCE: Duration = Duration::from_secs(6);

const LEARNING: &str = "learning, autonomy, safety";
const LEARNING_S: f64 = 20.0;
const RESILIENCY: &str = "resiliency";
const RESILIENCY_S: f64 = 85.0;

/// The kind of workloads that the phase of funnels walks.
const JOURNEY: &str = "journey";

/// A way through several apps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Funnel {
    /// A visitor becomes a student: A7 → A1 → A5 → A3 → A2 → A8.
    B2c,
    /// A visitor becomes a provider: A7 → A6 → A2 → A8.
    B2b,
}

/// Part of the whole: nothing set means everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) app: Option<AppId>,
    pub(crate) scenario: Option<String>,
    pub(crate) check: Option<String>,
    pub(crate) funnel: Option<Funnel>,
    /// One phase that is about no single app.
    pub(crate) phase: Option<u8>,
}

/// Rules of a fault proxy, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Wire {
    pub(crate) edge: Edge,
    pub(crate) rules: Rules,
}

/// What a run does.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) command: String,
    pub(crate) target: String,
    pub(crate) profile: Profile,
    pub(crate) selection: Selection,
    pub(crate) phases: Vec<PlannedPhase>,
    /// What embedded apps are told to do wrong.
    pub(crate) defects: Vec<(AppId, Defect)>,
    /// What disturbs requests on their way between embedded apps.
    pub(crate) wire: Option<Wire>,
    /// True for a trial that is to show one failure and nothing else: fewer walks, less patience, no browser.
    pub(crate) trial: bool,
}

impl Profile {
    /// The name in records and flags.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Quick => "quick",
            Self::Standard => "standard",
            Self::Full => "full",
        }
    }

    /// How long a baseline lasts.
    pub(crate) fn baseline(self) -> Duration {
        self.scale().duration(Shape::Baseline)
    }

    /// How long the health routes of one app are probed.
    fn smoke(self) -> Duration {
        Duration::from_secs(match self {
            Self::Quick => 20,
            Self::Standard => 15,
            Self::Full => 5 * 60,
        })
    }

    /// How often a funnel is walked; 35 clean walks are the fewest that show 90 % at 95 % confidence.
    fn walks(self) -> u64 {
        match self {
            Self::Quick => 40,
            Self::Standard => 100,
            Self::Full => 400,
        }
    }

    /// How often somebody signs in over the OIDC code flow; ten in a row are the fewest that count.
    pub(crate) fn sign_ins(self) -> u64 {
        match self {
            Self::Quick => 12,
            Self::Standard => 40,
            Self::Full => 200,
        }
    }

    /// Events that are put into A8's store before the overview is measured.
    pub(crate) fn seeded_events(self) -> u64 {
        match self {
            Self::Quick => 10_000,
            Self::Standard | Self::Full => 50_000,
        }
    }
}

impl Plan {
    /// Plans the phases for what is selected.
    pub(crate) fn new(command: &str, target: &str, profile: Profile, selection: Selection) -> Self {
        let mut plan = Self {
            command: command.to_owned(),
            target: target.to_owned(),
            profile,
            selection,
            phases: Vec::new(),
            defects: Vec::new(),
            wire: None,
            trial: false,
        };
        let (smoke, load) = (plan.smoke_s(), plan.load_s() + plan.shapes_s(VUS_WITHOUT_APPROVAL));
        let part = plan.selection.scenario.is_some() || plan.selection.check.is_some();
        let (app, funnel, only) = (plan.selection.app, plan.selection.funnel, plan.selection.phase);
        let later: Vec<u8> =
            plan.suites().iter().flat_map(|suite| suite.checks.iter().map(|check| check.phase)).collect();
        let mut add = |phase: u8, title: &str, planned_s: f64| {
            plan.phases.push(PlannedPhase { phase, title: title.to_owned(), planned_s });
        };
        add(0, "inventory", 1.0);
        match only {
            Some(6) => add(6, LEARNING, LEARNING_S),
            Some(_) => add(7, RESILIENCY, RESILIENCY_S),
            None => {}
        }
        if only.is_some() {
            return plan;
        }
        if funnel.is_none() && !part {
            add(1, "smoke and health", smoke);
        }
        if funnel.is_none() {
            add(2, "load and checks", load);
        }
        if app.is_none() {
            add(3, "funnels", if funnel == Some(Funnel::B2b) { 8.0 } else { 55.0 });
        }
        let students = funnel.is_none_or(|funnel| funnel == Funnel::B2c) && !part;
        if students && later.contains(&4) {
            add(4, "monetization", 8.0);
        }
        if students && later.contains(&5) {
            add(5, "activation and growth", 8.0);
        }
        if funnel.is_none() && !part && later.contains(&6) {
            add(6, LEARNING, if app.is_some() { 5.0 } else { LEARNING_S });
        }
        if funnel.is_none() && app.is_none() {
            add(7, RESILIENCY, RESILIENCY_S);
        }
        plan
    }

    /// The plan of a run as it was begun.
    ///
    /// # Errors
    /// When the record names a profile or a command that this version does not have.
    pub(crate) fn of(started: &RunStarted) -> Result<Self, String> {
        let profile = Profile::from_str(&started.profile, true)?;
        let part =
            Selection { scenario: started.scenario.clone(), check: started.check.clone(), ..Selection::default() };
        let words: Vec<&str> = started.command.split_whitespace().collect();
        let selection = match words.as_slice() {
            ["ecosystem"] => part,
            ["suite", "b2b"] => Selection { funnel: Some(Funnel::B2b), ..part },
            ["suite", "b2c"] => Selection { funnel: Some(Funnel::B2c), ..part },
            ["suite", "learning"] => Selection { phase: Some(6), ..part },
            ["suite", "resiliency"] => Selection { phase: Some(7), ..part },
            ["suite", app] if app.parse::<AppId>().is_ok() => Selection { app: app.parse().ok(), ..part },
            _ => return Err(format!("`{}` cannot go on with this version: start it again", started.command)),
        };
        let defects = started.defects.iter().map(|text| cli::defect(text)).collect::<Result<_, _>>();
        let defects = defects.map_err(|why| {
            format!("what its apps were told to do wrong cannot be told to them again ({why}): start it again")
        })?;
        Ok(Self::new(&started.command, &started.target, profile, selection).with(defects))
    }

    /// The same with embedded apps that misbehave.
    pub(crate) fn with(self, defects: Vec<(AppId, Defect)>) -> Self {
        Self { defects, ..self }
    }

    /// The same with rules on the wire.
    pub(crate) fn through(self, wire: Option<Wire>) -> Self {
        Self { wire, ..self }
    }

    /// The same as a trial.
    pub(crate) fn into_trial(self) -> Self {
        Self { trial: true, ..self }
    }

    /// How often a funnel is walked.
    pub(crate) fn walks(&self) -> u64 {
        if self.trial { TRIAL_WALKS } else { self.profile.walks() }
    }

    /// How long effects may take to show.
    pub(crate) fn patience(&self) -> Duration {
        if self.trial { TRIAL_PATIENCE } else { ARRIVAL_LIMIT }
    }

    /// What embedded apps are told to do wrong, and what is done to their messages, in words.
    pub(crate) fn told_to(&self) -> Vec<String> {
        let defects = self.defects.iter().map(cli::as_flag);
        let rules = self.wire.iter().flat_map(|wire| wire.rules.iter().map(|rule| (wire.edge, rule)));
        let rules = rules.map(|(Edge { at, from }, rule)| {
            let from = from.map(|app| format!(" from {app}")).unwrap_or_default();
            format!("{at}{from} disturbed by {}", rule.id)
        });
        defects.chain(rules).collect()
    }

    /// The apps that are judged.
    pub(crate) fn apps(&self) -> Vec<AppId> {
        self.selection.app.map_or_else(|| AppId::ALL.to_vec(), |app| vec![app])
    }

    /// The suites of the apps that are judged.
    pub(crate) fn suites(&self) -> Vec<Suite> {
        self.apps().into_iter().map(suites::suite).collect()
    }

    /// The workloads of a suite that are selected, at the size of the profile.
    pub(crate) fn scenarios(&self, suite: &Suite) -> Vec<Scenario> {
        if self.selection.check.is_some() {
            return Vec::new();
        }
        let wanted = |scenario: &&Scenario| self.selection.scenario.as_ref().is_none_or(|id| *id == scenario.id);
        // A journey across pages or apps is walked in the phase of funnels; asked for by name, it is loaded like any other.
        let named = self.selection.scenario.is_some();
        let is_journey = |scenario: &Scenario| scenario.tags.get("kind").is_some_and(|kind| kind == JOURNEY);
        let ordinary =
            |scenario: &&Scenario| !scenario.tags.contains_key(KNOWN_ISSUE) && (named || !is_journey(scenario));
        suite.scenarios.iter().filter(wanted).filter(ordinary).map(|scenario| self.sized(scenario)).collect()
    }

    /// A workload at the size of the profile: the same users, over a shorter time. Where the workload allows it
    /// (`profile_scaled`), the pace rises so that the shorter time still gives the samples that a verdict needs.
    pub(crate) fn sized(&self, scenario: &Scenario) -> Scenario {
        let mut sized = scenario.clone();
        let limit = whole_ms(self.profile.baseline());
        match &mut sized.executor {
            Executor::ConstantVus { vus, duration_ms, iteration_interval_ms } => {
                *duration_ms = (*duration_ms).min(limit);
                if let Some(interval) = iteration_interval_ms.as_mut().filter(|_| scenario.profile_scaled) {
                    let enough = u64::from(*vus) * *duration_ms / SAMPLES;
                    *interval = (*interval).min(enough.max(1));
                }
            }
            Executor::ConstantArrivalRate { duration_ms, .. } => *duration_ms = (*duration_ms).min(limit),
            Executor::SharedIterations { max_duration_ms, .. } | Executor::PerVuIterations { max_duration_ms, .. } => {
                *max_duration_ms = (*max_duration_ms).min(limit);
            }
            Executor::RampingVus { stages, .. } | Executor::RampingArrivalRate { stages, .. } => {
                let total = stages.iter().map(|stage| stage.duration_ms).sum::<u64>().max(1);
                for stage in stages.iter_mut() {
                    stage.duration_ms = stage.duration_ms * limit.min(total) / total;
                }
            }
        }
        sized
    }

    /// The smoke workload of an app: its health routes, at five users.
    pub(crate) fn smoke(&self, app: AppId) -> Scenario {
        let id = format!("{}_smoke", app.lower());
        let duration = self.profile.smoke();
        let interval = Duration::from_millis((5 * whole_ms(duration) / SMOKE_ITERATIONS).max(1));
        Scenario::new(&id, app, &format!("Five virtual users ask for {app}'s health"))
            .constant_vus(5, duration, interval)
            .step(Step::get("health", "/health").expect_status(&[200]).expect_json("/status", "ok"))
            .step(Step::get("healthz", "/healthz").expect_status(&[200]).expect_json("/status", "ok"))
            .step(Step::get("ready", "/ready").expect_status(&[200]).expect_json_exists("/status"))
    }

    fn smoke_s(&self) -> f64 {
        self.profile.smoke().as_secs_f64() + 2.0
    }

    fn load_s(&self) -> f64 {
        let vus: u32 = self.suites().iter().flat_map(|suite| self.scenarios(suite)).map(|s| s.executor.max_vus()).sum();
        f64::from(vus.div_ceil(50)) * (self.profile.baseline().as_secs_f64() + 2.0) + 25.0
    }
}

fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(profile: Profile) -> Plan {
        Plan::new("ecosystem", "embedded", profile, Selection::default())
    }

    fn baseline() -> Scenario {
        Scenario::new("a6_x", AppId::A6, "x")
            .constant_vus(10, Duration::from_secs(900), Duration::from_millis(500))
            .step(Step::get("one", "/"))
    }

    #[test]
    fn a_quick_baseline_still_gives_the_samples_that_a_verdict_needs() {
        let sized = plan(Profile::Quick).sized(&baseline());
        let Executor::ConstantVus { vus, duration_ms, iteration_interval_ms: Some(interval) } = sized.executor else {
            panic!("the executor stays the same: {:?}", sized.executor)
        };
        assert_eq!((vus, duration_ms), (10, 18_000));
        assert!(u64::from(vus) * duration_ms / interval >= 1_800, "every {interval} ms");
    }

    #[test]
    fn a_full_baseline_keeps_the_pace_of_the_workload() {
        assert_eq!(plan(Profile::Full).sized(&baseline()), baseline());
    }

    #[test]
    fn a_workload_that_is_not_scaled_keeps_its_pace_in_a_quick_run() {
        let own_pace = baseline().unscaled();
        let sized = plan(Profile::Quick).sized(&own_pace);
        assert_eq!(sized.executor.rate_per_s(), own_pace.executor.rate_per_s());
    }

    #[test]
    fn a_run_that_goes_on_misbehaves_as_it_was_told_to() {
        let told = vec![(AppId::A3, Defect::FailsPerMille(1_000)), (AppId::A7, Defect::A7RewardsLost)];
        let mut started = crate::report::fixture::view().started.unwrap();
        started.command = "ecosystem".into();
        started.defects = plan(Profile::Quick).with(told.clone()).told_to();
        assert_eq!(started.defects, ["a3:fails_per_mille=1000", "a7:a7_rewards_lost"]);
        assert_eq!(Plan::of(&started).unwrap().defects, told);
        started.defects = vec!["A6 disturbed by cents".into()];
        assert!(Plan::of(&started).unwrap_err().contains("start it again"));
    }

    #[test]
    fn one_apps_suite_has_no_funnels() {
        let selection = Selection { app: Some(AppId::A6), ..Selection::default() };
        let plan = Plan::new("suite a6", "embedded", Profile::Quick, selection);
        let phases: Vec<_> = plan.phases.iter().map(|phase| phase.phase).collect();
        assert_eq!(phases, [0, 1, 2, 6]);
    }

    #[test]
    fn an_app_with_checks_of_later_phases_goes_through_them() {
        let selection = Selection { app: Some(AppId::A7), ..Selection::default() };
        let plan = Plan::new("suite a7", "embedded", Profile::Quick, selection);
        assert!(plan.phases.iter().any(|phase| phase.phase == 5));
    }

    #[test]
    fn a_run_goes_on_with_what_it_began_with() {
        let selection = Selection { app: Some(AppId::A2), scenario: Some("a2_spike".into()), ..Selection::default() };
        let begun = Plan::new("suite a2", "embedded", Profile::Quick, selection.clone());
        let mut started = crate::report::fixture::view().started.unwrap();
        (started.command, started.scenario) = ("suite a2".into(), Some("a2_spike".into()));
        let on = Plan::of(&started).unwrap();
        assert_eq!((on.selection, on.phases.len()), (selection, begun.phases.len()));
        started.command = "fly".into();
        assert!(Plan::of(&started).is_err());
    }

    #[test]
    fn the_funnel_of_students_has_the_phases_of_students() {
        let of = |funnel| {
            let selection = Selection { funnel: Some(funnel), ..Selection::default() };
            let plan = Plan::new("suite", "embedded", Profile::Quick, selection);
            plan.phases.iter().map(|phase| phase.phase).collect::<Vec<_>>()
        };
        assert_eq!(of(Funnel::B2b), [0, 3]);
        assert_eq!(of(Funnel::B2c), [0, 3, 4, 5]);
    }
}
