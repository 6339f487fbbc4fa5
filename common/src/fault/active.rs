//! Rules in force: what each has counted, and which of them disturb a request.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::{HeaderMap, Method};

use super::answer::Remembered;
use super::{Match, Rule, Rules, glob};
use crate::contract::header;
use crate::ids::{TraceId, TraceParent};
use crate::load::mix64;

/// What rules look at.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) trace: Option<TraceId>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(method: &'a Method, path: &'a str, headers: &'a HeaderMap) -> Self {
        Self { method, path, headers, trace: trace(headers) }
    }
}

/// The trace of a request, by either header.
fn trace(headers: &HeaderMap) -> Option<TraceId> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    let parent = text(header::TRACEPARENT).and_then(|text| text.parse::<TraceParent>().ok());
    parent.map(|parent| parent.trace).or_else(|| text(header::TRACE_ID)?.parse().ok())
}

/// What a rule has met so far. Counts do not outlive the rules.
#[derive(Debug)]
struct Counted {
    rule: Rule,
    fitting: AtomicU64,
    remembered: Mutex<HashMap<String, Remembered>>,
}

/// Rules since they were set.
#[derive(Debug)]
pub(super) struct Active {
    rules: Vec<Counted>,
    since: Instant,
}

/// A rule that disturbs a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit<'a> {
    counted: &'a Counted,
    /// How many requests fitted, this one included.
    nth: u64,
}

impl<'a> Hit<'a> {
    pub(super) fn rule(&self) -> &'a Rule {
        &self.counted.rule
    }

    pub(super) fn nth(&self) -> u64 {
        self.nth
    }

    /// The answer that this rule remembers under a key.
    pub(super) fn remembered(&self, key: &str) -> Option<Remembered> {
        self.counted.remembered.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Remembers an answer, unless there is one already.
    pub(super) fn remember(&self, key: String, answer: &Remembered) {
        let mut all = self.counted.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(key).or_insert_with(|| answer.clone());
    }
}

impl Active {
    pub(super) fn new(rules: Rules, since: Instant) -> Self {
        let counted = |rule| Counted { rule, fitting: AtomicU64::new(0), remembered: Mutex::default() };
        Self { rules: rules.into_vec().into_iter().map(counted).collect(), since }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// How long the rules have been in force.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.since)
    }

    /// Counts a request and tells the rules that disturb it, in their order.
    pub(super) fn hits(&self, facts: Facts<'_>, now: Instant) -> Vec<Hit<'_>> {
        let age = self.age(now);
        let hit = |counted: &'_ Counted| {
            let matches = &counted.rule.matches;
            if !fits(matches, facts, age) {
                return None;
            }
            let nth = counted.fitting.fetch_add(1, Ordering::SeqCst) + 1;
            is_its_turn(matches, nth).then_some(nth)
        };
        self.rules.iter().filter_map(|counted| hit(counted).map(|nth| Hit { counted, nth })).collect()
    }
}

/// True if a request fits all that does not count.
fn fits(matches: &Match, facts: Facts<'_>, age: Duration) -> bool {
    let value_fits = |(name, wanted): (&String, &String)| {
        facts.headers.get_all(name).iter().any(|value| value.to_str().is_ok_and(|value| glob::fits(wanted, value)))
    };
    let ms = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    (matches.methods.is_empty() || matches.methods.iter().any(|method| method == facts.method.as_str()))
        && matches.path.as_ref().is_none_or(|wanted| glob::fits(wanted, facts.path))
        && matches.headers.iter().all(value_fits)
        && matches.share.is_none_or(|share| facts.trace.is_some_and(|trace| belongs(trace, share)))
        && matches.from_ms.is_none_or(|from| ms >= from)
        && matches.until_ms.is_none_or(|until| ms < until)
}

/// True if the `nth` fitting request, counted from 1, is one that is disturbed.
pub(super) fn is_its_turn(matches: &Match, nth: u64) -> bool {
    let after = nth.saturating_sub(matches.skip.unwrap_or(0));
    let every = matches.every.unwrap_or(1).max(1);
    after > 0 && after.is_multiple_of(every) && matches.first.is_none_or(|first| after / every <= first)
}

/// True if a trace belongs to this share of all. The hash is not the one that samples telemetry, so that disturbed
/// traces are not those that are reported.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "folding to 64 and to 53 bits is meant"
)]
pub(super) fn belongs(trace: TraceId, share: f64) -> bool {
    let id = trace.as_u128();
    let mixed = mix64(mix64(id as u64).wrapping_add((id >> 64) as u64));
    ((mixed >> 11) as f64 / (1_u64 << 53) as f64) < share
}
