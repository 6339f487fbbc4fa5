//! Latencies: ranks and values of quantiles, histograms, correlation, and the verdict on a quantile.

use hdrhistogram::Histogram;
use serde_json::Value;

use super::super::{
    Claim, Judgement, NEVER_US, Quantile, Terms, autocorrelation, bucket_interval, estimate, hf7, judge_latency, n_eff,
    nearest_rank, order_statistic_ranks, rank_bucket, ranks_with_tau, tau,
};
use super::inputs::{list, size};
use super::{Report, Tolerance, Unusable, count, number, quantile, samples, text};

pub(super) fn quantile_ci(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let (p, n, conf, expect) = (quantile(case, "p")?, count(case, "n")?, number(case, "conf")?, &case["expect"]);
    report.same("p_num", p.num(), &case["p_num"]);
    report.same("p_den", p.den(), &case["p_den"]);
    report.same("rank", p.rank(n), &expect["rank"]);
    let ranks = order_statistic_ranks(n, p, conf);
    report.ranks(ranks, expect, 0);
    report.same("two_sided_exists", ranks.is_two_sided(), &expect["two_sided_exists"]);
    let tolerance = Tolerance::of(&report.tolerance["coverage"])?;
    report.near("coverage", Some(ranks.coverage), &expect["coverage"], tolerance);
    if case["samples"].is_null() {
        return Ok(());
    }
    let mut sorted = samples(&case["samples"])?;
    sorted.sort_unstable();
    let estimate = estimate(&sorted, p, conf, 1.0);
    report.same("nearest_rank_value", nearest_rank(&sorted, p), &expect["nearest_rank_value"]);
    report.same("value", estimate.value, &expect["nearest_rank_value"]);
    report.same("lower_value", estimate.lower, &expect["lower_value"]);
    report.same("upper_value", estimate.upper, &expect["upper_value"]);
    let tolerance = Tolerance::of(&report.tolerance["hf7"])?;
    report.near("hf7_value", hf7(&sorted, p), &expect["hf7_value"], tolerance);
    Ok(())
}

pub(super) fn hdr(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let (histogram, rejected) = recorded(case)?;
    let expect = &case["expect"];
    report.same("total", histogram.len(), &expect["total"]);
    report.same("rejected", rejected, &expect["rejected"]);
    for expected in list(expect, "quantiles")? {
        let q = quantile(expected, "q")?;
        let at = bucket_interval(&histogram, 0, q, 0.95, 1.0);
        report.same(&format!("{q} rank"), at.rank, &expected["rank"]);
        let bucket = at.rank.and_then(|rank| rank_bucket(&histogram, rank));
        report.same(&format!("{q} bucket_low"), bucket.map(|b| b.low), &expected["bucket_low"]);
        report.same(&format!("{q} bucket_high"), bucket.map(|b| b.high), &expected["bucket_high"]);
        // An empty histogram reads 0 in the file; here it has no value.
        report.same(&format!("{q} value"), at.value.unwrap_or(0), &expected["value"]);
    }
    if !expect["p95_ci"].is_null() {
        let at = bucket_interval(&histogram, 0, Quantile::P95, 0.95, 1.0);
        report.ranks(at.ranks, &expect["p95_ci"], 0);
        report.same("p95_ci.lower", at.lower, &expect["p95_ci"]["lower"]);
        report.same("p95_ci.upper", at.upper, &expect["p95_ci"]["upper"]);
    }
    Ok(())
}

/// The histogram of a case's records, and how many of them it could not hold.
fn recorded(case: &Value) -> Result<(Histogram<u64>, u64), Unusable> {
    let unusable = |what: &str| Unusable::new(format!("{what} of a histogram cannot be used"));
    let sigfig = u8::try_from(count(case, "sigfig")?).map_err(|_| unusable("the digits"))?;
    let mut histogram = Histogram::<u64>::new_with_bounds(count(case, "lowest")?, count(case, "highest")?, sigfig)
        .map_err(|_| unusable("the bounds"))?;
    let mut rejected = 0_u64;
    for record in list(case, "records")? {
        let (Some(value), Some(times)) = (record[0].as_u64(), record[1].as_u64()) else {
            return Err(unusable("a record"));
        };
        if histogram.record_n(value, times).is_err() {
            rejected = rejected.saturating_add(times);
        }
    }
    Ok((histogram, rejected))
}

pub(super) fn latency_verdict(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let (conf, p, expect) = (number(case, "conf")?, quantile(case, "p")?, &case["expect"]);
    let judged = match text(case, "kind")? {
        "counts" => {
            let terms = Terms { conf, tau: number(case, "tau")?, n_min: 0 };
            Claim::QuantileWithin { quantile: p }.judge(count(case, "k_over")?, count(case, "n")?, terms)
        }
        "samples" => {
            let mut latencies = samples(&case["samples"])?;
            latencies.extend(std::iter::repeat_n(NEVER_US, size(case, "timeouts_appended")?));
            let terms = Terms { conf, tau: number(case, "tau_prior")?, n_min: 0 };
            let judged = judge_latency(&latencies, count(case, "threshold")?, p, terms);
            report.same("n", judged.n, &expect["n"]);
            report.same("k_over", judged.k, &expect["k_over"]);
            report.near("tau", Some(judged.tau), &expect["tau"], Tolerance::of(&report.tolerance["tau"])?);
            judged
        }
        other => return Err(Unusable::new(format!("no kind `{other}` of latency verdict"))),
    };
    share_of_latency(&judged, expect, report)
}

fn share_of_latency(judged: &Judgement, expect: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let tolerance = Tolerance::of(&report.tolerance["lower_upper"])?;
    // Without samples the file gives no interval; here it is the one that says nothing.
    let known = judged.point.map(|_| judged.interval);
    report.near("lower", known.map(|at| at.lower), &expect["lower"], tolerance);
    report.near("upper", known.map(|at| at.upper), &expect["upper"], tolerance);
    report.same("verdict", judged.decision.as_str(), &expect["verdict"]);
    for (field, got) in [("p_fail", judged.p_fail), ("p_pass", judged.p_pass)] {
        if expect.get(field).is_some() {
            report.near(field, got, &expect[field], tolerance);
        }
    }
    Ok(())
}

pub(super) fn autocorr(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let (p, conf, threshold) = (quantile(case, "p")?, number(case, "conf")?, count(case, "threshold")?);
    let (latencies, expect) = (samples(&case["samples"])?, &case["expect"]);
    let n = latencies.len() as u64;
    let mut sorted = latencies.clone();
    sorted.sort_unstable();
    let median = nearest_rank(&sorted, Quantile::P50).ok_or_else(|| Unusable::new("no samples"))?;
    report.same("n", n, &case["n"]);
    report.same("k", latencies.iter().filter(|x| **x > threshold).count(), &expect["k"]);
    report.same("median", median, &expect["median"]);
    let (tau, tolerance) = (tau(&latencies, threshold, 1.0), Tolerance::of(&report.tolerance["tau"])?);
    for (field, got) in [("tau_tail", tau.tail), ("tau_median", tau.median), ("tau", tau.value)] {
        report.near(field, Some(got), &expect[field], tolerance);
    }
    report.near("n_eff", Some(n_eff(n, tau.value)), &expect["n_eff"], tolerance);
    let tolerance = Tolerance::of(&report.tolerance["acf"])?;
    for (field, above) in [("acf_tail", threshold), ("acf_median", median)] {
        match autocorrelation(latencies.iter().map(|x| *x > above), 5) {
            None => report.same(field, (), &expect[field]),
            Some(acf) => report.near_all(field, &acf, &expect[field], tolerance),
        }
    }
    let slack = u64::from(tau.value > 1.0);
    report.ranks(ranks_with_tau(n, p, conf, tau.value), expect, slack);
    Ok(())
}
