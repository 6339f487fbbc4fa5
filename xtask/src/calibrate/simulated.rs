//! Cells that are simulated with a generator of our own: what correlation does to verdicts and to intervals.

use std::collections::HashMap;

use common::slo::golden::{Unusable, number};
use common::slo::{
    Decision, Quantile, RankInterval, Reason, clopper_pearson, nearest_rank, order_statistic_ranks, ranks_with_tau, tau,
};
use serde_json::Value;

use super::figure::{Allowed, Effort, Figure};
use super::simulation::{STEPS, Simulation, Tally, mean, median, named_quantile, steps};

/// The verdict on P95 by the point alone, as if samples were independent, with the samples' own autocorrelation time, and
/// with what history says of it.
pub(super) fn p95_verdict(cell: &Value, effort: Effort) -> Result<Vec<Figure>, Unusable> {
    let mut of = Simulation::of(cell, effort)?;
    let ratio = number(cell, "threshold_ms")? / number(cell, "true_p95_ms")?;
    let limit = steps(of.process.ln_quantile(0.95) + ratio.ln());
    let (n, prior) = (of.n as u64, of.process.tau_prior());
    let tolerated = n - Quantile::P95.rank(n).unwrap_or(n);
    let mut known: HashMap<(u64, u64), Decision> = HashMap::new();
    let mut decide = |k: u64, tau: f64| *known.entry((k, tau.to_bits())).or_insert_with(|| by_interval(k, n, tau));
    let mut tallies: [Tally; 4] = Default::default();
    for _ in 0..of.runs.own {
        let samples: Vec<u64> = of.draw().into_iter().map(steps).collect();
        let over = samples.iter().filter(|sample| **sample > limit).count() as u64;
        let seen = tau(&samples, limit, 1.0).value;
        let by_point = if over > tolerated { Decision::Fail } else { Decision::Pass };
        let decisions = [by_point, decide(over, 1.0), decide(over, seen), decide(over, seen.max(prior))];
        tallies.iter_mut().zip(decisions).for_each(|(tally, decision)| tally.add(decision));
    }
    let mut figures = Vec::new();
    for (name, tally) in ["point", "naive", "adj", "adj_prior"].into_iter().zip(tallies) {
        figures.extend(of.runs.tallied(name, &cell["expect"][name], &tally)?);
    }
    Ok(figures)
}

/// What the interval of the share above the limit says of P95, however few samples the correlated ones are worth.
///
/// The published rates are those of this rule. A claim is judged by it too, but decides nothing on fewer than thirty
/// effective samples, so it says PASS and FAIL more rarely still.
fn by_interval(k: u64, n: u64, tau: f64) -> Decision {
    let (limit, at) = (Quantile::P95.share_above(), clopper_pearson(k as f64 / tau, n as f64 / tau, 0.95));
    match () {
        () if at.upper <= limit => Decision::Pass,
        () if at.lower > limit => Decision::Fail,
        () => Decision::Undecided(Reason::Straddles),
    }
}

/// How often the interval of a quantile holds it, and how wide it is.
#[derive(Default)]
struct Coverage {
    held: usize,
    two_sided: usize,
    widths: Vec<f64>,
}

impl Coverage {
    fn add(&mut self, ranks: RankInterval, sorted: &[u64], truth: u64) {
        let at = |rank: u64| usize::try_from(rank).ok().and_then(|rank| sorted.get(rank.checked_sub(1)?)).copied();
        let (lower, upper) = (ranks.lower.and_then(at), ranks.upper.and_then(at));
        self.held += usize::from(lower.is_none_or(|lower| lower <= truth) && upper.is_none_or(|upper| truth <= upper));
        if let Some((lower, upper)) = lower.zip(upper) {
            self.two_sided += 1;
            self.widths.push((upper - lower) as f64 / STEPS);
        }
    }

    /// The median of upper over lower limit, and its standard error; `None` where an interval lacks a limit.
    fn width_ratio(self, runs: usize) -> Option<(f64, f64)> {
        if self.two_sided < runs { None } else { median(self.widths.into_iter().map(f64::exp).collect()) }
    }
}

/// The coverage of the interval of a quantile, as if samples were independent and with their autocorrelation time.
pub(super) fn quantile_coverage(cell: &Value, effort: Effort) -> Result<Vec<Figure>, Unusable> {
    let mut of = Simulation::of(cell, effort)?;
    let quantile = named_quantile(cell)?;
    let (n, truth) = (of.n as u64, steps(of.process.ln_quantile(quantile.as_f64())));
    let naive_ranks = order_statistic_ranks(n, quantile, 0.95);
    let (mut naive, mut adjusted, mut taus) =
        (Coverage::default(), Coverage::default(), Vec::with_capacity(of.runs.own));
    for _ in 0..of.runs.own {
        let samples: Vec<u64> = of.draw().into_iter().map(steps).collect();
        let mut sorted = samples.clone();
        sorted.sort_unstable();
        let at = nearest_rank(&sorted, quantile).unwrap_or_default();
        let tau = tau(&samples, at, 1.0).value;
        taus.push(tau);
        naive.add(naive_ranks, &sorted, truth);
        adjusted.add(ranks_with_tau(n, quantile, 0.95, tau), &sorted, truth);
    }
    let (expect, runs) = (&cell["expect"], &of.runs);
    let (mean_tau, standard_error) = mean(&taus);
    let mut figures = vec![
        runs.rate("naive", &expect["naive"], naive.held)?,
        runs.rate("adjusted", &expect["adjusted"], adjusted.held)?,
        runs.rate("bounded_naive", &expect["bounded_naive"], naive.two_sided)?,
        runs.rate("bounded_adjusted", &expect["bounded_adjusted"], adjusted.two_sided)?,
        Figure::beside("mean_tau", &expect["mean_tau"], mean_tau, Allowed::Mean { share: 0.05, standard_error })?,
    ];
    for (name, coverage) in [("width_ratio_naive", naive), ("width_ratio_adjusted", adjusted)] {
        // Where some interval has one limit only, the median of the others says little and is not compared.
        if let Some((width, standard_error)) = coverage.width_ratio(runs.own) {
            figures.push(Figure::beside(name, &expect[name], width, Allowed::Mean { share: 0.02, standard_error })?);
        }
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use common::slo::{Claim, Terms};

    use super::*;

    #[test]
    fn a_claim_is_judged_by_the_rule_whose_rates_are_published() {
        for (n, tau) in [(200, 1.0), (200, 3.7), (1_800, 1.0), (1_800, 13.3), (10_000, 20.0)] {
            for k in 0..=n / 5 {
                let judged =
                    Claim::QuantileWithin { quantile: Quantile::P95 }.decide(k, n, Terms { tau, ..Terms::default() });
                assert_eq!(judged.as_str(), by_interval(k, n, tau).as_str(), "{k} of {n}, tau {tau}");
            }
        }
    }
}
