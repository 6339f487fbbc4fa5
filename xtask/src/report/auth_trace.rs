//! `auth_trace_log.json`: each sign-in over the OIDC code flow, request by request, and each request's 95th percentile.

use common::clock;
use common::ids::{AppId, TraceId};
use common::load::{Journey, JourneyHop};
use common::units::Micros;
use serde::Serialize;

use super::{Artifact, Head, json};
use crate::record::{AuthHop, RunView};

#[derive(Serialize)]
struct Log<'a> {
    schema: &'static str,
    #[serde(flatten)]
    head: Head,
    /// Absent if nobody signed in over the flow in this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    flow: Option<Flow<'a>>,
}

#[derive(Serialize)]
struct Flow<'a> {
    scenario: &'a str,
    scenario_digest: &'a str,
    started_at: &'a str,
    tried: u64,
    succeeded: u64,
    /// From the sending of a request to the last byte of its answer. So few requests make no verdict on a percentile.
    hops: &'a [AuthHop],
    journeys: Vec<SignIn<'a>>,
}

#[derive(Serialize)]
struct SignIn<'a> {
    trace_id: TraceId,
    started_at: String,
    ms: f64,
    ok: bool,
    hops: Vec<SignInHop<'a>>,
}

#[derive(Serialize)]
struct SignInHop<'a> {
    step: &'a str,
    app: AppId,
    method: &'a str,
    url: &'a str,
    status: Option<u16>,
    offset_ms: f64,
    ms: f64,
    span_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirects_to: Option<&'a str>,
    /// Names and attributes, never values.
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    cookies: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
}

/// The log as it was recorded.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let flow = view.auth_trace.as_ref().map(|trace| Flow {
        scenario: &trace.scenario,
        scenario_digest: &trace.scenario_digest,
        started_at: &trace.started_at,
        tried: trace.tried,
        succeeded: trace.succeeded,
        hops: &trace.hops,
        journeys: trace.journeys.iter().map(sign_in).collect(),
    });
    let log = Log { schema: "handshake-auth-trace/1", head: Head::of(view), flow };
    vec![Artifact::report("auth_trace_log.json", json(&log))]
}

fn sign_in(journey: &Journey) -> SignIn<'_> {
    SignIn {
        trace_id: journey.trace_id,
        started_at: clock::rfc3339(journey.started_at_unix_ms),
        ms: Micros(journey.duration_us).as_ms(),
        ok: journey.ok,
        hops: journey.hops.iter().map(hop).collect(),
    }
}

fn hop(hop: &JourneyHop) -> SignInHop<'_> {
    SignInHop {
        step: &hop.step,
        app: hop.app,
        method: &hop.method,
        url: &hop.url,
        status: hop.status,
        offset_ms: Micros(hop.offset_us).as_ms(),
        ms: Micros(hop.duration_us).as_ms(),
        span_id: &hop.span_id,
        redirects_to: hop.redirects_to.as_deref(),
        cookies: &hop.cookies,
        error: hop.error.as_deref(),
    }
}
