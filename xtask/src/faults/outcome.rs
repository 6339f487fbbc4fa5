//! What became of a seeded fault, and of the healthy controls.

use common::ids::AppId;
use serde::{Deserialize, Serialize};

use crate::report::duration;

/// What was seen of a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "seen", rename_all = "snake_case")]
pub(crate) enum Seen {
    /// The check that is named for it does not hold, and the right app is blamed.
    Caught,
    /// It does not hold, and another app is blamed.
    WronglyBlamed { app: AppId },
    /// It holds, as if nothing were wrong.
    Missed,
    /// It could not be tried.
    NotTried { why: String },
}

/// One fault, seeded once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) id: String,
    pub(crate) breaks: String,
    /// `in A6`, `on the wire before A8, from A6`.
    pub(crate) place: String,
    pub(crate) caught_by: String,
    pub(crate) blames: AppId,
    pub(crate) seen: Seen,
    /// True if only one app was looked at, so that no other could be blamed.
    pub(crate) alone: bool,
    /// The first assertion or verdict that shows it.
    pub(crate) shown_by: String,
    /// From the first request of the check, or the first load of the run, until it was shown.
    pub(crate) detected_after_s: Option<f64>,
}

/// One healthy ecosystem, asked what the catalogue asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Control {
    /// What was asked, `checks` or the command of a run.
    pub(crate) of: String,
    /// How many checks, or claims of the run that decide.
    pub(crate) checks: u64,
    /// Within checks.
    pub(crate) assertions: u64,
    /// Checks that could not be tried, with their reason.
    pub(crate) skipped: Vec<String>,
    /// What did not hold although nothing was wrong.
    pub(crate) false_alarms: Vec<String>,
    pub(crate) took_s: f64,
}

/// What the catalogue shows of the harness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Matrix {
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) controls: Vec<Control>,
    pub(crate) took_s: f64,
}

impl Outcome {
    /// A line while the work goes on.
    pub(crate) fn line(&self) -> String {
        let after = self.detected_after_s.map(|s| format!(" after {}", duration(s))).unwrap_or_default();
        match &self.seen {
            Seen::Caught => format!("  caught  {}{after}, {} blamed: {}", self.id, self.blames, self.shown_by),
            Seen::WronglyBlamed { app } => {
                format!("  BLAMED  {}{after}: {app} instead of {}: {}", self.id, self.blames, self.shown_by)
            }
            Seen::Missed => {
                let others = if self.shown_by.is_empty() { "nothing".to_owned() } else { self.shown_by.clone() };
                format!("  MISSED  {}: {} does not fail ({}); {others} did", self.id, self.caught_by, self.breaks)
            }
            Seen::NotTried { why } => format!("  NOT TRIED  {}: {why}", self.id),
        }
    }
}

impl Matrix {
    /// Faults that were caught, whoever was blamed.
    pub(crate) fn caught(&self) -> usize {
        let caught = |outcome: &&Outcome| matches!(outcome.seen, Seen::Caught | Seen::WronglyBlamed { .. });
        self.outcomes.iter().filter(caught).count()
    }

    /// Faults that were caught and rightly blamed.
    pub(crate) fn rightly(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.seen == Seen::Caught).count()
    }

    /// Of those, faults for which more than one app could have been blamed.
    pub(crate) fn told_apart(&self) -> usize {
        self.outcomes.iter().filter(|outcome| outcome.seen == Seen::Caught && !outcome.alone).count()
    }

    /// Alarms of healthy controls.
    pub(crate) fn false_alarms(&self) -> usize {
        self.controls.iter().map(|control| control.false_alarms.len()).sum()
    }

    /// True if everything was caught and rightly blamed, and no control raised an alarm.
    pub(crate) fn is_clean(&self) -> bool {
        self.rightly() == self.outcomes.len() && self.false_alarms() == 0
    }
}
