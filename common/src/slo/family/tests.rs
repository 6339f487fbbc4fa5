use proptest::prelude::*;

use super::super::{Claim, Quantile, Terms, binomial_tail_at_least};
use super::*;

const WINDOW_US: u64 = 900_000_000;

fn failing(p_fail: f64) -> Measured {
    Measured { from_us: 0, until_us: WINDOW_US, decision: Decision::Fail, p_fail: Some(p_fail) }
}

fn later(measured: Measured) -> Measured {
    Measured { from_us: WINDOW_US, until_us: 2 * WINDOW_US, ..measured }
}

/// The decision on a failing gate among `others` passing ones.
fn among(others: usize, first: Measured, again: Option<Measured>) -> FamilyDecision {
    let passing = Measured { decision: Decision::Pass, ..failing(0.9) };
    let mut gates = vec![GateEvidence { first: passing, again: None }; others];
    gates.push(GateEvidence { first, again });
    *decide_family(&gates).last().unwrap()
}

const UNCONFIRMED: Decision = Decision::Undecided(Reason::Unconfirmed);

#[test]
fn a_failure_needs_to_survive_the_family_and_to_show_again() {
    let (weak, strong) = (failing(0.01), failing(1e-5));
    assert_eq!(among(59, strong, Some(later(weak))).decision, Decision::Fail);
    assert_eq!(among(59, weak, Some(later(strong))).decision, UNCONFIRMED);
    assert_eq!(among(0, weak, Some(later(weak))).decision, Decision::Fail);
}

#[test]
fn only_a_provisional_failure_is_measured_again() {
    let first = among(59, failing(1e-5), None);
    assert_eq!((first.decision, first.measure_again), (UNCONFIRMED, true));
    let weak = among(59, failing(0.01), None);
    assert_eq!((weak.decision, weak.measure_again), (UNCONFIRMED, false));
    let done = among(59, failing(1e-5), Some(later(failing(1e-5))));
    assert_eq!((done.decision, done.measure_again), (Decision::Fail, false));
}

#[test]
fn a_second_window_that_overlaps_the_first_or_does_not_fail_confirms_nothing() {
    let strong = failing(1e-6);
    let overlapping = Measured { from_us: WINDOW_US - 1, ..strong };
    let at = among(59, strong, Some(overlapping));
    assert_eq!((at.decision, at.measure_again), (UNCONFIRMED, true));
    for again in [
        Measured { decision: Decision::Pass, p_fail: Some(0.8), ..later(strong) },
        Measured { decision: Decision::Undecided(Reason::Unstable), ..later(strong) },
        Measured { p_fail: None, ..later(strong) },
        Measured { p_fail: Some(0.0251), ..later(strong) },
    ] {
        let at = among(59, strong, Some(again));
        assert_eq!((at.decision, at.measure_again), (UNCONFIRMED, false), "{again:?}");
    }
}

#[test]
fn what_did_not_fail_stays_what_it_was() {
    for decision in [Decision::Pass, Decision::Undecided(Reason::Straddles), Decision::Undecided(Reason::Unstable)] {
        for p_fail in [None, Some(1e-9), Some(f64::NAN)] {
            let first = Measured { decision, p_fail, ..failing(0.0) };
            let at = among(3, first, Some(later(failing(1e-9))));
            assert_eq!((at.decision, at.measure_again), (decision, false));
        }
    }
    assert_eq!(decide_family(&[]), []);
}

#[test]
fn a_judgement_brings_its_own_p_value() {
    let judged = Claim::QuantileWithin { quantile: Quantile::P95 }.judge(160, 1800, Terms::default());
    let first = Measured::of(&judged, 0, WINDOW_US);
    assert_eq!(first.decision, Decision::Fail);
    assert_eq!(among(59, first, Some(later(first))).decision, Decision::Fail);
}

#[test]
fn the_published_rates_of_sixty_gates_are_reproduced() {
    // P(K >= k) where the share above the limit is `share`, for the first k that is a failure at level `alpha`.
    let rejects = |share: f64, alpha: f64| {
        let first = (0..=1800).find(|k| binomial_tail_at_least(*k, 1800, 0.05) <= alpha).unwrap();
        binomial_tail_at_least(first, 1800, share)
    };
    let any_of_sixty = |rate: f64| -(60.0 * (-rate).ln_1p()).exp_m1();
    for (share, alone, family, confirmed) in
        [(0.05, 0.698, 0.0235, 0.000_47), (0.043_387_855, 0.0167, 5e-5, 2e-8), (0.037_306_227, 4e-5, 2e-8, 1e-14)]
    {
        let (single, corrected) = (rejects(share, FAMILY_ALPHA), rejects(share, FAMILY_ALPHA / 60.0));
        for (got, published) in
            [(single, alone), (corrected, family), (corrected * single, confirmed)].map(|(r, p)| (any_of_sixty(r), p))
        {
            assert!(got < published * 1.3, "{got:e} {published:e}");
            assert!(published <= 1e-14 || got > published * 0.7, "{got:e} {published:e}");
        }
    }
}

#[test]
fn no_probability_counts_as_one() {
    assert_eq!(holm(&[f64::NAN, 0.01, -0.5]), [1.0, 0.03, 1.0]);
    assert_eq!(bonferroni(&[f64::INFINITY, 0.25]), [1.0, 0.5]);
    assert_eq!(benjamini_hochberg(&[2.0, 0.25]), [1.0, 0.5]);
    assert!(holm(&[]).is_empty() && bonferroni(&[]).is_empty() && benjamini_hochberg(&[]).is_empty());
}

proptest! {
    #[test]
    fn adjusted_values_are_probabilities_in_the_order_of_their_strength(
        p in prop::collection::vec(0.0..=1.0_f64, 1..80),
    ) {
        let (by_holm, by_bonferroni, by_bh) = (holm(&p), bonferroni(&p), benjamini_hochberg(&p));
        for at in 0..p.len() {
            prop_assert!(p[at] <= by_bh[at] * (1.0 + 1e-12) && by_bh[at] <= by_holm[at] * (1.0 + 1e-12));
            prop_assert!(by_holm[at] <= by_bonferroni[at] && by_bonferroni[at] <= 1.0);
            for other in 0..p.len() {
                prop_assert!(p[at] > p[other] || by_holm[at] <= by_holm[other] && by_bh[at] <= by_bh[other]);
            }
        }
    }

    #[test]
    fn one_more_gate_never_makes_a_failure_easier(p in prop::collection::vec(0.0..=1.0_f64, 1..40), more in 0.0..=1.0_f64) {
        let fewer = holm(&p);
        let grown = holm(&[p, vec![more]].concat());
        prop_assert!(fewer.iter().zip(&grown).all(|(few, many)| few <= many));
    }
}
