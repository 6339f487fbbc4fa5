//! New events as server-sent events: in order of arrival, without gaps, from where the reader left off.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use common::args;
use common::service::{DbError, Problem, Query};
use common::telemetry::Namespace;
use futures_util::Stream;
use futures_util::stream::unfold;
use serde::Deserialize;
use tokio::sync::watch;
use tokio_stream::StreamExt;

use super::Shared;
use super::events::Stored;
use super::scope::read_namespace;

/// The most events read at once.
const PAGE: i64 = 200;
/// How often a quiet stream shows that it lives.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The query string of the stream.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Follow {
    namespace: Option<String>,
    tenant_id: Option<String>,
    after: Option<i64>,
}

/// Where one reader is.
struct Reader {
    center: Shared,
    arrivals: watch::Receiver<i64>,
    namespace: Option<Namespace>,
    tenant_id: Option<String>,
    after: i64,
    ready: VecDeque<Message>,
}

pub(super) async fn follow(
    State(center): State<Shared>,
    Query(query): Query<Follow>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, Problem> {
    let arrivals = center.newest.subscribe();
    let seen = headers.get("last-event-id").and_then(|value| value.to_str().ok()?.parse().ok());
    let after = match seen.or(query.after) {
        Some(after) => after,
        None => newest(&center).await?,
    };
    let namespace = read_namespace(query.namespace.as_deref())?;
    let reader = Reader { center, arrivals, namespace, tenant_id: query.tenant_id, after, ready: VecDeque::new() };
    let hello = Message::default().comment("following");
    let messages = tokio_stream::once(Ok(hello)).chain(unfold(reader, Reader::step));
    Ok(Sse::new(messages).keep_alive(KeepAlive::new().interval(KEEP_ALIVE).text("still here")))
}

async fn newest(center: &Shared) -> Result<i64, DbError> {
    let row = center.ctx.db.query_one("SELECT COALESCE(MAX(seq), 0) AS top FROM events", vec![]).await?;
    row.map_or(Ok(0), |row| row.int("top"))
}

impl Reader {
    /// The next message; it ends when the app stops or its storage fails, and the reader comes back.
    async fn step(mut self) -> Option<(Result<Message, Infallible>, Self)> {
        let stop = self.center.ctx.tasks.closing();
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Some((Ok(message), self));
            }
            let newest = *self.arrivals.borrow_and_update();
            if let Err(error) = self.read().await {
                tracing::warn!(%error, "an event stream ends");
                return None;
            }
            if self.ready.is_empty() {
                self.after = self.after.max(newest);
                stop.run_until_cancelled(self.arrivals.changed()).await?.ok()?;
            }
        }
    }

    async fn read(&mut self) -> Result<(), DbError> {
        let sql = "SELECT seq, received_at_ms, body FROM events WHERE seq > $1 AND ($2 = '' OR namespace = $2)
                   AND ($3 = '' OR tenant_id = $3) ORDER BY seq LIMIT $4";
        let namespace = self.namespace.map_or("", Namespace::as_str);
        let tenant = self.tenant_id.as_deref().unwrap_or_default();
        for row in self.center.ctx.db.query(sql, args![self.after, namespace, tenant, PAGE]).await? {
            self.after = row.int("seq")?;
            let data = serde_json::to_string(&Stored::read(&row)?).unwrap_or_default();
            self.ready.push_back(Message::default().id(self.after.to_string()).data(data));
        }
        Ok(())
    }
}
