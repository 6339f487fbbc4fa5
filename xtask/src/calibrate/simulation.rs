//! What all simulated cells have in common: how often each is run, from which seed, and what is counted.

use common::slo::golden::{Unusable, count, text};
use common::slo::{Decision, Quantile};
use serde_json::Value;

use super::figure::{Allowed, Effort, Figure};
use super::process::{Process, Random};

/// Logarithms become integers at this many steps to one: ranks and shares stay what they are.
pub(super) const STEPS: f64 = 1e12;

/// A latency of one becomes this many units, so that rounding it to an integer does not show.
const UNITS: f64 = 1e9;

/// A logarithm, moved above 0, as an integer.
pub(super) fn steps(ln: f64) -> u64 {
    ((ln + 20.0) * STEPS) as u64
}

/// A latency as an integer, from its logarithm.
pub(super) fn units(ln: f64) -> u64 {
    (ln.exp() * UNITS) as u64
}

/// How often a cell is run, and its random numbers.
pub(super) struct Runs {
    /// How often it was run for the published figures.
    published: f64,
    /// How often it is run here.
    pub(super) own: usize,
    /// The stream that its id seeds.
    pub(super) random: Random,
}

impl Runs {
    /// Of a cell that says how often the published one was run.
    pub(super) fn of(cell: &Value, effort: Effort) -> Result<Self, Unusable> {
        let (published, most) = (count(cell, "reps")?.max(1), effort.runs());
        let own = usize::try_from(published).map_or(most, |published| published.min(most));
        Ok(Self { published: published as f64, own, random: Random::of(text(cell, "id")?) })
    }

    /// A rate beside the published one: in how many of the runs something happened.
    pub(super) fn rate(&self, name: &str, published: &Value, times: usize) -> Result<Figure, Unusable> {
        let own = self.own as f64;
        Figure::beside(name, published, times as f64 / own, Allowed::Rate { published: self.published, own })
    }

    /// How often each decision was made, beside the published rates below `name`.
    pub(super) fn tallied(&self, name: &str, published: &Value, tally: &Tally) -> Result<[Figure; 2], Unusable> {
        let rate = |word: &str, times| self.rate(&format!("{name}.{word}"), &published[word], times);
        Ok([rate("PASS", tally.pass)?, rate("FAIL", tally.fail)?])
    }
}

/// A cell of one process and one size of sample.
pub(super) struct Simulation {
    /// How latencies come about.
    pub(super) process: Process,
    /// How many are drawn at a time.
    pub(super) n: usize,
    /// How often.
    pub(super) runs: Runs,
}

impl Simulation {
    /// Of a cell that says its process and its size too.
    pub(super) fn of(cell: &Value, effort: Effort) -> Result<Self, Unusable> {
        let n = usize::try_from(count(cell, "n")?).ok().filter(|n| (1..=1_000_000).contains(n));
        let n = n.ok_or_else(|| Unusable::new("no size `n` up to a million"))?;
        Ok(Self { process: Process::named(text(cell, "process")?)?, n, runs: Runs::of(cell, effort)? })
    }

    /// The logarithms of a sample, in send order.
    pub(super) fn draw(&mut self) -> Vec<f64> {
        self.process.draw(self.n, &mut self.runs.random)
    }
}

/// The quantile that a cell speaks of, as `P95`.
pub(super) fn named_quantile(cell: &Value) -> Result<Quantile, Unusable> {
    match text(cell, "quantile")? {
        "P50" => Ok(Quantile::P50),
        "P95" => Ok(Quantile::P95),
        "P99" => Ok(Quantile::P99),
        other => Err(Unusable::new(format!("no quantile `{other}`"))),
    }
}

/// How often each decision was made.
#[derive(Default)]
pub(super) struct Tally {
    pass: usize,
    fail: usize,
}

impl Tally {
    /// Counts all of these.
    pub(super) fn of(decisions: impl IntoIterator<Item = Decision>) -> Self {
        let mut tally = Self::default();
        decisions.into_iter().for_each(|decision| tally.add(decision));
        tally
    }

    /// True if both PASS and FAIL were said.
    #[cfg(test)]
    pub(super) fn has_both(&self) -> bool {
        self.pass > 0 && self.fail > 0
    }

    /// Counts one more.
    pub(super) fn add(&mut self, decision: Decision) {
        self.pass += usize::from(decision == Decision::Pass);
        self.fail += usize::from(decision == Decision::Fail);
    }
}

/// A mean and its standard error.
pub(super) fn mean(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / n / n).sqrt())
}

/// A median and its standard error from the order statistics a standard deviation of the binomial beside it; `None`
/// without values.
pub(super) fn median(mut values: Vec<f64>) -> Option<(f64, f64)> {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    let (middle, beside) = (n / 2, ((n as f64).sqrt() / 2.0).ceil() as usize);
    let at = |rank: usize| values.get(rank.min(n.checked_sub(1)?)).copied();
    let error = (at(middle + beside)? - at(middle.saturating_sub(beside))?) / 2.0;
    Some((at(middle)?, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_and_a_mean_come_with_their_standard_errors() {
        let mut random = Random::of("errors");
        let (mut medians, mut means) = (Vec::new(), Vec::new());
        let (mut of_median, mut of_mean) = (0.0, 0.0);
        for _ in 0..400 {
            let values: Vec<f64> = (0..1_000).map(|_| random.normal()).collect();
            let ((at, error), (center, deviation)) = (median(values.clone()).unwrap(), mean(&values));
            medians.push(at);
            means.push(center);
            of_median += error / 400.0;
            of_mean += deviation / 400.0;
        }
        for (seen, told) in [(&medians, of_median), (&means, of_mean)] {
            let spread = mean(seen).1 * 20.0;
            assert!((told / spread - 1.0).abs() < 0.2, "{told} {spread}");
        }
        assert_eq!(median(Vec::new()), None);
        assert_eq!(median(vec![3.0]), Some((3.0, 0.0)));
    }
}
