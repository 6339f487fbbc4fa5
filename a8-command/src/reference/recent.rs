//! Latencies of the last minutes, kept in memory and brought up to date by what arrived since.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use common::args;
use common::service::{Db, DbError, Row};
use tokio::sync::Mutex;

use super::Shared;
use super::scope::{DEFAULT_WINDOW_MS, Scope};

/// How far back latencies are kept: the default window and a minute of grace.
const KEPT_MS: i64 = DEFAULT_WINDOW_MS + 60_000;
/// The most requests read from the store at once.
const PAGE: i64 = 5_000;

/// A route of an app within a namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct RouteKey {
    pub(super) namespace: String,
    pub(super) app_id: String,
    pub(super) method: String,
    pub(super) route: String,
}

/// One answered request as reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sample {
    pub(super) at_ms: i64,
    pub(super) us: u64,
    /// The inverse of its sample rate, in thousandths.
    pub(super) weight_milli: u64,
    pub(super) failed: bool,
}

pub(super) type Samples = BTreeMap<RouteKey, Vec<Sample>>;

#[derive(Debug, Default)]
struct Kept {
    read_through: i64,
    routes: BTreeMap<RouteKey, VecDeque<Sample>>,
}

/// The requests of the last minutes.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<Kept>);

/// Follows the arrivals, so that a tile finds little left to read.
pub(super) fn keep_up(center: &Shared) {
    let center = Arc::clone(center);
    let tasks = center.ctx.tasks.clone();
    tasks.spawn(|stop| async move {
        let mut arrivals = center.newest.subscribe();
        loop {
            let now_ms = center.ctx.clock.unix_ms();
            if let Err(error) = center.recent.catch_up(&center.ctx.db, now_ms).await {
                tracing::warn!(%error, "recent latencies are not up to date");
            }
            if !matches!(stop.run_until_cancelled(arrivals.changed()).await, Some(Ok(()))) {
                return;
            }
        }
    });
}

impl Recent {
    /// Reads what arrived since the last time and forgets what is too old.
    async fn catch_up(&self, db: &Db, now_ms: i64) -> Result<(), DbError> {
        let mut kept = self.0.lock().await;
        let row = db.query_one("SELECT COALESCE(MAX(seq), 0) AS top FROM events", vec![]).await?;
        let top = row.map_or(Ok(0), |row| row.int("top"))?;
        loop {
            let sql = "SELECT seq, at_ms, namespace, app_id, method, route, status, p95_ms, sample_rate FROM events
                       WHERE seq > $1 AND seq <= $2 AND event = 'request_completed' AND at_ms > $3
                       ORDER BY seq LIMIT $4";
            let rows = db.query(sql, args![kept.read_through, top, now_ms - KEPT_MS, PAGE]).await?;
            for row in &rows {
                kept.read_through = row.int("seq")?;
                let (key, sample) = read(row)?;
                kept.routes.entry(key).or_default().push_back(sample);
            }
            if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
                break;
            }
        }
        kept.read_through = top;
        for samples in kept.routes.values_mut() {
            while samples.front().is_some_and(|sample| sample.at_ms <= now_ms - KEPT_MS) {
                samples.pop_front();
            }
        }
        kept.routes.retain(|_, samples| !samples.is_empty());
        Ok(())
    }

    /// The samples of a scope, from memory if it lies within the last minutes, from the store if not.
    pub(super) async fn samples(&self, db: &Db, scope: &Scope) -> Result<Samples, DbError> {
        if scope.trace.is_some() || scope.since_ms <= scope.now_ms - KEPT_MS {
            return stored(db, scope).await;
        }
        self.catch_up(db, scope.now_ms).await?;
        let kept = self.0.lock().await;
        let until_ms = scope.until_ms.unwrap_or(i64::MAX);
        let inside = |sample: &Sample| (scope.since_ms..=until_ms).contains(&sample.at_ms);
        let routes = kept.routes.iter().filter(|(key, _)| key.namespace == scope.namespace.as_str());
        let chosen = routes.map(|(key, samples)| {
            (key.clone(), samples.iter().copied().filter(|sample| inside(sample)).collect::<Vec<_>>())
        });
        Ok(chosen.filter(|(_, samples)| !samples.is_empty()).collect())
    }
}

async fn stored(db: &Db, scope: &Scope) -> Result<Samples, DbError> {
    let sql = format!(
        "SELECT at_ms, namespace, app_id, method, route, status, p95_ms, sample_rate FROM events
         WHERE {} AND event = 'request_completed'",
        scope.condition()
    );
    let mut samples = Samples::new();
    for row in db.query(&sql, scope.values()).await? {
        let (key, sample) = read(&row)?;
        samples.entry(key).or_default().push(sample);
    }
    Ok(samples)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be positive, and small")]
fn read(row: &Row) -> Result<(RouteKey, Sample), DbError> {
    let key = RouteKey {
        namespace: row.text("namespace")?,
        app_id: row.text("app_id")?,
        method: row.text("method")?,
        route: row.text("route")?,
    };
    let sample = Sample {
        at_ms: row.int("at_ms")?,
        us: (row.real("p95_ms")?.max(0.0) * 1_000.0).round() as u64,
        weight_milli: (1_000.0 / row.real("sample_rate")?.clamp(1e-6, 1.0)).round() as u64,
        failed: row.int("status")? >= 500,
    };
    Ok((key, sample))
}
