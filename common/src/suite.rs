//! One app's contract, workloads, checks and faults.

use serde::{Deserialize, Serialize};

use crate::check::Check;
use crate::contract::Contract;
use crate::fault::Rule;
use crate::ids::AppId;
use crate::scenario::Scenario;
use crate::service::Defect;

/// Everything the harness knows about one app.
#[derive(Debug, Clone)]
pub struct Suite {
    /// What the app promises.
    pub contract: Contract,
    /// How it is loaded.
    pub scenarios: Vec<Scenario>,
    /// What is asserted about it.
    pub checks: Vec<Check>,
    /// How it can be broken, and which check must notice.
    pub faults: Vec<Fault>,
}

/// One way to break an app, the check that must catch it, and the app to blame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fault {
    /// `a6.fee_2_9`.
    pub id: String,
    /// What is broken, `charges 2.9 % instead of 3 %`.
    pub breaks: String,
    /// How.
    pub kind: FaultKind,
    /// The check that must fail.
    pub caught_by: String,
    /// The app that must be blamed.
    pub blames: AppId,
}

/// How a fault is made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// Inside the reference app that is to blame.
    Defect(Defect),
    /// On the wire, by a proxy before an app.
    Wire {
        /// The app that the proxy stands before.
        at: AppId,
        /// The app whose requests it disturbs; all callers, the harness too, if none is named.
        from: Option<AppId>,
        /// How.
        rules: Vec<Rule>,
    },
}

impl Fault {
    /// A defect of the app that the check belongs to.
    ///
    /// # Panics
    /// When `caught_by` does not begin with an app's short name.
    #[must_use]
    pub fn defect(id: &str, breaks: &str, defect: Defect, caught_by: &str) -> Self {
        let app = caught_by.split('.').next().and_then(|prefix| prefix.parse().ok());
        Self {
            id: id.to_owned(),
            breaks: breaks.to_owned(),
            kind: FaultKind::Defect(defect),
            caught_by: caught_by.to_owned(),
            blames: app.expect("the id of a check begins with its app"),
        }
    }

    /// The app that answers wrongly: the one with the defect, or the one behind the proxy.
    #[must_use]
    pub fn at(&self) -> AppId {
        match &self.kind {
            FaultKind::Defect(_) => self.blames,
            FaultKind::Wire { at, .. } => *at,
        }
    }

    /// Where it is: `in A6`, `on the wire from A6 to A8`.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.kind {
            FaultKind::Defect(_) => format!("in {}", self.blames),
            FaultKind::Wire { at, from: None, .. } => format!("on the wire before {at}"),
            FaultKind::Wire { at, from: Some(from), .. } => format!("on the wire from {from} to {at}"),
        }
    }

    /// A disturbance of whatever reaches `at`, which is to blame: as if the app itself answered so.
    #[must_use]
    pub fn wire(id: &str, breaks: &str, at: AppId, rule: Rule, caught_by: &str) -> Self {
        Self {
            id: id.to_owned(),
            breaks: breaks.to_owned(),
            kind: FaultKind::Wire { at, from: None, rules: vec![rule] },
            caught_by: caught_by.to_owned(),
            blames: at,
        }
    }

    /// A disturbance between two apps: as if `from`, which is to blame, sent so to `at`.
    #[must_use]
    pub fn between(id: &str, breaks: &str, (from, at): (AppId, AppId), rule: Rule, caught_by: &str) -> Self {
        Self {
            kind: FaultKind::Wire { at, from: Some(from), rules: vec![rule.clone()] },
            blames: from,
            ..Self::wire(id, breaks, at, rule, caught_by)
        }
    }

    /// With another app to blame.
    #[must_use]
    pub fn blaming(mut self, app: AppId) -> Self {
        self.blames = app;
        self
    }
}

impl Suite {
    /// The app.
    #[must_use]
    pub fn app(&self) -> AppId {
        self.contract.app
    }

    /// The check of this id.
    #[must_use]
    pub fn check(&self, id: &str) -> Option<&Check> {
        self.checks.iter().find(|check| check.id == id)
    }

    /// The workload of this id.
    #[must_use]
    pub fn scenario(&self, id: &str) -> Option<&Scenario> {
        self.scenarios.iter().find(|scenario| scenario.id == id)
    }
}
