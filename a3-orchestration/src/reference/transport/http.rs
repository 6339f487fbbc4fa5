//! Calls over HTTP: to the other apps by their addresses, to parties outside the eight by options, or to their stand-ins
//! on A3's own port.

use axum::http::Method;
use axum::http::header::RETRY_AFTER;
use common::contract::header;
use common::ids::{AppId, TraceParent};
use common::service::{Ctx, RequestContext, Upstream};
use serde_json::Value;
use std::time::Duration;

use super::{Answer, Body, Broken, CALL_TIMEOUT, Call, Sending, Transport};
use crate::reference::party::Party;

/// Calls over HTTP.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    upstream: Upstream,
    email: Way,
    center: Way,
}

/// Where a party outside the eight is found.
#[derive(Debug, Clone)]
enum Way {
    /// At this address.
    At(String),
    /// At A3's own; the address where no other is known.
    StandIn(String),
    /// Nowhere.
    Unknown,
}

impl Http {
    pub(crate) fn of(ctx: &Ctx) -> Self {
        let way = |party: Party| {
            let given = party.base_option().and_then(|option| ctx.config.options.get(option));
            match given {
                Some(base) => Way::At(base.trim_end_matches('/').to_owned()),
                None if ctx.config.env == "embedded" => Way::StandIn(format!("http://{}", ctx.config.bind)),
                None => Way::Unknown,
            }
        };
        Self { upstream: ctx.upstream.clone(), email: way(Party::Email), center: way(Party::AutoComCenter) }
    }

    fn way(&self, party: Party) -> &Way {
        match party {
            Party::Email => &self.email,
            Party::AutoComCenter => &self.center,
            _ => &Way::Unknown,
        }
    }

    fn request(&self, context: &RequestContext, call: &Call) -> Result<reqwest::RequestBuilder, String> {
        let (app, outside) = match (call.party.app(), self.way(call.party)) {
            (Some(app), _) => (Some(app), None),
            (None, Way::StandIn(_)) if self.upstream.base(AppId::A3).is_some() => (Some(AppId::A3), None),
            (None, Way::At(base) | Way::StandIn(base)) => (None, Some(base)),
            (None, Way::Unknown) => return Err(format!("{} is not configured", call.party.as_str())),
        };
        if let Some(app) = app {
            let request = self.upstream.request(context, app, Method::POST, call.path);
            return request.map_err(|error| error.to_string());
        }
        let url = format!("{}{}", outside.map_or("", String::as_str), call.path);
        let parent = TraceParent::of(context.trace.trace).to_string();
        Ok(self.upstream.client().post(url).header(header::TRACEPARENT, parent))
    }

    async fn answer(&self, context: &RequestContext, call: &Call) -> Result<Answer, Broken> {
        let mut request = self.request(context, call).map_err(Broken)?.timeout(CALL_TIMEOUT);
        request = request.header(header::IDEMPOTENCY_KEY, &call.idempotency_key);
        if call.party.app().is_none() {
            request = request.header("idempotency-key", &call.idempotency_key);
        }
        if let Some(token) = &call.bearer {
            request = request.bearer_auth(token);
        }
        let request = match &call.body {
            Body::Json(body) => request.json(body),
            Body::Form(fields) => request.form(fields),
        };
        let response = request.send().await.map_err(|error| Broken(error.to_string()))?;
        let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let status = response.status().as_u16();
        let body = response.bytes().await.map_err(|error| Broken(format!("the answer broke off: {error}")))?;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Ok(Answer { status, retry_after: asked.map(Duration::from_secs), body })
    }
}

impl Transport for Http {
    fn reaches(&self, party: Party) -> bool {
        match party.app() {
            Some(app) => self.upstream.base(app).is_some(),
            None => !matches!(self.way(party), Way::Unknown),
        }
    }

    fn send<'a>(&'a self, context: &'a RequestContext, call: &'a Call) -> Sending<'a> {
        Box::pin(self.answer(context, call))
    }
}
