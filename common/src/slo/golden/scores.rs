//! The score of an ecosystem, its grade and its change.

use serde::Deserialize as _;
use serde_json::Value;

use super::super::{EgrsLimits, Score, ScoredService, delta, egrs as score};
use super::{Report, Tolerance, Unusable, number};

pub(super) fn egrs(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let limits = EgrsLimits { ready: number(case, "pass_threshold")?, conditional: number(case, "warn_threshold")? };
    let scored = score(&services(case, "services")?, limits);
    let (expect, tolerance) = (&case["expect"], Tolerance::of(&report.tolerance["score"])?);
    report.same("grade", scored.grade, &expect["grade"]);
    report.same("reason", scored.reason, &expect["reason"]);
    report.near("low", Some(scored.score.low), &expect["low"], tolerance);
    report.near("high", Some(scored.score.high), &expect["high"], tolerance);
    report.same("failed_gates", &scored.failed_gates, &expect["failed_gates"]);
    report.same("services", scored.services.len(), &expect["services"].as_array().map(Vec::len).into());
    for (at, Score { low, high }) in scored.services.iter().enumerate() {
        report.near_all(&format!("services[{at}]"), &[*low, *high], &expect["services"][at], tolerance);
    }
    if case.get("before").is_some() {
        let change = delta(&score(&services(case, "before")?, limits), &scored);
        let expect = &expect["delta"];
        report.near("delta.low", change.map(|change| change.low), &expect["low"], tolerance);
        report.near("delta.high", change.map(|change| change.high), &expect["high"], tolerance);
        report.same("delta.direction", change.map(|change| change.direction), &expect["direction"]);
    }
    Ok(())
}

fn services(case: &Value, field: &str) -> Result<Vec<ScoredService>, Unusable> {
    Vec::deserialize(&case[field]).map_err(|error| Unusable::new(format!("`{field}`: {error}")))
}
