//! What is particular to each app: what clients ask of it, what must come of that, and where it is read.

mod a2;
mod a3;
mod a5;
mod a6;
mod command;
mod kept;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use common::client::{Client, Reply, Request};
use common::clock;
use common::history::{History, Intent, Plan, Step};
use common::ids::{AppId, TraceId};
use serde_json::Value;

use super::cell::Earlier;

/// How long a read may go without an answer that says something, and how often it is asked for again.
const READ_WITHIN: Duration = Duration::from_secs(5);
const READ_AGAIN: Duration = Duration::from_millis(100);

/// The apps that take part in the effects of one: itself, those that it calls, and A8.
pub(super) fn needs(app: AppId) -> &'static [AppId] {
    match app {
        AppId::A3 => &[AppId::A3, AppId::A7, AppId::A2, AppId::A8],
        AppId::A5 => &[AppId::A5, AppId::A1, AppId::A4, AppId::A8],
        AppId::A6 => &[AppId::A6, AppId::A2, AppId::A8],
        _ => &[AppId::A2, AppId::A8],
    }
}

/// The kinds of intents and their weights.
pub(super) fn kinds(app: AppId) -> &'static [(&'static str, u32)] {
    match app {
        AppId::A3 => &[("run", 1)],
        AppId::A5 => &[("checkout", 1), ("pay", 2), ("pay_told_thrice", 1), ("ask", 2)],
        AppId::A6 => &[("register", 1), ("settle", 3)],
        _ => &[("event", 4), ("batch", 1)],
    }
}

/// How the apps are reached.
pub(crate) struct World {
    /// By clients, with whatever is on the way.
    pub(super) asked: Client,
    /// By whoever reads.
    pub(super) direct: Client,
    /// Traces of earlier cells.
    pub(super) earlier: BTreeSet<TraceId>,
    /// The last event of A8 that is known; whatever comes after it belongs to this cell.
    seq: AtomicI64,
}

impl World {
    pub(super) fn new(asked: Client, direct: Client, earlier: &Earlier) -> Self {
        Self { asked, direct, earlier: earlier.traces.clone(), seq: AtomicI64::new(earlier.seq) }
    }

    /// The last event of A8 that was read.
    pub(super) fn newest(&self) -> i64 {
        self.seq.load(Ordering::Relaxed)
    }
}

/// One app, ready to be asked.
pub(crate) enum Subject {
    A2(World),
    A3(a3::Orchestration),
    A5(a5::Student),
    A6(a6::Provider),
}

impl Subject {
    /// Does what must be there before the first intent.
    pub(super) async fn prepare(app: AppId, world: World, plan: &Plan) -> Result<Self, String> {
        match app {
            AppId::A3 => a3::Orchestration::prepare(world).await.map(Self::A3),
            AppId::A5 => a5::Student::prepare(world, plan).await.map(Self::A5),
            AppId::A6 => a6::Provider::prepare(world).await.map(Self::A6),
            _ => Ok(Self::A2(world)),
        }
    }

    pub(super) fn app(&self) -> AppId {
        match self {
            Self::A2(_) => AppId::A2,
            Self::A3(_) => AppId::A3,
            Self::A5(_) => AppId::A5,
            Self::A6(_) => AppId::A6,
        }
    }

    pub(super) fn world(&self) -> &World {
        match self {
            Self::A2(world) => world,
            Self::A3(app) => &app.world,
            Self::A5(app) => &app.world,
            Self::A6(app) => &app.world,
        }
    }

    /// Traces of what was prepared: effects, and none of the clients'.
    pub(super) fn prepared(&self) -> Vec<TraceId> {
        match self {
            Self::A5(app) => app.prepared.clone(),
            Self::A6(app) => vec![app.prepared],
            _ => Vec::new(),
        }
    }

    /// What a step wants, and what must come of it.
    pub(super) fn intent(&self, step: &Step) -> Intent {
        match self {
            Self::A2(_) => a2::intent(step),
            Self::A3(_) => a3::intent(step),
            Self::A5(app) => app.intent(step),
            Self::A6(app) => app.intent(step),
        }
    }

    /// The request of one attempt.
    pub(super) fn request(&self, process: u32, intent: &Intent) -> Request {
        let client = &self.world().asked;
        match self {
            Self::A2(_) => a2::request(client, intent),
            Self::A3(_) => a3::request(client, intent),
            Self::A5(app) => app.request(process, intent),
            Self::A6(_) => a6::request(client, intent),
        }
    }

    /// True if this status acknowledges the intent.
    pub(super) fn acknowledges(intent: &Intent, status: u16) -> bool {
        match intent.kind.as_str() {
            "run" => status == 202,
            "checkout" | "pay" | "pay_told_thrice" => status == 303,
            "batch" | "ask" => status == 200,
            _ => status == 201,
        }
    }

    /// The id that an acknowledgement names, and the answer as it must come again; `null` where forms are answered.
    pub(super) fn read(intent: &Intent, reply: &Reply) -> (Option<String>, Value) {
        let pointer = match intent.kind.as_str() {
            "event" => "/event_id",
            "run" => "/run_id",
            "register" => "/provider_id",
            "settle" => "/revenue_event_id",
            "batch" => return (None, reply.json().unwrap_or_default()),
            _ => return (None, Value::Null),
        };
        (super::client::text(reply, pointer), reply.json().unwrap_or_default())
    }

    /// True once the app has nothing left to do for what was acknowledged.
    pub(super) async fn is_settled(&self, history: &History) -> Result<bool, String> {
        match self {
            Self::A2(_) => Ok(true),
            Self::A3(app) => app.is_settled().await,
            Self::A5(app) => app.is_settled(history).await,
            Self::A6(app) => app.is_settled(history).await,
        }
    }

    /// Adds what can be read to the history.
    pub(super) async fn read_back(&self, history: &mut History) -> Result<(), String> {
        match self {
            Self::A2(world) => a2::read_back(world, history).await,
            Self::A3(app) => app.read_back(history).await,
            Self::A5(app) => app.read_back(history).await,
            Self::A6(app) => app.read_back(history).await,
        }
    }
}

/// The JSON of an answer that must come.
async fn read(client: &Client, app: AppId, path: &str) -> Result<Value, String> {
    let reply = answered(client, app, path).await?;
    if reply.status != 200 {
        return Err(format!("{} answered {}", reply.request(), reply.status));
    }
    reply.json().map_err(|error| error.to_string())
}

/// An answer that says something of what was asked. One that may pass, or none at all, is no reason to end a cell: it is
/// asked for again for a while.
pub(super) async fn answered(client: &Client, app: AppId, path: &str) -> Result<Reply, String> {
    let began = clock::monotonic();
    let mut pause = tokio::time::interval(READ_AGAIN);
    loop {
        pause.tick().await;
        let reply = client.get(app, path).native_errors().send().await;
        let passes = reply.as_ref().map_or(true, |reply| reply.status == 429 || reply.status >= 500);
        if !passes || began.elapsed() >= READ_WITHIN {
            return reply.map_err(|error| error.to_string());
        }
    }
}

/// The items of a list in an answer.
fn items<'a>(answer: &'a Value, list: &str) -> impl Iterator<Item = &'a Value> {
    answer[list].as_array().into_iter().flatten()
}

/// A member as text; empty if there is none.
fn text(value: &Value, member: &str) -> String {
    value[member].as_str().unwrap_or_default().to_owned()
}
