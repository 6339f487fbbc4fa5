//! What may end a load before its time: stop conditions and thresholds, looked at each second.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::clock;
use crate::ids::AppId;
use crate::slo::{StepSecond, Stop, StopRules, StopWatch, WatchedStep};
use crate::units::Micros;

use super::live::LiveWindow;
use super::options::LoadOptions;
use super::plan::Plan;
use super::thresholds::{ThresholdResult, Thresholds};

/// What ended a load before its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum StopReason {
    /// A stop condition.
    Condition(Stop),
    /// A threshold with `abort_on_fail`.
    Threshold(ThresholdResult),
}

impl StopReason {
    /// Which condition, with its figures.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Condition(stop) => stop.sentence.clone(),
            Self::Threshold(threshold) => threshold.sentence(),
        }
    }
}

/// Which stop conditions a load has.
#[derive(Debug, Clone)]
pub struct StopOptions {
    /// Their figures, at the scale of the profile.
    pub rules: StopRules,
    /// Apps whose slowness ends a load, and above what an answer of theirs is slow.
    pub slow: BTreeMap<AppId, Micros>,
    /// Steps of all loads that run side by side; they share the probability of a stop by chance.
    pub endpoints: u64,
    /// Where it is told that telemetry arrives, if it is expected.
    pub telemetry: Option<TelemetryEar>,
}

impl Default for StopOptions {
    fn default() -> Self {
        let slow = [AppId::A1, AppId::A2].map(|app| (app, Micros::from_ms(200)));
        Self { rules: StopRules::default(), slow: slow.into(), endpoints: 1, telemetry: None }
    }
}

/// Notes when telemetry was last heard; clones share it.
#[derive(Debug, Clone, Default)]
pub struct TelemetryEar(Arc<Mutex<Option<Instant>>>);

impl TelemetryEar {
    /// Notes that telemetry arrived just now.
    pub fn heard(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(clock::monotonic());
    }

    fn last(&self) -> Option<Instant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Everything that is looked at each second.
pub(crate) struct Watch {
    thresholds: Thresholds,
    stops: Option<(StopWatch, Vec<Option<u64>>)>,
    telemetry: Option<TelemetryEar>,
    /// Seconds that belong to the warm-up, even in part.
    warm_up_s: u64,
    /// When the first judged second begins.
    started_at: Instant,
    pub(crate) stopped_by: Option<StopReason>,
}

impl Watch {
    pub(crate) fn new(plan: &Plan, options: &LoadOptions) -> Self {
        let warm_up_s = plan.warm_up.as_secs() + u64::from(plan.warm_up.subsec_nanos() > 0);
        let stops = options.stops.as_ref().map(|stops| {
            let slow = |app: AppId| stops.slow.get(&app).map(|limit| limit.0);
            let steps = plan.steps.iter().map(|step| (step.name.clone(), step.app, slow(step.app)));
            let steps = steps.map(|(name, app, slow_us)| WatchedStep { name, app, slow_us });
            let limits = plan.steps.iter().map(|step| slow(step.app));
            let run = plan.total.saturating_sub(plan.warm_up);
            let mut watch = StopWatch::new(stops.rules, steps.collect(), run, stops.endpoints);
            if stops.telemetry.is_some() {
                watch.expect_telemetry(Duration::ZERO);
            }
            (watch, limits.collect())
        });
        Self {
            thresholds: Thresholds::new(&plan.scenario, options.baseline.clone(), plan.warm_up),
            stops,
            telemetry: options.stops.as_ref().and_then(|stops| stops.telemetry.clone()),
            warm_up_s,
            started_at: clock::monotonic(),
            stopped_by: None,
        }
    }

    /// Sets when the load starts, warm-up included.
    pub(crate) fn starts(&mut self, at: Instant) {
        self.started_at = at + Duration::from_secs(self.warm_up_s);
    }

    /// Looks at a second; true if the load must end now. The margin of the nearest condition goes into the window.
    pub(crate) fn take(&mut self, window: &mut LiveWindow) -> bool {
        let threshold = self.thresholds.take(window);
        let stop = self.condition(window);
        if self.stopped_by.is_some() {
            return false;
        }
        // What is proof comes before what is a reason to look: only proof lets a verdict fail.
        let threshold = threshold.map(StopReason::Threshold);
        self.stopped_by = stop.map(StopReason::Condition).or(threshold);
        self.stopped_by.is_some()
    }

    fn condition(&mut self, window: &mut LiveWindow) -> Option<Stop> {
        let (watch, limits) = self.stops.as_mut()?;
        let second = window.elapsed_s.checked_sub(1 + self.warm_up_s)?;
        let heard = self.telemetry.as_ref().and_then(TelemetryEar::last);
        if let Some(heard) = heard {
            watch.telemetry_heard(heard.saturating_duration_since(self.started_at));
        }
        let steps = window.steps.iter().zip(limits).map(|(step, limit)| StepSecond {
            sent: step.sent,
            count: step.count,
            errors: step.errors,
            timed: step.samples,
            slow: step.over.iter().find(|over| Some(over.0) == *limit).map_or(0, |over| over.1),
        });
        let steps: Vec<_> = steps.collect();
        let stop = watch.take(second, clock::monotonic().saturating_duration_since(self.started_at), &steps);
        window.nearest_stop = watch.nearest();
        stop
    }

    /// The results of all thresholds on the final figures, and what ended the load.
    pub(crate) fn into_results(self, seen: &super::thresholds::Seen) -> (Vec<ThresholdResult>, Option<StopReason>) {
        (self.thresholds.results(seen), self.stopped_by)
    }
}
