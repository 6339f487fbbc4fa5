//! What clients did to the apps and what can be read afterwards: does every acknowledged effect exist once, and nothing
//! else?
//!
//! The method is that of Jepsen and Elle (Kingsbury, Alvaro, "Elle: Inferring Isolation Anomalies from Experimental
//! Observations", VLDB 2020), for effects instead of isolation: clients write down each attempt with what they know of its
//! outcome (acknowledged, refused, unknown), the apps crash meanwhile, and what is read at the end must be explained by
//! exactly these attempts. [`check`] is a function of the history, [`plan`] one of its seed.

mod anomaly;
mod check;
mod generate;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{AppId, TraceId};

pub use anomaly::{Anomaly, AnomalyKind};
pub use check::{Checked, check};
pub use generate::{Fault, Kill, Plan, Step, Workload, plan};

/// Where effects can be read: `A2 event`, `A8 lead_captured of A2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Whoever keeps them.
    pub app: AppId,
    /// What they are called there.
    pub what: String,
}

impl Place {
    /// What this app keeps under this name.
    #[must_use]
    pub fn new(app: AppId, what: &str) -> Self {
        Self { app, what: what.to_owned() }
    }

    /// True for the command center, where effects arrive later than they happen.
    #[must_use]
    pub fn is_telemetry(&self) -> bool {
        self.app == AppId::A8
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.app, self.what)
    }
}

/// How an effect is found again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lookup {
    /// By its trace.
    #[default]
    ByTrace,
    /// By its trace, and its id there is the one that the answer named.
    ByTraceAsAnswered,
    /// Only by the id that the answer named: what was not acknowledged cannot be looked up.
    ByAnswer,
}

/// An effect that an intent must have: so many times, never fewer and never more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Where.
    pub place: Place,
    /// Tells several effects of one trace in one place apart; empty for an only one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// How often, usually once.
    pub times: u64,
    /// Members that it must have, with these values; `null` for none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub value: Value,
    /// How it is found.
    #[serde(default)]
    pub lookup: Lookup,
}

impl Expected {
    /// One effect, of any content, found by its trace.
    #[must_use]
    pub fn once(place: Place) -> Self {
        Self { place, name: String::new(), times: 1, value: Value::Null, lookup: Lookup::ByTrace }
    }

    /// What it must say.
    #[must_use]
    pub fn saying(mut self, value: Value) -> Self {
        self.value = value;
        self
    }

    /// Told apart from others of its trace and place by this name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// So often.
    #[must_use]
    pub fn times(mut self, times: u64) -> Self {
        self.times = times;
        self
    }

    /// How it is found.
    #[must_use]
    pub fn found(mut self, lookup: Lookup) -> Self {
        self.lookup = lookup;
        self
    }
}

/// Something that a client wants done once: one key, one trace, however many attempts it takes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Intent {
    /// The idempotency key, or the natural key of a route that standard clients call.
    pub key: String,
    /// The trace that all its attempts carry.
    pub trace_id: TraceId,
    /// Who is asked.
    pub app: AppId,
    /// `event`, `settle`.
    pub kind: String,
    /// What is sent.
    pub argument: Value,
    /// What must come of it.
    pub effects: Vec<Expected>,
    /// True if all of its effects happen or none, even if nobody asks again.
    pub atomic: bool,
}

/// One attempt at an intent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// Its number in the history.
    pub op: u64,
    /// The client that made it; a client makes one at a time, but for copies that it sends at once.
    pub process: u32,
    /// Who was asked.
    pub app: AppId,
    /// The kind of its intent.
    pub kind: String,
    /// The key of its intent, whose argument was sent.
    pub key: String,
    /// The trace of its intent.
    pub trace_id: TraceId,
    /// When it was sent, in milliseconds since the Unix epoch.
    pub invoked_ms: i64,
    /// When its outcome was known.
    pub completed_ms: i64,
    /// What the client knows.
    pub outcome: Outcome,
}

/// What a client knows of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Outcome {
    /// It was acknowledged.
    Ok {
        /// The id that the answer names.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        /// The answer; the same key must always get the same one. `null` where the route promises no such thing.
        #[serde(default, skip_serializing_if = "Value::is_null")]
        answer: Value,
    },
    /// It certainly had no effect: refused, or never sent.
    Fail {
        /// Why.
        why: String,
    },
    /// It may have had its effect: no answer, a broken one, or a 5xx.
    Info {
        /// Why.
        why: String,
    },
}

impl Outcome {
    /// True if it was acknowledged.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok { .. })
    }

    /// True if nobody knows.
    #[must_use]
    pub fn is_info(&self) -> bool {
        matches!(self, Self::Info { .. })
    }
}

/// An effect as it was read at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// Where.
    pub place: Place,
    /// The name that tells several of a trace apart.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The trace it is filed under.
    pub trace_id: TraceId,
    /// Its own id there.
    pub id: String,
    /// What it says.
    pub value: Value,
    /// When it got there, in milliseconds since the Unix epoch, where the place tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_ms: Option<i64>,
}

/// How many effects a place has, where they cannot be listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Where.
    pub place: Place,
    /// How many.
    pub n: u64,
}

/// The entries of an account, or of a booking, oldest first, in whole units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// `A6 settlement rev_1`, `A5 account of client 3`.
    pub name: String,
    /// The trace it belongs to, if to one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// Signed.
    pub entries: Vec<i64>,
    /// What the app says they sum to: 0 for the entries of a booking.
    pub balance: i64,
    /// True for an account that must never fall below 0, after no entry.
    pub never_negative: bool,
}

/// A crash of an app.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// Whose.
    pub app: AppId,
    /// When it was killed, in milliseconds since the Unix epoch.
    pub killed_ms: i64,
    /// When it served again.
    pub up_ms: i64,
}

/// One line of a history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "line", rename_all = "snake_case")]
pub enum Line {
    /// What was wanted.
    Intent(Intent),
    /// An attempt.
    Operation(Operation),
    /// A crash.
    Crash(Crash),
    /// An effect that was read.
    Seen(Seen),
    /// A number of effects that was read.
    Tally(Tally),
    /// An account that was read.
    Account(Account),
}

/// All of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct History {
    /// What was wanted.
    pub intents: Vec<Intent>,
    /// Every attempt.
    pub operations: Vec<Operation>,
    /// Every crash.
    pub crashes: Vec<Crash>,
    /// What was read at the end.
    pub seen: Vec<Seen>,
    /// Numbers that were read at the end.
    pub tallies: Vec<Tally>,
    /// Accounts that were read at the end.
    pub accounts: Vec<Account>,
    /// How long after its effect, or after the recovery from a crash, an event may take to arrive, in milliseconds.
    pub arrival_limit_ms: i64,
}

impl History {
    /// Its lines: what was wanted, what was tried in the order of sending, what was read.
    pub fn lines(&self) -> impl Iterator<Item = Line> {
        let mut tried: Vec<(i64, Line)> = Vec::with_capacity(self.operations.len() + self.crashes.len());
        tried.extend(self.operations.iter().map(|one| (one.invoked_ms, Line::Operation(one.clone()))));
        tried.extend(self.crashes.iter().map(|one| (one.killed_ms, Line::Crash(one.clone()))));
        tried.sort_by_key(|(at_ms, _)| *at_ms);
        let wanted = self.intents.iter().cloned().map(Line::Intent);
        let read = self.seen.iter().cloned().map(Line::Seen);
        let tallies = self.tallies.iter().cloned().map(Line::Tally);
        let accounts = self.accounts.iter().cloned().map(Line::Account);
        wanted.chain(tried.into_iter().map(|(_, line)| line)).chain(read).chain(tallies).chain(accounts)
    }

    /// The history of these lines, with the given limit of arrival.
    pub fn of(lines: impl IntoIterator<Item = Line>, arrival_limit_ms: i64) -> Self {
        let mut history = Self { arrival_limit_ms, ..Self::default() };
        for line in lines {
            match line {
                Line::Intent(one) => history.intents.push(one),
                Line::Operation(one) => history.operations.push(one),
                Line::Crash(one) => history.crashes.push(one),
                Line::Seen(one) => history.seen.push(one),
                Line::Tally(one) => history.tallies.push(one),
                Line::Account(one) => history.accounts.push(one),
            }
        }
        history
    }
}

#[cfg(test)]
mod tests;
