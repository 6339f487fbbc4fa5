//! The shared protocol, around every route: trace, limits, preconditions, idempotent replay, problem documents,
//! telemetry.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header as http_header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::{FutureExt, StreamExt};

use super::idempotency::{self, EffectKey, InFlight, Known, StoredAnswer};
use super::outbox::took_ms;
use super::{Ctx, Defect, Problem, RequestContext, Unit};
use crate::contract::{Body as BodyKind, MAX_BODY_BYTES, PROTOCOL_VERSION, Route, header};

/// Route name of requests that no route takes.
const UNMATCHED: &str = "(unmatched)";

/// Put into the extensions of an error whose form another standard lays down (OAuth, a payment provider): it is sent as
/// it is, and not as a problem document.
#[derive(Debug, Clone, Copy)]
pub struct OwnErrorForm;

/// Put into the extensions of a response that is none of the app's own, as of a stand-in for somebody else on its port:
/// it is not among the figures that the app reports.
#[derive(Debug, Clone, Copy)]
pub struct Unreported;

/// What the layer keeps between requests.
#[derive(Debug)]
pub(crate) struct Protocol {
    ctx: Ctx,
    in_flight: InFlight,
    seen: AtomicU64,
}

impl Protocol {
    pub(crate) fn new(ctx: Ctx) -> Self {
        Self { ctx, in_flight: InFlight::default(), seen: AtomicU64::new(0) }
    }
}

/// The layer.
pub(crate) async fn layer(State(kit): State<std::sync::Arc<Protocol>>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().map_or(UNMATCHED, MatchedPath::as_str).to_owned();
    let context = RequestContext::read(request.headers(), request.method().as_str(), &matched);
    let answered = AssertUnwindSafe(kit.answer(context.clone(), request, next)).catch_unwind().await;
    let response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(problem)) => problem.into_response(),
        Err(_) => Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the app failed on this request")
            .into_response(),
    };
    kit.linger(&context).await;
    kit.finish(&context, response)
}

impl Protocol {
    async fn answer(&self, context: RequestContext, request: Request, next: Next) -> Result<Response, Problem> {
        if let Some(response) = self.misbehave(&context).await {
            return Ok(response);
        }
        let route = self.ctx.contract.find(&context.method, &context.route);
        let request = limited(request, route).await?;
        self.tell_too_much(&context, &request);
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(next.run(with_context(request, context)).await);
        }
        let unit = Unit::new(self.ctx.db.clone());
        let hardened = route.is_some_and(|route| route.hardened);
        let effect = if hardened { self.effect_key(&context, &request)? } else { None };
        let Some((effect, body)) = effect else {
            let response = next.run(with_unit(with_context(request, context), &unit)).await;
            return settle(&unit, response).await;
        };
        self.once(&effect, body, context, request, next, &unit).await
    }

    /// Deliberate defects: what requests hold is written where it must not be.
    fn tell_too_much(&self, context: &RequestContext, request: &Request) {
        let body = request.extensions().get().map(|ReadBody(body)| String::from_utf8_lossy(body));
        if let Some(body) = body.as_deref().filter(|_| self.ctx.has(Defect::LogsPersonalData)) {
            tracing::warn!(route = context.route, %body, "a request");
        }
        if self.ctx.has(Defect::LogsSecrets) {
            let names = [header::ADMIN_KEY, header::TELEMETRY_KEY, "authorization"];
            for (name, value) in names.iter().filter_map(|name| Some((name, request.headers().get(*name)?))) {
                tracing::warn!(route = context.route, name, ?value, "a header");
            }
        }
        if let Some(body) = body.filter(|_| self.ctx.has(Defect::KeepsRequests)) {
            let file = self.ctx.config.data_dir.join("requests.dump");
            let opened = std::fs::OpenOptions::new().create(true).append(true).open(file);
            drop(opened.and_then(|mut file| std::io::Write::write_all(&mut file, format!("{body}\n").as_bytes())));
        }
    }

    /// Runs a hardened request once for its key.
    async fn once(
        &self,
        effect: &EffectKey,
        body: Bytes,
        context: RequestContext,
        request: Request,
        next: Next,
        unit: &Unit,
    ) -> Result<Response, Problem> {
        let Some(_claim) = self.in_flight.claim(effect) else {
            let mut problem = Problem::conflict("in-flight", "a request with this idempotency key is being answered");
            problem.retry_after_s = Some(1);
            return Err(problem);
        };
        let now = self.ctx.clock.unix_ms();
        match idempotency::look_up(&self.ctx.db, effect, now).await? {
            Known::Answered(answer) => return Ok(replay(answer)),
            Known::OtherBody => {
                let detail = "this idempotency key was used with another body: take a fresh key for a fresh effect";
                return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail));
            }
            Known::Nothing => {}
        }
        let (parts, _) = request.into_parts();
        let request = Request::from_parts(parts, Body::from(body));
        let response = next.run(with_unit(with_context(request, context), unit)).await;
        if response.status().as_u16() >= 400 {
            return settle(unit, response).await;
        }
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.map_err(|_| Problem::unavailable("the answer broke off"))?;
        let answer = StoredAnswer {
            status: parts.status.as_u16(),
            content_type: content_type(&parts.headers).to_owned(),
            body: String::from_utf8_lossy(&bytes).into_owned(),
        };
        idempotency::store(unit, effect, &answer, now).await?;
        settle(unit, Response::from_parts(parts, Body::from(bytes))).await
    }

    /// The preconditions of a hardened route, and the key of its effect. `None` if a defect turns idempotency off.
    fn effect_key(&self, context: &RequestContext, request: &Request) -> Result<Option<(EffectKey, Bytes)>, Problem> {
        let key = match &context.idempotency_key {
            Some(key) => key.clone(),
            None if self.ctx.has(Defect::PreconditionUnchecked) => return Ok(None),
            None => return Err(Problem::precondition_required(header::IDEMPOTENCY_KEY)),
        };
        if !context.traced && !self.ctx.has(Defect::PreconditionUnchecked) {
            return Err(Problem::precondition_required(header::TRACE_ID));
        }
        if key.len() > 200 {
            return Err(Problem::malformed(format!("{} is at most 200 characters", header::IDEMPOTENCY_KEY)));
        }
        if self.ctx.has(Defect::IdempotencyOff) {
            return Ok(None);
        }
        let body = request.extensions().get::<ReadBody>().map(|read| read.0.clone()).unwrap_or_default();
        Ok(Some((EffectKey::new(context, request.uri().path(), &key, &body), body)))
    }

    /// Deliberate defects that any app can have.
    async fn misbehave(&self, context: &RequestContext) -> Option<Response> {
        if self.ctx.config.defects.is_empty() {
            return None;
        }
        if self.ctx.has(Defect::SlowBy200Ms) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        let is_probe = is_probe(context);
        if self.ctx.has(Defect::LoginPageInsteadOfJson) && !is_probe {
            let page = "<!doctype html><title>Sign in</title><form><input name=user></form>";
            return Some(axum::response::Html(page).into_response());
        }
        let count = self.seen.fetch_add(1, Ordering::Relaxed);
        if self.ctx.has(Defect::TenthRequestFails) && count % 10 == 9 {
            let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the app failed on this request");
            return Some(problem.into_response());
        }
        let failing = self.ctx.config.defects.iter().find_map(|defect| match defect {
            Defect::FailsPerMille(share) => Some(*share),
            _ => None,
        });
        if failing.is_some_and(|share| rand::random_range(0..1_000) < share) && !is_probe {
            let problem = Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "the app failed on this request");
            return Some(problem.into_response());
        }
        None
    }

    /// Holds an answer back, if a defect says how long answers take.
    async fn linger(&self, context: &RequestContext) {
        let p95_ms = self.ctx.config.defects.iter().find_map(|defect| match defect {
            Defect::P95Ms(p95_ms) => Some(*p95_ms),
            _ => None,
        });
        let Some(p95_ms) = p95_ms.filter(|_| !is_probe(context)) else { return };
        // Box and Muller's normal deviate, moved so that its 95th percentile is 0.
        let (angle, radius) = (rand::random::<f64>(), 1.0 - rand::random::<f64>());
        let normal = (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos();
        let takes_ms = f64::from(p95_ms) * (0.5 * (normal - 1.644_854)).exp();
        let takes = Duration::from_secs_f64(takes_ms / 1_000.0);
        tokio::time::sleep(takes.saturating_sub(context.started.elapsed())).await;
    }

    /// What every response carries, and the report of it.
    fn finish(&self, context: &RequestContext, response: Response) -> Response {
        let took = context.started.elapsed();
        let trace = if self.ctx.has(Defect::TraceNotEchoed) {
            crate::ids::TraceId::fresh().to_string()
        } else {
            context.trace.trace.to_string()
        };
        let mut response = as_problem(response, &trace);
        if response.extensions_mut().remove::<Unreported>().is_none() {
            self.ctx.telemetry.observe(context, response.status().as_u16(), took);
        }
        let headers = response.headers_mut();
        let mut set = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set(header::TRACE_ID, &trace);
        set(header::PROTOCOL_VERSION, PROTOCOL_VERSION);
        set(header::APP_ID, self.ctx.config.app.as_str());
        set(header::SERVER_TIMING, &format!("app;dur={:.3}", took_ms(took)));
        set("x-content-type-options", "nosniff");
        set("referrer-policy", "strict-origin-when-cross-origin");
        if self.ctx.has(Defect::SecurityHeadersMissing) {
            for name in ["x-content-type-options", "referrer-policy", "content-security-policy", "x-frame-options"] {
                headers.remove(name);
            }
        }
        response
    }
}

fn is_probe(context: &RequestContext) -> bool {
    matches!(context.route.as_str(), "/health" | "/healthz" | "/ready")
}

/// A body that was read in full.
#[derive(Clone)]
struct ReadBody(Bytes);

/// Reads the body up to the route's limit, and puts it back.
async fn limited(request: Request, route: Option<&Route>) -> Result<Request, Problem> {
    let limit = match route.map(|route| &route.body) {
        Some(BodyKind::Json { max_bytes, .. }) => *max_bytes,
        _ => MAX_BODY_BYTES,
    };
    let (mut parts, body) = request.into_parts();
    let declared = parts.headers.get(http_header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let bytes = read(body, limit, declared.is_some_and(|length: usize| length > limit)).await?;
    parts.extensions.insert(ReadBody(bytes.clone()));
    Ok(Request::from_parts(parts, Body::from(bytes)))
}

/// Reads a body up to `limit`. What is beyond is read and dropped, up to twice as much again: a caller that is cut off
/// while it sends never sees the answer.
async fn read(body: Body, limit: usize, declared_too_large: bool) -> Result<Bytes, Problem> {
    let mut parts = body.into_data_stream();
    let (mut kept, mut seen) = (Vec::new(), 0_usize);
    while let Some(part) = parts.next().await {
        let part = part.map_err(|_| Problem::malformed("the body broke off"))?;
        seen = seen.saturating_add(part.len());
        if seen <= limit {
            kept.extend_from_slice(&part);
        } else if seen > limit.saturating_mul(3) {
            break;
        }
    }
    if declared_too_large || seen > limit {
        let detail = format!("the body is over the limit of {limit} bytes");
        return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "payload-too-large", detail));
    }
    Ok(kept.into())
}

fn with_context(mut request: Request, context: RequestContext) -> Request {
    request.extensions_mut().insert(context);
    request
}

fn with_unit(mut request: Request, unit: &Unit) -> Request {
    request.extensions_mut().insert(unit.clone());
    request
}

/// Commits a success, drops the rest.
async fn settle(unit: &Unit, response: Response) -> Result<Response, Problem> {
    if response.status().as_u16() < 400 {
        unit.commit().await?;
    } else {
        unit.roll_back().await;
    }
    Ok(response)
}

fn replay(answer: StoredAnswer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::OK);
    let mut response = (status, answer.body).into_response();
    if let Ok(value) = HeaderValue::from_str(&answer.content_type) {
        response.headers_mut().insert(http_header::CONTENT_TYPE, value);
    }
    let name = HeaderName::from_static(header::IDEMPOTENCY_REPLAYED);
    response.headers_mut().insert(name, HeaderValue::from_static("true"));
    response
}

fn content_type(headers: &axum::http::HeaderMap) -> &str {
    headers.get(http_header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/json")
}

/// Turns an error into a problem document with the trace id.
fn as_problem(mut response: Response, trace: &str) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let own_words = content_type(response.headers()).starts_with("text/html")
        || response.extensions_mut().remove::<OwnErrorForm>().is_some();
    let problem = response.extensions_mut().remove::<Problem>();
    if problem.is_none() && own_words {
        return response;
    }
    let problem = problem.unwrap_or_else(|| standard_problem(status));
    let (mut parts, _) = response.into_parts();
    parts.headers.remove(http_header::CONTENT_LENGTH);
    parts.headers.insert(http_header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    Response::from_parts(parts, Body::from(problem.document(trace).to_string()))
}

fn standard_problem(status: StatusCode) -> Problem {
    match status {
        StatusCode::NOT_FOUND => {
            Problem::not_found("there is nothing at this path: see the app's contract for its routes")
        }
        StatusCode::METHOD_NOT_ALLOWED => {
            Problem::new(status, "method-not-allowed", "this path takes another method: see the `Allow` header")
        }
        _ => Problem::new(status, "error", status.canonical_reason().unwrap_or("the request failed")),
    }
}
