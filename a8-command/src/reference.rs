//! The reference command center: an append-only store of events, tiles computed from it, and a dashboard.

mod events;
mod incidents;
mod overview;
mod pages;
mod recent;
mod schema;
mod scope;
mod sink;
mod store;
mod stream;
mod tiles;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

use axum::Router;
use axum::routing::{get, post};
use common::service::{AppDef, Ctx};
use serde_json::Value;
use tokio::sync::watch;

/// What all handlers share.
struct Center {
    ctx: Ctx,
    /// The newest committed sequence number, for whoever waits for events.
    newest: watch::Sender<i64>,
    /// How many good events were acknowledged; a defect counts by it.
    acknowledged: AtomicU64,
    recent: recent::Recent,
    overview: overview::Cache,
    /// Tiles as first computed, used only by a defect.
    stale: Mutex<BTreeMap<String, Value>>,
}

type Shared = Arc<Center>;

/// The app, ready to be started.
#[must_use]
pub fn app() -> AppDef {
    AppDef { contract: crate::contract(), migrations: schema::MIGRATIONS, router }
}

fn router(ctx: Ctx) -> Router {
    let center = Arc::new(Center {
        ctx,
        newest: watch::Sender::new(0),
        acknowledged: AtomicU64::new(0),
        recent: recent::Recent::default(),
        overview: overview::Cache::default(),
        stale: Mutex::default(),
    });
    recent::warm_up(&center);
    let mut router = pages::routes()
        .route("/api/telemetry", post(sink::take_in))
        .route("/api/events", get(events::list))
        .route("/api/lineage/{trace_id}", get(events::lineage))
        .route("/api/stream", get(stream::follow))
        .route("/api/executive/overview", get(overview::show))
        .route("/api/incidents/{id}/clear", post(incidents::clear));
    for (tile, _) in crate::contract::TILES {
        router = router.route(&format!("/api/tiles/{tile}"), get(tiles::handler(tile)));
    }
    router.with_state(center)
}
