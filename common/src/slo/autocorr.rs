//! How many independent samples a correlated series is worth: Geyer's autocorrelation time of indicator series.
//!
//! Indicators make every sum an integer, so autocovariances are exact and cost one popcount per 64 samples and lag.

use serde::{Deserialize, Serialize};

/// The latency of a request that never answered, in microseconds: above every threshold.
pub const NEVER_US: u64 = u64::MAX;

/// The autocorrelation time of a latency series and what it is made of, all at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tau {
    /// Of the indicator "above the threshold".
    pub tail: f64,
    /// Of the indicator "above the median": the tail alone is underestimated just when few exceedances were seen.
    pub median: f64,
    /// What the history of stable runs says; 1 without history.
    pub prior: f64,
    /// The largest of the three: what intervals are widened by.
    pub value: f64,
}

/// The autocorrelation time of latencies in send order, against a threshold in the same unit.
///
/// A prior below 1 or that is no number counts as 1.
#[must_use]
pub fn tau(samples: &[u64], threshold: u64, prior: f64) -> Tau {
    let tail = indicator_tau(samples.iter().map(|x| *x > threshold));
    let median = median(samples).map_or(1.0, |median| indicator_tau(samples.iter().map(|x| *x > median)));
    let prior = prior.max(1.0);
    Tau { tail, median, prior, value: tail.max(median).max(prior) }
}

/// The autocorrelation time of latencies against a limit that they may be far below.
///
/// Where a machine's speed changes between 1 ms and 2 ms, samples depend on each other, and that says nothing about a
/// limit of 150 ms. So the dependence of the body is that of "above the median or above `resolution_us`, whichever is
/// more", but at least `burst`: how many requests one stall as long as the limit would hit at once, `rate x limit`. It is
/// never more than [`tau`] gives, and the same where the median lies above the resolution.
#[must_use]
pub fn tau_at_limit(samples: &[u64], limit_us: u64, resolution_us: u64, burst: f64) -> Tau {
    let plain = tau(samples, limit_us, 1.0);
    if median(samples).is_none_or(|median| median >= resolution_us) {
        return plain;
    }
    let coarse = indicator_tau(samples.iter().map(|x| *x > resolution_us)).max(burst);
    let body = if coarse < plain.median { coarse } else { plain.median };
    Tau { median: body, value: plain.tail.max(body), ..plain }
}

/// How many independent samples `n` samples with this `tau` are worth.
#[must_use]
pub fn n_eff(n: u64, tau: f64) -> f64 {
    n as f64 / tau
}

/// The autocorrelation time of an indicator series in send order, at least 1; 1 for a constant series.
///
/// Sums the autocorrelations in pairs, up to the first pair that is not positive, each pair held to at most the one
/// before: the initial monotone sequence of Geyer 1992. `tau = 2 * sum - 1`.
#[must_use]
pub fn indicator_tau(indicator: impl IntoIterator<Item = bool>) -> f64 {
    let series = Indicator::collect(indicator);
    let variance = series.autocovariance(0);
    if variance == 0 {
        return 1.0;
    }
    let (mut sum, mut least) = (0_i128, i128::MAX);
    for lag in (0..).step_by(2).take_while(|lag| 2 * (lag + 1) <= series.len) {
        let pair = series.autocovariance(lag) + series.autocovariance(lag + 1);
        if pair <= 0 {
            break;
        }
        least = least.min(pair);
        sum += least;
    }
    (2.0 * sum as f64 / variance as f64 - 1.0).max(1.0)
}

/// The autocorrelations of lags `0..=max_lag` of an indicator series (biased: divided by the length).
///
/// `None` for a constant series, which has none.
#[must_use]
pub fn autocorrelation(indicator: impl IntoIterator<Item = bool>, max_lag: usize) -> Option<Vec<f64>> {
    let series = Indicator::collect(indicator);
    let variance = series.autocovariance(0);
    (variance != 0).then(|| (0..=max_lag).map(|lag| series.autocovariance(lag) as f64 / variance as f64).collect())
}

/// The nearest-rank median.
fn median(samples: &[u64]) -> Option<u64> {
    let middle = samples.len().checked_sub(1)? / 2;
    let mut copy = samples.to_vec();
    Some(*copy.select_nth_unstable(middle).1)
}

/// A 0/1 series packed into words, with the count of ones before every position.
struct Indicator {
    len: usize,
    words: Vec<u64>,
    ones_before: Vec<u64>,
}

impl Indicator {
    fn collect(indicator: impl IntoIterator<Item = bool>) -> Self {
        let mut series = Self { len: 0, words: Vec::new(), ones_before: vec![0] };
        let mut ones = 0;
        for one in indicator {
            if series.len.is_multiple_of(64) {
                series.words.push(0);
            }
            if let Some(word) = series.words.last_mut() {
                *word |= u64::from(one) << (series.len % 64);
            }
            ones += u64::from(one);
            series.ones_before.push(ones);
            series.len += 1;
        }
        series
    }

    /// The sum over `t` of `(I_t - mean)(I_{t+lag} - mean)`, times the squared length: an integer.
    fn autocovariance(&self, lag: usize) -> i128 {
        if lag >= self.len {
            return 0;
        }
        let ones = i128::from(self.ones_before[self.len]);
        let early = i128::from(self.ones_before[self.len - lag]);
        let late = ones - i128::from(self.ones_before[lag]);
        let n = self.len as i128;
        n * n * i128::from(self.coincidences(lag)) - n * ones * (early + late) + (n - lag as i128) * ones * ones
    }

    /// How often a one is followed by a one `lag` positions later.
    fn coincidences(&self, lag: usize) -> u64 {
        let (skip, shift) = (lag / 64, lag % 64);
        let later = &self.words[skip..];
        let next = later.iter().skip(1).copied().chain([0]);
        let carried = |word: u64| if shift == 0 { 0 } else { word << (64 - shift) };
        later
            .iter()
            .zip(next)
            .zip(&self.words)
            .map(|((word, next), earlier)| u64::from((((word >> shift) | carried(next)) & earlier).count_ones()))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same time by the definition, in floating point.
    fn by_definition(series: &[bool]) -> f64 {
        let n = series.len();
        let values: Vec<f64> = series.iter().map(|one| f64::from(u8::from(*one))).collect();
        let mean = values.iter().sum::<f64>() / n as f64;
        let cov = |lag: usize| (0..n - lag).map(|t| (values[t] - mean) * (values[t + lag] - mean)).sum::<f64>();
        if cov(0) == 0.0 {
            return 1.0;
        }
        let (mut sum, mut least, mut lag) = (0.0, f64::INFINITY, 0);
        while 2 * (lag + 1) <= n {
            let pair = (cov(lag) + cov(lag + 1)) / cov(0);
            if pair <= 0.0 {
                break;
            }
            least = least.min(pair);
            sum += least;
            lag += 2;
        }
        (2.0 * sum - 1.0_f64).max(1.0)
    }

    #[test]
    fn constant_alternating_and_empty_series_count_in_full() {
        assert_eq!(indicator_tau([]), 1.0);
        assert_eq!(indicator_tau([true; 50]), 1.0);
        assert_eq!(indicator_tau((0..80).map(|t| t % 2 == 0)), 1.0);
        assert_eq!(autocorrelation([false; 9], 3), None);
    }

    #[test]
    fn an_outage_of_a_hundred_requests_counts_as_about_one_event() {
        let series = tau(&[vec![40_000; 1700], vec![NEVER_US; 100]].concat(), 150_000, 1.0);
        assert!(series.value > 50.0, "{series:?}");
        assert_eq!(tau(&[1, 2, 3], 2, 20.0).value, 20.0);
        assert_eq!(tau(&[], 2, f64::NAN).value, 1.0);
    }

    #[test]
    fn a_hundred_thousand_samples_with_the_longest_memory_are_summed_to_the_last_lag() {
        let series = (0..100_000).map(|t| t < 50_000);
        assert!(indicator_tau(series) > 20_000.0);
    }

    /// Half a second at 1 ms, half at 2 ms, at 50 a second.
    fn two_speeds(scale: u64) -> Vec<u64> {
        (0..1_000).map(|at| scale * if at / 25 % 2 == 0 { 1_000 } else { 2_000 } + at % 7).collect()
    }

    #[test]
    fn what_changes_far_below_the_limit_makes_samples_no_more_alike_than_a_stall_would() {
        let plain = tau(&two_speeds(1), 150_000, 1.0).value;
        let at_limit = tau_at_limit(&two_speeds(1), 150_000, 7_500, 7.5);
        assert!(plain > 10.0, "{plain}");
        assert!((at_limit.value - 7.5).abs() < 1e-12, "{at_limit:?}");
    }

    #[test]
    fn what_changes_near_the_limit_counts_in_full() {
        let samples = two_speeds(60);
        assert_eq!(tau_at_limit(&samples, 150_000, 7_500, 7.5), tau(&samples, 150_000, 1.0));
        let mut tail = two_speeds(1);
        tail[500..540].fill(200_000);
        assert!(tau_at_limit(&tail, 150_000, 7_500, 1.0).value >= tau(&tail, 150_000, 1.0).tail);
    }

    proptest! {
        #[test]
        fn tau_is_at_least_one_and_agrees_with_the_definition(
            runs in prop::collection::vec((any::<bool>(), 1..40_usize), 1..30),
        ) {
            let series: Vec<bool> = runs.iter().flat_map(|(one, len)| vec![*one; *len]).collect();
            let got = indicator_tau(series.iter().copied());
            prop_assert!(got >= 1.0);
            prop_assert!((got - by_definition(&series)).abs() < 1e-6 * got, "{got} {}", by_definition(&series));
        }
    }
}
