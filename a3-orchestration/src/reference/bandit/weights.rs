//! How often an arm would be chosen, computed and not drawn.

/// Cells of the grid over which beliefs are integrated.
const CELLS: u32 = 400;
/// How many standard deviations around the means the grid reaches.
const REACH: f64 = 9.0;

/// `P(arm is best)` for beliefs Beta(alpha, beta) with alpha and beta at least 1: `∫ f_i ∏ F_j`, by the midpoints of a
/// grid around all means; together 1.
pub(super) fn best_shares(beliefs: &[(f64, f64)]) -> Vec<f64> {
    let moments = || beliefs.iter().map(|(a, b)| (a / (a + b), (a * b / (a + b + 1.0)).sqrt() / (a + b)));
    let from = moments().map(|(mean, sd)| mean - REACH * sd).fold(1.0, f64::min).max(0.0);
    let to = moments().map(|(mean, sd)| mean + REACH * sd).fold(0.0, f64::max).min(1.0);
    let width = (to - from) / f64::from(CELLS);
    let masses: Vec<Vec<f64>> = beliefs.iter().map(|belief| cells(*belief, from, width)).collect();
    // Up to the middle of each cell, so that arms with equal beliefs tie evenly.
    let below: Vec<Vec<f64>> = masses.iter().map(|mass| up_to_the_middle(mass)).collect();
    let shares: Vec<f64> = (0..beliefs.len())
        .map(|arm| {
            let others = |cell: usize| {
                below
                    .iter()
                    .enumerate()
                    .filter(|(other, _)| *other != arm)
                    .map(|(_, below)| below[cell])
                    .product::<f64>()
            };
            masses[arm].iter().enumerate().map(|(cell, mass)| mass * others(cell)).sum()
        })
        .collect();
    let total: f64 = shares.iter().sum();
    shares.into_iter().map(|share| if total > 0.0 { share / total } else { 1.0 / beliefs.len() as f64 }).collect()
}

/// The mass of a belief in each cell; together 1.
fn cells((alpha, beta): (f64, f64), from: f64, width: f64) -> Vec<f64> {
    let log = |cell: u32| {
        let x = from + (f64::from(cell) + 0.5) * width;
        (alpha - 1.0) * x.ln() + (beta - 1.0) * (1.0 - x).ln()
    };
    let logs: Vec<f64> = (0..CELLS).map(log).collect();
    let highest = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let heights: Vec<f64> = logs.into_iter().map(|log| (log - highest).exp()).collect();
    let total: f64 = heights.iter().sum();
    heights.into_iter().map(|height| height / total).collect()
}

fn up_to_the_middle(masses: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let middle = |mass: &f64| {
        sum += mass;
        sum - mass / 2.0
    };
    masses.iter().map(middle).collect()
}

/// The floor that `arms` arms can all have.
pub(super) fn held(floor: f64, arms: usize) -> f64 {
    floor.clamp(0.0, 1.0 / arms.max(1) as f64)
}

/// Weights of which each open one is at least `floor`: `floor + (1 − open · floor) · share`; the others are 0.
pub(super) fn with_floor(shares: &[f64], open: &[bool], floor: f64) -> Vec<f64> {
    let count = open.iter().filter(|open| **open).count();
    let floor = held(floor, count);
    let left = 1.0 - floor * count as f64;
    shares.iter().zip(open).map(|(share, open)| if *open { floor + left * share } else { 0.0 }).collect()
}

/// The shares of the open arms in their places, 0 in the others.
pub(super) fn spread(shares: &[f64], open: &[bool]) -> Vec<f64> {
    let mut shares = shares.iter().copied();
    open.iter().map(|open| if *open { shares.next().unwrap_or_default() } else { 0.0 }).collect()
}

/// What is left of shares for the open arms, together 1: even if they had nothing.
pub(super) fn only(shares: &[f64], open: &[bool]) -> Vec<f64> {
    let sum: f64 = shares.iter().zip(open).filter(|(_, open)| **open).map(|(share, _)| share).sum();
    let even = 1.0 / open.iter().filter(|open| **open).count().max(1) as f64;
    let of = |share: f64| if sum > 0.0 { share / sum } else { even };
    shares.iter().zip(open).map(|(share, open)| if *open { of(*share) } else { 0.0 }).collect()
}

/// The arm at this share (0 to 1) of the shares laid end to end.
pub(super) fn pick(shares: &[f64], at: f64) -> usize {
    let mut sum = 0.0;
    let passed = shares.iter().take_while(|share| {
        sum += *share;
        sum <= at
    });
    passed.count().min(shares.len().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn equal_beliefs_share_evenly_and_a_clear_winner_takes_all() {
        for beliefs in [vec![(1.0, 1.0); 2], vec![(7.3, 2.0); 3], vec![(5_000.0, 9_000.0); 4]] {
            let even = 1.0 / beliefs.len() as f64;
            assert!(best_shares(&beliefs).iter().all(|share| (share - even).abs() < 1e-9), "{beliefs:?}");
        }
        assert!(best_shares(&[(80.0, 20.0), (20.0, 80.0)])[0] > 0.999_999);
    }

    #[test]
    fn the_share_of_a_known_case_is_exact() {
        // Two uniform arms and one Beta(2, 1): P(x < y) = 2/3 of one; of two, ∫ 2x · x² dx = 1/2.
        assert!((best_shares(&[(2.0, 1.0), (1.0, 1.0)])[0] - 2.0 / 3.0).abs() < 1e-4);
        assert!((best_shares(&[(2.0, 1.0), (1.0, 1.0), (1.0, 1.0)])[0] - 0.5).abs() < 1e-4);
    }

    #[test]
    fn a_share_picks_the_arm_that_covers_it() {
        let shares = [0.2, 0.5, 0.3];
        assert_eq!([0.0, 0.19, 0.2, 0.69, 0.7, 1.0].map(|at| pick(&shares, at)), [0, 0, 1, 1, 2, 2]);
    }

    #[test]
    fn what_is_shut_has_nothing_and_the_rest_makes_one() {
        let open = [true, false, true];
        assert_eq!(only(&[0.2, 0.5, 0.3], &open), [0.4, 0.0, 0.6]);
        assert_eq!(only(&[0.0, 1.0, 0.0], &open), [0.5, 0.0, 0.5]);
        assert_eq!(spread(&[0.1, 0.9], &open), [0.1, 0.0, 0.9]);
        assert_eq!(with_floor(&[0.0, 0.0, 1.0], &open, 0.25), [0.25, 0.0, 0.75]);
    }

    proptest! {
        #[test]
        fn shares_make_one_and_more_rewards_never_make_an_arm_rarer(
            beliefs in prop::collection::vec((1.0..300.0_f64, 1.0..300.0_f64), 2..6), more in 0.1..5.0_f64
        ) {
            let before = best_shares(&beliefs);
            prop_assert!((before.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            let mut richer = beliefs.clone();
            richer[0].0 += more;
            prop_assert!(best_shares(&richer)[0] >= before[0] - 1e-6);
        }
    }
}
