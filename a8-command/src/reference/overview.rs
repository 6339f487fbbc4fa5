//! The executive overview. Known issue A8-PERF-001: it reads and parses every stored event on every request. With the
//! flag `a8_tile_cache` it is served from roll-ups that only ever read what arrived since, with a TTL and an ETag.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::args;
use common::clock::{self, rfc3339};
use common::ids::AppId;
use common::service::{Db, DbError, Defect, Json, Problem, Query, Row};
use common::telemetry::Namespace;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::scope::{Scope, ScopeQuery};
use super::{Center, Shared};

/// The flag.
const FLAG: &str = "a8_tile_cache";
/// How long an answer is given again.
const TTL: Duration = Duration::from_secs(2);
/// The most events read at once.
const PAGE: i64 = 2_000;

/// Counters of one app.
#[derive(Debug, Clone, Default, PartialEq)]
struct AppTotals {
    events: i64,
    requests: f64,
    errors: f64,
    last_ms: i64,
}

/// Counters of one namespace over the whole store.
#[derive(Debug, Clone, Default, PartialEq)]
struct Totals {
    apps: BTreeMap<String, AppTotals>,
    events: BTreeMap<String, i64>,
    settlements: i64,
    gross_minor: i64,
    fee_minor: i64,
    ai_cost_minor: i64,
    ai_price_minor: i64,
    newest_seq: i64,
}

/// Roll-ups, and answers made from them.
#[derive(Default)]
pub(super) struct Cache(Mutex<BTreeMap<Namespace, Cached>>);

#[derive(Default)]
struct Cached {
    totals: Totals,
    answer: Option<(Instant, Value)>,
}

pub(super) async fn show(
    State(center): State<Shared>,
    Query(query): Query<ScopeQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let whole = ScopeQuery { since_ms: Some(query.since_ms.unwrap_or(0)), ..query };
    let scope = whole.read(center.ctx.clock.unix_ms())?;
    if scope.since_ms != 0 || scope.until_ms.is_some() || scope.trace.is_some() {
        return Err(Problem::invalid("", "the overview covers the whole store: give a namespace only"));
    }
    if !center.ctx.flags.on(FLAG) {
        let totals = from_raw_events(&center.ctx.db, scope.namespace).await?;
        let body = center.render(&totals, &scope).await?;
        return Ok(Json(body).into_response());
    }
    let (body, etag) = center.cached_overview(&scope).await?;
    let validators =
        [(header::ETAG, etag.clone()), (header::CACHE_CONTROL, format!("private, max-age={}", TTL.as_secs()))];
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if known.split(',').any(|tag| tag.trim() == etag || tag.trim() == "*") {
        return Ok((StatusCode::NOT_MODIFIED, validators).into_response());
    }
    Ok((validators, Json(body)).into_response())
}

impl Center {
    /// The overview from roll-ups, not older than the TTL, and the tag of what it rests on.
    pub(super) async fn cached_overview(&self, scope: &Scope) -> Result<(Value, String), DbError> {
        let mut caches = self.overview.0.lock().await;
        let cached = caches.entry(scope.namespace).or_default();
        let is_stale = self.ctx.has(Defect::A8StaleTiles);
        let fresh = cached.answer.as_ref().filter(|(at, _)| is_stale || at.elapsed() < TTL);
        let body = if let Some((_, body)) = fresh {
            body.clone()
        } else {
            roll_up(&self.ctx.db, scope.namespace, &mut cached.totals).await?;
            let body = self.render(&cached.totals, scope).await?;
            cached.answer = Some((clock::monotonic(), body.clone()));
            body
        };
        Ok((body, format!("W/\"{}-{}\"", scope.namespace, cached.totals.newest_seq)))
    }

    async fn render(&self, totals: &Totals, scope: &Scope) -> Result<Value, DbError> {
        let mut body = super::tiles::head("executive-overview", scope);
        let apps: Vec<_> = AppId::ALL.into_iter().map(|app| app_row(app, totals.apps.get(app.as_str()))).collect();
        body.insert("apps".to_owned(), apps.into());
        body.insert("events".to_owned(), json!(totals.events));
        body.insert(
            "revenue".to_owned(),
            json!({
                "settlements": totals.settlements,
                "gross_minor": totals.gross_minor,
                "fee_minor": totals.fee_minor,
                "ai_cost_minor": totals.ai_cost_minor,
                "ai_price_minor": totals.ai_price_minor,
            }),
        );
        body.insert("sink".to_owned(), sink_counts(&self.ctx.db).await?);
        Ok(Value::Object(body))
    }
}

#[expect(clippy::cast_possible_truncation, reason = "counts are far below 2^53")]
fn app_row(app: AppId, totals: Option<&AppTotals>) -> Value {
    let totals = totals.cloned().unwrap_or_default();
    let rate = (totals.requests > 0.0).then(|| totals.errors * 100.0 / totals.requests);
    json!({
        "app_id": app,
        "events": totals.events,
        "requests": totals.requests.round() as i64,
        "errors": totals.errors.round() as i64,
        "error_rate_pct": rate,
        "last_seen": (totals.last_ms > 0).then(|| rfc3339(totals.last_ms)),
    })
}

/// What the sink did since the store was made.
pub(super) async fn sink_counts(db: &Db) -> Result<Value, DbError> {
    let mut counts = json!({ "accepted": 0, "duplicates": 0, "rejected": 0 });
    for row in db.query("SELECT name, n FROM sink_counts", vec![]).await? {
        counts[row.text("name")?] = row.int("n")?.into();
    }
    Ok(counts)
}

/// The known issue: every stored event is read and parsed, every time.
async fn from_raw_events(db: &Db, namespace: Namespace) -> Result<Totals, DbError> {
    let mut totals = Totals::default();
    let sql = "SELECT seq, body FROM events WHERE seq > $1 AND (namespace || '') = $2 ORDER BY seq LIMIT $3";
    loop {
        let rows = db.query(sql, args![totals.newest_seq, namespace.as_str(), PAGE]).await?;
        for row in &rows {
            let event: Value = serde_json::from_str(&row.text("body")?).unwrap_or_default();
            totals.newest_seq = row.int("seq")?;
            totals.add_event(namespace, &event);
        }
        if rows.len() < usize::try_from(PAGE).unwrap_or(usize::MAX) {
            return Ok(totals);
        }
        tokio::task::yield_now().await;
    }
}

impl Totals {
    fn add_event(&mut self, namespace: Namespace, event: &Value) {
        let name = event["event"].as_str().unwrap_or_default();
        let app = self.apps.entry(event["app_id"].as_str().unwrap_or_default().to_owned()).or_default();
        let at_ms = event["timestamp"].as_str().and_then(|text| clock::parse_rfc3339(text).ok()).unwrap_or(0);
        app.events += 1;
        app.last_ms = app.last_ms.max(at_ms);
        if name == "request_completed" {
            let weight = 1.0 / event["sample_rate"].as_f64().unwrap_or(1.0);
            app.requests += weight;
            if event["status"].as_i64().unwrap_or_default() >= 500 {
                app.errors += weight;
            }
        }
        *self.events.entry(name.to_owned()).or_default() += 1;
        let simulated = event["test_run"] == true || event["stripe_mode"] == "test";
        if name == "revenue_settled" && !(namespace == Namespace::Live && simulated) {
            let minor = |field: &str| event["finance_metrics"][field].as_i64().unwrap_or_default();
            self.settlements += 1;
            self.gross_minor += minor("gross_minor");
            self.fee_minor += minor("fee_minor");
            self.ai_cost_minor += minor("ai_cost_minor");
            self.ai_price_minor += minor("ai_price_minor");
        }
    }

    fn add_group(&mut self, row: &Row) -> Result<(), DbError> {
        let n = row.int("n")?;
        let app = self.apps.entry(row.text("app_id")?).or_default();
        app.events += n;
        app.last_ms = app.last_ms.max(row.int("last_ms")?);
        app.requests += row.real("requests")?;
        app.errors += row.real("errors")?;
        *self.events.entry(row.text("event")?).or_default() += n;
        Ok(())
    }
}

/// Brings the totals up to date with what arrived since.
async fn roll_up(db: &Db, namespace: Namespace, totals: &mut Totals) -> Result<(), DbError> {
    let after = totals.newest_seq;
    let row = db.query_one("SELECT COALESCE(MAX(seq), 0) AS top FROM events", vec![]).await?;
    let top = row.map_or(Ok(0), |row| row.int("top"))?;
    let sql = "SELECT app_id, event, COUNT(*) AS n, MAX(at_ms) AS last_ms,
        SUM(CASE WHEN event = 'request_completed' THEN 1.0 / sample_rate ELSE 0.0 END) AS requests,
        SUM(CASE WHEN event = 'request_completed' AND status >= 500 THEN 1.0 / sample_rate ELSE 0.0 END) AS errors
        FROM events WHERE seq > $1 AND seq <= $2 AND (namespace || '') = $3 GROUP BY app_id, event";
    let groups = db.query(sql, args![after, top, namespace.as_str()]).await?;
    let sql = "SELECT COUNT(*) AS n, CAST(COALESCE(SUM(gross_minor), 0) AS BIGINT) AS gross,
        CAST(COALESCE(SUM(fee_minor), 0) AS BIGINT) AS fee, CAST(COALESCE(SUM(ai_cost_minor), 0) AS BIGINT) AS cost,
        CAST(COALESCE(SUM(ai_price_minor), 0) AS BIGINT) AS price FROM money
        WHERE seq > $1 AND seq <= $2 AND namespace = $3 AND event = 'revenue_settled'
        AND (namespace <> 'live' OR simulated = 0)";
    let money = db.query_one(sql, args![after, top, namespace.as_str()]).await?;
    for row in &groups {
        totals.add_group(row)?;
    }
    if let Some(row) = money {
        totals.settlements += row.int("n")?;
        totals.gross_minor += row.int("gross")?;
        totals.fee_minor += row.int("fee")?;
        totals.ai_cost_minor += row.int("cost")?;
        totals.ai_price_minor += row.int("price")?;
    }
    totals.newest_seq = top;
    Ok(())
}
