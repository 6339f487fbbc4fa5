//! What the blocks of one side add up to.

use common::clock;
use common::load::{End, LoadError, LoadReport, PackedSamples, StepReport};
use common::scenario::Scenario;
use common::slo::{Claim, Decision, Reason, Terms, tau};
use common::units::Micros;

use crate::compare::side::{Measured, Obstacle, Span};
use crate::history::EndpointKey;
use crate::run::slo_of;
use crate::suites;

/// What the generator blames itself for, as the strictest service level of the load's routes sees it.
pub(super) fn fault(report: &LoadReport) -> Option<String> {
    let level = |step: &StepReport| slo_of(&suites::suite(step.app).contract, &step.route).0.p95_ms;
    let strictest = Micros::from_ms(u64::from(report.steps.iter().map(level).min()?));
    report.health.blames_itself(strictest).or_else(|| report.health.dropped_too_many())
}

/// All blocks of one side so far.
#[derive(Default)]
pub(super) struct Gathered {
    endpoints: Vec<Endpoint>,
    failed: Vec<String>,
}

/// One step of a workload over the blocks so far.
struct Endpoint {
    step: String,
    measured: Measured,
    /// The route's service level.
    p95_ms: u32,
    error_rate_pct: f64,
}

impl Gathered {
    /// Adds a block of a workload.
    pub(super) fn take(&mut self, scenario: &Scenario, result: Result<LoadReport, LoadError>) {
        let report = match result {
            Ok(report) => report,
            Err(error) => {
                let line = format!("{}: {error}", scenario.id);
                if !self.failed.contains(&line) {
                    self.failed.push(line);
                }
                return;
            }
        };
        for step in &report.steps {
            let own = |one: &&mut Endpoint| one.step == step.name && one.measured.key.scenario == scenario.id;
            match self.endpoints.iter_mut().find(own) {
                Some(endpoint) => endpoint.add(&report, step),
                None => {
                    let mut endpoint = Endpoint::new(&report, step);
                    let taken = self.endpoints.iter().map(|other| &other.measured.key);
                    endpoint.measured.key = endpoint.measured.key.apart_from(taken);
                    endpoint.add(&report, step);
                    self.endpoints.push(endpoint);
                }
            }
        }
    }

    /// What was measured, and what failed. Where a block gave nothing, what the others gave is not the whole.
    pub(super) fn settled(self) -> (Vec<Measured>, Vec<String>) {
        let failed = self.failed;
        let lost = |measured: &Measured| {
            let opening = format!("{}: ", measured.key.scenario);
            let line = failed.iter().find(|line| line.starts_with(&opening))?;
            Some(Obstacle::new(Reason::Stopped, format!("a block failed: {line}")))
        };
        let settled = self.endpoints.into_iter().map(|endpoint| {
            let measured = endpoint.settled();
            let obstacle = measured.obstacle.clone().or_else(|| lost(&measured));
            Measured { obstacle, ..measured }
        });
        (settled.collect(), failed)
    }
}

impl Endpoint {
    fn new(report: &LoadReport, step: &StepReport) -> Self {
        let slo = slo_of(&suites::suite(step.app).contract, &step.route).0;
        Self {
            step: step.name.clone(),
            measured: Measured {
                key: EndpointKey {
                    app: step.app,
                    scenario: report.scenario.clone(),
                    route: step.route.clone(),
                    scenario_digest: report.scenario_digest.clone(),
                },
                requests: 0,
                errors: 0,
                tau: 1.0,
                lag_p99_ms: 0.0,
                samples: PackedSamples::default(),
                spans: Vec::new(),
                obstacle: None,
            },
            p95_ms: slo.p95_ms,
            error_rate_pct: slo.error_rate_pct,
        }
    }

    fn add(&mut self, report: &LoadReport, step: &StepReport) {
        let measured = &mut self.measured;
        measured.requests += step.count;
        measured.errors += step.error_count();
        measured.lag_p99_ms = measured.lag_p99_ms.max(Micros(report.health.schedule_lag.p99_us).as_ms());
        measured.samples.0.extend(&step.samples_us);
        measured.spans.push(Span {
            started_at: clock::rfc3339(report.started_at_unix_ms),
            duration_s: report.measured_s,
            samples: step.samples_us.len(),
        });
        let obstacle = || {
            if report.end != End::Completed {
                return Some(Obstacle::new(Reason::Stopped, "a block was stopped before its end"));
            }
            if !report.open_model {
                return Some(Obstacle::new(Reason::ClosedLoop, "users waited for answers before they asked again"));
            }
            if step.samples_truncated {
                return Some(Obstacle::new(Reason::TooFew, "more latencies than are kept"));
            }
            fault(report).map(|fault| Obstacle::new(Reason::HarnessFault, fault))
        };
        if measured.obstacle.is_none() {
            measured.obstacle = obstacle();
        }
    }

    /// Latencies of requests that mostly fail say little of an endpoint: then nothing is decided by them.
    fn settled(self) -> Measured {
        let mut measured = self.measured;
        measured.tau = tau(&measured.samples.to_us(), u64::from(self.p95_ms) * 1_000, 1.0).value;
        let claim = Claim::ErrorRateBelow { limit: self.error_rate_pct / 100.0 };
        let errors = claim.decide(measured.errors, measured.requests, Terms::default());
        if measured.obstacle.is_none() && errors == Decision::Fail {
            let why = format!("{} of {} requests failed", measured.errors, measured.requests);
            measured.obstacle = Some(Obstacle::new(Reason::Unstable, why));
        }
        measured
    }
}
