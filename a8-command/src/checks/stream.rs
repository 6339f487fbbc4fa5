//! The stream of new events.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Stream;
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

use super::probe;

/// Events of others that may come in between.
const OTHERS: usize = 500;

/// Two events arrive, in order, at a reader that left off before them; one of them later again at another.
pub(crate) async fn delivers(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let (before, first, second) = (TraceId::fresh(), TraceId::fresh(), TraceId::fresh());
    probe::report(&cx, &[probe::event(before, "lead_captured")])?.send().await?;
    let seen = probe::lineage(&cx, before).await?.pointer("/events/0/seq").unwrap_or_default();
    let follow = |after: &Value| {
        let request = cx.client.get(AppId::A8, "/api/stream?namespace=perf_test");
        request.header("last-event-id", &after.to_string()).timeout(cx.patience)
    };
    let mut stream = follow(&seen).stream().await?;
    findings.equal("the status of the stream", &200, &stream.status());
    let batch = [probe::event(first, "lead_captured"), probe::event(second, "lead_captured")];
    probe::report(&cx, &batch)?.send().await?;
    let one = next_of(&mut stream, &[before, first, second]).await?;
    findings.equal("the first event", &Some(first.to_string()), &trace_of(one.as_ref()));
    let two = next_of(&mut stream, &[before, first, second]).await?;
    findings.equal("the second event", &Some(second.to_string()), &trace_of(two.as_ref()));
    drop(stream);
    let after_first = one.and_then(|message| message.get("seq").cloned()).unwrap_or(json!(0));
    let mut resumed = follow(&after_first).stream().await?;
    let again = next_of(&mut resumed, &[before, first, second]).await?;
    findings.equal("the event after a resume", &Some(second.to_string()), &trace_of(again.as_ref()));
    Ok(findings)
}

fn trace_of(message: Option<&Value>) -> Option<String> {
    message?.pointer("/event/trace_id")?.as_str().map(str::to_owned)
}

/// The next event of one of these traces.
async fn next_of(stream: &mut Stream, traces: &[TraceId]) -> Result<Option<Value>, CheckError> {
    for _ in 0..OTHERS {
        let Some(message) = stream.next_event().await? else { return Ok(None) };
        let message: Value = serde_json::from_str(&message.data).unwrap_or_default();
        if traces.iter().any(|trace| trace_of(Some(&message)) == Some(trace.to_string())) {
            return Ok(Some(message));
        }
    }
    Ok(None)
}
