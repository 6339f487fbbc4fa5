//! The checks of what compares: ratios of quantiles, shifts, changes of level, evidence that grows.

use common::slo::{self, Design, QuantileSample, RegressionRule};
use serde_json::Value;

use super::{Report, Tolerance, number, quantile, samples};

pub(super) fn quantile_ratio(case: &Value, report: &mut Report<'_>) {
    let (p, expect) = (quantile(case, "p"), &case["expect"]);
    let rule = RegressionRule { limit: number(case, "limit"), conf: number(case, "conf"), jitter_p99_us: 0 };
    let auto = case["auto_tau"].as_bool().expect("auto_tau is a boolean");
    let [before, after] = ["before", "after"].map(|side| {
        let latencies = samples(&case[side]);
        if auto { QuantileSample::of(&latencies, p, 1.0) } else { QuantileSample::with_tau(&latencies, p, 1.0) }
    });
    let judged = slo::judge_regression(&before, &after, Design::Interleaved, rule);
    let at = judged.ratio;
    for (side, got, tau) in [("before", at.before, at.tau_before), ("after", at.after, at.tau_after)] {
        let expect = &expect[side];
        let field = format!("tau_{side}");
        report.near(&field, Some(tau), &case["expect"][&field], Tolerance::of(&report.tolerance["tau"]));
        report.same(&format!("{side} rank"), got.rank, &expect["rank"]);
        report.same(&format!("{side} point"), got.value, &expect["point"]);
        report.same(&format!("{side} l"), got.ranks.lower, &expect["l"]);
        report.same(&format!("{side} u"), got.ranks.upper, &expect["u"]);
        report.same(&format!("{side} lower"), got.lower, &expect["lower"]);
        report.same(&format!("{side} upper"), got.upper, &expect["upper"]);
    }
    let tolerance = Tolerance::of(&report.tolerance["ratio_lower_upper"]);
    for (field, got) in [("ratio", at.ratio), ("lower", at.lower), ("upper", at.upper)] {
        report.near(field, got, &expect[field], tolerance);
    }
    report.same("verdict", judged.decision.as_str(), &expect["verdict"]);
}
