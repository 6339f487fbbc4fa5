//! Cells that look at a growing sample more than once: what that does to the verdict on P95, and what keeps it right.

use common::slo::golden::{Unusable, text};
use common::slo::{Claim, Decision, Evidence, Looks, Quantile, Reason, Terms};
use serde_json::Value;

use super::exact::Borders;
use super::figure::{Allowed, Effort, Figure};
use super::process::{Process, Random};
use super::simulation::{Runs, Tally, median};

/// A sample is looked at after so many more.
const STEP: u64 = 100;
/// The last look.
const LAST: u64 = 10_000;
/// The limit of P95, in milliseconds.
const LIMIT_MS: f64 = 150.0;

/// One way to look: at which sizes, and at which counts each look says PASS or FAIL.
struct Way {
    name: &'static str,
    looks: Vec<(u64, Borders)>,
}

impl Way {
    fn of(name: &'static str, sizes: impl IntoIterator<Item = u64>, decide: impl Fn(u64, u64) -> Decision) -> Self {
        Self { name, looks: sizes.into_iter().map(|n| (n, Borders::of(n, |k| decide(k, n)))).collect() }
    }

    /// The first verdict that is no "undecided", and after how many samples; the last look otherwise.
    fn verdict(&self, over: &[u64]) -> (Decision, u64) {
        let undecided = Decision::Undecided(Reason::Straddles);
        let said = self.looks.iter().map(|(n, borders)| (borders.decision(over[(n / STEP) as usize]), *n));
        said.into_iter().find(|(decision, _)| *decision != undecided).unwrap_or((undecided, LAST))
    }
}

/// Looking once, again and again, at three declared sizes, and with evidence that may be looked at any time.
fn ways() -> [Way; 4] {
    let (claim, looks) = (Claim::QuantileWithin { quantile: Quantile::P95 }, Looks::default());
    let often = || (1..=LAST / STEP).map(|look| look * STEP);
    let at = |k, n, terms| claim.decide(k, n, terms);
    let declared = often().filter(|n| looks.terms_at(*n, 1.0).is_some());
    let of_evidence = |k: u64, n: u64| {
        let evidence = Evidence::of(k as f64, n as f64, Quantile::P95.share_above());
        evidence.map_or(Decision::Undecided(Reason::Config), |evidence| evidence.decision(0.95))
    };
    [
        Way::of("single_1800", [1_800], |k, n| at(k, n, Terms::default())),
        Way::of("naive_every_100_to_10000", often(), |k, n| at(k, n, Terms::default())),
        Way::of("three_looks", declared, |k, n| at(k, n, looks.terms_at(n, 1.0).unwrap_or_default())),
        Way::of("eprocess", often(), of_evidence),
    ]
}

/// How many of the first samples are above the limit, at every look from the empty one on.
fn counts_over(share: f64, random: &mut Random) -> Vec<u64> {
    let mut over = vec![0];
    for look in 0..(LAST / STEP) as usize {
        let more = (0..STEP).filter(|_| random.share() < share).count() as u64;
        over.push(over[look] + more);
    }
    over
}

/// The verdict on P95 of independent samples while they come in.
pub(super) fn peeking(cell: &Value, effort: Effort) -> Result<Vec<Figure>, Unusable> {
    let (expect, share) = (&cell["expect"], share_over(text(cell, "id")?)?);
    let mut runs = Runs::of(cell, effort)?;
    let samples: Vec<_> = (0..runs.own).map(|_| counts_over(share, &mut runs.random)).collect();
    let mut figures = vec![Figure::beside("exceed_prob", &expect["exceed_prob"], share, Allowed::Exact)?];
    for way in ways() {
        let (mut tally, mut sizes, published) = (Tally::default(), Vec::new(), &expect[way.name]);
        for (decision, n) in samples.iter().map(|over| way.verdict(over)) {
            tally.add(decision);
            sizes.push(n as f64);
        }
        figures.extend(runs.tallied(way.name, published, &tally)?);
        if let Some((size, error)) = median(sizes).filter(|_| way.name == "eprocess") {
            let name = "eprocess.median_n_to_decide";
            let allowed = Allowed::Mean { share: 0.05, standard_error: error };
            figures.push(Figure::beside(name, &published["median_n_to_decide"], size, allowed)?);
        }
    }
    Ok(figures)
}

/// The share of lognormal samples above the limit. The id says `peek|true P95=120`.
fn share_over(id: &str) -> Result<f64, Unusable> {
    let p95: Option<f64> = id.strip_prefix("peek|true P95=").and_then(|rest| rest.split(' ').next()?.parse().ok());
    let p95 = p95.filter(|p95| *p95 > 0.0).ok_or_else(|| Unusable::new("the id does not say `peek|true P95=…`"))?;
    let process = Process::Lognormal;
    Ok(process.share_above(process.ln_quantile(0.95) + (LIMIT_MS / p95).ln()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_look_that_decides_counts_and_the_last_where_none_does() {
        let none = vec![0; 1 + (LAST / STEP) as usize];
        let all: Vec<u64> = (0..=LAST / STEP).map(|look| look * STEP).collect();
        let edge: Vec<u64> = all.iter().map(|n| n / 20).collect();
        for way in ways() {
            let (first, last) = (way.looks[0].0, LAST);
            assert_eq!(way.verdict(&all), (Decision::Fail, first), "{}", way.name);
            assert_eq!(way.verdict(&none).0, Decision::Pass, "{}", way.name);
            assert_eq!(way.verdict(&edge), (Decision::Undecided(Reason::Straddles), last), "{}", way.name);
        }
    }

    #[test]
    fn looks_are_once_often_and_at_declared_sizes() {
        let sizes = ways().map(|way| way.looks.iter().map(|(n, _)| *n).collect::<Vec<_>>());
        assert_eq!((&sizes[0][..], &sizes[2][..]), (&[1_800][..], &[1_800, 3_600, 7_200][..]));
        assert_eq!((sizes[1].len(), sizes[1][0], sizes[1][99]), (100, 100, 10_000));
        assert_eq!(sizes[1], sizes[3]);
    }

    #[test]
    fn a_name_that_says_no_true_p95_is_refused() {
        assert!((share_over("peek|true P95=150 (boundary)").unwrap() - 0.05).abs() < 1e-12);
        for id in ["peek|", "peek|true P95=", "peek|true P95=0", "true P95=150"] {
            assert!(share_over(id).is_err(), "{id}");
        }
    }
}
