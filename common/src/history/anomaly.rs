//! What can be wrong with a history, by name.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Line, Place};
use crate::ids::TraceId;

/// The kinds of anomalies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AnomalyKind {
    /// Acknowledged, and not there.
    LostEffect,
    /// There more often than it was asked for.
    DoubleEffect,
    /// There with other content or under another id than was sent or answered.
    AlteredEffect,
    /// Some effects of one intent happened and others did not.
    TornEffect,
    /// Refused for certain, and there all the same.
    RefusedEffect,
    /// There, and nobody asked for it.
    PhantomEffect,
    /// Acknowledged, and the command center never heard of it.
    LostEvent,
    /// The command center has it more often than it happened.
    DoubleEvent,
    /// The command center heard of it after the time limit.
    LateEvent,
    /// One key got two answers.
    AnswerChanged,
    /// Entries do not sum to what they must.
    UnbalancedLedger,
    /// An account fell below 0.
    NegativeBalance,
}

impl AnomalyKind {
    /// All of them, in the order of tables.
    pub const ALL: [Self; 12] = [
        Self::LostEffect,
        Self::DoubleEffect,
        Self::AlteredEffect,
        Self::TornEffect,
        Self::RefusedEffect,
        Self::PhantomEffect,
        Self::LostEvent,
        Self::DoubleEvent,
        Self::LateEvent,
        Self::AnswerChanged,
        Self::UnbalancedLedger,
        Self::NegativeBalance,
    ];

    /// The name in tables and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::LostEffect => "lost_effect",
            Self::DoubleEffect => "double_effect",
            Self::AlteredEffect => "altered_effect",
            Self::TornEffect => "torn_effect",
            Self::RefusedEffect => "refused_effect",
            Self::PhantomEffect => "phantom_effect",
            Self::LostEvent => "lost_event",
            Self::DoubleEvent => "double_event",
            Self::LateEvent => "late_event",
            Self::AnswerChanged => "answer_changed",
            Self::UnbalancedLedger => "unbalanced_ledger",
            Self::NegativeBalance => "negative_balance",
        }
    }
}

impl fmt::Display for AnomalyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Something that no order of the operations explains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Anomaly {
    /// Which.
    pub kind: AnomalyKind,
    /// Where it shows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// The key whose intent it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its trace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// What is wrong, in a sentence.
    pub what: String,
    /// The few lines of the history that show it.
    pub shown_by: Vec<Line>,
}

impl fmt::Display for Anomaly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.what)?;
        if let Some(trace) = self.trace_id {
            write!(f, " (trace {trace})")?;
        }
        Ok(())
    }
}
