//! The load shapes as named presets: how long each lasts, how many users it has, and one time scale for all of them.

use std::fmt;
use std::time::Duration;

use super::executor::whole_ms;
use super::{Executor, Scenario, Stage};

/// The pace of a user whose scenario states none.
const USUAL_PACE: Duration = Duration::from_secs(1);
/// Profiling sends at most two requests a second, so that the load itself does not show in what it measures.
const PROFILING_PACE: Duration = Duration::from_millis(500);
/// Samples of a profiling run: 200 are asked for, and a few may fail.
const PROFILING_SAMPLES: u32 = 210;
/// Users that carry a burst, and those that stand ready for it.
const BURST_USERS: (u32, u32) = (60, 20);

/// A named shape of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Shape {
    /// 5 users for 5 minutes.
    Smoke,
    /// 20 users for 15 minutes, or as many as the scenario has of its own.
    Baseline,
    /// From 10 to 60 users in a straight line of 20 minutes.
    Ramp,
    /// 5, then suddenly 100, then 5 users again, within 10 minutes; more than are free without an approval.
    Spike,
    /// 20 users for an hour.
    Soak,
    /// 100 requests a second for 2 minutes, whatever the answers.
    Burst,
    /// At least 200 samples of each step at no more than 2 requests a second.
    Profiling,
}

/// How the load of a shape is made.
enum Form {
    /// A fixed number of users.
    Users(u32),
    /// Users at the start; then percent of the duration and users at the end of each part.
    Line(u32, &'static [(u64, u32)]),
    /// Requests a second.
    Arrivals(u32),
}

impl Shape {
    /// All of them, the gentlest first.
    pub const ALL: [Self; 7] =
        [Self::Smoke, Self::Baseline, Self::Ramp, Self::Spike, Self::Soak, Self::Burst, Self::Profiling];

    /// The name, as in `a2_spike`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smoke => "smoke",
            Self::Baseline => "baseline",
            Self::Ramp => "ramp",
            Self::Spike => "spike",
            Self::Soak => "soak",
            Self::Burst => "burst",
            Self::Profiling => "profiling",
        }
    }

    /// The shape of this name; `None` if there is none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|shape| shape.as_str() == name)
    }

    /// How long it lasts in full. That of profiling follows from its samples and is the same in every profile.
    #[must_use]
    pub fn full_duration(self) -> Duration {
        let minutes = match self {
            Self::Smoke => 5,
            Self::Baseline => 15,
            Self::Ramp => 20,
            Self::Spike => 10,
            Self::Soak => 60,
            Self::Burst => 2,
            Self::Profiling => return PROFILING_PACE * PROFILING_SAMPLES,
        };
        Duration::from_secs(minutes * 60)
    }

    fn form(self) -> Form {
        match self {
            Self::Smoke => Form::Users(5),
            Self::Baseline | Self::Soak => Form::Users(20),
            Self::Ramp => Form::Line(10, &[(100, 60)]),
            Self::Spike => Form::Line(5, &[(20, 5), (5, 100), (50, 100), (5, 5), (20, 5)]),
            Self::Burst => Form::Arrivals(100),
            Self::Profiling => Form::Users(1),
        }
    }

    /// Who starts iterations: users of this pace (the time between two starts of a user, whole milliseconds, at least
    /// 1), so that latencies count from intended starts. A burst has a rate instead and takes no notice of the pace;
    /// profiling goes no faster than two starts a second.
    #[must_use]
    pub fn executor(self, scale: TimeScale, pace: Duration) -> Executor {
        let pace = if self == Self::Profiling { pace.max(PROFILING_PACE) } else { pace };
        let duration = match self {
            Self::Profiling => scale.own[self as usize].map_or(pace * PROFILING_SAMPLES, Duration::from_millis),
            _ => scale.duration(self),
        };
        let duration_ms = whole_ms(duration).max(1);
        let iteration_interval_ms = Some(whole_ms(pace).max(1));
        match self.form() {
            Form::Users(vus) => Executor::ConstantVus { vus, duration_ms, iteration_interval_ms },
            Form::Line(start_vus, parts) => {
                Executor::RampingVus { start_vus, stages: stages(duration_ms, parts), iteration_interval_ms }
            }
            Form::Arrivals(rate) => Executor::ConstantArrivalRate {
                rate,
                time_unit_ms: 1_000,
                duration_ms,
                pre_allocated_vus: BURST_USERS.1,
                max_vus: BURST_USERS.0,
            },
        }
    }

    /// A scenario in this shape, at its own pace: what it sends stays the same; its id gets the shape's name
    /// (`a2_events_spike`), and so does the tag `shape`.
    #[must_use]
    pub fn apply(self, scenario: &Scenario, scale: TimeScale) -> Scenario {
        self.apply_paced(scenario, scale, own_pace(scenario))
    }

    /// The same at another pace of the users.
    ///
    /// Rates are of requests: a burst of a scenario of three steps starts an iteration for every third request, and
    /// profiling waits for as many requests as an iteration has.
    #[must_use]
    pub fn apply_paced(self, scenario: &Scenario, scale: TimeScale, pace: Duration) -> Scenario {
        let steps = u32::try_from(scenario.steps.len()).unwrap_or(u32::MAX).max(1);
        let least = if self == Self::Profiling { PROFILING_PACE.saturating_mul(steps) } else { Duration::ZERO };
        let mut shaped = scenario.clone();
        shaped.executor = self.executor(scale, pace.max(least));
        match &mut shaped.executor {
            Executor::ConstantVus { vus, .. } if self == Self::Baseline && scenario.executor.max_vus() > 0 => {
                *vus = scenario.executor.max_vus();
            }
            Executor::ConstantArrivalRate { time_unit_ms, .. } => *time_unit_ms *= u64::from(steps),
            _ => {}
        }
        shaped.id = format!("{}_{self}", scenario.id);
        shaped.tag("shape", self.as_str())
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Stages that together last exactly as long as the whole.
fn stages(duration_ms: u64, parts: &[(u64, u32)]) -> Vec<Stage> {
    let (mut percent, mut from) = (0, 0);
    let mut stages = Vec::with_capacity(parts.len());
    for (share, target) in parts {
        percent += share;
        let until = duration_ms * percent / 100;
        stages.push(Stage { duration_ms: until - from, target: *target });
        from = until;
    }
    stages
}

/// The time between two starts of one user, as the scenario states it.
fn own_pace(scenario: &Scenario) -> Duration {
    match &scenario.executor {
        Executor::ConstantVus { iteration_interval_ms: Some(interval), .. }
        | Executor::RampingVus { iteration_interval_ms: Some(interval), .. } => Duration::from_millis(*interval),
        _ => USUAL_PACE,
    }
}

/// How much shorter than in full everything is: the same for all apps of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeScale {
    divisor: u32,
    own: [Option<u64>; 7],
}

impl TimeScale {
    /// The durations as they are promised.
    pub const FULL: Self = Self { divisor: 1, own: [None; 7] };
    /// A fifteenth: a baseline of one minute.
    pub const STANDARD: Self = Self { divisor: 15, own: [None; 7] };
    /// A fiftieth: a baseline of 18 seconds, a spike of 12.
    pub const QUICK: Self = Self { divisor: 50, own: [None; 7] };

    /// Everything in a `divisor`-th of the time; 0 is taken for 1.
    #[must_use]
    pub const fn divided_by(divisor: u32) -> Self {
        Self { divisor: if divisor == 0 { 1 } else { divisor }, own: [None; 7] }
    }

    /// One shape with a length of its own (whole milliseconds), as where the scaled one would show nothing.
    #[must_use]
    pub fn with(mut self, shape: Shape, duration: Duration) -> Self {
        self.own[shape as usize] = Some(whole_ms(duration));
        self
    }

    /// Any length of time at this scale, as the window of a stop condition.
    #[must_use]
    pub fn shorten(self, full: Duration) -> Duration {
        full / self.divisor
    }

    /// How long a shape lasts. Profiling is not shortened: its samples are what it is for.
    #[must_use]
    pub fn duration(self, shape: Shape) -> Duration {
        match (self.own[shape as usize], shape) {
            (Some(own_ms), _) => Duration::from_millis(own_ms),
            (None, Shape::Profiling) => shape.full_duration(),
            (None, _) => self.shorten(shape.full_duration()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::AppId;
    use crate::scenario::Step;

    const PACE: Duration = Duration::from_millis(500);

    fn journey(steps: usize) -> Scenario {
        let empty = Scenario::new("a6_x", AppId::A6, "x").constant_vus(10, Duration::from_secs(900), PACE);
        (0..steps).fold(empty, |scenario, at| scenario.step(Step::get(&format!("s{at}"), "/")))
    }

    #[test]
    fn names_are_read_back() {
        for shape in Shape::ALL {
            assert_eq!(Shape::parse(&shape.to_string()), Some(shape));
        }
        assert_eq!(Shape::parse("stress"), None);
    }

    #[test]
    fn full_shapes_are_as_promised() {
        let rows = Shape::ALL.map(|shape| {
            let executor = shape.executor(TimeScale::FULL, PACE);
            assert_eq!(executor.problems(), Vec::<String>::new());
            (shape.as_str(), executor.duration().as_secs(), executor.max_vus(), executor.rate_per_s())
        });
        assert_eq!(
            rows,
            [
                ("smoke", 300, 5, Some(10.0)),
                ("baseline", 900, 20, Some(40.0)),
                ("ramp", 1_200, 60, Some(120.0)),
                ("spike", 600, 100, Some(200.0)),
                ("soak", 3_600, 20, Some(40.0)),
                ("burst", 120, 60, Some(100.0)),
                ("profiling", 105, 1, Some(2.0)),
            ]
        );
    }

    #[test]
    fn every_shape_lasts_as_long_as_its_scale_says_and_only_profiling_keeps_its_length() {
        for shape in Shape::ALL {
            let quick = shape.executor(TimeScale::QUICK, PACE).duration();
            let expected = if shape == Shape::Profiling { 1 } else { 50 };
            assert_eq!(quick, shape.full_duration() / expected, "{shape}");
            assert!(shape.executor(TimeScale::QUICK, PACE).is_open_model(), "{shape}");
        }
        let own = TimeScale::QUICK.with(Shape::Spike, Duration::from_millis(7_777));
        assert_eq!(Shape::Spike.executor(own, PACE).duration(), Duration::from_millis(7_777));
        assert_eq!(Shape::Ramp.executor(own, PACE).duration(), Duration::from_secs(24));
    }

    #[test]
    fn a_spike_starts_and_ends_low() {
        let Executor::RampingVus { start_vus, stages, .. } = Shape::Spike.executor(TimeScale::FULL, PACE) else {
            panic!("users rise and fall")
        };
        assert_eq!(start_vus, 5);
        let targets: Vec<_> = stages.iter().map(|stage| (stage.duration_ms / 1_000, stage.target)).collect();
        assert_eq!(targets, [(120, 5), (30, 100), (300, 100), (30, 5), (120, 5)]);
    }

    #[test]
    fn a_baseline_keeps_the_scenarios_own_users_and_a_spike_does_not() {
        let baseline = Shape::Baseline.apply(&journey(1), TimeScale::STANDARD);
        assert_eq!((baseline.id.as_str(), baseline.executor.max_vus()), ("a6_x_baseline", 10));
        let spike = Shape::Spike.apply(&journey(1), TimeScale::STANDARD);
        assert_eq!(
            (spike.id.as_str(), spike.executor.max_vus(), spike.tags["shape"].as_str()),
            ("a6_x_spike", 100, "spike")
        );
        assert_eq!(spike.steps, journey(1).steps);
        spike.validate().unwrap();
    }

    #[test]
    fn rates_are_of_requests_whatever_the_steps_of_an_iteration() {
        for steps in [1, 3] {
            for (shape, most) in [(Shape::Burst, 100.0), (Shape::Profiling, 2.0)] {
                let shaped = shape.apply(&journey(steps), TimeScale::FULL);
                let requests = shaped.executor.rate_per_s().unwrap() * f64::from(u32::try_from(steps).unwrap());
                assert!((requests - most).abs() < 1e-9, "{shape} of {steps} steps: {requests}");
            }
            let profiling = Shape::Profiling.apply(&journey(steps), TimeScale::QUICK).executor;
            assert!(profiling.duration().as_secs_f64() * profiling.rate_per_s().unwrap() >= 200.0);
        }
    }
}
