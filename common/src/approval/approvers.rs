//! Who may decide: `approvers.yaml`, with public keys only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde::Deserialize;

use super::Action;
use crate::signing::PublicKey;

/// A person who may decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approver {
    /// Shown wherever she decided.
    pub name: String,
    /// Checks what she signed.
    pub key: PublicKey,
    /// What she may decide on.
    pub actions: BTreeSet<Action>,
}

/// All who may decide, and how many of them it takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Approvers {
    people: Vec<Approver>,
    quorum: BTreeMap<Action, u32>,
}

/// Why the file of approvers cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ApproversError {
    /// It cannot be read.
    #[error("cannot read {path}: {source}; name another file with --approvers")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// It is no such file.
    #[error("{path}: {why}")]
    Form {
        /// The file.
        path: String,
        /// What is wrong, with its place where there is one.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    approvers: Vec<Person>,
    #[serde(default)]
    quorum: BTreeMap<String, u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Person {
    name: String,
    key: String,
    actions: Vec<String>,
}

impl Approvers {
    /// Reads the file.
    ///
    /// # Errors
    /// [`ApproversError`] when it is not there or wrong.
    pub fn load(path: &Path) -> Result<Self, ApproversError> {
        let shown = path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| ApproversError::Read { path: shown.clone(), source })?;
        Self::parse(&text).map_err(|why| ApproversError::Form { path: shown, why })
    }

    /// Reads the text of the file.
    ///
    /// # Errors
    /// What is wrong, in words: no YAML of this form, an action that does not exist, a key that is none, a name or key that
    /// stands twice, a quorum that nobody can reach.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = serde_saphyr::from_str(text).map_err(|error| error.to_string())?;
        let mut all = Self::default();
        for person in file.approvers {
            let at = |why: String| format!("approver `{}`: {why}", person.name);
            let key = PublicKey::from_pem(&person.key).map_err(|error| at(error.to_string()))?;
            let actions = person.actions.iter().map(|name| name.parse()).collect::<Result<_, _>>().map_err(at)?;
            if person.name.trim().is_empty() || all.people.iter().any(|other| other.name == person.name) {
                return Err(format!("approver `{}`: each needs a name of her own", person.name));
            }
            if let Some(other) = all.people.iter().find(|other| other.key == key) {
                return Err(format!("approver `{}` has the key of `{}`: one person, one key", person.name, other.name));
            }
            all.people.push(Approver { name: person.name, key, actions });
        }
        for (name, needed) in file.quorum {
            let action: Action = name.parse().map_err(|why| format!("quorum: {why}"))?;
            let able = all.people.iter().filter(|person| person.actions.contains(&action)).count();
            if needed == 0 || usize::try_from(needed).is_ok_and(|needed| needed > able) {
                return Err(format!("quorum: {action} needs {needed}, and {able} approvers may decide on it"));
            }
            all.quorum.insert(action, needed);
        }
        Ok(all)
    }

    /// All of them, in the order of the file.
    #[must_use]
    pub fn people(&self) -> &[Approver] {
        &self.people
    }

    /// How many different approvers have to grant an action; one unless the file says more.
    #[must_use]
    pub fn needed(&self, action: Action) -> u32 {
        self.quorum.get(&action).copied().unwrap_or(1)
    }

    /// The approver whose key has this id.
    #[must_use]
    pub fn with_key(&self, id: &str) -> Option<&Approver> {
        self.people.iter().find(|person| person.key.id() == id)
    }
}
