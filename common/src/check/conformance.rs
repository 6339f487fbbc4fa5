//! Does an app keep its contract? One body for every app and every target: each route of the contract is asked rightly
//! and wrongly, and answers as promised.

use http::Method;
use serde_json::json;

use super::{CheckContext, CheckError, Findings};
use crate::client::{Reply, Request};
use crate::contract::{Auth, Body, Contract, Route, header};
use crate::ids::AppId;

/// What stands in for a part of a path that the harness cannot know.
const PLACEHOLDER: &str = "conformance-probe";
/// A field that no route knows.
const STRANGE_FIELD: &str = "handshake_unknown_field";
/// Mark of routes that, like the API they imitate, ignore fields they do not know.
pub const OPEN_BODY: &str = "open_body";
/// Mark of routes that answer in a protocol of their own or stay open, so that a plain GET does not fit.
pub const OWN_PROTOCOL: &str = "own_protocol";

/// Mark of routes whose errors have the form of another standard (OAuth, a payment provider) and are no problem documents.
pub const OWN_ERRORS: &str = "own_errors";

/// Asks every route of the contract and asserts what the shared protocol promises.
///
/// # Errors
/// When the app does not answer at all.
pub async fn conformance(cx: &CheckContext, contract: &Contract) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let app = contract.app;
    unknown_paths(cx, app, &mut findings).await?;
    health(cx, app, &mut findings).await?;
    for route in &contract.routes {
        let probe = Probe { cx, app, route };
        probe.serves(&mut findings).await?;
        if cx.client.guard().environment().policy() == crate::target::Policy::ReadOnly && route.method != "GET" {
            continue;
        }
        probe.refuses_strangers(&mut findings).await?;
        probe.wants_preconditions(&mut findings).await?;
        probe.refuses_bad_bodies(&mut findings).await?;
    }
    Ok(findings)
}

async fn unknown_paths(cx: &CheckContext, app: AppId, findings: &mut Findings) -> Result<(), CheckError> {
    let reply = cx.client.get(app, "/no/such/path").send().await?;
    findings.status("an unknown path", 404, &reply);
    Ok(())
}

async fn health(cx: &CheckContext, app: AppId, findings: &mut Findings) -> Result<(), CheckError> {
    for path in ["/health", "/healthz"] {
        let reply = cx.client.get(app, path).send().await?;
        findings.json_at(&format!("the status of {path}"), &reply, "/status", &json!("ok"));
    }
    let reply = cx.client.get(app, "/ready").send().await?;
    findings.about(&reply);
    let answers = matches!(reply.status, 200 | 503);
    findings.holds("/ready answers 200 or 503", answers, reply.status);
    Ok(())
}

/// The path of a route, its parts filled in.
pub(super) fn path_of(route: &Route) -> String {
    let parts = route.path.split('/').map(|part| if part.starts_with('{') { PLACEHOLDER } else { part });
    parts.collect::<Vec<_>>().join("/")
}

/// A request with the body that the contract gives as an example.
pub(super) fn example_of(route: &Route, request: Request) -> Request {
    match &route.body {
        Body::Json { example, .. } => request.json(example),
        Body::Form { example } => {
            let fields: Vec<_> = example.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
            request.form(&fields)
        }
        Body::None => request,
    }
}

/// One route under test.
pub(super) struct Probe<'a> {
    pub(super) cx: &'a CheckContext,
    pub(super) app: AppId,
    pub(super) route: &'a Route,
}

impl Probe<'_> {
    /// True for a route that a plain GET fits.
    pub(super) fn is_plainly_asked(&self) -> bool {
        self.route.method == "GET" && !self.route.has_tag(OWN_PROTOCOL)
    }

    pub(super) fn request(&self) -> Request {
        let method: Method = self.route.method.parse().unwrap_or(Method::GET);
        let request = self.cx.client.request(self.app, method, &path_of(self.route));
        if self.route.has_tag(OWN_ERRORS) { request.native_errors() } else { request }
    }

    /// With the key that the route wants.
    fn keyed(&self) -> Request {
        let key = match self.route.auth {
            Auth::AdminKey => self.cx.admin_key.as_ref().map(|key| (header::ADMIN_KEY, key)),
            Auth::TelemetryKey => self.cx.telemetry_key.as_ref().map(|key| (header::TELEMETRY_KEY, key)),
            Auth::Public | Auth::Session | Auth::Bearer => None,
        };
        match key {
            Some((name, key)) => self.request().header(name, key.expose()),
            None => self.request(),
        }
    }

    fn name(&self, what: &str) -> String {
        format!("{} {what}", self.route.name())
    }

    /// A plain GET works; a route with a part to fill in is there, whatever it says of the placeholder.
    async fn serves(&self, findings: &mut Findings) -> Result<(), CheckError> {
        if !self.is_plainly_asked() {
            return Ok(());
        }
        let reply = self.keyed().send().await?;
        findings.about(&reply);
        let open = self.route.auth == Auth::Public && !self.route.path.contains('{');
        if open {
            let fits =
                self.route.success.contains(&reply.status) || (self.route.path == "/ready" && reply.status == 503);
            findings.holds(&self.name("answers as promised"), fits, reply.status);
        } else {
            let there = reply.status != 405 && reply.status < 500;
            findings.holds(&self.name("is served"), there, reply.status);
        }
        Ok(())
    }

    async fn refuses_strangers(&self, findings: &mut Findings) -> Result<(), CheckError> {
        if !matches!(self.route.auth, Auth::AdminKey | Auth::TelemetryKey) {
            return Ok(());
        }
        let reply = self.with_example(self.request()).send().await?;
        findings.status(&self.name("without its key"), 401, &reply);
        Ok(())
    }

    async fn wants_preconditions(&self, findings: &mut Findings) -> Result<(), CheckError> {
        if !self.route.hardened {
            return Ok(());
        }
        let bare = self.with_example(self.keyed()).without_idempotency_key().send().await?;
        findings.status(&self.name("without an idempotency key"), 428, &bare);
        findings.json_at(&self.name("names the missing key"), &bare, "/header", &json!(header::IDEMPOTENCY_KEY));
        let untraced = self.with_example(self.keyed()).without_trace().send().await?;
        findings.status(&self.name("without a trace"), 428, &untraced);
        Ok(())
    }

    async fn refuses_bad_bodies(&self, findings: &mut Findings) -> Result<(), CheckError> {
        let Body::Json { example, max_bytes } = &self.route.body else { return Ok(()) };
        let malformed = self.keyed().body("{\"broken\": ", "application/json").send().await?;
        findings.status(&self.name("with half a document"), 400, &malformed);
        let wrong_type = self.keyed().body("a=1", "text/plain").send().await?;
        findings.status(&self.name("with plain text"), 415, &wrong_type);
        let oversized = self.keyed().body(vec![b' '; max_bytes + 1], "application/json").send().await?;
        findings.status(&self.name("with a body over the limit"), 413, &oversized);
        self.refused_as_senseless("with another kind of document", self.keyed().json(&json!("text")), findings).await?;
        if example.is_object() && !self.route.has_tag(OPEN_BODY) {
            let mut strange = example.clone();
            strange[STRANGE_FIELD] = json!(1);
            self.refused_as_senseless("with an unknown field", self.keyed().json(&strange), findings).await?;
        }
        Ok(())
    }

    async fn refused_as_senseless(
        &self,
        what: &str,
        request: Request,
        findings: &mut Findings,
    ) -> Result<(), CheckError> {
        let reply: Reply = request.send().await?;
        findings.status(&self.name(what), 422, &reply);
        Ok(())
    }

    fn with_example(&self, request: Request) -> Request {
        example_of(self.route, request)
    }
}
