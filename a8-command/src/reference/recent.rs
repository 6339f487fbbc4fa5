//! The last minutes, kept in memory: filled by the sink as it commits, read from the store at start and wherever the
//! sink left a gap.

mod arrival;
mod digest;
mod window;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use common::args;
use common::service::{Db, DbError};
use common::telemetry::Namespace;

use super::Shared;
use super::scope::{DEFAULT_WINDOW_MS, Scope};
use super::store::Record;
use super::tiles::{Taken, is_step, steps_of, stored_counts, stored_steps, stored_taken};
use digest::{Digests, Sample};
use window::Window;

pub(super) use arrival::Arrival;
pub(super) use digest::{Figures, Matrix};
pub(super) use window::{SHOWN, Steps};

/// How far back it reaches: the default window and a minute of grace.
const KEPT_MS: i64 = DEFAULT_WINDOW_MS + 60_000;
/// The most events read from the store at once.
const PAGE: i64 = 5_000;

#[derive(Debug)]
struct Kept {
    /// All events up to this one are in.
    read_through: i64,
    /// The newest event known to be stored; if it is beyond `read_through`, something is missing here.
    newest: i64,
    /// What happened at or before this time is not kept.
    forgotten_ms: i64,
    windows: BTreeMap<String, Window>,
}

/// The last minutes.
#[derive(Debug)]
pub(super) struct Recent {
    kept: Mutex<Kept>,
    /// Held by whoever reads the store, so that others wait instead of reading the same.
    reading: tokio::sync::Mutex<()>,
}

impl Default for Recent {
    fn default() -> Self {
        let kept = Kept { read_through: -1, newest: 0, forgotten_ms: i64::MIN, windows: BTreeMap::new() };
        Self { kept: Mutex::new(kept), reading: tokio::sync::Mutex::default() }
    }
}

/// Reads the store once, so that the first reader need not.
pub(super) fn warm_up(center: &Shared) {
    let center = Arc::clone(center);
    let tasks = center.ctx.tasks.clone();
    tasks.spawn(|stop| async move {
        let now_ms = center.ctx.clock.unix_ms();
        let done = stop.run_until_cancelled(center.recent.catch_up(&center.ctx.db, now_ms)).await;
        if let Some(Err(error)) = done {
            tracing::warn!(%error, "the last minutes are read when first asked for");
        }
    });
}

impl Kept {
    fn add(&mut self, arrival: &Arrival<'_>) {
        let is_request = arrival.event == "request_completed";
        if arrival.at_ms <= self.forgotten_ms || !(is_request || is_step(arrival.event)) {
            return;
        }
        if !self.windows.contains_key(arrival.namespace) {
            self.windows.insert(arrival.namespace.to_owned(), Window::default());
        }
        let Some(window) = self.windows.get_mut(arrival.namespace) else { return };
        if is_request {
            window.add_sample(arrival.at_ms, arrival.seq, arrival.sample());
        } else if !(arrival.simulated && arrival.namespace == Namespace::Live.as_str()) {
            for step in steps_of(arrival.event, arrival.clicked, arrival.route) {
                let step = (step, arrival.app_id.to_owned());
                window.add_step(arrival.at_ms, arrival.seq, step, arrival.trace_id.to_owned());
            }
        }
    }

    fn forget(&mut self, now_ms: i64) {
        self.forgotten_ms = self.forgotten_ms.max(now_ms - KEPT_MS);
        for window in self.windows.values_mut() {
            window.forget(self.forgotten_ms);
        }
    }
}

impl Recent {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in what was just committed; `newest` is the newest stored event, one of these if there are any.
    pub(super) fn take_in(&self, records: &[(i64, Record)], newest: i64, now_ms: i64) {
        let mut kept = self.kept();
        kept.forget(now_ms);
        for (seq, record) in records {
            kept.add(&record.arrival(*seq));
        }
        let first = records.first().map_or(newest + 1, |(seq, _)| *seq);
        if first == kept.read_through + 1 {
            kept.read_through = newest;
        }
        kept.newest = kept.newest.max(newest);
    }

    /// Reads from the store what the sink did not hand over.
    async fn catch_up(&self, db: &Db, now_ms: i64) -> Result<(), DbError> {
        if self.is_complete() {
            return Ok(());
        }
        let _reading = self.reading.lock().await;
        let mut after = {
            let mut kept = self.kept();
            kept.forget(now_ms);
            kept.read_through
        };
        if self.is_complete() {
            return Ok(());
        }
        let row = db.query_one("SELECT COALESCE(MAX(seq), 0) AS top FROM events", vec![]).await?;
        let top = row.map_or(Ok(0), |row| row.int("top"))?;
        loop {
            let sql = format!(
                "SELECT {} FROM events WHERE seq > $1 AND seq <= $2 AND at_ms > $3 ORDER BY seq LIMIT $4",
                arrival::COLUMNS
            );
            let rows = db.query(&sql, args![after, top, now_ms - KEPT_MS, PAGE]).await?;
            for row in &rows {
                after = row.int("seq")?;
                arrival::read(row, |arrival| self.kept().add(arrival))?;
            }
            if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                break;
            }
        }
        let mut kept = self.kept();
        kept.read_through = kept.read_through.max(top);
        Ok(())
    }

    fn is_complete(&self) -> bool {
        let kept = self.kept();
        kept.read_through >= kept.newest
    }

    /// What a window says, if memory covers the scope; what the store says if not.
    async fn ask<T: Default>(
        &self,
        db: &Db,
        scope: &Scope,
        question: impl FnOnce(&mut Window) -> T,
    ) -> Result<Option<T>, DbError> {
        if scope.trace.is_some() || scope.since_ms <= scope.now_ms - KEPT_MS {
            return Ok(None);
        }
        self.catch_up(db, scope.now_ms).await?;
        let mut kept = self.kept();
        if scope.since_ms <= kept.forgotten_ms {
            return Ok(None);
        }
        Ok(Some(kept.windows.get_mut(scope.namespace.as_str()).map(question).unwrap_or_default()))
    }

    /// Figures by route and app.
    pub(super) async fn matrix(&self, db: &Db, scope: &Scope) -> Result<Matrix, DbError> {
        let recent = self.ask(db, scope, |window| {
            if is_default(scope) {
                window.move_to(scope.since_ms);
                return window.matrix();
            }
            let until_ms = scope.until_ms.unwrap_or(i64::MAX);
            Digests::of(window.between(scope.since_ms, until_ms).map(|(_, sample)| sample)).matrix()
        });
        if let Some(matrix) = recent.await? {
            return Ok(matrix);
        }
        Ok(Digests::of(stored(db, scope).await?.iter().map(|(_, sample)| sample)).matrix())
    }

    /// The P95 of each app in so many intervals between the beginning of the scope and now.
    pub(super) async fn p95_by_interval(
        &self,
        db: &Db,
        scope: &Scope,
        intervals: usize,
    ) -> Result<BTreeMap<String, Vec<Option<f64>>>, DbError> {
        let until_ms = scope.until_ms.unwrap_or(i64::MAX);
        let recent = self.ask(db, scope, |window| lines(window.between(scope.since_ms, until_ms), scope, intervals));
        if let Some(lines) = recent.await? {
            return Ok(lines);
        }
        let stored = stored(db, scope).await?;
        Ok(lines(stored.iter().map(|(at_ms, sample)| (*at_ms, sample)), scope, intervals))
    }

    /// Who reached which step of a funnel.
    pub(super) async fn steps(&self, db: &Db, scope: &Scope) -> Result<Steps, DbError> {
        let recent = self.ask(db, scope, |window| {
            if is_default(scope) {
                window.move_to(scope.since_ms);
                return window.steps();
            }
            window.steps_between(scope.since_ms, scope.until_ms.unwrap_or(i64::MAX))
        });
        match recent.await? {
            Some(steps) => Ok(steps),
            None => stored_steps(db, scope).await,
        }
    }

    /// How often each step was taken, and how many traces went on.
    pub(super) async fn taken(&self, db: &Db, scope: &Scope) -> Result<Taken, DbError> {
        match self.taken_lately(db, scope).await? {
            Some(taken) => Ok(taken),
            None => stored_taken(db, scope).await,
        }
    }

    /// How often each step was taken.
    pub(super) async fn counts(&self, db: &Db, scope: &Scope) -> Result<BTreeMap<String, i64>, DbError> {
        match self.taken_lately(db, scope).await? {
            Some(taken) => Ok(taken.counts),
            None => stored_counts(db, scope).await,
        }
    }

    async fn taken_lately(&self, db: &Db, scope: &Scope) -> Result<Option<Taken>, DbError> {
        if !is_default(scope) {
            return Ok(None);
        }
        let question = |window: &mut Window| {
            window.move_to(scope.since_ms);
            window.taken()
        };
        self.ask(db, scope, question).await
    }
}

/// True for the span that is asked for most: the last minutes up to now.
fn is_default(scope: &Scope) -> bool {
    scope.trace.is_none() && scope.until_ms.is_none() && scope.since_ms == scope.now_ms - DEFAULT_WINDOW_MS
}

fn lines<'a>(
    samples: impl Iterator<Item = (i64, &'a Sample)>,
    scope: &Scope,
    intervals: usize,
) -> BTreeMap<String, Vec<Option<f64>>> {
    let span = (scope.now_ms - scope.since_ms).max(1);
    let mut lines: BTreeMap<&str, Vec<Vec<(u64, u64)>>> = BTreeMap::new();
    for (at_ms, sample) in samples {
        let line = lines.entry(&sample.key.app_id).or_insert_with(|| vec![Vec::new(); intervals]);
        let offset = (at_ms - scope.since_ms).clamp(0, span - 1);
        let index = usize::try_from(offset * i64::try_from(intervals).unwrap_or(1) / span).unwrap_or(0);
        if let Some(interval) = line.get_mut(index) {
            interval.push((sample.us, sample.weight_milli));
        }
    }
    let line = |line: Vec<Vec<_>>| line.into_iter().map(digest::p95_ms).collect();
    lines.into_iter().map(|(app, intervals)| (app.to_owned(), line(intervals))).collect()
}

/// Requests of any span, from the store.
async fn stored(db: &Db, scope: &Scope) -> Result<Vec<(i64, Sample)>, DbError> {
    let columns = arrival::COLUMNS;
    let sql = format!("SELECT {columns} FROM events WHERE {} AND event = 'request_completed'", scope.condition());
    let rows = db.query(&sql, scope.values()).await?;
    rows.iter().map(|row| arrival::read(row, |arrival| (arrival.at_ms, arrival.sample()))).collect()
}
