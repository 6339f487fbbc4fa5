//! What came of effects under faults: one cell for each app and fault.

use std::collections::BTreeMap;

use common::history::{AnomalyKind, Checked, Fault};
use common::ids::AppId;
use serde::{Deserialize, Serialize};

/// The apps whose effects are checked.
pub(crate) const EFFECT_APPS: [AppId; 4] = [AppId::A2, AppId::A3, AppId::A5, AppId::A6];

/// All cells of one drive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EffectsReport {
    pub(crate) seed: u64,
    /// Intents in each cell.
    pub(crate) intents: u32,
    pub(crate) started_at: String,
    pub(crate) took_s: f64,
    /// How long events may take to arrive, in seconds.
    pub(crate) arrival_limit_s: f64,
    /// What embedded apps were told to do wrong, `A2 A2AckBeforeCommit`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) defects: Vec<String>,
    pub(crate) cells: Vec<EffectsCell>,
}

/// One app under one fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct EffectsCell {
    pub(crate) app: AppId,
    pub(crate) fault: Fault,
    /// Counts, and the first anomalies with what shows them.
    pub(crate) checked: Checked,
    /// How many anomalies of each kind, those left out above included.
    pub(crate) by_kind: BTreeMap<AnomalyKind, u64>,
    /// Requests that the fault proxy disturbed, by rule.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) disturbed: BTreeMap<String, u64>,
    /// Seconds from the last attempt until everything had come to rest.
    pub(crate) rest_after_s: f64,
    /// False if the time limit ended the wait.
    pub(crate) came_to_rest: bool,
    /// The command that does the same again.
    pub(crate) again: String,
    /// Why the app was not there again after a kill; nothing that it had acknowledged can be read then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) not_started: Option<String>,
    /// Why the cell ended before its end, so that nothing was checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) broke_off: Option<String>,
}

impl EffectsCell {
    /// All anomalies of the cell.
    pub(crate) fn anomalies(&self) -> u64 {
        self.by_kind.values().sum()
    }

    /// Why the cell shows nothing, whatever was found in it.
    pub(crate) fn shows_nothing(&self) -> Vec<String> {
        let wire = |rule: Fault| self.disturbed.get(rule.as_str()).is_some_and(|n| *n > 0);
        let killed = self.checked.crashes > 0;
        let came_about = match self.fault {
            Fault::None => true,
            Fault::Kill => killed,
            Fault::Duplicate | Fault::Delay | Fault::CommitThen503 => wire(self.fault),
            Fault::Together => killed && wire(Fault::Duplicate) && wire(Fault::CommitThen503),
        };
        let early = [&self.not_started, &self.broke_off].into_iter().flatten().next();
        if let Some(why) = early {
            return vec![format!("it broke off: {why}")];
        }
        let all = [
            (!came_about, "the fault did not come about"),
            (!self.came_to_rest, "it did not come to rest within the time limit"),
            (self.checked.acknowledged == 0, "nothing was acknowledged"),
            (self.checked.effects == 0, "no effect was read"),
        ];
        all.into_iter().filter(|(is, _)| *is).map(|(_, why)| why.to_owned()).collect()
    }

    /// True if the fault came about, something was acknowledged and looked at, and no anomaly was found.
    pub(crate) fn holds(&self) -> bool {
        self.anomalies() == 0 && self.shows_nothing().is_empty()
    }
}

impl EffectsReport {
    /// True if there are cells and all of them hold.
    pub(crate) fn holds(&self) -> bool {
        !self.cells.is_empty() && self.cells.iter().all(EffectsCell::holds)
    }
}
