//! The retry budget: how much more load a party that fails may get from those who try again.
//!
//! A bucket of tokens for each party. A first attempt adds a fifth of a token, time adds one a second, a retry takes one,
//! and there is room for ten. So in any time, retries are at most 20 % of the calls, plus one a second, plus ten
//! (Finagle's `RetryBudget`). Without a token a retry is put off, not dropped.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::party::Party;

/// What a first attempt adds.
const SHARE: f64 = 0.2;
/// What a second adds.
const FLOOR_PER_S: f64 = 1.0;
/// How many tokens there is room for; it is full at first.
const RESERVE: f64 = 10.0;

/// The budgets of this process.
#[derive(Debug, Clone)]
pub(crate) struct Budgets(Arc<Mutex<BTreeMap<Party, Budget>>>);

#[derive(Debug, Clone, Copy)]
struct Budget {
    tokens: f64,
    filled: Instant,
    calls: u64,
    retries: u64,
    put_off: u64,
}

impl Budgets {
    pub(crate) fn full(now: Instant) -> Self {
        let full = Budget { tokens: RESERVE, filled: now, calls: 0, retries: 0, put_off: 0 };
        Self(Arc::new(Mutex::new(Party::ALL.into_iter().map(|party| (party, full)).collect())))
    }

    /// Pays for a call: a first attempt earns, a retry costs. The wait until there is a token, if there is none.
    pub(crate) fn pay(&self, party: Party, is_retry: bool, now: Instant) -> Result<(), Duration> {
        self.with(party, |budget| budget.pay(is_retry, now))
    }

    /// Takes note of a call that neither earns nor costs: the trial of a breaker, which has a limit of its own.
    pub(crate) fn note_trial(&self, party: Party) {
        self.with(party, |budget| budget.retries += 1);
    }

    /// How the budget of a party stands.
    pub(crate) fn show(&self, party: Party, now: Instant) -> Value {
        self.with(party, |budget| {
            budget.fill(now);
            json!({
                "first_attempts": budget.calls, "retries": budget.retries, "put_off": budget.put_off,
                "tokens": budget.tokens, "share": SHARE, "floor_per_s": FLOOR_PER_S, "reserve": RESERVE,
            })
        })
    }

    fn with<T>(&self, party: Party, change: impl FnOnce(&mut Budget) -> T) -> T {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        change(all.get_mut(&party).expect("every party has a budget from the start"))
    }
}

impl Budget {
    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.filled).as_secs_f64();
        self.tokens = (self.tokens + passed * FLOOR_PER_S).min(RESERVE);
        self.filled = self.filled.max(now);
    }

    fn pay(&mut self, is_retry: bool, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        if !is_retry {
            self.calls += 1;
            self.tokens = (self.tokens + SHARE).min(RESERVE);
            return Ok(());
        }
        if self.tokens < 1.0 {
            self.put_off += 1;
            return Err(Duration::from_secs_f64((1.0 - self.tokens) / FLOOR_PER_S).max(Duration::from_millis(1)));
        }
        self.tokens -= 1.0;
        self.retries += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use common::clock;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn without_first_attempts_the_reserve_is_spent_and_then_one_retry_a_second_passes() {
        let now = clock::monotonic();
        let budgets = Budgets::full(now);
        for _ in 0..10 {
            assert_eq!(budgets.pay(Party::A7, true, now), Ok(()));
        }
        assert_eq!(budgets.pay(Party::A7, true, now), Err(Duration::from_secs(1)));
        assert_eq!(budgets.pay(Party::A4, true, now), Ok(()), "another party has its own");
        let later = now + Duration::from_secs(1);
        assert_eq!(budgets.pay(Party::A7, true, later), Ok(()));
        assert!(budgets.pay(Party::A7, true, later).is_err());
        let shown = budgets.show(Party::A7, later);
        assert_eq!((&shown["retries"], &shown["put_off"]), (&json!(11), &json!(2)));
    }

    proptest! {
        #[test]
        fn retries_stay_within_a_fifth_of_the_calls_one_a_second_and_the_reserve(
            asked in prop::collection::vec((any::<bool>(), 0_u64..400), 1..300)
        ) {
            let start = clock::monotonic();
            let budgets = Budgets::full(start);
            let (mut now, mut calls, mut retries) = (start, 0.0, 0.0);
            for (is_retry, pause_ms) in asked {
                now += Duration::from_millis(pause_ms);
                let paid = budgets.pay(Party::A7, is_retry, now).is_ok();
                calls += if is_retry { 0.0 } else { 1.0 };
                retries += if is_retry && paid { 1.0 } else { 0.0 };
                let most = RESERVE + SHARE * calls + FLOOR_PER_S * (now - start).as_secs_f64();
                prop_assert!(retries <= most + 1e-6, "{retries} retries, at most {most}");
            }
        }
    }
}
