//! What a bundle says about itself.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::signing;

/// The form of the manifest.
pub(super) const SCHEMA: &str = "handshake-evidence/1";

/// What a bundle is about, by names that its maker gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The run.
    pub run_id: String,
    /// `ecosystem`, `suite a2`, …
    pub command: String,
    /// `embedded`, `staging`, …
    pub target: String,
    /// `quick`, `standard`, `full`.
    pub profile: String,
    /// `READY`, `CONDITIONAL` or `NOT READY`.
    pub verdict: String,
    /// The hash of the last line of the run's record.
    pub ledger_head: String,
}

/// What became of something that was planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Became {
    /// It was decided, for good or ill.
    Executed,
    /// It was tried and showed neither.
    Inconclusive,
    /// It waits for a person.
    Held,
    /// It was not tried.
    Skipped,
}

/// What was planned, and what became of it; every list is sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planned {
    /// `sha256:…` of the names of all that was planned, sorted, each with a line feed.
    pub digest: String,
    /// True only if all of it was executed: what a part of a run never is.
    pub whole: bool,
    /// What was decided.
    pub executed: Vec<String>,
    /// What was tried and showed neither.
    pub inconclusive: Vec<String>,
    /// What waits for a person.
    pub held: Vec<String>,
    /// What was not tried.
    pub skipped: Vec<String>,
}

impl Planned {
    /// Sorts what was planned by what became of it. Of a name that stands twice, the worse counts.
    #[must_use]
    pub fn of(items: impl IntoIterator<Item = (String, Became)>) -> Self {
        let mut worst: std::collections::BTreeMap<String, Became> = std::collections::BTreeMap::new();
        for (name, became) in items {
            let entry = worst.entry(name).or_insert(became);
            *entry = became.max(*entry);
        }
        let list = |wanted| {
            let of = worst.iter().filter(|(_, became)| **became == wanted);
            of.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let mut planned = Self {
            digest: String::new(),
            whole: false,
            executed: list(Became::Executed),
            inconclusive: list(Became::Inconclusive),
            held: list(Became::Held),
            skipped: list(Became::Skipped),
        };
        planned.digest = planned.digest_of_lists();
        planned.whole = planned.is_whole();
        planned
    }

    fn digest_of_lists(&self) -> String {
        let lists = [&self.executed, &self.inconclusive, &self.held, &self.skipped];
        let names: BTreeSet<&String> = lists.into_iter().flatten().collect();
        let text: String = names.into_iter().map(|name| format!("{name}\n")).collect();
        signing::sha256(text.as_bytes())
    }

    fn is_whole(&self) -> bool {
        !self.executed.is_empty() && [&self.inconclusive, &self.held, &self.skipped].iter().all(|list| list.is_empty())
    }

    /// What it says of itself that its lists do not.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.digest != self.digest_of_lists() {
            problems.push(
                "the digest of what was planned is not that of the lists: something was left out or added".into(),
            );
        }
        if self.whole != self.is_whole() {
            problems.push("it says that all that was planned was executed, and its lists do not".into());
        }
        problems
    }
}

/// Who vouches for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedBy {
    /// The id of the key.
    pub key: String,
    /// True if the key was made for this bundle and thrown away: that shows that nothing was changed since, not who made it.
    pub ephemeral: bool,
}

/// One artifact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// In the bundle, with `/`.
    pub path: String,
    /// `sha256:…`.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// `_manifest.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `handshake-evidence/1`.
    pub schema: String,
    /// What it is about.
    #[serde(flatten)]
    pub subject: Subject,
    /// What was planned, and what became of it.
    pub planned: Planned,
    /// Who vouches for it.
    pub signed_by: SignedBy,
    /// Every artifact, by path.
    pub entries: Vec<Entry>,
}
