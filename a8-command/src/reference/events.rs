//! Stored events: listed in order of arrival, or as the lineage of one trace.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::args;
use common::clock::{parse_rfc3339, rfc3339};
use common::ids::AppId;
use common::service::{Db, DbError, Json, Path, Problem, Query, Row, Value};
use common::telemetry::EventName;
use serde::{Deserialize, Serialize};
use serde_json::{Value as JsonValue, json};

use super::Shared;
use super::scope::{read_namespace, read_trace};

/// A stored event.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Stored {
    pub(super) seq: i64,
    pub(super) received_at_ms: i64,
    pub(super) event: JsonValue,
}

impl Stored {
    /// When it happened; when it arrived, if it does not tell.
    pub(super) fn at_ms(&self) -> i64 {
        self.event["timestamp"].as_str().and_then(|text| parse_rfc3339(text).ok()).unwrap_or(self.received_at_ms)
    }

    pub(super) fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            seq: row.int("seq")?,
            received_at_ms: row.int("received_at_ms")?,
            event: serde_json::from_str(&row.text("body")?).unwrap_or_default(),
        })
    }
}

/// The query string of the list.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Filter {
    app_id: Option<String>,
    event: Option<String>,
    namespace: Option<String>,
    trace_id: Option<String>,
    since_ms: Option<i64>,
    after: Option<i64>,
    limit: Option<i64>,
}

impl Filter {
    /// The conditions and their values, checked.
    fn conditions(&self) -> Result<(String, Vec<Value>), Problem> {
        let app = self.app_id.as_deref().map(str::parse::<AppId>).transpose();
        let app = app.map_err(|error| Problem::invalid("/app_id", error.to_string()))?;
        if let Some(name) = &self.event
            && EventName::ALL.iter().all(|known| known.as_str() != name)
        {
            return Err(Problem::invalid("/event", format!("{name:?} is no event name of schema v1")));
        }
        let mut values = args![self.after.unwrap_or(0)];
        let mut sql = "seq > $1".to_owned();
        let mut and = |column: &str, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                sql.push_str(&format!(" AND {column} ${}", values.len()));
            }
        };
        and("app_id =", app.map(|app| app.as_str().into()));
        and("event =", self.event.as_deref().map(Value::from));
        and("namespace =", read_namespace(self.namespace.as_deref())?.map(|namespace| namespace.as_str().into()));
        and("trace_id =", read_trace(self.trace_id.as_deref())?.map(|trace| trace.to_string().into()));
        and("at_ms >=", self.since_ms.map(Value::from));
        Ok((sql, values))
    }
}

pub(super) async fn list(State(center): State<Shared>, Query(filter): Query<Filter>) -> Result<Response, Problem> {
    let limit = filter.limit.unwrap_or(100);
    if !(1..=1_000).contains(&limit) {
        return Err(Problem::invalid("/limit", "is 1 to 1000"));
    }
    let (conditions, mut values) = filter.conditions()?;
    values.push((limit + 1).into());
    let sql =
        format!("SELECT seq, received_at_ms, body FROM events WHERE {conditions} ORDER BY seq LIMIT ${}", values.len());
    let rows = center.ctx.db.query(&sql, values).await?;
    let page = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > page;
    let events = rows.iter().take(page).map(Stored::read).collect::<Result<Vec<_>, _>>()?;
    let next = events.last().map(|event| event.seq).filter(|_| more);
    Ok(Json(json!({ "events": events, "next": next })).into_response())
}

/// The events of a trace in order of time.
pub(super) async fn of_trace(db: &Db, trace: &str) -> Result<Vec<Stored>, DbError> {
    let sql = "SELECT seq, received_at_ms, body FROM events WHERE trace_id = $1 ORDER BY at_ms, seq LIMIT 1000";
    db.query(sql, args![trace]).await?.iter().map(Stored::read).collect()
}

/// The apps of some events, each once, in order of first appearance.
pub(super) fn apps_of(events: &[Stored]) -> Vec<String> {
    let mut apps: Vec<String> = Vec::new();
    for app in events.iter().filter_map(|stored| stored.event["app_id"].as_str()) {
        if !apps.iter().any(|known| known == app) {
            apps.push(app.to_owned());
        }
    }
    apps
}

pub(super) async fn lineage(State(center): State<Shared>, Path(trace): Path<String>) -> Result<Response, Problem> {
    let trace = read_trace(Some(&trace))?.map(|trace| trace.to_string()).unwrap_or_default();
    let events = of_trace(&center.ctx.db, &trace).await?;
    if events.is_empty() {
        return Err(Problem::not_found(format!("no event of trace {trace} has arrived")));
    }
    let hops: Vec<_> = hops(&events).collect();
    Ok(Json(json!({ "trace_id": trace, "apps": apps_of(&events), "hops": hops, "events": events })).into_response())
}

/// One event on the way of a trace, and how long after the others it happened.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Hop<'a> {
    pub(super) seq: i64,
    pub(super) app_id: &'a str,
    pub(super) event: &'a str,
    pub(super) at: String,
    pub(super) since_previous_ms: i64,
    pub(super) since_first_ms: i64,
    #[serde(skip)]
    pub(super) at_ms: i64,
}

/// The hops of events that are in order of time.
pub(super) fn hops(events: &[Stored]) -> impl Iterator<Item = Hop<'_>> {
    let first_ms = events.first().map(Stored::at_ms);
    let mut before_ms = first_ms;
    events.iter().map(move |stored| {
        let at_ms = stored.at_ms();
        let since = |earlier: Option<i64>| at_ms - earlier.unwrap_or(at_ms);
        let hop = Hop {
            seq: stored.seq,
            app_id: stored.event["app_id"].as_str().unwrap_or_default(),
            event: stored.event["event"].as_str().unwrap_or_default(),
            at: rfc3339(at_ms),
            since_previous_ms: since(before_ms),
            since_first_ms: since(first_ms),
            at_ms,
        };
        before_ms = Some(at_ms);
        hop
    })
}
