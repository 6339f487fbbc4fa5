//! What speaks against a window.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::slo::decision::Reason;
use crate::slo::quantile::Quantile;

/// What speaks against a window. Minutes and thirds count from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "flaw", rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Flaw {
    /// It does not have [`WINDOW_MINUTES`] minutes.
    Length,
    /// Telemetry was silent for more than a minute.
    Silence {
        /// In which minute.
        minute: usize,
    },
    /// Fewer than 98 % of what was planned was sent, or nothing was planned.
    Unsent {
        /// In which minute.
        minute: usize,
    },
    /// The P99 of the harness's send lag is not below 5 ms.
    Lag,
    /// Something was restarted, deployed, reconfigured or broken on purpose.
    Disturbed {
        /// In which minute.
        minute: usize,
    },
    /// A quantile of two thirds differs by more than a factor of 1.2, at 99 %.
    Shift {
        /// Which quantile.
        quantile: Quantile,
        /// The earlier third.
        from: usize,
        /// The later third.
        to: usize,
    },
    /// The median of a minute is off by more than a factor of 1.5, and not by chance.
    OddMinute {
        /// Which minute.
        minute: usize,
    },
    /// The errors of a third break their limit.
    Errors {
        /// Which third.
        third: usize,
    },
}

impl Flaw {
    pub(super) fn reason(self) -> Reason {
        match self {
            Self::Length => Reason::TooFew,
            Self::Silence { .. } => Reason::TelemetryGap,
            Self::Unsent { .. } | Self::Lag => Reason::HarnessFault,
            _ => Reason::Unstable,
        }
    }
}

impl fmt::Display for Flaw {
    /// In words, with minutes and thirds counted from 1.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(f, "it has another length than a window"),
            Self::Silence { minute } => write!(f, "telemetry was silent in part {}", minute + 1),
            Self::Unsent { minute } => write!(f, "less than 98 % of what was planned was sent in part {}", minute + 1),
            Self::Lag => write!(f, "the generator sent late"),
            Self::Disturbed { minute } => write!(f, "something was changed in part {}", minute + 1),
            Self::Shift { quantile, from, to } => {
                write!(f, "{quantile} differs between third {} and {}", from + 1, to + 1)
            }
            Self::OddMinute { minute } => write!(f, "part {} is unlike the rest", minute + 1),
            Self::Errors { third } => write!(f, "the errors of third {} break their limit", third + 1),
        }
    }
}
