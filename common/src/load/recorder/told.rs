//! What became of each request that was to store something, one by one, where a proof needs it.

use crate::load::report::{StepReport, Told};

use super::Outcome;

/// Requests that are told one by one over the whole load; a burst of 2 minutes has 12,000.
pub(super) const MAX_TOLD: usize = 500_000;

/// The requests of one step by what their senders know; empty unless asked for.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    room: usize,
    acknowledged: Vec<Told>,
    unacknowledged: Vec<Told>,
    not_kept: u64,
}

impl Ledger {
    /// Has room for so many; with none it keeps and counts nothing.
    pub(super) fn new(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    /// Adds a request, warm-up or not: what a warm-up stored is there too.
    pub(super) fn add(&mut self, outcome: &Outcome) {
        if self.room == 0 {
            return;
        }
        if self.acknowledged.len() + self.unacknowledged.len() >= self.room {
            self.not_kept += 1;
            return;
        }
        let told = Told { iteration: outcome.iteration, trace_id: outcome.trace };
        match outcome.fault {
            None => self.acknowledged.push(told),
            Some(_) => self.unacknowledged.push(told),
        }
    }

    /// Adds those of another thread.
    pub(super) fn merge(&mut self, other: Self) {
        self.room += other.room;
        self.acknowledged.extend(other.acknowledged);
        self.unacknowledged.extend(other.unacknowledged);
        self.not_kept += other.not_kept;
    }

    /// Puts them into the report, in the order of iterations.
    pub(super) fn tell(mut self, report: &mut StepReport) {
        self.acknowledged.sort_unstable();
        self.unacknowledged.sort_unstable();
        report.acknowledged = self.acknowledged;
        report.unacknowledged = self.unacknowledged;
        report.told_not_kept = self.not_kept;
    }
}
