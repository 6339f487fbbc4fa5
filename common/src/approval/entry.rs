//! What the record of approvals says.

use serde::{Deserialize, Serialize};

use super::{Decision, Request};
use crate::ids::RunId;
use crate::signing::Envelope;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "snake_case", deny_unknown_fields)]
pub enum Entry {
    /// A run came to a restricted action.
    Requested {
        /// What it wants.
        request: Request,
        /// The phase of the run.
        phase: u8,
    },
    /// A person allowed it.
    Granted {
        /// The approver.
        by: String,
        /// Her public key, PEM.
        key: String,
        /// What she signed.
        envelope: Envelope,
    },
    /// A person did not allow it.
    Declined {
        /// The approver.
        by: String,
        /// Her public key, PEM.
        key: String,
        /// What she signed.
        envelope: Envelope,
    },
    /// The run went on under the grants with these nonces; they are spent.
    Used {
        /// What was asked.
        request: Request,
        /// Of the grants.
        nonces: Vec<String>,
        /// Who had granted.
        by: Vec<String>,
    },
    /// A decision did not hold.
    Rejected {
        /// What was asked.
        request: Request,
        /// Of the decision, or the hash of its line if it has none that can be read.
        nonce: String,
        /// In words.
        why: String,
    },
    /// The run ended without an answer.
    Escalated {
        /// What was asked.
        request: Request,
        /// How long before the end it was asked for, in seconds.
        waited_s: u64,
    },
}

impl Entry {
    /// The kind of its line.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "approval_requested",
            Self::Granted { .. } => "approval_granted",
            Self::Declined { .. } => "approval_refused",
            Self::Used { .. } => "approval_used",
            Self::Rejected { .. } => "approval_rejected",
            Self::Escalated { .. } => "approval_escalated",
        }
    }

    /// True if it is about this run; what cannot be read is about none.
    #[must_use]
    pub fn is_about(&self, run: &RunId) -> bool {
        match self {
            Self::Requested { request, .. }
            | Self::Used { request, .. }
            | Self::Rejected { request, .. }
            | Self::Escalated { request, .. } => request.run == *run,
            Self::Granted { envelope, .. } | Self::Declined { envelope, .. } => {
                Decision::read(envelope).is_ok_and(|decision| decision.on.run == *run)
            }
        }
    }

    /// What a person signed, if this is that.
    #[must_use]
    pub fn envelope(&self) -> Option<&Envelope> {
        match self {
            Self::Granted { envelope, .. } | Self::Declined { envelope, .. } => Some(envelope),
            _ => None,
        }
    }
}

/// An entry with its place in the record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Noted {
    /// From 0.
    pub seq: u64,
    /// RFC 3339, with milliseconds.
    pub at: String,
    /// The hash of the line.
    pub hash: String,
    /// What happened.
    pub entry: Entry,
}
