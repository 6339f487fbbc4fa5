//! Shares: intervals, and the verdict on an error rate.

use serde_json::Value;

use super::super::{Claim, Interval, Terms, clopper_pearson, wilson as wilson_interval, wilson_cc};
use super::{Report, Tolerance, Unusable, count, number};

pub(super) fn wilson(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let (k, n, conf) = (number(case, "k")?, number(case, "n")?, number(case, "conf")?);
    let tolerance = Tolerance::of(report.tolerance)?;
    report.bounds("wilson", wilson_interval(k, n, conf), &case["wilson"], tolerance);
    report.bounds("wilson_cc", wilson_cc(k, n, conf), &case["wilson_cc"], tolerance);
    report.bounds("clopper_pearson", clopper_pearson(k, n, conf), &case["clopper_pearson"], tolerance);
    Ok(())
}

pub(super) fn error_verdict(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let (k, n, limit) = (count(case, "k")?, count(case, "n")?, number(case, "threshold")?);
    let terms = Terms { conf: number(case, "conf")?, tau: number(case, "deff")?, n_min: count(case, "n_min")? };
    let strict = case["strict"].as_bool().ok_or_else(|| Unusable::new("no boolean `strict`"))?;
    let claim = if strict { Claim::ErrorRateBelow { limit } } else { Claim::ErrorRateAtMost { limit } };
    let judged = claim.judge(k, n, terms);
    let tolerance = Tolerance::of(report.tolerance)?;
    let (k, n) = (k as f64 / terms.tau, n as f64 / terms.tau);
    let by_wilson = wilson_interval(k, n, terms.conf);
    report.bounds("wilson", by_wilson, &case["wilson"], tolerance);
    report.bounds("clopper_pearson", clopper_pearson(k, n, terms.conf), &case["clopper_pearson"], tolerance);
    report.bounds("hull", judged.interval, &case["hull"], tolerance);
    report.same("verdict", judged.decision.as_str(), &case["verdict"]);
    let alone = match by_wilson {
        Interval { upper, .. } if upper < limit || !strict && upper <= limit => "PASS",
        Interval { lower, .. } if lower > limit || strict && lower >= limit => "FAIL",
        _ => "INCONCLUSIVE",
    };
    report.same("wilson_only_verdict", alone, &case["wilson_only_verdict"]);
    report.near("p_fail", judged.p_fail, &case["p_fail"], tolerance);
    report.near("p_pass", judged.p_pass, &case["p_pass"], tolerance);
    Ok(())
}
