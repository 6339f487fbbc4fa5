//! What the harness says about a claim, and on what grounds.
//!
//! A [`Verdict`] is one of five values and each carries its figures. `Pass` and `Fail` hold [`Figures`], whose sample
//! count is a [`NonZeroU64`]: a verdict without samples cannot be built. `Pass` also holds the second source's
//! [`Agreement`], or the words why a claim has only one source.

mod evidence;
mod exit;
mod rollup;
mod ruling;
mod score;
mod slo;
mod statement;
mod steady;

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use crate::ids::TraceId;
use crate::slo::{Judgement, Reason};

pub use crate::slo::Grade;
pub use evidence::{LatencyFigures, Part, SloEvidence, Steadiness, StopCause};
pub use exit::{Outcome, exit_code};
pub use rollup::{Rollup, Tally, roll_up};
pub use ruling::{Claim, Family, Ruling, Window, from_findings};
pub use score::{Aspect, scored};
pub use slo::{judge_errors, judge_p95};
pub use statement::Statement;

/// The harness's word on one claim.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// Shown, by two sources where the claim has two.
    Pass {
        /// What it rests on.
        figures: Figures,
        /// What the second source said.
        second: Confirmation,
    },
    /// Shown to be broken.
    Fail {
        /// What it rests on.
        figures: Figures,
        /// Traces that show it, worst first.
        traces: Vec<TraceId>,
    },
    /// Neither was shown.
    Inconclusive {
        /// Why not.
        reason: Reason,
        /// What was seen, if anything.
        figures: Option<Figures>,
        /// What there is of what is needed, `observed 640 of 1,024 samples`.
        observed: String,
        /// What would decide it.
        required: String,
    },
    /// Waits for a person.
    Held {
        /// The restricted action.
        action: String,
        /// How to grant it.
        grant: String,
    },
    /// Not tried.
    Skipped {
        /// Why, and what would enable it.
        reason: String,
    },
}

/// The counts behind a verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// What was counted: `requests`, `assertions`, `events`.
    pub unit: String,
    /// How many there were.
    pub n: NonZeroU64,
    /// How many of them were bad.
    pub bad: u64,
    /// The interval and the decision, where the claim is about a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgement: Option<Judgement>,
    /// Latency quantiles, where the claim is about time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<LatencyFigures>,
}

impl Figures {
    /// Counts of `unit`; `None` without any.
    #[must_use]
    pub fn counted(unit: &str, n: u64, bad: u64) -> Option<Self> {
        let n = NonZeroU64::new(n)?;
        Some(Self { unit: unit.to_owned(), n, bad, judgement: None, latency: None })
    }
}

/// How a pass is confirmed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Confirmation {
    /// A second source agrees, record by record.
    Agreed(Agreement),
    /// The claim can be seen from one side only.
    SingleSource {
        /// Why there is no second.
        why: String,
    },
}

/// A second source that agrees with the probe. Only reconciliation makes one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// The second source, `A8 request_completed events`.
    pub source: String,
    /// Records found in both.
    pub matched: NonZeroU64,
}

/// What the second source says, as reconciliation found it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum SecondSource {
    /// It agrees.
    Agrees(Agreement),
    /// It knows something else.
    Disagrees {
        /// What differs, with counts.
        what: String,
    },
    /// It has gaps.
    Gap {
        /// What is missing, with counts.
        what: String,
    },
    /// There is none.
    Absent {
        /// Why, and how to get it.
        why: String,
    },
}

impl Verdict {
    /// `PASS`, `FAIL`, `INCONCLUSIVE`, `HELD` or `SKIPPED`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pass { .. } => "PASS",
            Self::Fail { .. } => "FAIL",
            Self::Inconclusive { .. } => "INCONCLUSIVE",
            Self::Held { .. } => "HELD",
            Self::Skipped { .. } => "SKIPPED",
        }
    }

    /// True for a pass.
    #[must_use]
    pub fn is_pass(&self) -> bool {
        matches!(self, Self::Pass { .. })
    }

    /// True for a failure.
    #[must_use]
    pub fn is_fail(&self) -> bool {
        matches!(self, Self::Fail { .. })
    }

    /// The figures, if there are any.
    #[must_use]
    pub fn figures(&self) -> Option<&Figures> {
        match self {
            Self::Pass { figures, .. } | Self::Fail { figures, .. } => Some(figures),
            Self::Inconclusive { figures, .. } => figures.as_ref(),
            Self::Held { .. } | Self::Skipped { .. } => None,
        }
    }

    /// An inconclusive verdict for want of any sample.
    #[must_use]
    pub fn nothing_seen(what: &str, required: impl Into<String>) -> Self {
        Self::Inconclusive {
            reason: Reason::TooFew,
            figures: None,
            observed: format!("0 {what}"),
            required: required.into(),
        }
    }
}

#[cfg(test)]
mod tests;
