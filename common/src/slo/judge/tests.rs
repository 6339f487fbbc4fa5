use proptest::prelude::*;

use super::super::rank::order_statistic_ranks;
use super::*;

const ONE_PERCENT: Claim = Claim::ErrorRateBelow { limit: 0.01 };
const P95: Claim = Claim::QuantileWithin { quantile: Quantile::P95 };
const P99: Claim = Claim::QuantileWithin { quantile: Quantile::P99 };

fn decide(claim: Claim, k: u64, n: u64) -> Decision {
    claim.judge(k, n, Terms::default()).decision
}

/// The largest k that passes and the smallest that fails at `n`.
fn borders(claim: Claim, n: u64) -> (Option<u64>, u64) {
    let fails = first_where(0, n, |k| decide(claim, k, n) == Decision::Fail);
    let passes_not = first_where(0, n, |k| decide(claim, k, n) != Decision::Pass);
    (passes_not.checked_sub(1), fails)
}

#[test]
fn the_published_borders_of_error_rates_are_reproduced() {
    for (n, at_1_percent, at_1_per_mille) in [
        (200, (None, 6), (None, 2)),
        (381, (Some(0), 9), (None, 3)),
        (600, (Some(1), 12), (None, 3)),
        (1000, (Some(3), 18), (None, 4)),
        (1800, (Some(9), 28), (None, 6)),
        (3838, (Some(26), 52), (Some(0), 9)),
        (7200, (Some(55), 90), (Some(1), 14)),
        (10000, (Some(80), 121), (Some(3), 18)),
        (57600, (Some(529), 624), (Some(42), 74)),
    ] {
        assert_eq!(borders(ONE_PERCENT, n), at_1_percent, "1 % at n={n}");
        assert_eq!(borders(Claim::ErrorRateBelow { limit: 0.001 }, n), at_1_per_mille, "0.1 % at n={n}");
    }
}

#[test]
fn the_published_borders_of_p95_and_p99_are_reproduced() {
    for (n, p95, p99) in [
        (200, (Some(3), 17), (None, 6)),
        (600, (Some(19), 42), (Some(1), 12)),
        (1000, (Some(36), 65), (Some(3), 18)),
        (1800, (Some(71), 110), (Some(9), 28)),
        (3600, (Some(154), 207), (Some(24), 49)),
        (10000, (Some(457), 544), (Some(80), 121)),
    ] {
        assert_eq!(borders(P95, n), p95, "P95 at n={n}");
        assert_eq!(borders(P99, n), p99, "P99 at n={n}");
    }
}

#[test]
fn zero_samples_decide_nothing_and_name_the_smallest_sample_that_could() {
    for (claim, needed) in [(ONE_PERCENT, 381), (P95, 72), (P99, 368), (Claim::SuccessAtLeast { target: 0.9 }, 36)] {
        let judged = claim.judge(0, 0, Terms::default());
        assert_eq!(judged.decision, Decision::Undecided(Reason::TooFew));
        assert_eq!((judged.point, judged.p_fail, judged.p_fail_effective), (None, None, None));
        assert_eq!(judged.interval, Interval::VACUOUS);
        assert_eq!(judged.samples_needed, Some(needed), "{claim:?}");
    }
}

#[test]
fn too_few_means_that_no_outcome_could_pass() {
    assert_eq!(decide(ONE_PERCENT, 0, 380), Decision::Undecided(Reason::TooFew));
    assert_eq!(decide(ONE_PERCENT, 1, 381), Decision::Undecided(Reason::Straddles));
    assert_eq!(decide(P95, 1, 71), Decision::Undecided(Reason::TooFew));
    assert_eq!(decide(P95, 1, 72), Decision::Undecided(Reason::Straddles));
}

#[test]
fn a_floor_on_samples_holds_back_a_pass_and_a_failure() {
    let terms = Terms { n_min: 1800, ..Terms::default() };
    for k in [0, 400] {
        let judged = ONE_PERCENT.judge(k, 400, terms);
        assert_eq!(judged.decision, Decision::Undecided(Reason::TooFew));
        assert_eq!(judged.samples_needed, Some(1400));
    }
}

#[test]
fn the_samples_needed_are_the_first_that_decide() {
    let judged = ONE_PERCENT.judge(0, 200, Terms::default());
    assert_eq!(judged.samples_needed, Some(181));
    assert_eq!(ONE_PERCENT.judge(18, 1800, Terms::default()).samples_needed, None, "the share lies at the limit");
    assert_eq!(P95.judge(90, 1800, Terms::default()).samples_needed, None, "the share lies at the limit");
    assert_eq!(ONE_PERCENT.judge(0, 1800, Terms::default()).samples_needed, None, "decided already");
    assert_eq!(ONE_PERCENT.judge(9_999, 1_000_000, Terms::default()).samples_needed, None, "over ten million");
    let clustered = ONE_PERCENT.judge(0, 500, Terms { tau: 4.0, ..Terms::default() });
    assert_eq!(clustered.samples_needed, Some(1522 - 500), "z2 (1-T)/T tau = 1521.2");
    for (claim, k, n) in [(ONE_PERCENT, 8, 1000), (P95, 8, 200), (P95, 13, 200), (ONE_PERCENT, 3, 200)] {
        let needed = claim.judge(k, n, Terms::default()).samples_needed.expect("decidable");
        let at = |total: u64| claim.side(k as f64 / n as f64 * total as f64, total as f64, 0.95);
        assert_eq!((at(n + needed) == Side::Across, at(n + needed - 1) == Side::Across), (false, true));
    }
}

#[test]
fn samples_worth_fewer_than_thirty_are_autocorrelated() {
    let terms = Terms { tau: 100.0, ..Terms::default() };
    let judged = P95.judge(0, 1800, terms);
    assert_eq!(judged.decision, Decision::Undecided(Reason::Autocorrelated));
    assert_eq!((judged.n_eff, judged.samples_needed), (18.0, Some(5392)));
    assert_eq!((judged.p_fail, judged.p_fail_effective), (None, Some(1.0)));
    assert_eq!(P95.judge(0, 20, Terms { tau: 1.1, ..terms }).decision, Decision::Undecided(Reason::TooFew));
}

#[test]
fn a_success_rate_passes_by_its_lower_bound() {
    let claim = Claim::SuccessAtLeast { target: 0.9 };
    assert_eq!(decide(claim, 35, 35), Decision::Undecided(Reason::TooFew));
    assert_eq!(decide(claim, 36, 36), Decision::Pass);
    assert_eq!(decide(claim, 95, 100), Decision::Undecided(Reason::Straddles));
    assert_eq!(decide(claim, 70, 100), Decision::Fail);
    let all = Claim::SuccessAtLeast { target: 1.0 };
    assert_eq!(decide(all, 99, 100), Decision::Fail);
    assert_eq!(all.judge(100, 100, Terms::default()).decision, Decision::Undecided(Reason::TooFew));
    assert_eq!(all.judge(100, 100, Terms::default()).samples_needed, None);
}

#[test]
fn terms_that_make_no_sense_are_a_configuration_error() {
    let terms = Terms::default();
    for (claim, k, n, terms) in [
        (ONE_PERCENT, 2, 1, terms),
        (ONE_PERCENT, 0, 500, Terms { tau: 0.5, ..terms }),
        (ONE_PERCENT, 0, 500, Terms { tau: f64::NAN, ..terms }),
        (ONE_PERCENT, 0, 500, Terms { conf: 1.0, ..terms }),
        (Claim::ErrorRateBelow { limit: 0.0 }, 0, 500, terms),
        (Claim::ErrorRateAtMost { limit: f64::NAN }, 0, 500, terms),
        (Claim::SuccessAtLeast { target: 1.1 }, 500, 500, terms),
        (Claim::QuantileWithin { quantile: "1".parse().unwrap() }, 0, 500, terms),
    ] {
        let judged = claim.judge(k, n, terms);
        assert_eq!(judged.decision, Decision::Undecided(Reason::Config), "{claim:?} {k} {n} {terms:?}");
        assert_eq!((judged.interval, judged.samples_needed), (Interval::VACUOUS, None));
    }
}

#[test]
fn unanswered_requests_count_as_over_the_limit() {
    let mut samples = vec![20_000; 1800];
    assert_eq!(judge_latency(&samples, 150_000, Quantile::P95, Terms::default()).decision, Decision::Pass);
    for t in (0..1800).step_by(10) {
        samples[t] = super::super::NEVER_US;
    }
    let judged = judge_latency(&samples, 150_000, Quantile::P95, Terms::default());
    assert_eq!((judged.k, judged.decision), (180, Decision::Fail));
}

#[test]
fn a_judgement_is_written_with_verdict_and_reason_and_read_back() {
    let judged = ONE_PERCENT.judge(1, 381, Terms::default());
    let json = serde_json::to_value(judged).unwrap();
    assert_eq!(json["claim"], serde_json::json!({"kind": "ERROR_RATE_BELOW", "limit": 0.01}));
    assert_eq!((&json["verdict"], &json["reason"]), (&"INCONCLUSIVE".into(), &"STRADDLES".into()));
    assert_eq!(json["method"], "HULL");
    assert_eq!(json["limit"], 0.01);
    assert_eq!(serde_json::from_value::<Judgement>(json).unwrap(), judged);
    let latency = P95.judge(0, 72, Terms::default());
    let text = serde_json::to_string(&latency).unwrap();
    assert_eq!(serde_json::from_str::<Judgement>(&text).unwrap(), latency, "{text}");
}

fn any_claim() -> impl Strategy<Value = Claim> {
    prop_oneof![
        (0.0005..0.5_f64).prop_map(|limit| Claim::ErrorRateBelow { limit }),
        (0.0005..0.5_f64).prop_map(|limit| Claim::ErrorRateAtMost { limit }),
        (0.5..1.0_f64).prop_map(|target| Claim::SuccessAtLeast { target }),
        prop_oneof![Just(Quantile::P50), Just(Quantile::P95), Just(Quantile::P99)]
            .prop_map(|quantile| Claim::QuantileWithin { quantile }),
    ]
}

proptest! {
    #[test]
    fn a_decision_agrees_with_its_interval_and_never_passes_on_nothing(
        claim in any_claim(), n in 0..3000_u64, part in 0.0..=1.0_f64, tau in 1.0..40.0_f64,
    ) {
        let k = (part * n as f64) as u64;
        let judged = claim.judge(k, n, Terms { tau, ..Terms::default() });
        if let Some(point) = judged.point {
            prop_assert!(judged.interval.lower <= point + 1e-9 && point <= judged.interval.upper + 1e-9);
        }
        let good = |share: f64| if claim.counts_good() { share >= judged.limit } else { share <= judged.limit };
        let (lower, upper) = (good(judged.interval.lower), good(judged.interval.upper));
        match judged.decision {
            Decision::Pass => prop_assert!(n > 0 && lower && upper),
            Decision::Fail => prop_assert!(n > 0 && !(lower && upper)),
            Decision::Undecided(_) => prop_assert!(judged.samples_needed.is_none_or(|more| more > 0)),
        }
    }

    #[test]
    fn a_latency_verdict_is_the_same_by_counts_and_by_order_statistics(
        n in 1..5000_u64, part in 0.0..0.3_f64, quantile in prop_oneof![Just(Quantile::P95), Just(Quantile::P99)],
    ) {
        let within = n - (part * part * n as f64) as u64;
        let ranks = order_statistic_ranks(n, quantile, 0.95);
        let by_ranks = match (ranks.lower, ranks.upper) {
            (_, Some(upper)) if upper <= within => "PASS",
            (Some(lower), _) if lower > within => "FAIL",
            _ => "INCONCLUSIVE",
        };
        prop_assert_eq!(decide(Claim::QuantileWithin { quantile }, n - within, n).as_str(), by_ranks);
    }

    #[test]
    fn more_errors_never_improve_a_decision(n in 1..3000_u64, part in 0.0..1.0_f64, tau in 1.0..10.0_f64) {
        let k = ((part * part * n as f64) as u64).min(n - 1);
        let rank = |k| match ONE_PERCENT.judge(k, n, Terms { tau, ..Terms::default() }).decision {
            Decision::Pass => 0,
            Decision::Undecided(_) => 1,
            Decision::Fail => 2,
        };
        prop_assert!(rank(k) <= rank(k + 1));
    }
}
