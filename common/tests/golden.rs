//! Replays the golden vectors of the statistics, each at its file's own tolerance, and lists every difference at once.

use std::fmt::Write as _;
use std::time::Duration;

use common::slo::{self, Budget, BurnState, BurnWindow, Claim, Interval, Judgement, Quantile, RankInterval, Terms};
use hdrhistogram::Histogram;
use serde_json::Value;

#[path = "golden/compare.rs"]
mod compare;

type Check = fn(&Value, &mut Report<'_>);

const KINDS: &[(&str, Check)] = &[
    ("wilson", wilson),
    ("error_verdict", error_verdict),
    ("quantile_ci", quantile_ci),
    ("hdr", hdr),
    ("latency_verdict", latency_verdict),
    ("autocorr", autocorr),
    ("burn_rate", burn_rate),
    ("quantile_ratio", compare::quantile_ratio),
    ("mann_whitney", compare::mann_whitney),
    ("changepoint", compare::changepoint),
    ("sequential", compare::sequential),
];

/// Where one number may differ: `|x - y| <= max(abs, rel |y|)`.
#[derive(Clone, Copy, Default)]
struct Tolerance {
    abs: f64,
    rel: f64,
}

impl Tolerance {
    fn of(value: &Value) -> Self {
        let part = |name: &str| value[name].as_f64().unwrap_or(0.0);
        let tolerance = Self { abs: part("abs"), rel: part("rel") };
        assert!(tolerance.abs > 0.0 || tolerance.rel > 0.0, "no tolerance in {value}");
        tolerance
    }

    fn allows(self, got: f64, expected: f64) -> bool {
        (got - expected).abs() <= self.abs.max(self.rel * expected.abs())
    }
}

/// The differences found so far, and whose case is being checked.
struct Report<'a> {
    file: &'a str,
    id: String,
    tolerance: &'a Value,
    compared: usize,
    differences: String,
}

impl Report<'_> {
    fn differ(&mut self, field: &str, got: &str, expected: &str) {
        let (file, id) = (self.file, &self.id);
        writeln!(self.differences, "{file} {id} {field}: got {got}, expected {expected}").expect("a string takes all");
    }

    fn same<T: serde::Serialize>(&mut self, field: &str, got: T, expected: &Value) {
        self.compared += 1;
        let got = serde_json::to_value(got).expect("plain data");
        if got != *expected {
            self.differ(field, &got.to_string(), &expected.to_string());
        }
    }

    fn near(&mut self, field: &str, got: Option<f64>, expected: &Value, tolerance: Tolerance) {
        self.compared += 1;
        let agrees = match (got, expected.as_f64()) {
            (Some(got), Some(expected)) => tolerance.allows(got, expected),
            (None, None) => expected.is_null(),
            _ => false,
        };
        if !agrees {
            self.differ(field, &format!("{got:?}"), &expected.to_string());
        }
    }

    /// Bounds that are exactly 0 or 1 must be exactly that.
    fn bounds(&mut self, field: &str, got: Interval, expected: &Value, tolerance: Tolerance) {
        for (side, got) in [got.lower, got.upper].into_iter().enumerate() {
            let strict = [0.0, 1.0].map(Value::from).contains(&expected[side]);
            let allowed = if strict { Tolerance::default() } else { tolerance };
            self.near(&format!("{field}[{side}]"), Some(got), &expected[side], allowed);
        }
    }

    fn ranks(&mut self, got: RankInterval, expected: &Value, slack: u64) {
        for (field, got) in [("lower_rank", got.lower), ("upper_rank", got.upper)] {
            self.compared += 1;
            let agrees = match (got, expected[field].as_u64()) {
                (Some(got), Some(expected)) => got.abs_diff(expected) <= slack,
                (None, None) => expected[field].is_null(),
                _ => false,
            };
            if !agrees {
                self.differ(field, &format!("{got:?}"), &expected[field].to_string());
            }
        }
    }
}

/// Runs every case of one golden file; returns how many values were compared and the list of differences.
fn replay(file: &str, text: &str) -> Result<(usize, String), String> {
    let golden: Value = serde_json::from_str(text).map_err(|error| format!("{file}: {error}"))?;
    let kind = golden["kind"].as_str().unwrap_or("none");
    let Some((_, check)) = KINDS.iter().find(|(name, _)| *name == kind) else {
        return Err(format!("{file}: no check for kind `{kind}`"));
    };
    let cases = golden["cases"].as_array().filter(|cases| !cases.is_empty());
    let cases = cases.ok_or_else(|| format!("{file}: no cases"))?;
    let mut report =
        Report { file, id: String::new(), tolerance: &golden["tolerance"], compared: 0, differences: String::new() };
    for case in cases {
        report.id = case["id"].as_str().ok_or_else(|| format!("{file}: a case without id"))?.to_owned();
        let before = report.compared;
        check(case, &mut report);
        if report.compared == before {
            return Err(format!("{file} {}: nothing was compared", report.id));
        }
    }
    Ok((report.compared, report.differences))
}

fn number(case: &Value, field: &str) -> f64 {
    case[field].as_f64().unwrap_or_else(|| panic!("no number `{field}` in {case}"))
}

fn count(case: &Value, field: &str) -> u64 {
    case[field].as_u64().unwrap_or_else(|| panic!("no count `{field}` in {case}"))
}

fn quantile(case: &Value, field: &str) -> Quantile {
    let text = case[field].as_str().unwrap_or_else(|| panic!("no quantile `{field}` in {case}"));
    text.parse().expect("a quantile")
}

/// The latencies of a case, generated where the file gives a recipe, and checked against the recipe's check values.
fn samples(spec: &Value) -> Vec<u64> {
    if let Some(values) = spec["values"].as_array() {
        return values.iter().map(|value| value.as_u64().expect("an integer latency")).collect();
    }
    let mut state = count(spec, "seed");
    let mut draw = || (splitmix64(&mut state), splitmix64(&mut state));
    let or = |field: &str, default: u64| spec[field].as_u64().unwrap_or(default);
    let n = count(spec, "n");
    let values: Vec<u64> = match spec["gen"].as_str() {
        Some("mix") => (0..n).map(|_| mix(draw(), or("scale_num", 1), or("scale_den", 1))).collect(),
        Some("burst") => {
            let mut slow = false;
            (0..n).map(|_| burst(draw(), &mut slow, or("enter", 13), or("leave", 150), or("mult", 3))).collect()
        }
        other => panic!("no generator {other:?}"),
    };
    let check = &spec["check"];
    assert_eq!(Value::from(values[..5.min(values.len())].to_vec()), check["first5"], "{spec}");
    assert_eq!(values.iter().sum::<u64>(), count(check, "sum"), "{spec}");
    assert_eq!(values.last().copied(), check["last"].as_u64(), "{spec}");
    values
}

fn splitmix64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn mix((a, b): (u64, u64), scale_num: u64, scale_den: u64) -> u64 {
    let tail = if b % 100 < 8 { 40_000 + (b / 100) % 160_000 } else { 0 };
    (20_000 + a % 60_000 + tail) * scale_num / scale_den
}

fn burst((a, b): (u64, u64), slow: &mut bool, enter: u64, leave: u64, mult: u64) -> u64 {
    *slow = if *slow { b % 1000 >= leave } else { b % 1000 < enter };
    (30_000 + a % 40_000) * if *slow { mult } else { 1 }
}

fn wilson(case: &Value, report: &mut Report<'_>) {
    let (k, n, conf) = (number(case, "k"), number(case, "n"), number(case, "conf"));
    let tolerance = Tolerance::of(report.tolerance);
    report.bounds("wilson", slo::wilson(k, n, conf), &case["wilson"], tolerance);
    report.bounds("wilson_cc", slo::wilson_cc(k, n, conf), &case["wilson_cc"], tolerance);
    report.bounds("clopper_pearson", slo::clopper_pearson(k, n, conf), &case["clopper_pearson"], tolerance);
}

fn error_verdict(case: &Value, report: &mut Report<'_>) {
    let (k, n, limit) = (count(case, "k"), count(case, "n"), number(case, "threshold"));
    let terms = Terms { conf: number(case, "conf"), tau: number(case, "deff"), n_min: count(case, "n_min") };
    let strict = case["strict"].as_bool().expect("strict is a boolean");
    let claim = if strict { Claim::ErrorRateBelow { limit } } else { Claim::ErrorRateAtMost { limit } };
    let judged = claim.judge(k, n, terms);
    let tolerance = Tolerance::of(report.tolerance);
    let (k, n) = (k as f64 / terms.tau, n as f64 / terms.tau);
    let by_wilson = slo::wilson(k, n, terms.conf);
    report.bounds("wilson", by_wilson, &case["wilson"], tolerance);
    report.bounds("clopper_pearson", slo::clopper_pearson(k, n, terms.conf), &case["clopper_pearson"], tolerance);
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
}

fn quantile_ci(case: &Value, report: &mut Report<'_>) {
    let (quantile, n, conf, expect) = (quantile(case, "p"), count(case, "n"), number(case, "conf"), &case["expect"]);
    report.same("p_num", quantile.num(), &case["p_num"]);
    report.same("p_den", quantile.den(), &case["p_den"]);
    report.same("rank", quantile.rank(n), &expect["rank"]);
    let ranks = slo::order_statistic_ranks(n, quantile, conf);
    report.ranks(ranks, expect, 0);
    report.same("two_sided_exists", ranks.is_two_sided(), &expect["two_sided_exists"]);
    report.near("coverage", Some(ranks.coverage), &expect["coverage"], Tolerance::of(&report.tolerance["coverage"]));
    if case["samples"].is_null() {
        return;
    }
    let mut sorted = samples(&case["samples"]);
    sorted.sort_unstable();
    let estimate = slo::estimate(&sorted, quantile, conf, 1.0);
    report.same("nearest_rank_value", slo::nearest_rank(&sorted, quantile), &expect["nearest_rank_value"]);
    report.same("value", estimate.value, &expect["nearest_rank_value"]);
    report.same("lower_value", estimate.lower, &expect["lower_value"]);
    report.same("upper_value", estimate.upper, &expect["upper_value"]);
    let tolerance = Tolerance::of(&report.tolerance["hf7"]);
    report.near("hf7_value", slo::hf7(&sorted, quantile), &expect["hf7_value"], tolerance);
}

fn hdr(case: &Value, report: &mut Report<'_>) {
    let sigfig = u8::try_from(count(case, "sigfig")).expect("few digits");
    let mut histogram =
        Histogram::<u64>::new_with_bounds(count(case, "lowest"), count(case, "highest"), sigfig).expect("sound bounds");
    let mut rejected = 0;
    for record in case["records"].as_array().expect("records") {
        let (value, times) = (record[0].as_u64().expect("a value"), record[1].as_u64().expect("a count"));
        if histogram.record_n(value, times).is_err() {
            rejected += times;
        }
    }
    let expect = &case["expect"];
    report.same("total", histogram.len(), &expect["total"]);
    report.same("rejected", rejected, &expect["rejected"]);
    for expected in expect["quantiles"].as_array().expect("quantiles") {
        let q = quantile(expected, "q");
        let at = slo::bucket_interval(&histogram, 0, q, 0.95, 1.0);
        report.same(&format!("{q} rank"), at.rank, &expected["rank"]);
        let bucket = at.rank.and_then(|rank| slo::rank_bucket(&histogram, rank));
        report.same(&format!("{q} bucket_low"), bucket.map(|b| b.low), &expected["bucket_low"]);
        report.same(&format!("{q} bucket_high"), bucket.map(|b| b.high), &expected["bucket_high"]);
        // An empty histogram reads 0 in the file; here it has no value.
        report.same(&format!("{q} value"), at.value.unwrap_or(0), &expected["value"]);
    }
    if !expect["p95_ci"].is_null() {
        let at = slo::bucket_interval(&histogram, 0, Quantile::P95, 0.95, 1.0);
        report.ranks(at.ranks, &expect["p95_ci"], 0);
        report.same("p95_ci.lower", at.lower, &expect["p95_ci"]["lower"]);
        report.same("p95_ci.upper", at.upper, &expect["p95_ci"]["upper"]);
    }
}

fn latency_verdict(case: &Value, report: &mut Report<'_>) {
    let (conf, p, expect) = (number(case, "conf"), quantile(case, "p"), &case["expect"]);
    let judged = match case["kind"].as_str() {
        Some("counts") => {
            let terms = Terms { conf, tau: number(case, "tau"), n_min: 0 };
            Claim::QuantileWithin { quantile: p }.judge(count(case, "k_over"), count(case, "n"), terms)
        }
        Some("samples") => {
            let mut latencies = samples(&case["samples"]);
            let timeouts = usize::try_from(count(case, "timeouts_appended")).expect("few timeouts");
            latencies.extend(std::iter::repeat_n(slo::NEVER_US, timeouts));
            let terms = Terms { conf, tau: number(case, "tau_prior"), n_min: 0 };
            let judged = slo::judge_latency(&latencies, count(case, "threshold"), p, terms);
            report.same("n", judged.n, &expect["n"]);
            report.same("k_over", judged.k, &expect["k_over"]);
            report.near("tau", Some(judged.tau), &expect["tau"], Tolerance::of(&report.tolerance["tau"]));
            judged
        }
        other => panic!("no kind {other:?} of latency verdict"),
    };
    share_of_latency(&judged, expect, report);
}

fn share_of_latency(judged: &Judgement, expect: &Value, report: &mut Report<'_>) {
    let tolerance = Tolerance::of(&report.tolerance["lower_upper"]);
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
}

fn autocorr(case: &Value, report: &mut Report<'_>) {
    let (quantile, conf, threshold) = (quantile(case, "p"), number(case, "conf"), count(case, "threshold"));
    let (latencies, expect) = (samples(&case["samples"]), &case["expect"]);
    let n = latencies.len() as u64;
    let mut sorted = latencies.clone();
    sorted.sort_unstable();
    let median = slo::nearest_rank(&sorted, Quantile::P50).expect("samples");
    report.same("n", n, &case["n"]);
    report.same("k", latencies.iter().filter(|x| **x > threshold).count(), &expect["k"]);
    report.same("median", median, &expect["median"]);
    let (tau, tolerance) = (slo::tau(&latencies, threshold, 1.0), Tolerance::of(&report.tolerance["tau"]));
    for (field, got) in [("tau_tail", tau.tail), ("tau_median", tau.median), ("tau", tau.value)] {
        report.near(field, Some(got), &expect[field], tolerance);
    }
    report.near("n_eff", Some(slo::n_eff(n, tau.value)), &expect["n_eff"], tolerance);
    let tolerance = Tolerance::of(&report.tolerance["acf"]);
    for (field, above) in [("acf_tail", threshold), ("acf_median", median)] {
        match slo::autocorrelation(latencies.iter().map(|x| *x > above), 5) {
            None => report.same(field, (), &expect[field]),
            Some(acf) => acf.iter().enumerate().for_each(|(lag, got)| {
                report.near(&format!("{field}[{lag}]"), Some(*got), &expect[field][lag], tolerance);
            }),
        }
    }
    let slack = u64::from(tau.value > 1.0);
    report.ranks(slo::ranks_with_tau(n, quantile, conf, tau.value), expect, slack);
}

fn burn_rate(case: &Value, report: &mut Report<'_>) {
    let (expect, days) = (&case["expect"], |field: &str| Duration::from_secs_f64(number(case, field) * 86_400.0));
    let burn = Tolerance::of(&report.tolerance["burn"]);
    match case["kind"].as_str().expect("a kind") {
        "factor" => {
            let long = Duration::from_secs(count(case, "long_window_s"));
            let factor = slo::burn_factor(number(case, "budget_fraction"), days("period_days"), long);
            report.near("factor", Some(factor), &expect["factor"], burn);
        }
        "budget" => {
            let seen = BurnWindow { bad: count(case, "bad"), total: count(case, "total") };
            let budget = 1.0 - number(case, "slo");
            let left =
                Budget::after(seen, budget, days("elapsed_days"), days("period_days")).expect("there are events");
            let tolerance = Tolerance::of(&report.tolerance["budget"]);
            report.near("burn_rate", Some(left.burn), &expect["burn_rate"], tolerance);
            report.near("events", Some(left.events), &expect["period_budget_events"], tolerance);
            report.near("used", Some(left.used), &expect["budget_used_fraction"], tolerance);
            report.near("minutes", Some(left.minutes), &expect["budget_minutes"], tolerance);
            report.near("days", left.days_left, &expect["days_to_exhaustion"], tolerance);
            report.bounds("burn_ci", left.interval, &expect["burn_ci"], tolerance);
        }
        "windows" => alerts(case, &|name| window_of(&case["windows"][name]), report),
        "series" => alerts(case, &|name| in_last(&case["minutes"], count(case, "t_minutes"), name), report),
        other => panic!("unknown kind {other}"),
    }
}

fn window_of(pair: &Value) -> Option<BurnWindow> {
    Some(BurnWindow { bad: pair[0].as_u64()?, total: pair[1].as_u64()? })
}

/// Sums the last minutes; `None` if the series is shorter than the window.
fn in_last(runs: &Value, t_minutes: u64, window: &str) -> Option<BurnWindow> {
    let minutes = minutes_of(window);
    let runs = runs.as_array().expect("runs of minutes").iter();
    let each = runs.flat_map(|run| {
        let run = [0, 1, 2].map(|at| run[at].as_u64().expect("a count"));
        std::iter::repeat_n((run[1], run[2]), usize::try_from(run[0]).expect("few"))
    });
    let each: Vec<_> = each.collect();
    assert_eq!(each.len() as u64, t_minutes);
    let last = each.get(each.len().checked_sub(minutes)?..)?;
    Some(BurnWindow { bad: last.iter().map(|m| m.0).sum(), total: last.iter().map(|m| m.1).sum() })
}

fn minutes_of(window: &str) -> usize {
    let (number, unit) = window.split_at(window.len() - 1);
    number.parse::<usize>().expect("a number")
        * if unit == "d" {
            1_440
        } else if unit == "h" {
            60
        } else {
            1
        }
}

fn alerts(case: &Value, window: &dyn Fn(&str) -> Option<BurnWindow>, report: &mut Report<'_>) {
    let slo = number(case, "slo");
    let budget_ppm = ((1.0 - slo) * 1e6).round() as u64;
    let named = |length: Duration| {
        let minutes = length.as_secs() / 60;
        if minutes.is_multiple_of(1_440) {
            format!("{}d", minutes / 1_440)
        } else if minutes.is_multiple_of(60) {
            format!("{}h", minutes / 60)
        } else {
            format!("{minutes}m")
        }
    };
    for alert in slo::BURN_ALERTS {
        let expect = &case["expect"]["alerts"][alert.name];
        let (Some(long), Some(short)) = (window(&named(alert.long)), window(&named(alert.short))) else {
            report.same(alert.name, (), &expect["fires"]);
            continue;
        };
        let state = alert.state(long, short, budget_ppm);
        report.same(alert.name, matches!(state, BurnState::Fires | BurnState::TooFew), &expect["fires"]);
        if !expect["fires_guarded"].is_null() {
            report.same(alert.name, state == BurnState::Fires, &expect["fires_guarded"]);
        }
        let burn = Tolerance::of(&report.tolerance["burn"]);
        report.near("burn_long", long.rate(1.0 - slo), &expect["burn_long"], burn);
        report.near("burn_short", short.rate(1.0 - slo), &expect["burn_short"], burn);
    }
}

#[test]
fn every_golden_case_is_reproduced_at_its_files_tolerance() {
    let mut differences = String::new();
    for (file, text) in [
        ("wilson.json", include_str!("golden/wilson.json")),
        ("error_verdict.json", include_str!("golden/error_verdict.json")),
        ("quantile_ci.json", include_str!("golden/quantile_ci.json")),
        ("hdr.json", include_str!("golden/hdr.json")),
        ("latency_verdict.json", include_str!("golden/latency_verdict.json")),
        ("autocorr.json", include_str!("golden/autocorr.json")),
        ("burn_rate.json", include_str!("golden/burn_rate.json")),
        ("quantile_ratio.json", include_str!("golden/quantile_ratio.json")),
        ("mann_whitney.json", include_str!("golden/mann_whitney.json")),
        ("changepoint.json", include_str!("golden/changepoint.json")),
        ("sequential.json", include_str!("golden/sequential.json")),
    ] {
        match replay(file, text) {
            Ok((_, found)) => differences.push_str(&found),
            Err(error) => writeln!(differences, "{error}").expect("a string takes all"),
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}

#[test]
fn a_golden_file_of_an_unknown_kind_or_without_cases_is_an_error() {
    for (text, complaint) in [
        (r#"{"kind":"tarot","cases":[{"id":"x"}]}"#, "no check for kind `tarot`"),
        (r#"{"cases":[{"id":"x"}]}"#, "no check for kind `none`"),
        (r#"{"kind":"wilson","cases":[]}"#, "no cases"),
        (r#"{"kind":"wilson"}"#, "no cases"),
        (r#"{"kind":"wilson","cases":[{}]}"#, "a case without id"),
        ("not json", "expected"),
    ] {
        let error = replay("made-up.json", text).expect_err(text);
        assert!(error.contains(complaint), "{error}");
    }
}

#[test]
fn a_golden_value_that_is_off_is_reported_with_its_place() {
    let text = r#"{"kind":"wilson","tolerance":{"abs":1e-12,"rel":1e-9},"cases":[{"id":"w","k":0,"n":1,"conf":0.95,
        "wilson":[0.0,0.7934506856227626],"wilson_cc":[0.0,0.9453792444711481],"clopper_pearson":[1e-15,0.9]}]}"#;
    let (compared, differences) = replay("made-up.json", text).expect("a sound file");
    assert_eq!(compared, 6);
    assert_eq!(differences, "made-up.json w clopper_pearson[1]: got Some(0.975), expected 0.9\n");
}
