//! Which traces are reported. The trace id decides, so that all hops of one trace agree.

use crate::ids::TraceId;

/// The share of successful requests that an app reports one by one. Errors and finance are always reported.
pub const SUCCESS_SAMPLE_RATE: f64 = 0.1;

/// Tells whether a trace belongs to the sampled share `rate` (0 to 1).
///
/// The id is mixed by the finaliser of splitmix64 (Steele, Lea, Flood 2014), so that ids that are not random are
/// spread evenly too. A trace kept at one rate is kept at every higher rate.
#[must_use]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "folding to 64 bits and to 53 is meant"
)]
pub fn keeps(trace: TraceId, rate: f64) -> bool {
    let id = trace.as_u128();
    let mut z = (id as u64) ^ ((id >> 64) as u64);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    let share = (z >> 11) as f64 / (1_u64 << 53) as f64;
    share < rate
}

/// The share of requests that answer like this one that an app reports one by one.
#[must_use]
pub fn sample_rate(status: u16) -> f64 {
    if status >= 400 { 1.0 } else { SUCCESS_SAMPLE_RATE }
}

/// Tells whether an app reports a request of this trace that it answered with this status.
#[must_use]
pub fn is_reported(trace: TraceId, status: u16) -> bool {
    keeps(trace, sample_rate(status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_consecutive_ids_is_kept_at_a_rate_of_a_tenth() {
        let kept = (1..=100_000_u128).filter(|id| keeps(TraceId::from_u128(*id), 0.1)).count();
        assert!((9_700..10_300).contains(&kept), "{kept} of 100000 were kept");
    }

    #[test]
    fn rates_of_zero_and_one_keep_nothing_and_everything() {
        assert!((1..1_000_u128).all(|id| !keeps(TraceId::from_u128(id), 0.0)));
        assert!((1..1_000_u128).all(|id| keeps(TraceId::from_u128(id), 1.0)));
    }
}
