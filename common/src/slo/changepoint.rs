//! Where a series of runs changed its level: advice for people, never a verdict.
//!
//! E-divisive (Matteson and James 2014, arXiv 1306.4933) with Student's t test in place of permutations, first in
//! sliding windows and then with weak points merged away (Hunter: Fleming et al. 2023, arXiv 2301.03034; as Apache Otava
//! 0.8.0 does it, so that both find the same). The p-values are not corrected for choosing the best split: at 0.001, 3 to 4 % of series of independent
//! runs and 26 to 54 % of series with an autocorrelation of 0.5 are flagged without any change.

use serde::{Deserialize, Serialize};

use super::student;

/// Fewer runs than this advise nothing.
pub const MIN_TREND_RUNS: usize = 10;

/// Which changes count.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChangeRules {
    /// How many runs are looked at together, at least 2; windows overlap by half.
    pub window: usize,
    /// The largest p-value that counts, exclusive; splits are proposed at ten times as much.
    pub max_p: f64,
    /// The least magnitude that counts, exclusive: see [`ChangePoint::magnitude`].
    pub min_magnitude: f64,
}

impl ChangeRules {
    /// What is shown to people.
    pub const ADVICE: Self = Self { window: 50, max_p: 0.001, min_magnitude: 0.05 };
    /// What may lead to an interleaved comparison that decides.
    pub const GATE: Self = Self { window: 50, max_p: 1e-5, min_magnitude: 0.10 };

    /// The p-value at which a split is proposed.
    fn first_pass(self) -> f64 {
        if self.max_p < 0.05 {
            self.max_p * 10.0
        } else if self.max_p < 0.5 {
            self.max_p * 2.0
        } else {
            self.max_p
        }
    }
}

/// The runs between two changes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// How many runs.
    pub runs: usize,
    /// Their mean, in the unit of the series.
    pub mean: f64,
}

/// A change of level.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ChangePoint {
    /// The first run of the new level, from 0.
    pub index: usize,
    /// The level before, back to the change before it.
    pub before: Level,
    /// The level after, up to the next change or to one that was merged away meanwhile.
    pub after: Level,
    /// The two-sided p-value of Student's t test between both levels; 1 for two runs, which have no spread.
    pub p_value: f64,
}

impl ChangePoint {
    /// The mean after over the mean before, less 1: 0.1 for 10 % more. 0 where the mean before is 0.
    #[must_use]
    pub fn relative_change(&self) -> f64 {
        relative(self.before.mean, self.after.mean)
    }

    /// The larger of the relative changes forward and backward, without sign.
    #[must_use]
    pub fn magnitude(&self) -> f64 {
        self.relative_change().abs().max(relative(self.after.mean, self.before.mean).abs())
    }

    /// Says whether the change is grave and sure enough to ask for an interleaved comparison: the rules of
    /// [`ChangeRules::GATE`] and three runs on both sides, as a single bad last run has a p-value of 1e-24.
    #[must_use]
    pub fn may_gate(&self) -> bool {
        let rules = ChangeRules::GATE;
        let enough = self.before.runs >= 3 && self.after.runs >= 3;
        enough && self.p_value < rules.max_p && self.magnitude() > rules.min_magnitude
    }
}

/// The best split of a series into a beginning and what follows it, up to an end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The first run of the second part, from 0.
    pub index: usize,
    /// The run after the last of the second part.
    pub end: usize,
    /// The divergence between both parts, at least 0, in the unit of the series.
    pub divergence: f64,
}

/// The changes of one positive quantity per stable run, such as its P95 in milliseconds, in the order of the runs.
///
/// `None` with fewer than [`MIN_TREND_RUNS`] runs, or where [`change_points`] is.
#[must_use]
pub fn trend(runs: &[f64]) -> Option<Vec<ChangePoint>> {
    if runs.len() < MIN_TREND_RUNS { None } else { change_points(runs, ChangeRules::ADVICE) }
}

/// The changes of level in a series of any length, ascending.
///
/// `None` for a value that is not finite and for rules with a window below 2 or limits that are no numbers.
#[must_use]
pub fn change_points(series: &[f64], rules: ChangeRules) -> Option<Vec<ChangePoint>> {
    let sound = rules.window >= 2 && !rules.max_p.is_nan() && !rules.min_magnitude.is_nan();
    if !sound || series.iter().any(|value| !value.is_finite()) {
        return None;
    }
    let mut points: Vec<_> =
        bounds(series, &proposed(series, rules)).windows(3).map(|ends| tested(series, ends)).collect();
    while let Some(at) = weakest(&points, rules) {
        points.remove(at);
        let indices: Vec<_> = points.iter().map(|point| point.index).collect();
        let bounds = bounds(series, &indices);
        // As Otava 0.8.0 does it: the point before keeps its figures.
        for (point, ends) in points.iter_mut().zip(bounds.windows(3)).skip(at).take(2) {
            *point = tested(series, ends);
        }
    }
    Some(points)
}

/// The indices that split a window well enough for a first pass, ascending.
fn proposed(series: &[f64], rules: ChangeRules) -> Vec<usize> {
    let mut found = Vec::new();
    let mut start = 0;
    while start < series.len() {
        let end = series.len().min(start.saturating_add(rules.window));
        let new = divided(&series[start..end], rules.first_pass());
        let last = new.last().map_or(0, |index| start + index);
        found.extend(new.into_iter().map(|index| start + index));
        start = last.max(start + rules.window / 2);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Splits a window at its best split for as long as that is significant.
fn divided(window: &[f64], max_p: f64) -> Vec<usize> {
    let mut found: Vec<usize> = Vec::new();
    loop {
        let bounds = bounds(window, &found);
        let splits = bounds.windows(2).filter_map(|ends| {
            let split = best_split(&window[ends[0]..ends[1]])?;
            Some((ends[0], ends[0] + split.index, ends[1], split.divergence))
        });
        // The first of equals, as everywhere here.
        let best = splits.reduce(|best, next| if next.3 > best.3 { next } else { best });
        match best {
            Some((from, index, to, _)) if p_value(&window[from..index], &window[index..to]) <= max_p => {
                found.push(index);
                found.sort_unstable();
            }
            _ => return found,
        }
    }
}

/// The splits of a series with its two ends.
fn bounds(series: &[f64], splits: &[usize]) -> Vec<usize> {
    [&[0], splits, &[series.len()]].concat()
}

/// The change at the middle one of three bounds.
fn tested(series: &[f64], ends: &[usize]) -> ChangePoint {
    let level = |runs: &[f64]| Level { runs: runs.len(), mean: mean(runs) };
    let (before, after) = (&series[ends[0]..ends[1]], &series[ends[1]..ends[2]]);
    ChangePoint { index: ends[1], before: level(before), after: level(after), p_value: p_value(before, after) }
}

/// The place of the change that counts least, if it does not count: the least sure, or among sure ones the least.
fn weakest(points: &[ChangePoint], rules: ChangeRules) -> Option<usize> {
    let first_best = |better: fn(&ChangePoint, &ChangePoint) -> bool| {
        (0..points.len()).reduce(|best, next| if better(&points[next], &points[best]) { next } else { best })
    };
    let unsure = first_best(|a, b| a.p_value > b.p_value)?;
    if points[unsure].p_value >= rules.max_p {
        return Some(unsure);
    }
    first_best(|a, b| a.magnitude() < b.magnitude()).filter(|at| points[*at].magnitude() <= rules.min_magnitude)
}

/// The split with the largest divergence, the first of equals; `None` for fewer than two values.
///
/// With `X` the `n` values before the split and `Y` the `m` values from it to the end, the divergence is
/// `2/(n+m) sum|x-y| - 2m/((n+m)(n-1)) sum|x-x'| - 2n/((n+m)(m-1)) sum|y-y'|`, each pair taken once.
/// Takes the cube of the length.
#[must_use]
pub fn best_split(series: &[f64]) -> Option<Split> {
    let mut best: Option<Split> = None;
    let mut left = 0.0;
    for index in 1..series.len() {
        let (before, newest) = (&series[..index], series[index - 1]);
        left += distance(&before[..index - 1], newest);
        let (mut across, mut right) = (0.0, 0.0);
        for end in index + 1..=series.len() {
            let value = series[end - 1];
            across += distance(before, value);
            right += distance(&series[index..end - 1], value);
            let (n, m) = (index as f64, (end - index) as f64);
            let within = |sum: f64, own: f64, other: f64| if own < 2.0 { 0.0 } else { other * sum / (own - 1.0) };
            let divergence = 2.0 / (n + m) * (across - within(left, n, m) - within(right, m, n));
            if best.is_none_or(|best| divergence > best.divergence) {
                best = Some(Split { index, end, divergence });
            }
        }
    }
    best
}

fn distance(values: &[f64], from: f64) -> f64 {
    values.iter().map(|value| (value - from).abs()).sum()
}

/// Student's two-sided t test with a common variance. The variances are those of populations, divided by the number of
/// runs and not by one less, as Otava takes them; it makes short series a little too sure.
fn p_value(before: &[f64], after: &[f64]) -> f64 {
    let (n, m) = (before.len() as f64, after.len() as f64);
    let freedom = n + m - 2.0;
    if n < 1.0 || m < 1.0 || freedom < 1.0 {
        return 1.0;
    }
    let pooled = ((n - 1.0) * variance(before) + (m - 1.0) * variance(after)) / freedom;
    let difference = mean(before) - mean(after);
    if difference == 0.0 {
        return 1.0;
    }
    student::two_sided_p(difference / (pooled * (n.recip() + m.recip())).sqrt(), freedom)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64
}

fn relative(from: f64, to: f64) -> f64 {
    if from == 0.0 { 0.0 } else { to / from - 1.0 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn step(runs: usize, at: usize, to: f64) -> Vec<f64> {
        (0..runs).map(|run| (if run < at { 100.0 } else { to }) + (run * 7 % 5) as f64 / 5.0).collect()
    }

    #[test]
    fn a_step_is_found_where_it_is() {
        let points = trend(&step(30, 12, 125.0)).unwrap();
        assert_eq!(points.len(), 1);
        let at = points[0];
        assert_eq!((at.index, at.before.runs, at.after.runs, at.may_gate()), (12, 12, 18, true));
        assert!((at.relative_change() - 0.25).abs() < 0.01);
        assert!(at.magnitude() >= at.relative_change());
    }

    #[test]
    fn a_single_bad_last_run_is_shown_but_gates_nothing() {
        let points = trend(&step(30, 29, 150.0)).unwrap();
        assert_eq!(points.iter().map(|point| (point.index, point.may_gate())).collect::<Vec<_>>(), [(29, false)]);
        assert!(points[0].p_value < 1e-10);
    }

    #[test]
    fn a_constant_series_and_a_short_one_advise_nothing() {
        assert_eq!(trend(&[100.0; 40]), Some(vec![]));
        assert_eq!(trend(&step(9, 4, 200.0)), None);
        assert_eq!(change_points(&[], ChangeRules::ADVICE), Some(vec![]));
        assert_eq!(change_points(&[1.0, 2.0], ChangeRules::ADVICE), Some(vec![]));
        assert_eq!(best_split(&[1.0]), None);
    }

    #[test]
    fn a_step_between_constant_levels_is_certain() {
        let points = change_points(&[vec![100.0; 8], vec![130.0; 8]].concat(), ChangeRules::GATE).unwrap();
        assert_eq!((points[0].index, points[0].p_value), (8, 0.0));
    }

    #[test]
    fn values_and_rules_that_are_no_numbers_find_nothing() {
        assert_eq!(change_points(&[1.0, f64::NAN, 2.0], ChangeRules::ADVICE), None);
        for rules in [
            ChangeRules { window: 1, ..ChangeRules::ADVICE },
            ChangeRules { max_p: f64::NAN, ..ChangeRules::ADVICE },
            ChangeRules { min_magnitude: f64::NAN, ..ChangeRules::ADVICE },
        ] {
            assert_eq!(change_points(&[1.0, 2.0, 3.0], rules), None);
        }
    }

    proptest! {
        #[test]
        fn what_is_found_keeps_the_rules_and_divides_the_series(
            levels in prop::collection::vec((50.0..200.0_f64, 1..20_usize), 1..8),
            window in 2..60_usize,
        ) {
            let series: Vec<f64> = levels
                .iter()
                .flat_map(|(level, runs)| (0..*runs).map(move |run| level + (run * 7 % 5) as f64))
                .collect();
            let rules = ChangeRules { window, ..ChangeRules::ADVICE };
            let points = change_points(&series, rules).unwrap();
            prop_assert!(points.iter().all(|at| at.p_value < rules.max_p && at.magnitude() > rules.min_magnitude));
            prop_assert!(points.windows(2).all(|two| two[0].index + two[1].before.runs == two[1].index));
            prop_assert!(points.first().is_none_or(|first| first.before.runs == first.index));
            prop_assert!(points.iter().all(|at| at.after.runs >= 1 && at.index + at.after.runs <= series.len()));
        }
    }
}
