//! A server whose delays are known, as arithmetic: what it does to each request, and what a generator must report of it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Delays that follow from a request's number and its arrival alone.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    base: Duration,
    slow: Duration,
    /// Of a thousand requests, so many are slow.
    slow_per_mille: u64,
    every: Duration,
    stall_from: Duration,
    stall_to: Duration,
}

/// 5 ms, 2 % at 120 ms, and in each five seconds the half second from 2.0 to 2.5 in which nothing is answered.
pub(crate) const KNOWN: Known = Known {
    base: Duration::from_millis(5),
    slow: Duration::from_millis(120),
    slow_per_mille: 20,
    every: Duration::from_secs(5),
    stall_from: Duration::from_millis(2_000),
    stall_to: Duration::from_millis(2_500),
};

impl Known {
    /// When request number `n` (from 0) is answered that arrived at `arrived`, both from the first arrival: work begins
    /// after a stall, and what would end in one waits for its end.
    pub(crate) fn answered(self, n: u64, arrived: Duration) -> Duration {
        self.after_stall(self.after_stall(arrived) + self.work(n))
    }

    fn work(self, n: u64) -> Duration {
        let slow = mixed(n) % 1_000 < self.slow_per_mille;
        if slow { self.slow } else { self.base }
    }

    fn after_stall(self, at: Duration) -> Duration {
        let period_ns = self.every.as_nanos();
        let into = Duration::from_nanos(u64::try_from(at.as_nanos() % period_ns).unwrap_or(0));
        if into >= self.stall_from && into < self.stall_to { at - into + self.stall_to } else { at }
    }

    /// Response times from the intended start, sorted, of `rate` arrivals a second over `total`; with `connections`, at
    /// most so many are under way at a time and the others wait for one in order.
    pub(crate) fn responses(self, rate: u32, total: Duration, connections: Option<usize>) -> Vec<Duration> {
        let count = (total.as_nanos() * u128::from(rate)).div_ceil(1_000_000_000);
        let mut free: BinaryHeap<Reverse<Duration>> = BinaryHeap::new();
        let mut responses = Vec::new();
        for n in 0..u64::try_from(count).unwrap_or(0) {
            let intended = Duration::from_nanos(n * 1_000_000_000 / u64::from(rate));
            let waits = connections.is_some_and(|connections| free.len() >= connections);
            let freed = if waits { free.pop().map_or(intended, |Reverse(at)| at) } else { intended };
            let ended = self.answered(n, intended.max(freed));
            free.push(Reverse(ended));
            responses.push(ended - intended);
        }
        responses.sort_unstable();
        responses
    }
}

/// The nearest-rank percentile of sorted values, in milliseconds.
pub(crate) fn percentile_ms(sorted: &[Duration], percent: usize) -> f64 {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).map_or(f64::NAN, |at| at.as_secs_f64() * 1_000.0)
}

/// Spreads numbers in a row over all of 64 bits (the finaliser of SplitMix64).
fn mixed(n: u64) -> u64 {
    let mut x = n.wrapping_add(0x9E37_79B9_7F4A_7C15);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn percentiles(connections: Option<usize>) -> [f64; 4] {
        let responses = KNOWN.responses(500, LONG, connections);
        assert_eq!(responses.len(), 30_000);
        [50, 95, 99, 100].map(|percent| percentile_ms(&responses, percent))
    }

    fn near(left: f64, right: f64) -> bool {
        (left - right).abs() <= right * 0.01
    }

    #[test]
    fn a_request_in_a_stall_is_worked_on_after_it() {
        let ms = Duration::from_millis;
        let fast = (0..).find(|n| KNOWN.work(*n) == ms(5)).unwrap();
        assert_eq!(KNOWN.answered(fast, ms(100)), ms(105));
        assert_eq!(KNOWN.answered(fast, ms(1_997)), ms(2_500));
        assert_eq!(KNOWN.answered(fast, ms(7_100)), ms(7_505));
        assert_eq!(KNOWN.answered(fast, ms(2_500)), ms(2_505));
    }

    #[test]
    fn two_in_a_hundred_are_slow() {
        let slow = (0..100_000).filter(|n| KNOWN.work(*n) == KNOWN.slow).count();
        assert!((1_900..=2_100).contains(&slow), "{slow}");
    }

    #[test]
    fn with_connections_enough_a_tenth_waits_for_the_end_of_its_stall() {
        let [p50, p95, p99, max] = percentiles(None);
        assert!(near(p50, 5.0) && near(p95, 265.0) && near(p99, 465.0), "{p50} {p95} {p99}");
        assert!((610.0..=620.0).contains(&max), "{max}");
    }

    #[test]
    fn with_few_connections_those_behind_a_stall_wait_for_each_other_too() {
        let [_, of_64, ..] = percentiles(Some(64));
        let [_, of_20, ..] = percentiles(Some(20));
        // Half-way into the stall, 125 wait for its end: two rounds of 64, or seven of 20, at 5 ms each.
        assert!(near(of_64, 270.0) && near(of_20, 295.0), "{of_64} {of_20}");
    }

    #[test]
    fn one_connection_serves_in_order() {
        let responses = KNOWN.responses(10, Duration::from_millis(300), Some(1));
        assert_eq!(responses, [Duration::from_millis(5); 3]);
    }
}
