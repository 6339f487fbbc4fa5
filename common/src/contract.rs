//! What an app promises: routes, service levels, events, flags. Contracts are data and are committed as snapshots.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::AppId;
use crate::telemetry::EventName;

/// The protocol version that every response names.
pub const PROTOCOL_VERSION: &str = "v3.5.1";

/// Names of the protocol's headers, lower case as HTTP/2 wants them.
pub mod header {
    /// W3C trace context.
    pub const TRACEPARENT: &str = "traceparent";
    /// The trace id alone, for clients that know only that; every response echoes it.
    pub const TRACE_ID: &str = "x-trace-id";
    /// Names the effect that must happen once.
    pub const IDEMPOTENCY_KEY: &str = "x-idempotency-key";
    /// `true` on a stored answer given again.
    pub const IDEMPOTENCY_REPLAYED: &str = "idempotency-replayed";
    /// [`super::PROTOCOL_VERSION`].
    pub const PROTOCOL_VERSION: &str = "x-protocol-version";
    /// Which app answered.
    pub const APP_ID: &str = "x-app-id";
    /// For whom the caller acts.
    pub const TENANT_ID: &str = "x-tenant-id";
    /// `true` on synthetic traffic.
    pub const TEST_RUN: &str = "x-test-run";
    /// `qa` on synthetic traffic.
    pub const SOURCE: &str = "x-source";
    /// `perf_test` or `simulated_audit` on synthetic traffic.
    pub const NAMESPACE: &str = "x-namespace";
    /// What the app itself measured, `app;dur=1.234` (milliseconds); W3C Server Timing.
    pub const SERVER_TIMING: &str = "server-timing";
    /// Key of the command center's telemetry sink.
    pub const TELEMETRY_KEY: &str = "x-telemetry-key";
    /// Key of an app's administrative routes (flags, incidents).
    pub const ADMIN_KEY: &str = "x-admin-key";
}

/// The largest request body an app takes unless its contract says otherwise: 1 MiB.
pub const MAX_BODY_BYTES: usize = 1 << 20;

/// What one app promises.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// The app.
    pub app: AppId,
    /// The team that answers for it.
    pub owner: String,
    /// What it is for, in a sentence.
    pub summary: String,
    /// [`PROTOCOL_VERSION`].
    pub protocol: String,
    /// All routes, the common ones (health, readiness, flags) included.
    pub routes: Vec<Route>,
    /// Events it reports to the command center.
    pub events: Vec<EventName>,
    /// Flags it can be switched by, all off by default.
    pub flags: Vec<FlagSpec>,
}

/// A switch of an app's behaviour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagSpec {
    /// `a6_warm_pool`.
    pub name: String,
    /// What turning it on changes.
    pub summary: String,
}

/// One route of an app.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Route {
    /// `GET`, `POST`, …
    pub method: String,
    /// The pattern, `/api/providers/{id}/stage`.
    pub path: String,
    /// What it does, in a sentence.
    pub summary: String,
    /// True if an idempotency key and a trace header are required (428 without).
    pub hardened: bool,
    /// What it takes.
    pub body: Body,
    /// Who may call it.
    pub auth: Auth,
    /// Statuses that mean it worked.
    pub success: Vec<u16>,
    /// The service level, if it has one.
    pub slo: Option<Slo>,
    /// Marks that reports and checks select by, as `core`, `known_issue:A8-PERF-001`.
    pub tags: Vec<String>,
}

/// What a route takes as its body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Body {
    /// No body.
    None,
    /// `application/json`.
    Json {
        /// A valid body.
        example: Value,
        /// The largest body taken, in bytes.
        max_bytes: usize,
    },
    /// `application/x-www-form-urlencoded`.
    Form {
        /// A valid body, field by field.
        example: Vec<(String, String)>,
    },
}

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auth {
    /// Anybody.
    Public,
    /// A signed-in person (session cookie).
    Session,
    /// A bearer token of A1.
    Bearer,
    /// The telemetry key.
    TelemetryKey,
    /// The administrator's key.
    AdminKey,
}

/// A service level objective: at most `error_rate_pct` errors, and 95 % of requests within `p95_ms`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slo {
    /// Limit of the 95th percentile, in milliseconds.
    pub p95_ms: u32,
    /// Limit of the error rate, in percent (exclusive).
    pub error_rate_pct: f64,
}

impl Slo {
    /// P95 within `p95_ms`, fewer than 1 % errors.
    #[must_use]
    pub fn p95(p95_ms: u32) -> Self {
        Self { p95_ms, error_rate_pct: 1.0 }
    }
}

impl Contract {
    /// A contract with the routes that every app has: `/health`, `/healthz`, `/ready`, `/flags`, `/flags/{name}`.
    #[must_use]
    pub fn new(app: AppId, owner: &str, summary: &str) -> Self {
        let smoke = |path: &str, summary: &str| Route::get(path, summary).slo(Slo::p95(150)).tag("smoke");
        let routes = vec![
            smoke("/health", "Tells that the process is alive; touches no dependency."),
            smoke("/healthz", "The same under the name some platforms expect."),
            smoke("/ready", "Tells whether the app can do its work."),
            Route::get("/flags", "Lists the flags and their state."),
            Route::put("/flags/{name}", "Turns a flag on or off at once; each change is an audit record.")
                .json(serde_json::json!({ "enabled": true }))
                .auth(Auth::AdminKey),
        ];
        Self {
            app,
            owner: owner.to_owned(),
            summary: summary.to_owned(),
            protocol: PROTOCOL_VERSION.to_owned(),
            routes,
            events: vec![EventName::RequestCompleted, EventName::RouteSnapshot],
            flags: Vec::new(),
        }
    }

    /// Adds a route.
    #[must_use]
    pub fn route(mut self, route: Route) -> Self {
        self.routes.push(route);
        self
    }

    /// Adds an event that the app reports.
    #[must_use]
    pub fn event(mut self, event: EventName) -> Self {
        self.events.push(event);
        self
    }

    /// Adds a flag, off by default.
    #[must_use]
    pub fn flag(mut self, name: &str, summary: &str) -> Self {
        self.flags.push(FlagSpec { name: name.to_owned(), summary: summary.to_owned() });
        self
    }

    /// Finds a route by method and pattern.
    #[must_use]
    pub fn find(&self, method: &str, path: &str) -> Option<&Route> {
        self.routes.iter().find(|route| route.method == method && route.path == path)
    }
}

impl Route {
    fn new(method: &str, path: &str, summary: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            summary: summary.to_owned(),
            hardened: false,
            body: Body::None,
            auth: Auth::Public,
            success: vec![200],
            slo: None,
            tags: Vec::new(),
        }
    }

    /// A `GET` route without a body.
    #[must_use]
    pub fn get(path: &str, summary: &str) -> Self {
        Self::new("GET", path, summary)
    }

    /// A `POST` route.
    #[must_use]
    pub fn post(path: &str, summary: &str) -> Self {
        Self::new("POST", path, summary)
    }

    /// A `PUT` route.
    #[must_use]
    pub fn put(path: &str, summary: &str) -> Self {
        Self::new("PUT", path, summary)
    }

    /// Takes JSON as in `example`, up to 1 MiB.
    #[must_use]
    pub fn json(mut self, example: Value) -> Self {
        self.body = Body::Json { example, max_bytes: MAX_BODY_BYTES };
        self
    }

    /// Takes a form as in `example`.
    #[must_use]
    pub fn form(mut self, example: &[(&str, &str)]) -> Self {
        let example = example.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        self.body = Body::Form { example };
        self
    }

    /// Requires an idempotency key and a trace header.
    #[must_use]
    pub fn hardened(mut self) -> Self {
        self.hardened = true;
        self
    }

    /// Says who may call it.
    #[must_use]
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Says which statuses mean that it worked (200 unless said).
    #[must_use]
    pub fn success(mut self, statuses: &[u16]) -> Self {
        self.success = statuses.to_vec();
        self
    }

    /// Sets the service level.
    #[must_use]
    pub fn slo(mut self, slo: Slo) -> Self {
        self.slo = Some(slo);
        self
    }

    /// Adds a mark.
    #[must_use]
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(tag.to_owned());
        self
    }

    /// True if the route carries this mark.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|own| own == tag)
    }

    /// `POST /api/billing/quote`, the name of the route in reports.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}
