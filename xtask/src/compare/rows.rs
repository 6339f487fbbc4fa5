//! `comparison.csv`: one row for each endpoint and quantile.

use common::slo::{Design, NEVER_US, Quantile, QuantileEstimate, Reason};

use super::{Comparison, EndpointComparison, MetricComparison, OneSide};

/// The columns. Latencies are in milliseconds; what does not exist is empty. An endpoint is a workload and a route, as in
/// the ids of claims.
pub(super) const COLUMNS: [&str; 25] = [
    "service",
    "endpoint",
    "metric",
    "n_before",
    "n_after",
    "tau_before",
    "tau_after",
    "before",
    "before_lo",
    "before_hi",
    "after",
    "after_lo",
    "after_hi",
    "ratio",
    "ratio_lo",
    "ratio_hi",
    "conf",
    "method",
    "design",
    "verdict",
    "reason",
    "run_before",
    "run_after",
    "config_digest_before",
    "config_digest_after",
];

/// How the limits of ratios are made: MOVER on the logarithms of order-statistic limits.
const METHOD: &str = "mover_order_statistics";

/// `p95`.
pub(super) fn metric(quantile: Quantile) -> &'static str {
    match quantile {
        Quantile::P50 => "p50",
        Quantile::P95 => "p95",
        Quantile::P99 => "p99",
        _ => "other",
    }
}

/// All rows, the header not among them.
pub(super) fn rows(comparison: &Comparison) -> Vec<Vec<String>> {
    let endpoints = comparison.endpoints.iter();
    endpoints.flat_map(|endpoint| endpoint.metrics.iter().map(|metric| row(endpoint, metric))).collect()
}

fn row(endpoint: &EndpointComparison, metric: &MetricComparison) -> Vec<String> {
    let regression = &metric.regression;
    let ratio = &regression.ratio;
    let design = match regression.design {
        Design::Interleaved => "interleaved",
        Design::Sequential { .. } => "sequential",
    };
    let side = |of: fn(&OneSide) -> &String, side: &Option<OneSide>| side.as_ref().map(of).cloned().unwrap_or_default();
    let mut row = vec![
        endpoint.app.lower().to_owned(),
        format!("{}.{}", endpoint.scenario, endpoint.route),
        metric.metric.to_owned(),
        ratio.before.n.to_string(),
        ratio.after.n.to_string(),
        tau(ratio.before.n, ratio.tau_before),
        tau(ratio.after.n, ratio.tau_after),
    ];
    row.extend(latencies(&ratio.before));
    row.extend(latencies(&ratio.after));
    row.extend([ratio.ratio, ratio.lower, ratio.upper].map(|ratio| ratio.map(six).unwrap_or_default()));
    row.extend([ratio.conf.to_string(), METHOD.to_owned(), design.to_owned()]);
    row.extend([regression.decision.as_str().to_owned(), code(regression.decision.reason())]);
    row.extend([&endpoint.before, &endpoint.after].map(|one| side(|one| &one.run, one)));
    row.extend([&endpoint.before, &endpoint.after].map(|one| side(|one| &one.scenario_digest, one)));
    row
}

/// The reason's code, `NO_BASELINE`.
pub(super) fn code(reason: Reason) -> String {
    let code = serde_json::to_value(reason).ok();
    code.and_then(|code| code.as_str().map(str::to_owned)).unwrap_or_default()
}

fn tau(n: u64, tau: f64) -> String {
    if n == 0 { String::new() } else { format!("{tau:.3}") }
}

fn latencies(of: &QuantileEstimate) -> [String; 3] {
    [of.value, of.lower, of.upper].map(|us| us.map(milliseconds).unwrap_or_default())
}

/// Exact: microseconds with the point moved.
fn milliseconds(us: u64) -> String {
    if us == NEVER_US { "inf".to_owned() } else { format!("{}.{:03}", us / 1_000, us % 1_000) }
}

fn six(value: f64) -> String {
    format!("{value:.6}")
}
