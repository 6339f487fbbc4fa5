//! Rules on each endpoint: the regression rule on three quantiles, and what keeps it from deciding.

use std::collections::BTreeSet;

use common::ids::AppId;
use common::slo::{
    BetweenRuns, ChangePoint, Decision, Design, FAMILY_ALPHA, MIN_BASELINE_RUNS, Quantile, QuantileSample, Reason,
    Regression, RegressionRule, holm, judge_regression, trend,
};

use super::evidence;
use super::rows::metric;
use super::side::{Measured, Obstacle, Side};
use super::{EndpointComparison, GATE, How, METRICS, MetricComparison, OneSide};
use crate::history::EndpointHistory;

/// Rules on everything that one of the sides measured.
pub(super) fn endpoints(before: &Side, after: &Side, how: How<'_>, config: Option<&str>) -> Vec<EndpointComparison> {
    let places: BTreeSet<_> = before.endpoints.iter().chain(&after.endpoints).map(Measured::place).collect();
    let mut compared: Vec<_> = places
        .into_iter()
        .map(|place| {
            let pair = Pair { before: find(before, place), after: find(after, place), how };
            pair.compare([before, after], config)
        })
        .collect();
    hold_family(&mut compared);
    compared
}

pub(super) fn find<'a>(side: &'a Side, place: (AppId, &str, &str)) -> Option<&'a Measured> {
    side.endpoints.iter().find(|measured| measured.place() == place)
}

/// One endpoint on both sides, or on one of them.
struct Pair<'a> {
    before: Option<&'a Measured>,
    after: Option<&'a Measured>,
    how: How<'a>,
}

impl Pair<'_> {
    fn compare(&self, sides: [&Side; 2], config: Option<&str>) -> EndpointComparison {
        let samples = [self.before, self.after].map(|side| side.map(|side| side.samples.to_us()).unwrap_or_default());
        let obstacle = self.obstacle(config);
        let metrics: Vec<_> = METRICS.map(|quantile| self.metric(&samples, quantile, obstacle.as_ref())).into();
        let decision = metrics[GATE].regression.decision;
        let gate = &metrics[GATE].regression;
        let why = obstacle.map(|obstacle| obstacle.why).or_else(|| self.why(gate));
        let key = self.before.or(self.after).map(|measured| measured.key.clone());
        let key = key.expect("an endpoint is on a side");
        let one = |at: usize, measured: Option<&Measured>| measured.map(|measured| one_side(sides[at], measured));
        EndpointComparison {
            app: key.app,
            scenario: key.scenario,
            route: key.route,
            decision,
            why,
            before: one(0, self.before),
            after: one(1, self.after),
            independence_established: self.history().is_some_and(|history| history.tau_latency.is_some()),
            evidence: None,
            change_points: self.change_points(),
            metrics,
        }
    }

    /// What earlier stable runs say of this endpoint; nothing for two targets, whose runs are not one series.
    fn history(&self) -> Option<&EndpointHistory> {
        let How::Sequential { history } = self.how else { return None };
        history.endpoint(&self.before.or(self.after)?.key)
    }

    fn between(&self) -> Option<BetweenRuns> {
        self.history().and_then(EndpointHistory::between_runs)
    }

    fn change_points(&self) -> Option<Vec<ChangePoint>> {
        let oldest_first: Vec<f64> = self.history()?.p95_us.iter().rev().map(|us| evidence::as_f64(*us)).collect();
        trend(&oldest_first)
    }

    /// What speaks against any verdict, whatever the latencies are.
    fn obstacle(&self, config: Option<&str>) -> Option<Obstacle> {
        let (before, after) = match (self.before, self.after) {
            (Some(before), Some(after)) => (before, after),
            (None, _) => return Some(Obstacle::new(Reason::NoBaseline, "only the side after has it")),
            (_, None) => return Some(Obstacle::new(Reason::TooFew, "only the side before has it")),
        };
        if let Some(difference) = config {
            return Some(Obstacle::new(Reason::Config, difference));
        }
        if before.key.scenario_digest != after.key.scenario_digest {
            let why = format!("the workload {} was changed between the sides (another digest)", before.key.scenario);
            return Some(Obstacle::new(Reason::Config, why));
        }
        let of = |side: &str, measured: &Measured| {
            measured.obstacle.clone().map(|own| Obstacle::new(own.reason, format!("{side}: {}", own.why)))
        };
        of("before", before).or_else(|| of("after", after))
    }

    fn metric(&self, samples: &[Vec<u64>; 2], quantile: Quantile, obstacle: Option<&Obstacle>) -> MetricComparison {
        let prior = self.history().and_then(|history| history.tau_latency).unwrap_or(1.0);
        let [before, after] = samples.each_ref().map(|samples| QuantileSample::of(samples, quantile, prior));
        let lags = [self.before, self.after].into_iter().flatten().map(|side| side.lag_p99_ms);
        let jitter_p99_us = micros(lags.fold(0.0, f64::max));
        let design = match self.how {
            How::Interleaved => Design::Interleaved,
            // Only the P95 of earlier runs is known; its spread stands in for that of the quantiles that do not decide.
            How::Sequential { .. } => Design::Sequential { between: self.between() },
        };
        let rule = RegressionRule { jitter_p99_us, ..RegressionRule::default() };
        let mut regression = judge_regression(&before, &after, design, rule);
        if let Some(obstacle) = obstacle {
            overrule(&mut regression, obstacle.reason);
        }
        MetricComparison { metric: metric(quantile), regression }
    }

    /// Why the latencies did not decide.
    fn why(&self, gate: &Regression) -> Option<String> {
        let runs = self.history().map_or(0, |history| history.runs);
        Some(match gate.decision.reason() {
            Reason::Ok => return None,
            Reason::NoBaseline => format!(
                "{runs} stable runs of this kind are known, and {MIN_BASELINE_RUNS} are needed to know what differs \
                 between runs anyway"
            ),
            Reason::Straddles => "the interval of the ratio lies on both sides of the limit".into(),
            Reason::TooFew => "too few independent samples for limits on both ends".into(),
            Reason::Autocorrelated => "samples depend on each other so much that they are worth fewer than 30".into(),
            Reason::Resolution => "the difference is below what the harness can measure".into(),
            Reason::Unconfirmed => {
                "slower beyond the limit, but measured one after the other: confirm it with two targets".into()
            }
            other => format!("{other:?}"),
        })
    }
}

/// Takes the word from figures that something speaks against.
fn overrule(regression: &mut Regression, reason: Reason) {
    regression.decision = Decision::Undecided(reason);
    regression.warn = false;
    regression.p_fail = None;
}

/// Of all failures of one comparison, those stand that survive Holm's correction over all its endpoints.
fn hold_family(compared: &mut [EndpointComparison]) {
    let p = |endpoint: &EndpointComparison| endpoint.metrics[GATE].regression.p_fail;
    let tested: Vec<usize> = (0..compared.len()).filter(|at| p(&compared[*at]).is_some()).collect();
    let adjusted = holm(&tested.iter().filter_map(|at| p(&compared[*at])).collect::<Vec<_>>());
    for (at, adjusted) in tested.iter().zip(adjusted) {
        let endpoint = &mut compared[*at];
        if endpoint.decision == Decision::Fail && adjusted > FAMILY_ALPHA {
            endpoint.decision = Decision::Undecided(Reason::Unconfirmed);
            endpoint.metrics[GATE].regression.decision = endpoint.decision;
            let why = "slower beyond the limit on its own, but among so many endpoints one may be by chance: repeat it";
            endpoint.why = Some(why.into());
        }
    }
}

fn one_side(side: &Side, measured: &Measured) -> OneSide {
    OneSide {
        run: side.head.run.clone(),
        scenario_digest: measured.key.scenario_digest.clone(),
        requests: measured.requests,
        errors: measured.errors,
        lag_p99_ms: measured.lag_p99_ms,
        samples: side.keep_samples.then(|| measured.samples.clone()),
    }
}

/// Milliseconds of lag in whole microseconds, rounded up.
fn micros(ms: f64) -> u64 {
    std::time::Duration::try_from_secs_f64(ms / 1_000.0)
        .map_or(u64::MAX, |lag| u64::try_from(lag.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX))
}
