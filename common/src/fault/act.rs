//! What the rules do to a request that is passed on, and to its answer.

use std::time::Duration;

use axum::http::header::{ACCEPT_ENCODING, CONTENT_LENGTH};
use axum::http::{HeaderMap, HeaderValue, Request, Response};
use bytes::Bytes;
use hyper::body::Incoming;
use serde_json::Value;

use super::active::Hit;
use super::answer::Remembered;
use super::body::{Body, drain, keep, shaped, streamed, whole};
use super::exchange::{Exchanger, Noted, PassError, Severed};
use super::plan::{Ending, Plan};
use super::{Action, Duplicate, Part, head, json};
use crate::ids::TraceId;

/// How long the rest of an answer is read that nobody gets.
const DRAIN_WITHIN: Duration = Duration::from_secs(10);

impl Exchanger {
    /// Ends a request that is not passed on.
    pub(super) async fn end(
        &self,
        request: Request<Incoming>,
        ending: Ending<'_>,
        trace: Option<TraceId>,
    ) -> Result<Response<Body>, Severed> {
        match ending {
            Ending::Reset => Err(self.sever()),
            Ending::Answered(answer) => {
                drain(request.into_body()).await;
                Ok(answer.response(trace))
            }
            Ending::Unanswered => {
                // Read to its end, the connection tells when the caller gives up.
                drain(request.into_body()).await;
                std::future::pending().await
            }
        }
    }

    /// Passes a request on, changed, and gives its answer, changed.
    pub(super) async fn act(
        &self,
        mut request: Request<Incoming>,
        plan: &Plan<'_>,
        hits: &[Hit<'_>],
        noted: &mut Noted<'_>,
    ) -> Result<Response<Body>, PassError> {
        if plan.changes_body_of(Part::Answer) {
            // What is to be changed must come as it is.
            request.headers_mut().remove(ACCEPT_ENCODING);
        }
        change_head(request.headers_mut(), Part::Request, plan, noted);
        let key = plan.replay.map(|(_, replay)| {
            let path = if replay.ignore_query { Some(request.uri().path()) } else { None };
            let path = path.or_else(|| request.uri().path_and_query().map(|path| path.as_str()));
            format!("{} {}", request.method(), path.unwrap_or("/"))
        });
        let memory = plan.replay.and_then(|(index, _)| hits.get(index)).zip(key);
        if let Some(stale) = memory.as_ref().and_then(|(hit, key)| hit.remembered(key)) {
            drain(request.into_body()).await;
            plan.replay.iter().for_each(|(index, _)| noted.note(*index));
            return Ok(self.finish(stale, plan, noted));
        }
        let answer = self.pass(request, plan, noted).await?;
        if let Some((index, failure)) = plan.fail {
            let _endless = tokio::time::timeout(DRAIN_WITHIN, drain(answer.into_body())).await;
            noted.note(index);
            return Ok(failure.response(noted.trace));
        }
        if memory.is_none() && !plan.changes_body_of(Part::Answer) {
            let (mut parts, body) = answer.into_parts();
            change_head(&mut parts.headers, Part::Answer, plan, noted);
            return Ok(self.shaped(Response::from_parts(parts, streamed(body)), plan, noted));
        }
        let (parts, body) = answer.into_parts();
        let body = keep(body).await.map_err(PassError::Answer)?;
        let kept = Remembered { status: parts.status, headers: parts.headers, body };
        if let Some((hit, key)) = memory {
            hit.remember(key, &kept);
        }
        Ok(self.finish(kept, plan, noted))
    }

    /// Sends a request, with its body changed, as often as asked; gives the first answer.
    async fn pass(
        &self,
        request: Request<Incoming>,
        plan: &Plan<'_>,
        noted: &mut Noted<'_>,
    ) -> Result<Response<Incoming>, PassError> {
        if plan.duplicate.is_none() && !plan.changes_body_of(Part::Request) {
            return Ok(self.send(request.map(streamed)).await?);
        }
        let (mut parts, body) = request.into_parts();
        let body = change_body(keep(body).await?, Part::Request, plan, noted);
        set_length(&mut parts.headers, &body);
        let first = self.send(Request::from_parts(parts.clone(), whole(body.clone()))).await?;
        let Some((index, duplicate)) = plan.duplicate else { return Ok(first) };
        for _ in 0..duplicate.copies.unwrap_or(1) {
            let mut parts = parts.clone();
            let body = freshened(&mut parts.headers, &body, duplicate);
            set_length(&mut parts.headers, &body);
            // The first answer may take long to be read, so each copy has a connection of its own. What becomes of it is
            // nothing to the caller.
            let beside = Self::new(std::sync::Arc::clone(&self.shared), std::sync::Arc::clone(&self.reset));
            if let Ok(copy) = beside.send(Request::from_parts(parts, whole(body))).await {
                noted.note(index);
                tokio::spawn(tokio::time::timeout(DRAIN_WITHIN, drain(copy.into_body())));
            }
        }
        Ok(first)
    }

    /// Makes a kept answer the caller's.
    fn finish(&self, mut kept: Remembered, plan: &Plan<'_>, noted: &mut Noted<'_>) -> Response<Body> {
        change_head(&mut kept.headers, Part::Answer, plan, noted);
        kept.body = change_body(kept.body, Part::Answer, plan, noted);
        self.shaped(kept.response(), plan, noted)
    }

    /// Holds up or cuts the answer.
    fn shaped(&self, answer: Response<Body>, plan: &Plan<'_>, noted: &mut Noted<'_>) -> Response<Body> {
        let (mut parts, body) = answer.into_parts();
        let length = hyper::body::Body::size_hint(&body).exact();
        // A body whose length nobody knows ahead is taken to be longer.
        let is_cut = plan.shape.cut.filter(|(cut, _)| length.is_none_or(|length| length > cut.after_bytes));
        is_cut.and(plan.cut_by).into_iter().for_each(|index| noted.note(index));
        match plan.shape.cut {
            Some((cut, _)) if cut.clean => {
                parts.headers.remove(CONTENT_LENGTH);
            }
            // The length is said, so that the caller knows that something is missing.
            Some(_) => {
                if let Some(length) = length {
                    parts.headers.insert(CONTENT_LENGTH, length.into());
                }
            }
            None => {}
        }
        let body = shaped(body, plan.shape, std::sync::Arc::clone(&self.reset));
        Response::from_parts(parts, body)
    }
}

fn change_head(headers: &mut HeaderMap, part: Part, plan: &Plan<'_>, noted: &mut Noted<'_>) {
    for (index, action) in &plan.changes {
        if head::change(headers, part, action) {
            noted.note(*index);
        }
    }
}

fn change_body(mut body: Bytes, part: Part, plan: &Plan<'_>, noted: &mut Noted<'_>) -> Bytes {
    for (index, action) in plan.changes.iter().filter(|(_, action)| action.changes_body_of() == Some(part)) {
        if let Some(changed) = changed(&body, action) {
            body = changed;
            noted.note(*index);
        }
    }
    body
}

/// A body after one action; `None` if it stays as it is, as a body that is no JSON does.
fn changed(body: &Bytes, action: &Action) -> Option<Bytes> {
    let (pointer, conditions, what) = match action {
        Action::SetJson(set) => (&set.pointer, &set.conditions, json::Change::Set(&set.value)),
        Action::RemoveJson(remove) => (&remove.pointer, &remove.conditions, json::Change::Remove),
        Action::ScaleJson(scale) => (&scale.pointer, &scale.conditions, json::Change::Scale(scale.factor)),
        Action::RewriteText(rewrite) => {
            let text = std::str::from_utf8(body).ok()?;
            let new = rewrite.find.replace(text, &rewrite.replace);
            return (new != text).then(|| new.into());
        }
        _ => return None,
    };
    let mut document: Value = serde_json::from_slice(body).ok()?;
    json::change(&mut document, pointer, conditions, what).then(|| document.to_string().into())
}

/// A copy's body, and its headers, with fresh ids.
fn freshened(headers: &mut HeaderMap, body: &Bytes, duplicate: &Duplicate) -> Bytes {
    for name in &duplicate.fresh_headers {
        let id = HeaderValue::from_str(&uuid::Uuid::now_v7().to_string());
        if let (Ok(name), Ok(id)) = (axum::http::HeaderName::from_bytes(name.as_bytes()), id) {
            headers.insert(name, id);
        }
    }
    let Ok(mut document) = serde_json::from_slice::<Value>(body) else { return body.clone() };
    let none = json::Conditions::new();
    let fresh = |pointer: &String| json::change(&mut document, pointer, &none, json::Change::Fresh);
    if duplicate.fresh_json.iter().map(fresh).fold(false, |changed, one| changed | one) {
        document.to_string().into()
    } else {
        body.clone()
    }
}

fn set_length(headers: &mut HeaderMap, body: &Bytes) {
    if headers.contains_key(CONTENT_LENGTH) || !body.is_empty() {
        headers.insert(CONTENT_LENGTH, body.len().into());
    }
}
