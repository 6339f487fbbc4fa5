//! The three-valued decision and why it could not be made.

use serde::{Deserialize, Serialize};

/// Why a decision is what it is. Every code but `OK` belongs to an inconclusive one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reason {
    /// The data decide.
    Ok,
    /// No outcome could pass with so few samples.
    TooFew,
    /// The interval lies on both sides of the limit.
    Straddles,
    /// The samples depend on each other so much that they are worth fewer than 30.
    Autocorrelated,
    /// The window drifted or jumped.
    Unstable,
    /// It was not shown that the window is stable.
    UndecidedStability,
    /// Telemetry fell silent while requests were due.
    TelemetryGap,
    /// The harness itself did not keep its schedule.
    HarnessFault,
    /// The load waited for answers, so its latencies are too kind.
    ClosedLoop,
    /// There is nothing to compare with.
    NoBaseline,
    /// The difference is below what the harness can measure.
    Resolution,
    /// A failure was seen once and not again.
    Unconfirmed,
    /// The run was stopped before its end.
    Stopped,
    /// The claim itself makes no sense.
    Config,
    /// Two sources that should agree do not.
    Disagreeing,
}

/// What the data say about a claim. Nothing missing is ever a pass.
///
/// Serialised as `{"verdict": "PASS" | "FAIL"}` or `{"verdict": "INCONCLUSIVE", "reason": ...}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "verdict", content = "reason", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Decision {
    /// The whole interval is on the good side.
    Pass,
    /// The whole interval is on the bad side.
    Fail,
    /// Neither was shown.
    #[serde(rename = "INCONCLUSIVE")]
    Undecided(Reason),
}

impl Decision {
    /// The reason code; [`Reason::Ok`] for a pass or a failure.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Pass | Self::Fail => Reason::Ok,
            Self::Undecided(reason) => reason,
        }
    }

    /// `PASS`, `FAIL` or `INCONCLUSIVE`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "PASS",
            Self::Fail => "FAIL",
            Self::Undecided(_) => "INCONCLUSIVE",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_written_with_its_reason_and_read_back() {
        for (decision, json) in [
            (Decision::Pass, r#"{"verdict":"PASS"}"#),
            (Decision::Fail, r#"{"verdict":"FAIL"}"#),
            (Decision::Undecided(Reason::TooFew), r#"{"verdict":"INCONCLUSIVE","reason":"TOO_FEW"}"#),
        ] {
            assert_eq!(serde_json::to_string(&decision).unwrap(), json);
            assert_eq!(serde_json::from_str::<Decision>(json).unwrap(), decision);
        }
    }
}
