//! Cells that are simulated with a generator of our own: what correlation does to verdicts and to intervals.

use std::collections::HashMap;

use common::slo::golden::{Unusable, count, number, text};
use common::slo::{
    Decision, Quantile, RankInterval, Reason, clopper_pearson, nearest_rank, order_statistic_ranks, ranks_with_tau, tau,
};
use serde_json::Value;

use super::figure::{Allowed, Effort, Figure};
use super::process::{Process, Random};

/// Logarithms become integers at this many steps to one: ranks and shares stay what they are.
const STEPS: f64 = 1e12;

/// A logarithm, moved above 0, as an integer.
fn steps(ln: f64) -> u64 {
    ((ln + 20.0) * STEPS) as u64
}

/// A cell of one process and one size of sample.
struct Simulation {
    process: Process,
    n: usize,
    published_runs: f64,
    runs: usize,
    random: Random,
}

impl Simulation {
    fn of(cell: &Value, effort: Effort) -> Result<Self, Unusable> {
        let reps = count(cell, "reps")?.max(1);
        let n = usize::try_from(count(cell, "n")?).ok().filter(|n| (1..=1_000_000).contains(n));
        Ok(Self {
            process: Process::named(text(cell, "process")?)?,
            n: n.ok_or_else(|| Unusable::new("no size `n` up to a million"))?,
            published_runs: reps as f64,
            runs: usize::try_from(reps).map_or(effort.runs(), |reps| reps.min(effort.runs())),
            random: Random::of(text(cell, "id")?),
        })
    }

    fn draw(&mut self) -> Vec<u64> {
        self.process.draw(self.n, &mut self.random).into_iter().map(steps).collect()
    }

    fn rate(&self) -> Allowed {
        Allowed::Rate { published: self.published_runs, own: self.runs as f64 }
    }
}

/// A mean and its standard error.
fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / n / n).sqrt())
}

/// How often each decision was made.
#[derive(Default)]
struct Tally {
    pass: usize,
    fail: usize,
}

impl Tally {
    fn add(&mut self, decision: Decision) {
        self.pass += usize::from(decision == Decision::Pass);
        self.fail += usize::from(decision == Decision::Fail);
    }
}

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
    for _ in 0..of.runs {
        let samples = of.draw();
        let over = samples.iter().filter(|sample| **sample > limit).count() as u64;
        let seen = tau(&samples, limit, 1.0).value;
        let by_point = if over > tolerated { Decision::Fail } else { Decision::Pass };
        let decisions = [by_point, decide(over, 1.0), decide(over, seen), decide(over, seen.max(prior))];
        tallies.iter_mut().zip(decisions).for_each(|(tally, decision)| tally.add(decision));
    }
    let mut figures = Vec::new();
    for (name, tally) in ["point", "naive", "adj", "adj_prior"].into_iter().zip(tallies) {
        for (word, times) in [("PASS", tally.pass), ("FAIL", tally.fail)] {
            let published = &cell["expect"][name][word];
            let got = times as f64 / of.runs as f64;
            figures.push(Figure::beside(&format!("{name}.{word}"), published, got, of.rate())?);
        }
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

    /// The median of upper over lower limit, and its standard error from the order statistics a standard deviation of
    /// the binomial beside it; `None` where an interval lacks a limit.
    fn width_ratio(mut self, runs: usize) -> Option<(f64, f64)> {
        if self.two_sided < runs {
            return None;
        }
        self.widths.sort_by(f64::total_cmp);
        let (middle, beside) = (runs / 2, ((runs as f64).sqrt() / 2.0).ceil() as usize);
        let at = |rank: usize| self.widths.get(rank.min(runs - 1)).map(|width| width.exp());
        Some((at(middle)?, (at(middle + beside)? - at(middle.saturating_sub(beside))?) / 2.0))
    }
}

/// The coverage of the interval of a quantile, as if samples were independent and with their autocorrelation time.
pub(super) fn quantile_coverage(cell: &Value, effort: Effort) -> Result<Vec<Figure>, Unusable> {
    let mut of = Simulation::of(cell, effort)?;
    let quantile = match text(cell, "quantile")? {
        "P50" => Quantile::P50,
        "P95" => Quantile::P95,
        "P99" => Quantile::P99,
        other => return Err(Unusable::new(format!("no quantile `{other}`"))),
    };
    let (n, truth) = (of.n as u64, steps(of.process.ln_quantile(quantile.as_f64())));
    let naive_ranks = order_statistic_ranks(n, quantile, 0.95);
    let (mut naive, mut adjusted, mut taus) = (Coverage::default(), Coverage::default(), Vec::with_capacity(of.runs));
    for _ in 0..of.runs {
        let samples = of.draw();
        let mut sorted = samples.clone();
        sorted.sort_unstable();
        let at = nearest_rank(&sorted, quantile).unwrap_or_default();
        let tau = tau(&samples, at, 1.0).value;
        taus.push(tau);
        naive.add(naive_ranks, &sorted, truth);
        adjusted.add(ranks_with_tau(n, quantile, 0.95, tau), &sorted, truth);
    }
    let (expect, runs, rate) = (&cell["expect"], of.runs as f64, of.rate());
    let (mean_tau, standard_error) = mean(&taus);
    let mut figures = vec![
        Figure::beside("naive", &expect["naive"], naive.held as f64 / runs, rate)?,
        Figure::beside("adjusted", &expect["adjusted"], adjusted.held as f64 / runs, rate)?,
        Figure::beside("bounded_naive", &expect["bounded_naive"], naive.two_sided as f64 / runs, rate)?,
        Figure::beside("bounded_adjusted", &expect["bounded_adjusted"], adjusted.two_sided as f64 / runs, rate)?,
        Figure::beside("mean_tau", &expect["mean_tau"], mean_tau, Allowed::Mean { share: 0.05, standard_error })?,
    ];
    for (name, coverage) in [("width_ratio_naive", naive), ("width_ratio_adjusted", adjusted)] {
        // Where some interval has one limit only, the median of the others says little and is not compared.
        if let Some((width, standard_error)) = coverage.width_ratio(of.runs) {
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
