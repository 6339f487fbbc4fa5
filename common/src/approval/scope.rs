//! How far an action goes: what is asked for, and what a decision covers.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Action, Refused};
use crate::ids::{AppId, RunId};

/// Where an action happens, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// The environment of `targets.yaml`, or `embedded`.
    pub environment: String,
    /// The apps that are touched, one at least.
    pub apps: BTreeSet<AppId>,
    /// The most virtual users, for load.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vus: Option<u32>,
}

/// One thing that a run wants to do and may not by itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The run.
    pub run: RunId,
    /// What it wants to do.
    pub action: Action,
    /// How far.
    pub scope: Scope,
    /// `sha256:…` of the run's plan: another plan needs another decision.
    pub plan_digest: String,
}

impl Scope {
    /// A scope without an upper bound.
    #[must_use]
    pub fn new(environment: &str, apps: impl IntoIterator<Item = AppId>) -> Self {
        Self { environment: environment.to_owned(), apps: apps.into_iter().collect(), vus: None }
    }

    /// The same with so many virtual users at most.
    #[must_use]
    pub fn with_vus(self, vus: u32) -> Self {
        Self { vus: Some(vus), ..self }
    }

    /// Do both touch the same app of the same environment?
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        self.environment == other.environment && !self.apps.is_disjoint(&other.apps)
    }

    /// Is all of `asked` within this scope?
    ///
    /// # Errors
    /// [`Refused::OtherScope`] for another environment or app, [`Refused::ScopeTooSmall`] for more than the bound.
    pub fn covers(&self, asked: &Self) -> Result<(), Refused> {
        let same = self.environment == asked.environment && !asked.apps.is_empty() && asked.apps.is_subset(&self.apps);
        if !same {
            return Err(Refused::OtherScope { decided: self.to_string(), asked: asked.to_string() });
        }
        match (asked.vus, self.vus) {
            (None, None) => Ok(()),
            (Some(asked), Some(most)) if asked <= most => Ok(()),
            (Some(asked), most) => Err(Refused::ScopeTooSmall { most: most.unwrap_or(0), asked }),
            (None, Some(_)) => Err(Refused::OtherScope { decided: self.to_string(), asked: asked.to_string() }),
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let apps: Vec<_> = self.apps.iter().map(|app| app.lower()).collect();
        write!(f, "env={},apps={}", self.environment, apps.join("+"))?;
        self.vus.map_or(Ok(()), |vus| write!(f, ",vus={vus}"))
    }
}

/// A scope that is not written as `env=staging,apps=a1+a2,vus=100`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write a scope as env=staging,apps=a1+a2,vus=100 (vus only for load)")]
pub struct ScopeError(String);

impl FromStr for Scope {
    type Err = ScopeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (mut environment, mut apps, mut vus) = (None, None, None);
        for part in text.split(',') {
            let (key, value) = part.trim().split_once('=').ok_or_else(|| ScopeError(format!("`{part}` has no `=`")))?;
            let twice = match key {
                "env" => environment.replace(value.to_owned()).is_some(),
                "apps" => {
                    let read: Result<BTreeSet<AppId>, _> = value.split('+').map(str::parse).collect();
                    apps.replace(read.map_err(|_| ScopeError(format!("`{value}` names no apps")))?).is_some()
                }
                "vus" => {
                    let read = value.parse().map_err(|_| ScopeError(format!("`{value}` is no number of users")))?;
                    vus.replace(read).is_some()
                }
                _ => return Err(ScopeError(format!("`{key}` is no part of a scope"))),
            };
            if twice {
                return Err(ScopeError(format!("`{key}` stands twice")));
            }
        }
        match (environment.filter(|name| !name.is_empty()), apps) {
            (Some(environment), Some(apps)) => Ok(Self { environment, apps, vus }),
            _ => Err(ScopeError("env and apps are needed".to_owned())),
        }
    }
}
