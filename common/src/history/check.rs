//! Whether a history is explained by its operations.

mod account;
mod effect;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Anomaly, AnomalyKind, Expected, History, Intent, Line, Lookup, Operation, Outcome, Place, Seen};

/// The most lines of each sort in an excerpt.
const EXCERPT: usize = 4;

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checked {
    /// What was wanted.
    pub intents: u64,
    /// Attempts at it.
    pub operations: u64,
    /// Intents that were acknowledged at least once.
    pub acknowledged: u64,
    /// Intents of which nobody knows whether they happened, until the end.
    pub unknown: u64,
    /// Intents that certainly did not happen.
    pub refused: u64,
    /// Attempts whose outcome was unknown, those asked again included.
    pub unknown_attempts: u64,
    /// Crashes meanwhile.
    pub crashes: u64,
    /// Effects that were looked at.
    pub effects: u64,
    /// What the operations do not explain.
    pub anomalies: Vec<Anomaly>,
}

impl Checked {
    /// How many of each kind.
    #[must_use]
    pub fn by_kind(&self) -> BTreeMap<AnomalyKind, u64> {
        let mut counts = BTreeMap::new();
        for anomaly in &self.anomalies {
            *counts.entry(anomaly.kind).or_default() += 1;
        }
        counts
    }
}

/// What is known of an intent from its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Acknowledged,
    Unknown,
    Refused,
}

/// An intent with all that belongs to it.
struct Case<'a> {
    intent: &'a Intent,
    attempts: Vec<&'a Operation>,
    standing: Standing,
}

/// Looks for whatever the operations do not explain.
///
/// - Acknowledged: each effect is there as often as it must be, as it was sent, under the id that was answered.
/// - Unknown: each effect is there as often as it must be or not at all, and all of an atomic intent agree.
/// - Refused: no effect is there.
/// - One key has one answer; every effect has an intent; ledgers sum up and no account is below 0.
/// - Events are in the command center within the limit after the last of: acknowledgement, recovery from a crash.
#[must_use]
pub fn check(history: &History) -> Checked {
    let cases = cases(history);
    let found = Found::of(history);
    let mut anomalies = Vec::new();
    for case in &cases {
        anomalies.extend(case.answers());
        anomalies.extend(effect::of_case(history, case, &found));
    }
    anomalies.extend(phantoms(history));
    anomalies.extend(account::tallies(history, &cases));
    anomalies.extend(history.accounts.iter().flat_map(account::judge));
    let standing = |wanted| count(cases.iter().filter(|case| case.standing == wanted).count());
    Checked {
        intents: count(cases.len()),
        operations: count(history.operations.len()),
        acknowledged: standing(Standing::Acknowledged),
        unknown: standing(Standing::Unknown),
        refused: standing(Standing::Refused),
        unknown_attempts: count(history.operations.iter().filter(|one| one.outcome.is_info()).count()),
        crashes: count(history.crashes.len()),
        effects: count(history.seen.len()),
        anomalies,
    }
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

fn cases(history: &History) -> Vec<Case<'_>> {
    let mut attempts: BTreeMap<&str, Vec<&Operation>> = BTreeMap::new();
    for operation in &history.operations {
        attempts.entry(&operation.key).or_default().push(operation);
    }
    let cases = history.intents.iter().map(|intent| {
        let attempts = attempts.remove(intent.key.as_str()).unwrap_or_default();
        let any = |is: fn(&Outcome) -> bool| attempts.iter().any(|one| is(&one.outcome));
        let standing = match (any(Outcome::is_ok), any(Outcome::is_info)) {
            (true, _) => Standing::Acknowledged,
            (false, true) => Standing::Unknown,
            (false, false) => Standing::Refused,
        };
        Case { intent, attempts, standing }
    });
    cases.collect()
}

/// What was read, by what it can be looked up with.
struct Found<'a>(BTreeMap<(&'a Place, u128, &'a str), Vec<&'a Seen>>);

impl<'a> Found<'a> {
    fn of(history: &'a History) -> Self {
        let mut found: BTreeMap<_, Vec<&Seen>> = BTreeMap::new();
        for seen in &history.seen {
            found.entry((&seen.place, seen.trace_id.as_u128(), seen.name.as_str())).or_default().push(seen);
        }
        Self(found)
    }

    fn get(&self, intent: &'a Intent, expected: &'a Expected) -> &[&'a Seen] {
        let key = (&expected.place, intent.trace_id.as_u128(), expected.name.as_str());
        self.0.get(&key).map_or(&[], Vec::as_slice)
    }
}

impl Case<'_> {
    fn anomaly(&self, kind: AnomalyKind, place: Option<&Place>, what: String, shown_by: Vec<Line>) -> Anomaly {
        Anomaly {
            kind,
            place: place.cloned(),
            key: Some(self.intent.key.clone()),
            trace_id: Some(self.intent.trace_id),
            what,
            shown_by,
        }
    }

    /// `event effect-1 at A2`.
    fn name(&self) -> String {
        format!("{} {} at {}", self.intent.kind, self.intent.key, self.intent.app)
    }

    /// The ids that answers named.
    fn answered_ids(&self) -> BTreeSet<&str> {
        let named = self.attempts.iter().filter_map(|one| match &one.outcome {
            Outcome::Ok { id, .. } => id.as_deref(),
            _ => None,
        });
        named.collect()
    }

    /// The attempts that `which` says, as lines of an excerpt.
    fn lines(&self, which: impl Fn(&Outcome) -> bool) -> Vec<Line> {
        let chosen = self.attempts.iter().filter(|one| which(&one.outcome)).take(EXCERPT);
        chosen.map(|one| Line::Operation((*one).clone())).collect()
    }

    /// One key, one answer.
    fn answers(&self) -> Option<Anomaly> {
        let answered = |one: &&&Operation| matches!(&one.outcome, Outcome::Ok { answer, .. } if !answer.is_null());
        let mut acknowledged = self.attempts.iter().filter(answered);
        let first = acknowledged.next()?;
        let other = acknowledged.find(|one| one.outcome != first.outcome)?;
        let what = format!("{} got two answers", self.name());
        let shown = [first, other].map(|one| Line::Operation((*one).clone())).to_vec();
        Some(self.anomaly(AnomalyKind::AnswerChanged, None, what, shown))
    }
}

/// What was read and belongs to no intent.
fn phantoms(history: &History) -> impl Iterator<Item = Anomaly> {
    let wanted: BTreeSet<(u128, &Place, &str)> = history
        .intents
        .iter()
        .flat_map(|intent| intent.effects.iter().map(|e| (intent.trace_id.as_u128(), &e.place, e.name.as_str())))
        .collect();
    let is_wanted = move |seen: &&Seen| wanted.contains(&(seen.trace_id.as_u128(), &seen.place, seen.name.as_str()));
    history.seen.iter().filter(move |seen| !is_wanted(seen)).map(|seen| Anomaly {
        kind: AnomalyKind::PhantomEffect,
        place: Some(seen.place.clone()),
        key: None,
        trace_id: Some(seen.trace_id),
        what: format!("{} {} is there and nobody asked for it", seen.place, seen.id),
        shown_by: vec![Line::Seen(seen.clone())],
    })
}

/// True if everything that `expected` says is in `seen`: members of objects at least, anything else exactly.
fn says(seen: &Value, expected: &Value) -> bool {
    match (seen, expected) {
        (_, Value::Null) => true,
        (Value::Object(seen), Value::Object(expected)) => {
            expected.iter().all(|(name, value)| seen.get(name).is_some_and(|own| says(own, value)))
        }
        _ => seen == expected,
    }
}

/// True if an effect of this intent can be looked up at all.
fn can_be_found(expected: &Expected, standing: Standing) -> bool {
    expected.lookup != Lookup::ByAnswer || standing == Standing::Acknowledged
}
