//! Cells that need no chance: binomial sums between the counts at which a verdict changes.

use common::slo::golden::{Unusable, count, number, text};
use common::slo::{
    Claim, Decision, Interval, Quantile, Reason, Terms, binomial_tail_at_least, binomial_tail_at_most, clopper_pearson,
    hull, wilson, wilson_cc,
};
use serde_json::Value;

use super::figure::{Allowed, Figure, by_truth};
use super::process::Process;

/// The counts at which a verdict changes: PASS up to the first, FAIL from the second on.
pub(super) struct Borders {
    passes_to: Option<u64>,
    fails_from: Option<u64>,
}

impl Borders {
    /// The borders of a verdict that gets no better with a larger count.
    pub(super) fn of(n: u64, decide: impl Fn(u64) -> Decision) -> Self {
        let first = |reached: &dyn Fn(Decision) -> bool| {
            let (mut low, mut high) = (0, n + 1);
            while low < high {
                let middle = u64::midpoint(low, high);
                if reached(decide(middle)) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            low
        };
        let fails_from = first(&|decision| decision == Decision::Fail);
        let passes_to = first(&|decision| decision != Decision::Pass).checked_sub(1);
        Self { passes_to, fails_from: (fails_from <= n).then_some(fails_from) }
    }

    /// The verdict on a count.
    pub(super) fn decision(&self, k: u64) -> Decision {
        match () {
            () if self.passes_to.is_some_and(|most| k <= most) => Decision::Pass,
            () if self.fails_from.is_some_and(|least| k >= least) => Decision::Fail,
            () => Decision::Undecided(Reason::Straddles),
        }
    }

    /// How often PASS and FAIL are said where each event has this probability.
    fn rates(&self, n: u64, p: f64) -> (f64, f64) {
        let pass = self.passes_to.map_or(0.0, |k| binomial_tail_at_most(k, n, p));
        let fail = self.fails_from.map_or(0.0, |k| binomial_tail_at_least(k, n, p));
        (pass, fail)
    }
}

/// The verdict on P95 where samples are independent.
pub(super) fn p95_verdict(cell: &Value) -> Result<Vec<Figure>, Unusable> {
    let (process, n) = (Process::named(text(cell, "process")?)?, count(cell, "n")?);
    let ratio = number(cell, "threshold_ms")? / number(cell, "true_p95_ms")?;
    let over = process.share_above(process.ln_quantile(0.95) + ratio.ln());
    let borders = Borders::of(n, |k| Claim::QuantileWithin { quantile: Quantile::P95 }.decide(k, n, Terms::default()));
    let (pass, fail) = borders.rates(n, over);
    let tolerated = n - Quantile::P95.rank(n).unwrap_or(n);
    let by_point = binomial_tail_at_least(tolerated + 1, n, over);
    let named = [("exceed_prob", over), ("PASS", pass), ("FAIL", fail), ("point_FAIL", by_point)];
    named.into_iter().map(|(name, got)| Figure::beside(name, &cell["expect"][name], got, Allowed::Exact)).collect()
}

/// The verdict on an error rate: by Wilson's interval, by the hull that decides, and by the point alone.
pub(super) fn error_rate(cell: &Value) -> Result<Vec<Figure>, Unusable> {
    let (n, limit) = (count(cell, "n")?, number(cell, "threshold")?);
    let by_wilson = Borders::of(n, |k| {
        let Interval { lower, upper } = wilson(k as f64, n as f64, 0.95);
        match () {
            () if upper < limit => Decision::Pass,
            () if lower >= limit => Decision::Fail,
            () => Decision::Undecided(Reason::Straddles),
        }
    });
    let by_hull = Borders::of(n, |k| Claim::ErrorRateBelow { limit }.decide(k, n, Terms::default()));
    let at_limit = (0..=n).find(|k| *k as f64 >= limit * n as f64);
    let mut figures = Vec::new();
    for (name, borders) in [("wilson", by_wilson), ("hull", by_hull)] {
        let expect = &cell["expect"][name];
        let mut add = |field: &str, published: &Value, got: Option<f64>| {
            Figure::beside(&format!("{name}.{field}"), published, got, Allowed::Exact)
                .map(|figure| figures.push(figure))
        };
        // Where nothing passes, the last count that does is published as -1.
        add("pass_max_k", &expect["pass_max_k"], Some(borders.passes_to.map_or(-1.0, |k| k as f64)))?;
        add("fail_min_k", &expect["fail_min_k"], borders.fails_from.map(|k| k as f64))?;
        for (truth, rate, published) in by_truth(&expect["rates"])? {
            let (pass, fail) = borders.rates(n, rate);
            add(&format!("{truth}.PASS"), &published["PASS"], Some(pass))?;
            add(&format!("{truth}.FAIL"), &published["FAIL"], Some(fail))?;
        }
    }
    for (truth, rate, published) in by_truth(&cell["expect"]["point"])? {
        let got = at_limit.map(|k| binomial_tail_at_least(k, n, rate));
        figures.push(Figure::beside(&format!("point.{truth}.FAIL"), &published["FAIL"], got, Allowed::Exact)?);
    }
    Ok(figures)
}

/// A way to make an interval of a share.
type OfShare = fn(f64, f64, f64) -> Interval;

/// How often intervals of a share hold it, lie above it and lie below it. The id says `pcov|n|p`.
pub(super) fn proportion_coverage(cell: &Value) -> Result<Vec<Figure>, Unusable> {
    let id = text(cell, "id")?;
    let mut parts = id.split('|').skip(1);
    let n: Option<u64> = parts.next().and_then(|n| n.parse().ok()).filter(|n| *n > 0);
    let p: Option<f64> = parts.next().and_then(|p| p.parse().ok());
    let (n, p) = n.zip(p).ok_or_else(|| Unusable::new("the id does not say `pcov|n|p`"))?;
    let mut figures = Vec::new();
    let all: [(&str, OfShare); 4] =
        [("wilson", wilson), ("wilson_cc", wilson_cc), ("cp", clopper_pearson), ("hull", hull)];
    for (name, interval) in all {
        let borders = Borders::of(n, |k| {
            let Interval { lower, upper } = interval(k as f64, n as f64, 0.95);
            match () {
                () if upper < p => Decision::Pass,
                () if lower > p => Decision::Fail,
                () => Decision::Undecided(Reason::Straddles),
            }
        });
        let (below, above) = borders.rates(n, p);
        for (field, got) in [("two_sided", 1.0 - below - above), ("miss_low", above), ("miss_high", below)] {
            let published = &cell["expect"][name][field];
            figures.push(Figure::beside(&format!("{name}.{field}"), published, got, Allowed::Exact)?);
        }
    }
    Ok(figures)
}
