//! A simple brake on guessing passwords: after a few failures, an account waits.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Failures of one account within the window before it must wait.
const ALLOWED: u32 = 5;
/// How long failures count, in milliseconds.
const WINDOW_MS: i64 = 60_000;
/// The most accounts remembered; the ones whose window is over make room first.
const REMEMBERED: usize = 10_000;

/// Failures per account, in memory: a restart forgets them.
#[derive(Debug, Default)]
pub(super) struct LoginRate(Mutex<BTreeMap<String, Failures>>);

#[derive(Debug, Clone, Copy)]
struct Failures {
    since_ms: i64,
    count: u32,
}

impl LoginRate {
    /// Seconds to wait before this account may try again; `None` if it may.
    pub(super) fn wait_s(&self, account: &str, now_ms: i64) -> Option<u32> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let own = failures.get(account).filter(|own| own.count >= ALLOWED)?;
        let left_ms = own.since_ms + WINDOW_MS - now_ms;
        (left_ms > 0).then(|| u32::try_from(left_ms.saturating_add(999) / 1_000).unwrap_or(60))
    }

    /// Counts a failure.
    pub(super) fn failed(&self, account: &str, now_ms: i64) {
        let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() >= REMEMBERED {
            failures.retain(|_, own| own.since_ms + WINDOW_MS > now_ms);
        }
        let own = failures.entry(account.to_owned()).or_insert(Failures { since_ms: now_ms, count: 0 });
        if own.since_ms + WINDOW_MS <= now_ms {
            *own = Failures { since_ms: now_ms, count: 0 };
        }
        own.count += 1;
    }

    /// Forgets the failures of an account that got in.
    pub(super) fn succeeded(&self, account: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_failures_make_an_account_wait_until_the_minute_is_over() {
        let rate = LoginRate::default();
        for _ in 0..4 {
            rate.failed("ada", 1_000);
        }
        assert_eq!(rate.wait_s("ada", 1_000), None);
        rate.failed("ada", 1_000);
        assert_eq!(rate.wait_s("ada", 31_000), Some(30));
        assert_eq!(rate.wait_s("grace", 31_000), None, "others are not slowed");
        assert_eq!(rate.wait_s("ada", 61_000), None);
        rate.failed("ada", 61_000);
        assert_eq!(rate.wait_s("ada", 61_000), None, "old failures do not count");
    }
}
