//! The lineage page: the hops of one trace, in order of time.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use common::ids::TraceId;
use common::service::{Problem, Query};
use serde::Deserialize;

use super::format::{clock_time, ms, words};
use super::page;
use crate::reference::Shared;
use crate::reference::events::{self, Stored, apps_of, of_trace};

/// The query string of the page.
#[derive(Debug, Deserialize)]
pub(super) struct Search {
    #[serde(default)]
    trace_id: String,
}

/// One event on the way.
struct Hop {
    at: String,
    offset: String,
    step: String,
    app: String,
    event: String,
    namespace: String,
    route: String,
    status: i64,
    arrived_after: String,
}

#[derive(Template)]
#[template(path = "lineage.html")]
struct Lineage {
    trace_id: String,
    /// What to tell instead of hops.
    message: String,
    apps: Vec<String>,
    hops: Vec<Hop>,
    took: String,
}

pub(super) async fn show(State(center): State<Shared>, Query(search): Query<Search>) -> Result<Response, Problem> {
    let trace_id = search.trace_id.trim().to_owned();
    let blank = |message: &str| Lineage {
        trace_id: trace_id.clone(),
        message: message.to_owned(),
        apps: Vec::new(),
        hops: Vec::new(),
        took: String::new(),
    };
    if trace_id.is_empty() {
        return page(StatusCode::OK, &blank("Enter a trace id to see every hop it made."));
    }
    if trace_id.parse::<TraceId>().is_err() {
        let message = "This is not a trace id: it has 32 lower-case hex digits.";
        return page(StatusCode::UNPROCESSABLE_ENTITY, &blank(message));
    }
    let events = of_trace(&center.ctx.db, &trace_id).await?;
    if events.is_empty() {
        let message = "No event of this trace has arrived yet. Reports take up to a minute.";
        return page(StatusCode::NOT_FOUND, &blank(message));
    }
    let hops: Vec<_> = events::hops(&events).zip(&events).map(|(hop, stored)| shown(&hop, stored)).collect();
    let took = events::hops(&events).map(|hop| hop.since_first_ms).max().unwrap_or(0);
    page(StatusCode::OK, &Lineage { apps: apps_of(&events), hops, took: whole_ms(took), ..blank("") })
}

#[expect(clippy::cast_precision_loss, reason = "a span of one trace")]
fn whole_ms(span: i64) -> String {
    if span < 1_000 { format!("{span} ms") } else { ms(span as f64) }
}

fn shown(hop: &events::Hop<'_>, stored: &Stored) -> Hop {
    let text = |name: &str| stored.event[name].as_str().unwrap_or_default().to_owned();
    Hop {
        at: clock_time(hop.at_ms),
        offset: format!("+{}", whole_ms(hop.since_first_ms)),
        step: format!("+{}", whole_ms(hop.since_previous_ms)),
        app: hop.app_id.to_owned(),
        event: words(hop.event),
        namespace: text("namespace"),
        route: format!("{} {}", text("method"), text("route")),
        status: stored.event["status"].as_i64().unwrap_or_default(),
        arrived_after: whole_ms((stored.received_at_ms - hop.at_ms).max(0)),
    }
}
