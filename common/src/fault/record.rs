//! What was applied: the newest in full, all of it counted.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tokio::sync::broadcast;

use crate::ids::TraceId;

/// So many applications are kept in full; older ones are only counted.
const KEPT: usize = 10_000;

/// A rule disturbed a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// The rule.
    pub rule: String,
    /// The trace of the request, if it had one.
    pub trace_id: Option<TraceId>,
    /// When, in milliseconds since the Unix epoch.
    pub at_unix_ms: i64,
    /// Of the request.
    pub method: String,
    /// Of the request, without its query.
    pub path: String,
}

#[derive(Debug, Default)]
struct Kept {
    newest: VecDeque<Applied>,
    counts: BTreeMap<String, u64>,
}

/// The record of one proxy.
#[derive(Debug)]
pub(super) struct Record {
    kept: Mutex<Kept>,
    follow: broadcast::Sender<Applied>,
}

impl Default for Record {
    fn default() -> Self {
        Self { kept: Mutex::default(), follow: broadcast::channel(1_024).0 }
    }
}

impl Record {
    pub(super) fn add(&self, applied: Applied) {
        drop(self.follow.send(applied.clone()));
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept.counts.entry(applied.rule.clone()).or_default() += 1;
        if kept.newest.len() == KEPT {
            kept.newest.pop_front();
        }
        kept.newest.push_back(applied);
    }

    pub(super) fn newest(&self) -> Vec<Applied> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).newest.iter().cloned().collect()
    }

    pub(super) fn counts(&self) -> BTreeMap<String, u64> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).counts.clone()
    }

    pub(super) fn follow(&self) -> broadcast::Receiver<Applied> {
        self.follow.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_are_kept_and_all_are_counted() {
        let record = Record::default();
        for at_unix_ms in 0..KEPT as i64 + 5 {
            let (rule, method, path) = ("slow".to_owned(), "GET".to_owned(), "/".to_owned());
            record.add(Applied { rule, trace_id: None, at_unix_ms, method, path });
        }
        let newest = record.newest();
        assert_eq!((newest.len(), newest[0].at_unix_ms), (KEPT, 5));
        assert_eq!(record.counts(), BTreeMap::from([("slow".to_owned(), KEPT as u64 + 5)]));
    }
}
