//! The checks of what compares: ratios of quantiles, shifts, changes of level, evidence that grows.

use serde_json::Value;

use super::super::{
    ChangePoint, ChangeRules, Design, Evidence, QuantileSample, RegressionRule, best_split, change_points,
    judge_regression, mann_whitney as shift, refutes,
};
use super::inputs::{list, numbers, size};
use super::{Report, Tolerance, Unusable, number, quantile, samples};

pub(super) fn quantile_ratio(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let (p, expect) = (quantile(case, "p")?, &case["expect"]);
    let rule = RegressionRule { limit: number(case, "limit")?, conf: number(case, "conf")?, jitter_p99_us: 0 };
    let auto = case["auto_tau"].as_bool().ok_or_else(|| Unusable::new("no boolean `auto_tau`"))?;
    let side = |name: &str| {
        let latencies = samples(&case[name])?;
        let made = if auto { QuantileSample::of } else { QuantileSample::with_tau };
        Ok(made(&latencies, p, 1.0))
    };
    let (before, after) = (side("before")?, side("after")?);
    let judged = judge_regression(&before, &after, Design::Interleaved, rule);
    let at = judged.ratio;
    for (side, got, tau) in [("before", at.before, at.tau_before), ("after", at.after, at.tau_after)] {
        let expect = &expect[side];
        let field = format!("tau_{side}");
        report.near(&field, Some(tau), &case["expect"][&field], Tolerance::of(&report.tolerance["tau"])?);
        report.same(&format!("{side} rank"), got.rank, &expect["rank"]);
        report.same(&format!("{side} point"), got.value, &expect["point"]);
        report.same(&format!("{side} l"), got.ranks.lower, &expect["l"]);
        report.same(&format!("{side} u"), got.ranks.upper, &expect["u"]);
        report.same(&format!("{side} lower"), got.lower, &expect["lower"]);
        report.same(&format!("{side} upper"), got.upper, &expect["upper"]);
    }
    let tolerance = Tolerance::of(&report.tolerance["ratio_lower_upper"])?;
    for (field, got) in [("ratio", at.ratio), ("lower", at.lower), ("upper", at.upper)] {
        report.near(field, got, &expect[field], tolerance);
    }
    report.same("verdict", judged.decision.as_str(), &expect["verdict"]);
    Ok(())
}

pub(super) fn mann_whitney(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let got = shift(&numbers(case, "after")?, &numbers(case, "before")?);
    let (got, expect) = (got.ok_or_else(|| Unusable::new("no two samples"))?, &case["expect"]);
    report.same("U1", got.u_after, &expect["U1"]);
    report.same("U2", got.u_before, &expect["U2"]);
    report.same("a12", got.a12, &expect["a12"]);
    let tolerance = Tolerance::of(&report.tolerance["hodges_lehmann"])?;
    report.near("hodges_lehmann", got.shift, &expect["hodges_lehmann"], tolerance);
    let tolerance = Tolerance::of(&report.tolerance["p"])?;
    for (method, p) in [("asymptotic", Some(got.asymptotic)), ("exact", got.exact)] {
        for (side, p) in
            [("two-sided", p.map(|p| p.two_sided)), ("greater", p.map(|p| p.greater)), ("less", p.map(|p| p.less))]
        {
            let field = format!("p_{method}_{side}");
            report.near(&field, p, &expect[&field], tolerance);
        }
    }
    Ok(())
}

pub(super) fn changepoint(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let series = numbers(case, "series")?;
    let rules = ChangeRules {
        window: size(case, "window_len")?,
        max_p: number(case, "max_pvalue")?,
        min_magnitude: number(case, "min_magnitude")?,
    };
    let points = change_points(&series, rules).ok_or_else(|| Unusable::new("a series that is not finite"))?;
    let expect = &case["expect"];
    let indices = |of: &dyn Fn(&ChangePoint) -> bool| -> Vec<usize> {
        points.iter().filter(|point| of(point)).map(|point| point.index).collect()
    };
    // Otava merges its weak points in place, so that both lists of the file are those that remain.
    report.same("weak_indices", indices(&|_| true), &expect["weak_indices"]);
    if rules == ChangeRules::GATE {
        report.same("gate_eligible", indices(&|point| point.may_gate()), &expect["gate_eligible"]);
    }
    let (change, p) = (report.tolerance["relative_change"].clone(), report.tolerance["p_value"].clone());
    for (at, expected) in points.iter().zip(list(expect, "change_points")?) {
        let name = |field: &str| format!("{} {field}", at.index);
        report.same(&name("index"), at.index, &expected["index"]);
        let means = [("mean_before", at.before.mean), ("mean_after", at.after.mean)];
        for (field, got) in means.into_iter().chain([("relative_change", at.relative_change())]) {
            report.near(&name(field), Some(got), &expected[field], Tolerance::of(&change)?);
        }
        report.near(&name("p_value"), Some(at.p_value), &expected["p_value"], Tolerance::of(&p)?);
    }
    let first = &expect["first_candidate"];
    if !first.is_null() {
        let split = best_split(&series).ok_or_else(|| Unusable::new("a series without two values"))?;
        report.near("qhat", Some(split.divergence), &first["qhat"], Tolerance::of(&report.tolerance["qhat"])?);
        report.same("tau", split.index, &first["tau"]);
        report.same("kappa", split.end, &first["kappa"]);
    }
    Ok(())
}

pub(super) fn sequential(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let (p0, expect) = (number(case, "p0")?, &case["expect"]);
    report.near("prior b", Some(p0.recip() - 1.0), &case["prior"][1], Tolerance { abs: 1e-9, rel: 0.0 });
    let got = Evidence::of(number(case, "k")?, number(case, "n")?, p0);
    let got = got.ok_or_else(|| Unusable::new("counts that cannot be"))?;
    let tolerance = Tolerance::of(&report.tolerance["log_e"])?;
    for (field, rejects, log_e) in
        [("log_e_above", "reject_le_p0_at_0.05", got.above), ("log_e_below", "reject_ge_p0_at_0.05", got.below)]
    {
        let underflow = log_e == f64::NEG_INFINITY && number(expect, field)? < 0.0;
        if !underflow {
            report.near(field, Some(log_e), &expect[field], tolerance);
        }
        report.same(rejects, refutes(log_e, 0.05), &expect[rejects]);
    }
    Ok(())
}
