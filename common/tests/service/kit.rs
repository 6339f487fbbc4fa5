//! The app of these tests, ways to start and to kill it, and the sink that its reports go to.

use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use common::args;
use common::contract::{Contract, Route, header};
use common::ids::{AppId, TraceId};
use common::service::{
    AppConfig, AppDef, Bound, Ctx, Emit, Json, Problem, RequestContext, Running, StartError, Unit, UpstreamError,
};
use common::telemetry::EventName;
use serde::Deserialize;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

/// The app that these tests start.
pub(crate) const APP: AppId = AppId::A6;

fn def() -> AppDef {
    let contract = Contract::new(APP, "kit", "Keeps items.")
        .route(Route::post("/items", "Keeps an item.").json(json!({ "name": "x" })).hardened().success(&[201]))
        .route(Route::get("/items", "Counts the items."))
        .route(Route::get("/panic", "Panics."))
        .route(Route::get("/relay", "Asks A2."))
        .flag("kit_loud", "Changes nothing.");
    AppDef { contract, migrations: &["CREATE TABLE items (item_id TEXT PRIMARY KEY, name TEXT NOT NULL)"], router }
}

fn router(ctx: Ctx) -> Router {
    if ctx.config.options.contains_key("broken_queue") {
        ctx.ready.add("queue", || async { false });
    }
    Router::new()
        .route("/items", post(keep).get(count))
        .route("/panic", get(panics))
        .route("/relay", get(relay))
        .with_state(ctx)
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    name: String,
}

/// Inserts a row and an event first, so that whatever fails afterwards has something to undo.
async fn keep(
    State(ctx): State<Ctx>,
    context: RequestContext,
    unit: Unit,
    Json(item): Json<Item>,
) -> Result<Response, Problem> {
    let id = uuid::Uuid::now_v7().to_string();
    {
        let mut tx = unit.tx().await?;
        tx.execute("INSERT INTO items (item_id, name) VALUES ($1, $2)", args![&id, &item.name]).await?;
        ctx.telemetry.emit(&mut tx, &context, Emit::new(EventName::ProviderRegistered).status(201)).await?;
    }
    match item.name.as_str() {
        "fails" => return Err(Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "it failed")),
        "refused" => return Err(Problem::invalid("/name", "this name is refused")),
        "panics" => panic!("the handler panics after its effect"),
        "asks" => drop(ask(&ctx, &context).await?),
        _ => {}
    }
    Ok((StatusCode::CREATED, Json(json!({ "item_id": id, "name": item.name }))).into_response())
}

async fn ask(ctx: &Ctx, context: &RequestContext) -> Result<reqwest::Response, Problem> {
    let request = ctx.upstream.request(context, AppId::A2, reqwest::Method::GET, "/asked")?;
    Ok(request.send().await.map_err(|source| UpstreamError::Call { app: AppId::A2, source })?)
}

async fn count(State(ctx): State<Ctx>) -> Result<Response, Problem> {
    let row = ctx.db.query_one("SELECT COUNT(*) AS n FROM items", vec![]).await?;
    let n = row.map(|row| row.int("n")).transpose()?;
    Ok(Json(json!({ "items": n })).into_response())
}

async fn panics() -> Response {
    panic!("the handler panics")
}

async fn relay(State(ctx): State<Ctx>, context: RequestContext) -> Result<Response, Problem> {
    let answer = ask(&ctx, &context).await?;
    Ok(Json(json!({ "asked": answer.status().as_u16() })).into_response())
}

/// The configuration of an embedded app with its data here.
pub(crate) fn config(data: &Path) -> AppConfig {
    AppConfig::embedded(APP, data.to_owned())
}

/// Starts the app with this configuration.
pub(crate) async fn serve(config: AppConfig) -> Result<Running, StartError> {
    Bound::new(config.app, config.bind).await?.serve(def(), config).await
}

/// The app, running, and a client for it.
pub(crate) struct Kit {
    pub(crate) running: Running,
    pub(crate) http: reqwest::Client,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Kit {
    /// Starts it on the test's own runtime.
    pub(crate) async fn start(config: AppConfig) -> Self {
        let running = serve(config).await.unwrap();
        Self { running, http: client(), runtime: None }
    }

    /// Starts it on a runtime of its own, so that it can be killed.
    pub(crate) async fn start_mortal(config: AppConfig) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let running = runtime.spawn(serve(config)).await.unwrap().unwrap();
        Self { running, http: client(), runtime: Some(runtime) }
    }

    /// Ends it as a crash does: every task stops where it is, nothing is flushed.
    pub(crate) fn kill(self) {
        self.runtime.expect("only an app with a runtime of its own can be killed").shutdown_background();
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.running.address)
    }

    pub(crate) async fn get(&self, path: &str) -> Reply {
        Reply::of(self.http.get(self.url(path))).await
    }

    /// A hardened request for an item.
    pub(crate) fn item(&self, key: &str, name: &str) -> reqwest::RequestBuilder {
        self.http
            .post(self.url("/items"))
            .header(header::IDEMPOTENCY_KEY, key)
            .header(header::TRACE_ID, TraceId::fresh().to_string())
            .json(&json!({ "name": name }))
    }

    pub(crate) async fn keep(&self, key: &str, name: &str) -> Reply {
        Reply::of(self.item(key, name)).await
    }

    pub(crate) async fn items(&self) -> Value {
        self.get("/items").await.body["items"].clone()
    }

    /// Rows of a table.
    pub(crate) async fn rows(&self, table: &str) -> i64 {
        let row = self.running.ctx.db.query_one(&format!("SELECT COUNT(*) AS n FROM {table}"), vec![]).await;
        row.unwrap().unwrap().int("n").unwrap()
    }
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// An answer, read in full.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) async fn of(request: reqwest::RequestBuilder) -> Self {
        let answer = request.send().await.expect("the app answers");
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let text = answer.text().await.expect("the answer is whole");
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn replayed(&self) -> bool {
        self.header(header::IDEMPOTENCY_REPLAYED) == Some("true")
    }

    /// A problem document of this status, whose trace id is the one in the header.
    pub(crate) fn assert_problem(&self, status: u16) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.body["status"], status, "{self:?}");
        assert!(self.body["type"].as_str().unwrap().starts_with("urn:handshake:problem:"), "{self:?}");
        assert!(!self.body["detail"].as_str().unwrap().is_empty(), "{self:?}");
        assert_eq!(self.body["trace_id"].as_str(), self.header(header::TRACE_ID), "{self:?}");
        self.body["trace_id"].as_str().unwrap().parse::<TraceId>().expect("a trace id");
    }
}

/// Asks again and again until there is something, for ten seconds at most.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, mut look: impl FnMut() -> F) -> T {
    let mut tick = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..500 {
        tick.tick().await;
        if let Some(found) = look().await {
            return found;
        }
    }
    panic!("it never happened: {what}");
}

/// A command center that can be down and that can refuse.
pub(crate) struct Sink {
    server: MockServer,
    state: Arc<SinkState>,
}

#[derive(Default)]
struct SinkState {
    down: AtomicBool,
    asked: AtomicU64,
    /// Status and body instead of a receipt, once.
    instead: Mutex<Option<(u16, Value)>>,
    /// Events of this name are refused.
    refused: Option<EventName>,
    taken: Mutex<Vec<Value>>,
}

struct Receive(Arc<SinkState>);

impl Respond for Receive {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let state = &self.0;
        state.asked.fetch_add(1, Ordering::SeqCst);
        if state.down.load(Ordering::SeqCst) {
            return ResponseTemplate::new(503);
        }
        if let Some((status, body)) = state.instead.lock().unwrap().take() {
            return ResponseTemplate::new(status).set_body_json(body);
        }
        let body: Value = request.body_json().unwrap();
        let mut rejected = Vec::new();
        for (index, event) in body["events"].as_array().unwrap().iter().enumerate() {
            if state.refused.is_some_and(|name| event["event"] == name.as_str()) {
                let errors = json!([{ "pointer": "/event", "reason": "is not wanted" }]);
                rejected.push(json!({ "index": index, "errors": errors }));
            } else {
                state.taken.lock().unwrap().push(event.clone());
            }
        }
        let status = if rejected.is_empty() { 200 } else { 422 };
        ResponseTemplate::new(status).set_body_json(json!({ "rejected": rejected }))
    }
}

impl Sink {
    pub(crate) async fn start() -> Self {
        Self::with(SinkState::default()).await
    }

    /// One that refuses events of this name.
    pub(crate) async fn refusing(name: EventName) -> Self {
        Self::with(SinkState { refused: Some(name), ..SinkState::default() }).await
    }

    async fn with(state: SinkState) -> Self {
        let (server, state) = (MockServer::start().await, Arc::new(state));
        Mock::given(wiremock::matchers::path("/api/telemetry"))
            .respond_with(Receive(Arc::clone(&state)))
            .mount(&server)
            .await;
        Self { server, state }
    }

    pub(crate) fn set_down(&self, down: bool) {
        self.state.down.store(down, Ordering::SeqCst);
    }

    /// Answers the next batch with this and takes none of it.
    pub(crate) fn answer_once(&self, status: u16, body: Value) {
        *self.state.instead.lock().unwrap() = Some((status, body));
    }

    pub(crate) fn asked(&self) -> u64 {
        self.state.asked.load(Ordering::SeqCst)
    }

    /// What was taken of this name.
    pub(crate) fn taken(&self, name: EventName) -> Vec<Value> {
        let all = self.state.taken.lock().unwrap();
        all.iter().filter(|event| event["event"] == name.as_str()).cloned().collect()
    }

    /// The configuration of an app that reports here.
    pub(crate) fn of(&self, mut config: AppConfig) -> AppConfig {
        config.upstreams.insert(AppId::A8, self.server.uri().parse().unwrap());
        config
    }
}
