//! Cells that compare two samples of one process: how well the ratio of a quantile is known, and what is said of it.

use common::slo::golden::Unusable;
use common::slo::{Decision, QuantileRatio, QuantileSample, Reason, RegressionRule, quantile_ratio};
use serde_json::Value;

use super::figure::{Allowed, Effort, Figure, by_truth};
use super::simulation::{Simulation, Tally, median, named_quantile, units};

/// What the limits of a ratio say of "not slower than allowed", had the later side been slower by this factor too.
///
/// The published rates are those of this rule. A regression is judged by it too, but decides nothing on fewer than
/// thirty effective samples, and a failure of runs made one after the other waits for an interleaved one.
pub(super) fn by_limits(ratio: &QuantileRatio, factor: f64) -> Decision {
    let limit = RegressionRule::default().limit;
    match () {
        () if ratio.upper.is_some_and(|upper| upper * factor <= limit) => Decision::Pass,
        () if ratio.lower.is_some_and(|lower| lower * factor > limit) => Decision::Fail,
        () => Decision::Undecided(Reason::Straddles),
    }
}

/// True if the limits enclose the true ratio; a limit that does not exist excludes nothing.
pub(super) fn encloses(ratio: &QuantileRatio, truth: f64) -> bool {
    ratio.lower.is_none_or(|lower| lower <= truth) && ratio.upper.is_none_or(|upper| truth <= upper)
}

/// Half the width of the limits, in percent of the ratio between them; infinite without one of them.
fn half_width_percent(ratio: &QuantileRatio) -> f64 {
    ratio.lower.zip(ratio.upper).map_or(f64::INFINITY, |(lower, upper)| 100.0 * ((upper / lower).sqrt() - 1.0))
}

/// The ratio of two samples of one process: coverage and width of its limits, and the verdicts at true ratios.
pub(super) fn mover(cell: &Value, effort: Effort) -> Result<Vec<Figure>, Unusable> {
    let (mut of, quantile) = (Simulation::of(cell, effort)?, named_quantile(cell)?);
    let own = of.runs.own;
    let mut side = || {
        let latencies: Vec<u64> = of.draw().into_iter().map(units).collect();
        QuantileSample::of(&latencies, quantile, 1.0)
    };
    let ratios: Vec<_> = (0..own).map(|_| quantile_ratio(&side(), &side(), 0.95, None)).collect();
    let (expect, runs) = (&cell["expect"], &of.runs);
    let times = |happened: &dyn Fn(&QuantileRatio) -> bool| ratios.iter().filter(|ratio| happened(ratio)).count();
    let is_bounded = |ratio: &QuantileRatio| half_width_percent(ratio).is_finite();
    let width = median(ratios.iter().map(half_width_percent).collect()).filter(|(width, _)| width.is_finite());
    let allowed = Allowed::Mean { share: 0.02, standard_error: width.map_or(0.0, |(_, error)| error) };
    let mut figures = vec![
        runs.rate("coverage", &expect["coverage"], times(&|ratio| encloses(ratio, 1.0)))?,
        runs.rate("bounded", &expect["bounded"], times(&is_bounded))?,
        Figure::beside("median_halfwidth_pct", &expect["median_halfwidth_pct"], width.map(|(at, _)| at), allowed)?,
    ];
    let limit = RegressionRule::default().limit;
    for (name, truth, published) in by_truth(&expect["verdict"])? {
        let tally = Tally::of(ratios.iter().map(|ratio| by_limits(ratio, truth)));
        figures.extend(runs.tallied(name, published, &tally)?);
        let slower = times(&|ratio| ratio.ratio.is_some_and(|ratio| ratio * truth > limit));
        figures.push(runs.rate(&format!("{name}.point_FAIL"), &published["point_FAIL"], slower)?);
    }
    Ok(figures)
}

#[cfg(test)]
mod tests {
    use common::slo::{Design, Quantile, judge_regression};

    use super::super::process::{Process, Random};
    use super::*;

    #[test]
    fn a_regression_is_judged_by_the_rule_whose_rates_are_published() {
        let mut random = Random::of("regressions");
        let mut said = Tally::default();
        for at in 0..60 {
            let mut side = |slower: f64| {
                let ln = Process::Lognormal.draw(1_000, &mut random);
                QuantileSample::of(&ln.into_iter().map(|ln| units(ln + slower)).collect::<Vec<_>>(), Quantile::P95, 1.0)
            };
            let (before, after) = (side(0.0), side(f64::from(at) / 100.0));
            let judged = judge_regression(&before, &after, Design::Interleaved, RegressionRule::default());
            let decision = by_limits(&quantile_ratio(&before, &after, 0.95, None), 1.0);
            assert_eq!(judged.decision.as_str(), decision.as_str(), "{:?}", judged.ratio);
            said.add(decision);
        }
        assert!(said.has_both());
    }

    #[test]
    fn a_limit_that_does_not_exist_excludes_nothing_and_decides_nothing() {
        let side = |n: u64| QuantileSample::with_tau(&(1..=n).collect::<Vec<_>>(), Quantile::P95, 1.0);
        let open = quantile_ratio(&side(60), &side(60), 0.95, None);
        assert_eq!((open.lower, open.upper), (None, None));
        assert!(encloses(&open, 1e6) && half_width_percent(&open).is_infinite());
        assert_eq!(by_limits(&open, 0.1).as_str(), by_limits(&open, 10.0).as_str());
    }
}
