//! A baseline as a table.

use std::fmt::Write as _;

use common::slo::{Quantile, QuantileSample};

use super::Baseline;
use crate::compare::{Measured, bounded, plain};
use crate::report::printable;

/// Which run it is, and what it measured of each endpoint.
pub(crate) fn render(baseline: &Baseline) -> String {
    let mut out = String::new();
    let conditions = &baseline.head.conditions;
    let _ = writeln!(out, "baseline {}, saved {}", baseline.name, baseline.saved_at);
    let _ = writeln!(
        out,
        "run {}, begun {}: {}, profile {}, {}",
        baseline.run_id, baseline.head.started_at, conditions.target, conditions.profile, conditions.command
    );
    let _ = writeln!(out, "ledger: {} lines, head {}", baseline.ledger_lines, baseline.ledger_head);
    let releases = baseline.head.releases.iter().map(|(app, release)| format!("{app} {}", printable(release)));
    let _ = writeln!(out, "releases: {}", releases.collect::<Vec<_>>().join(", "));
    let _ = writeln!(out, "{} of {} endpoints are stable", baseline.stable(), baseline.endpoints.len());
    let _ = writeln!(out, "\n{}", table(baseline));
    out
}

fn table(baseline: &Baseline) -> String {
    let mut table = plain(["app", "endpoint", "n", "tau", "P50, ms", "P95 (95 %), ms", "digest", "stable"]);
    for measured in &baseline.endpoints {
        let samples = measured.samples.to_us();
        let of = |quantile| QuantileSample::with_tau(&samples, quantile, measured.tau).estimate(0.95);
        let median = bounded(&of(Quantile::P50));
        table.add_row([
            measured.key.app.to_string(),
            format!("{} ({})", measured.key.route, measured.key.scenario),
            samples.len().to_string(),
            format!("{:.1}", measured.tau),
            median.split(' ').next().unwrap_or_default().to_owned(),
            bounded(&of(Quantile::P95)),
            measured.key.scenario_digest.chars().take(12).collect(),
            stable(measured),
        ]);
    }
    table.trim_fmt()
}

fn stable(measured: &Measured) -> String {
    measured.obstacle.as_ref().map_or_else(|| "yes".to_owned(), |obstacle| format!("no: {}", printable(&obstacle.why)))
}
