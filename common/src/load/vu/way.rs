//! The way of one step from its first request over the redirects that it follows.

use std::time::Instant;

use http::Method;
use url::Url;

use crate::clock;
use crate::guard::Permit;
use crate::ids::TraceParent;
use crate::load::plan::{Plan, PlannedStep};
use crate::load::recorder::Leg;
use crate::load::redirect::{self, Onward};
use crate::load::report::ErrorKind;
use crate::load::transport::{Answer, Fault};
use crate::load::wire::{Cookies, Parts};
use crate::load::worker::Shared;
use crate::units::Micros;

use super::Sending;

/// How far a step has got.
#[derive(Debug)]
pub(super) struct Way {
    /// Where the request of the moment goes.
    pub(super) origin: usize,
    pub(super) sending: Sending,
    pub(super) span: u64,
    /// Why a redirect was not followed.
    pub(super) lost: Option<Fault>,
    first_sent: Option<Instant>,
    /// Requests that were answered with a redirect that was followed.
    legs: Vec<Leg>,
}

/// A permitted redirect.
#[derive(Debug)]
pub(super) struct Next {
    onward: Onward,
    permit: Permit,
    pub(super) origin: usize,
}

impl Way {
    pub(super) fn new(step: &PlannedStep, parent: TraceParent, now: Instant) -> Self {
        let sending = Sending { began: now, sent: now };
        let (span, origin) = (parent.span, step.origin);
        Self { origin, sending, span, lost: None, first_sent: None, legs: Vec::new() }
    }

    /// When the first request was sent.
    pub(super) fn first_sent(&self) -> Instant {
        self.first_sent.unwrap_or(self.sending.sent)
    }

    /// The redirect to follow; `None` if the answer is none, the step follows none, or it may not be followed
    /// ([`Way::lost`] says why).
    pub(super) fn onward(
        &mut self,
        plan: &Plan,
        step: &PlannedStep,
        answer: &Answer<'_>,
        request: &[u8],
    ) -> Option<Next> {
        if step.follow_redirects == 0 {
            return None;
        }
        match self.next(plan, step, answer, request) {
            Ok(next) => next,
            Err(why) => {
                self.lost = Some(Fault::new(ErrorKind::Expectation, why));
                None
            }
        }
    }

    fn next(
        &self,
        plan: &Plan,
        step: &PlannedStep,
        answer: &Answer<'_>,
        request: &[u8],
    ) -> Result<Option<Next>, String> {
        let parts = Parts::of(request)?;
        let from = Url::parse(&address(plan, self.origin, parts.path)).map_err(|error| error.to_string())?;
        let location = answer.header("location");
        let Some(onward) = redirect::onward(answer.status(), location, &parts.method, &from)? else { return Ok(None) };
        if self.legs.len() >= usize::from(step.follow_redirects) {
            let to = redirect::without_values(onward.url.as_str());
            return Err(format!("more than {} redirects, the next to {to}", step.follow_redirects));
        }
        let permit = plan.guard.permit_url(&onward.method, &onward.url);
        let permit = permit.map_err(|refusal| format!("a redirect is not followed: {refusal}"))?;
        let origin = plan.origins.iter().position(|origin| origin.app == permit.app());
        let origin = origin.ok_or_else(|| format!("a redirect leads to {}, which is not planned", permit.app()))?;
        Ok(Some(Next { onward, permit, origin }))
    }

    /// Takes the answered request of the moment down.
    pub(super) fn end_leg(
        &mut self,
        shared: &Shared,
        step: &PlannedStep,
        request: &[u8],
        answer: Option<&Answer<'_>>,
        ok: bool,
    ) {
        let now = clock::monotonic();
        let (app, route) = (shared.plan.origins[self.origin].app, self.route(step, request));
        self.legs.push(Leg {
            step: shared.plan.steps.iter().position(|own| own.app == app && own.route == route),
            app,
            route,
            status: answer.map(Answer::status),
            ok,
            service: Micros::from(now.saturating_duration_since(self.sending.sent)),
            app_us: answer.and_then(Answer::app_us),
            at_unix_ms: shared.unix_ms(now),
        });
    }

    /// Begins the next request.
    pub(super) fn begin_leg(&mut self, origin: usize, span: u64) {
        self.first_sent.get_or_insert(self.sending.sent);
        let now = clock::monotonic();
        (self.origin, self.span, self.sending) = (origin, span, Sending { began: now, sent: now });
    }

    /// The contract's route of the step, or method and path of where a redirect led.
    pub(super) fn route(&self, step: &PlannedStep, request: &[u8]) -> String {
        if self.legs.is_empty() {
            return step.route.clone();
        }
        let path = path_of(request).split('?').next().unwrap_or_default();
        format!("{} {path}", method_of(request))
    }

    /// All requests of the step if there were several; nothing otherwise.
    pub(super) fn into_legs(
        mut self,
        shared: &Shared,
        step: &PlannedStep,
        request: &[u8],
        answer: Option<&Answer<'_>>,
        ok: bool,
    ) -> Vec<Leg> {
        if !self.legs.is_empty() {
            self.end_leg(shared, step, request, answer, ok);
        }
        self.legs
    }

    /// Tells by which requests a fault was come to.
    pub(super) fn located(&self, mut fault: Fault, request: &[u8]) -> Fault {
        if !self.legs.is_empty() {
            let came: Vec<_> = self.legs.iter().map(|leg| format!("{} {}", leg.app, leg.route)).collect();
            let here = format!("{} {}", method_of(request), path_of(request).split('?').next().unwrap_or_default());
            fault.detail = format!("{} (after {} → {here})", fault.detail, came.join(" → "));
        }
        fault
    }
}

impl Next {
    /// The request that the redirect asks for, made from the one that it answered.
    pub(super) fn render(
        &self,
        request: &[u8],
        from: usize,
        parent: TraceParent,
        cookies: Cookies<'_>,
    ) -> Result<Vec<u8>, Fault> {
        let parts = Parts::of(request).map_err(|why| Fault::new(ErrorKind::Expectation, why))?;
        Ok(parts.render_onward(&self.onward, &self.permit, self.origin == from, parent, cookies))
    }
}

/// The address of a path at an origin.
pub(super) fn address(plan: &Plan, origin: usize, path: &str) -> String {
    let origin = &plan.origins[origin];
    format!("{}://{}{path}", if origin.tls { "https" } else { "http" }, origin.authority)
}

/// The path and query of a rendered request.
pub(super) fn path_of(request: &[u8]) -> &str {
    word(request, 1)
}

pub(super) fn method_of(request: &[u8]) -> Method {
    Method::from_bytes(word(request, 0).as_bytes()).unwrap_or_default()
}

fn word(request: &[u8], nth: usize) -> &str {
    let word = request.split(|byte| *byte == b' ').nth(nth);
    word.and_then(|word| std::str::from_utf8(word).ok()).unwrap_or_default()
}
