//! One key, one event.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::{AppId, TraceId};

use super::{event, event_id, lineage};

pub(crate) async fn one_key_one_event(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    let key = format!("one-key-{trace}");
    let body = event("scholarship_viewed", "once");
    let post = || cx.client.post(AppId::A2, "/api/v1/events").trace(trace).idempotency_key(&key);

    let first = post().json(&body).send().await?;
    findings.status("the first request", 201, &first);
    let again = post().json(&body).send().await?;
    findings.status("the same request again", 201, &again);
    findings.holds("the repeat is marked as replayed", again.is_replayed(), "no idempotency-replayed header");
    findings.equal("its event id", &event_id(&first)?, &event_id(&again)?);
    findings.equal("events stored of two requests", &1, &lineage(&cx, trace).await?.len());

    let other = post().json(&event("scholarship_viewed", "another body")).send().await?;
    findings.status("the same key with another body", 422, &other);
    findings.equal("events stored after it", &1, &lineage(&cx, trace).await?.len());
    Ok(findings)
}
