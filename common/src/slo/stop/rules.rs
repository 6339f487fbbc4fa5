//! How long the windows of the stop conditions are, and how they shrink with a shorter profile.

use std::time::Duration;

/// The figures of the stop conditions. Lengths are whole seconds, at least 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StopRules {
    /// By how much the lengths are divided; 1 for a full run.
    pub scale: f64,
    /// From one evaluation to the next: 10 s.
    pub tick_s: u64,
    /// The short window that must stay bad: 1 min.
    pub held_window_s: u64,
    /// At so many evaluations in a row: 25, whose windows span 5 min.
    pub held_ticks: u64,
    /// The long window whose count must be proof: 5 min.
    pub proven_window_s: u64,
    /// The share of errors that is too many: 1 %.
    pub error_limit: f64,
    /// The share of slow answers that is too many: 5 %, which is a P95 above the limit.
    pub slow_limit: f64,
    /// Fewer bad ones than this in the short window hold nothing. Not scaled.
    pub least_bad: u64,
    /// The same of all requests. Not scaled.
    pub least_requests: u64,
    /// The probability of a stop by the long window over a whole run at the limit: 5 %.
    pub alpha: f64,
    /// Telemetry may be silent so long: 60 s. Not scaled, as its delay does not shrink with the run.
    pub silence: Duration,
    /// An evaluation that comes this late was missed: 15 s. Not scaled.
    pub missed: Duration,
    /// The share of errors that the error budget allows, in millionths.
    pub budget_ppm: u64,
}

impl Default for StopRules {
    fn default() -> Self {
        Self::scaled(1.0)
    }
}

impl StopRules {
    /// All lengths divided by `scale` (15 min over the length of a baseline) and rounded, at least a second each. The
    /// counts stay: a window of one second still needs 60 requests and 2 bad ones, so a short run stops later rather than
    /// for nothing. How many ticks a condition must hold follows from the lengths: their windows span 5 min over `scale`.
    ///
    /// A scale below 1 or not a number is taken as 1.
    #[must_use]
    pub fn scaled(scale: f64) -> Self {
        let scale = if scale.is_finite() { scale.max(1.0) } else { 1.0 };
        let shrink = |seconds: u64| shrink(seconds, scale);
        let (tick_s, held_window_s, span_s) = (shrink(10), shrink(60), shrink(300));
        Self {
            scale,
            tick_s,
            held_window_s,
            held_ticks: 1 + span_s.saturating_sub(held_window_s) / tick_s,
            proven_window_s: span_s,
            error_limit: 0.01,
            slow_limit: 0.05,
            least_bad: 2,
            least_requests: 60,
            alpha: 0.05,
            silence: Duration::from_secs(60),
            missed: Duration::from_secs(15),
            budget_ppm: 10_000,
        }
    }

    /// How often the long window is looked at over a run: ticks at which it is full, times endpoints; at least 1.
    #[must_use]
    pub fn evaluations(&self, run: Duration, endpoints: u64) -> u64 {
        let ticks = run.as_secs().checked_sub(self.proven_window_s).map_or(1, |rest| rest / self.tick_s + 1);
        ticks.saturating_mul(endpoints).max(1)
    }

    /// A length of an alert in this run, in seconds.
    pub(super) fn shrink(&self, length: Duration) -> u64 {
        shrink(length.as_secs(), self.scale)
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at least 1, at most the length")]
fn shrink(seconds: u64, scale: f64) -> u64 {
    (seconds as f64 / scale).round().max(1.0) as u64
}
