//! What the record keeps of one route under one load.

use common::clock;
use common::contract::Slo;
use common::load::{self, Latency, LoadReport, PackedSamples, SecondPoint, StepReport};
use common::scenario::Scenario;
use common::slo::{Claim, NEVER_US, Quantile, Terms, bucket_interval, tau_at_limit};
use common::units::Micros;
use common::verdict::LatencyFigures;

use super::{streams, window};
use crate::record::{Exemplar, Generator, RouteFigures, Second};

/// Percentiles of the distribution plot, in thousandths of a percent.
const PLOT: [u64; 17] = [
    1_000, 10_000, 25_000, 50_000, 60_000, 70_000, 75_000, 80_000, 85_000, 90_000, 92_500, 95_000, 97_500, 99_000,
    99_500, 99_900, 99_990,
];

/// Figures of one step, for the record and the reports.
pub(super) fn figures(
    phase: u8,
    scenario: &Scenario,
    report: &LoadReport,
    step: &StepReport,
    slo: &Slo,
    tags: &[String],
) -> RouteFigures {
    let infinite = |us: &u32| if *us == load::INFINITE_US { NEVER_US } else { u64::from(*us) };
    let samples: Vec<u64> = step.samples_us.iter().map(infinite).collect();
    let requests_per_s = if report.measured_s > 0.0 { as_f64(step.count) / report.measured_s } else { 0.0 };
    let burst = requests_per_s * f64::from(slo.p95_ms) / 1_000.0;
    let limit_us = u64::from(slo.p95_ms) * 1_000;
    let tau = tau_at_limit(&samples, limit_us, window::resolution_us(slo), burst).value;
    let errors = step.error_count();
    let share = Claim::ErrorRateBelow { limit: slo.error_rate_pct / 100.0 }.judge(errors, step.count, Terms::default());
    RouteFigures {
        phase,
        app: step.app,
        route: step.route.clone(),
        scenario: scenario.id.clone(),
        scenario_title: scenario.title.clone(),
        scenario_digest: report.scenario_digest.clone(),
        executor: describe(scenario),
        tags: tags.to_vec(),
        requests: step.count,
        errors,
        error_rate_pct: share.point.unwrap_or(0.0) * 100.0,
        error_interval_pct: (share.interval.lower * 100.0, share.interval.upper * 100.0),
        errors_by_kind: step.errors.iter().map(|(kind, n)| (kind.to_string(), *n)).collect(),
        statuses: step.statuses.clone(),
        timed: step.response.count(),
        over_ms: step.over.iter().map(|over| (whole(over.limit_us / 1_000), over.count)).collect(),
        response: latency_figures(&step.response, slo.p95_ms, tau),
        service: latency_figures(&step.service, slo.p95_ms, tau),
        distribution: distribution(&step.response),
        histogram_v2: step.response.to_base64(),
        series: step.series.iter().filter(|point| !point.warm_up).map(second).collect(),
        slowest: step.slowest.iter().map(exemplar).collect(),
        failed: step.failed.iter().map(exemplar).collect(),
        generator: generator(report, slo),
        started_at: clock::rfc3339(report.started_at_unix_ms),
        duration_s: report.measured_s,
        requests_per_s,
        tau,
        tau_errors: window::error_tau(step),
        attempt: 1,
        samples: if step.samples_truncated { PackedSamples::default() } else { PackedSamples(step.samples_us.clone()) },
        failed_at: step.failed_at.clone(),
        window: window::judge(scenario, report, step, slo),
        stream: step.stream.as_ref().map(|stream| streams::figures(stream, report.measured_s)),
    }
}

fn describe(scenario: &Scenario) -> String {
    let executor = &scenario.executor;
    let pace = executor.rate_per_s().map_or_else(|| "unpaced".to_owned(), |rate| format!("{rate:.0} iterations/s"));
    format!("{}, {} VUs, {pace}, {:.0} s", executor.name(), executor.max_vus(), executor.duration().as_secs_f64())
}

/// Quantiles with the interval of the 95th percentile, widened by the autocorrelation time.
pub(super) fn latency_figures(latency: &Latency, limit_ms: u32, tau: f64) -> LatencyFigures {
    let summary = latency.summary();
    let p95 = bucket_interval(latency.histogram(), latency.beyond(), Quantile::P95, 0.95, tau);
    LatencyFigures {
        limit_ms: f64::from(limit_ms),
        p50_ms: ms(summary.p50_us),
        p95_ms: ms(summary.p95_us),
        p95_lower_ms: p95.lower.map(|us| Micros(us).as_ms()),
        p95_upper_ms: p95.upper.map(|us| Micros(us).as_ms()),
        p99_ms: ms(summary.p99_us),
        max_ms: ms(summary.max_us),
    }
}

pub(super) fn distribution(latency: &Latency) -> Vec<(f64, f64)> {
    let points = PLOT.iter().filter_map(|milli| Some((as_f64(*milli) / 1_000.0, latency.quantile(*milli, 100_000)?)));
    points.map(|(percent, us)| (percent, Micros(us).as_ms())).collect()
}

fn second(point: &SecondPoint) -> Second {
    Second {
        t_s: whole(point.second),
        requests: point.ok + point.errors,
        errors: point.errors,
        p50_ms: ms(point.p50_us),
        p95_ms: ms(point.p95_us),
        p99_ms: ms(point.p99_us),
    }
}

fn exemplar(seen: &load::Exemplar) -> Exemplar {
    Exemplar {
        trace_id: seen.trace_id,
        status: seen.capsule.status.unwrap_or(0),
        response_ms: Micros(seen.response_us).as_ms(),
        service_ms: Micros(seen.service_us).as_ms(),
        error: seen.error.clone(),
        curl: seen.capsule.curl.clone(),
        answer: seen.capsule.body.clone(),
    }
}

fn generator(report: &LoadReport, slo: &Slo) -> Generator {
    let health = &report.health;
    Generator {
        lag_p50_ms: Micros(health.schedule_lag.p50_us).as_ms(),
        lag_p99_ms: Micros(health.schedule_lag.p99_us).as_ms(),
        lag_max_ms: Micros(health.schedule_lag.max_us).as_ms(),
        cpu_pct: health.cpu_share.map(|share| share * 100.0),
        dropped_iterations: report.iterations.dropped,
        iterations: report.iterations.started,
        fault: health.blames_itself(Micros::from_ms(u64::from(slo.p95_ms))).or_else(|| health.dropped_too_many()),
    }
}

fn ms(us: Option<u64>) -> f64 {
    us.map_or(0.0, |us| Micros(us).as_ms())
}

fn whole(value: u64) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

pub(super) fn as_f64(value: u64) -> f64 {
    u32::try_from(value).map_or(f64::from(u32::MAX), f64::from)
}
