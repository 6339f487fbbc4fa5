//! Who asks for runs when: about one a minute, and some ask again under the same key.

use std::collections::BTreeSet;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// A key may be used again within this time, less than the fifteen minutes for which A3 remembers it.
const AGAIN_WITHIN_MS: i64 = 10 * 60_000;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked {
    at_ms: i64,
    number: u32,
    pub(super) is_repeat: bool,
}

impl Asked {
    /// Its key: a repeat has the same.
    pub(super) fn key(&self) -> String {
        format!("request-{}", self.number)
    }

    /// What the page is called; each run has another title.
    pub(super) fn title(&self) -> String {
        format!("Simulated page {}", self.number)
    }
}

/// All requests that are to come.
#[derive(Debug)]
pub(super) struct Requests(BTreeSet<Asked>);

impl Requests {
    pub(super) fn of(seed: u64, begins_ms: i64, minutes: u32) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x0a5c_4ed5);
        let mut all = BTreeSet::new();
        let ends_ms = begins_ms + i64::from(minutes) * 60_000;
        let mut at_ms = begins_ms + 1_000;
        let mut number = 0;
        while at_ms < ends_ms {
            number += 1;
            all.insert(Asked { at_ms, number, is_repeat: false });
            // A third asks again, once or twice, some of them at once.
            let again = [0, 0, 0, 0, 1, 2][rng.random_range(0..6_usize)];
            for _ in 0..again {
                let later = if rng.random() { 0 } else { rng.random_range(1..AGAIN_WITHIN_MS) };
                all.insert(Asked { at_ms: (at_ms + later).min(ends_ms), number, is_repeat: true });
            }
            at_ms += rng.random_range(5_000..111_000);
        }
        Self(all)
    }

    pub(super) fn next_ms(&self) -> Option<i64> {
        self.0.first().map(|asked| asked.at_ms)
    }

    /// The next request whose time has come.
    pub(super) fn take(&mut self, now_ms: i64) -> Option<Asked> {
        self.next_ms().filter(|at_ms| *at_ms <= now_ms)?;
        self.0.pop_first()
    }
}
