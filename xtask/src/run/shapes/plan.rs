//! Which shapes a run has, and how long each lasts: one time scale for all, and two lengths that show something in it.

use std::time::Duration;

use common::ids::AppId;
use common::scenario::{Executor, Scenario, Shape, TimeScale};

use crate::cli::Profile;
use crate::run::Plan;

/// The time between two starts of a user of a quick ramp: enough requests for "fewer than 1 % fail".
const QUICK_PACE: Duration = Duration::from_millis(250);
/// The same in every other shape.
const PACE: Duration = Duration::from_millis(500);
/// What a shape takes besides its load: reading back and the second source.
const AROUND_S: f64 = 1.5;

/// A shaped load of A2.
#[derive(Debug, Clone)]
pub(crate) struct Shaped {
    /// `a2_spike_60`; also the id of its workload.
    pub(crate) id: String,
    /// `from 10 to 60 users`.
    pub(crate) title: String,
    /// How long it lasts in full.
    pub(crate) full: Duration,
    /// True if its length is part of what is promised: less of it shows less.
    pub(crate) length_counts: bool,
    /// True if every acknowledged event is looked for.
    pub(crate) proves_nothing_lost: bool,
    /// Absent if the profile has no time for it.
    pub(crate) scenario: Option<Scenario>,
}

impl Profile {
    /// How much shorter than promised everything is.
    pub(crate) fn scale(self) -> TimeScale {
        let seconds = Duration::from_secs;
        match self {
            // Together they fit into three minutes, and a burst of 2.4 s would show little.
            Self::Quick => {
                let scale = TimeScale::QUICK.with(Shape::Ramp, seconds(6));
                scale.with(Shape::Spike, seconds(8)).with(Shape::Burst, seconds(8))
            }
            // Two minutes are the promise, and there is time for them.
            Self::Standard => TimeScale::STANDARD.with(Shape::Burst, Shape::Burst.full_duration()),
            Self::Full => TimeScale::FULL,
        }
    }

    /// True if the profile has time for a shape.
    fn has(self, shape: Shape) -> bool {
        self != Self::Quick || shape != Shape::Soak
    }
}

impl Plan {
    /// The shapes of the run, in order; none where something else is selected.
    pub(crate) fn shapes(&self, free_vus: u32) -> Vec<Shaped> {
        let only = &self.selection;
        if only.check.is_some() || only.funnel.is_some() || only.app.is_some_and(|app| app != AppId::A2) {
            return Vec::new();
        }
        let wanted = |shaped: &Shaped| only.scenario.as_ref().is_none_or(|id| *id == shaped.id);
        shapes(self.profile, free_vus).into_iter().filter(wanted).collect()
    }

    /// How long they take, in seconds, as far as no approval is needed.
    pub(crate) fn shapes_s(&self, free_vus: u32) -> f64 {
        let shapes = self.shapes(free_vus);
        let loads = shapes.iter().filter_map(|shaped| shaped.scenario.as_ref());
        let free = loads.filter(|scenario| scenario.executor.max_vus() <= free_vus);
        free.map(|scenario| scenario.executor.duration().as_secs_f64() + AROUND_S).sum()
    }
}

/// The ids of all shapes, for those who ask for one.
pub(crate) fn ids() -> Vec<String> {
    shapes(Profile::Full, common::target::VUS_WITHOUT_APPROVAL).into_iter().map(|shaped| shaped.id).collect()
}

/// In order: what needs no approval goes on where the whole spike is held.
fn shapes(profile: Profile, free_vus: u32) -> Vec<Shaped> {
    let spike = of(Shape::Spike, profile);
    let lower = lowered(&spike, free_vus);
    [
        Some(of(Shape::Ramp, profile)),
        Some(spike),
        lower,
        Some(of(Shape::Soak, profile)),
        Some(of(Shape::Burst, profile)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn of(shape: Shape, profile: Profile) -> Shaped {
    let pace = if profile == Profile::Quick && shape == Shape::Ramp { QUICK_PACE } else { PACE };
    let scenario = shape.apply_paced(&a2_ingest::recorded(), profile.scale(), pace);
    let title = match shape {
        Shape::Ramp => "a ramp from 10 to 60 users",
        Shape::Spike => "a spike from 5 to 100 users and back",
        Shape::Soak => "20 users for an hour",
        Shape::Burst => "a burst of 100 events a second for 2 minutes",
        Shape::Smoke | Shape::Baseline | Shape::Profiling => "a load without a shape",
    };
    let scenario = Scenario { title: title.to_owned(), ..scenario };
    Shaped {
        id: scenario.id.clone(),
        title: title.to_owned(),
        full: shape.full_duration(),
        length_counts: matches!(shape, Shape::Soak | Shape::Burst),
        proves_nothing_lost: matches!(shape, Shape::Spike | Shape::Burst),
        scenario: profile.has(shape).then_some(scenario),
    }
}

/// The same spike as far as nobody has to approve it, so that its proof is there in every run; none where it is free.
fn lowered(spike: &Shaped, free_vus: u32) -> Option<Shaped> {
    let mut scenario = spike.scenario.clone()?;
    if scenario.executor.max_vus() <= free_vus {
        return None;
    }
    if let Executor::RampingVus { stages, .. } = &mut scenario.executor {
        stages.iter_mut().for_each(|stage| stage.target = stage.target.min(free_vus));
    }
    scenario.id = format!("{}_{free_vus}", spike.id);
    scenario.title = format!("a spike from 5 to {free_vus} users and back, as many as need no approval");
    Some(Shaped { id: scenario.id.clone(), title: scenario.title.clone(), scenario: Some(scenario), ..spike.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Selection;

    fn of_profile(profile: Profile) -> Vec<Shaped> {
        Plan::new("ecosystem", "embedded", profile, Selection::default()).shapes(60)
    }

    fn lengths(profile: Profile) -> Vec<(String, Option<u64>)> {
        let length = |shaped: &Shaped| shaped.scenario.as_ref().map(|scenario| scenario.executor.duration().as_secs());
        of_profile(profile).iter().map(|shaped| (shaped.id.clone(), length(shaped))).collect()
    }

    #[test]
    fn a_full_run_has_every_shape_as_long_as_promised() {
        let expected =
            [("a2_ramp", 1_200), ("a2_spike", 600), ("a2_spike_60", 600), ("a2_soak", 3_600), ("a2_burst", 120)];
        assert_eq!(lengths(Profile::Full), expected.map(|(id, s)| (id.to_owned(), Some(s))));
    }

    #[test]
    fn a_quick_run_names_the_soak_that_it_has_no_time_for() {
        assert!(lengths(Profile::Quick).contains(&("a2_soak".to_owned(), None)));
        let plan = Plan::new("ecosystem", "embedded", Profile::Quick, Selection::default());
        assert!(plan.shapes_s(60) <= 27.0, "{} s", plan.shapes_s(60));
    }

    #[test]
    fn every_shape_can_be_run_as_it_stands_and_only_the_whole_spike_needs_an_approval() {
        for shaped in of_profile(Profile::Standard) {
            let scenario = shaped.scenario.unwrap();
            scenario.validate().unwrap();
            assert_eq!(scenario.executor.max_vus() > 60, shaped.id == "a2_spike", "{}", shaped.id);
            assert!(scenario.executor.is_open_model(), "{}", shaped.id);
        }
    }

    #[test]
    fn another_app_or_a_check_alone_has_no_shapes() {
        let of = |selection| Plan::new("suite", "embedded", Profile::Full, selection).shapes(60).len();
        assert_eq!(of(Selection { app: Some(AppId::A6), ..Selection::default() }), 0);
        assert_eq!(of(Selection { check: Some("x".into()), ..Selection::default() }), 0);
        assert_eq!(
            of(Selection { app: Some(AppId::A2), scenario: Some("a2_burst".into()), ..Selection::default() }),
            1
        );
    }
}
