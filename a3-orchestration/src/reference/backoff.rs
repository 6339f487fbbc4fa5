//! Exponential back-off with full jitter, as a pure function of a drawn share.

use std::time::Duration;

use common::service::{Ctx, Defect};

/// The bound of the first pause.
pub(crate) const BASE: Duration = Duration::from_millis(100);
/// The bound of every pause.
pub(crate) const CAP: Duration = Duration::from_secs(5);

/// The pause after the `attempt`-th failure (1 is the first): the share (0 to 1) of `min(cap, base · 2^(attempt − 1))`,
/// but never less than what the other party asked for (Brooker, "Exponential Backoff And Jitter", AWS 2015).
pub(crate) fn pause(attempt: u32, share: f64, asked: Option<Duration>) -> Duration {
    let doublings = attempt.saturating_sub(1).min(16);
    let bound = BASE.saturating_mul(1 << doublings).min(CAP);
    bound.mul_f64(share.clamp(0.0, 1.0)).max(asked.unwrap_or(Duration::ZERO))
}

/// The same, for an app that may have been told to get it wrong.
pub(crate) fn pause_of(ctx: &Ctx, attempt: u32, share: f64, asked: Option<Duration>) -> Duration {
    if ctx.has(Defect::A3RetriesAtOnce) {
        return Duration::ZERO;
    }
    let share = if ctx.has(Defect::A3RetriesWithoutJitter) { 1.0 } else { share };
    pause(attempt, share, asked.filter(|_| !ctx.has(Defect::A3IgnoresRetryAfter)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_doubles_with_each_failure_up_to_the_cap() {
        let bounds: Vec<_> = (1..=8).map(|attempt| pause(attempt, 1.0, None).as_millis()).collect();
        assert_eq!(bounds, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
    }

    #[test]
    fn jitter_is_full_and_the_other_partys_wish_is_heard() {
        assert_eq!(pause(3, 0.0, None), Duration::ZERO);
        assert_eq!(pause(3, 0.25, None), Duration::from_millis(100));
        assert_eq!(pause(1, 0.5, Some(Duration::from_secs(2))), Duration::from_secs(2));
    }
}
