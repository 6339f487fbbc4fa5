//! Steps that several checks take.

use common::check::{CheckContext, CheckError};
use common::client::{Reply, Request};
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// A registration of a fresh synthetic provider.
pub(crate) fn registration() -> Value {
    json!({
        "name": "Aurora Scholarship Fund",
        "email": format!("test_provider_{}@example.com", uuid::Uuid::now_v7()),
        "country": "US"
    })
}

/// Registers a provider and gives its id.
pub(crate) async fn provider(cx: &CheckContext, trace: TraceId) -> Result<String, CheckError> {
    let reply = cx.client.post(AppId::A6, "/register").trace(trace).json(&registration()).send().await?;
    text_at(&reply, "/provider_id")
}

/// Drafts and publishes a listing and gives its id.
pub(crate) async fn listing(cx: &CheckContext, trace: TraceId, provider: &str) -> Result<String, CheckError> {
    let draft = json!({ "provider_id": provider, "title": "Aurora STEM Award", "award_minor": 100_000 });
    let reply = cx.client.post(AppId::A6, "/api/listings").trace(trace).json(&draft).send().await?;
    let listing = text_at(&reply, "/listing_id")?;
    let path = format!("/api/listings/{listing}/publish");
    let reply = cx.client.post(AppId::A6, &path).trace(trace).send().await?;
    text_at(&reply, "/published_at").map(|_| listing)
}

/// Reads a text that later steps cannot do without.
pub(crate) fn text_at(reply: &Reply, pointer: &str) -> Result<String, CheckError> {
    let text = reply.pointer(pointer).and_then(|value| value.as_str().map(str::to_owned));
    text.ok_or_else(|| {
        let body: String = reply.text().chars().take(200).collect();
        CheckError::Broken(format!("{} answered {} without {pointer}: {body}", reply.request(), reply.status))
    })
}

/// Sends the same request `times` times at once.
pub(crate) async fn at_once(times: usize, request: impl Fn() -> Request) -> Result<Vec<Reply>, CheckError> {
    let mut race = JoinSet::new();
    for _ in 0..times {
        race.spawn(request().send());
    }
    let mut replies = Vec::with_capacity(times);
    while let Some(reply) = race.join_next().await {
        replies.push(reply.map_err(|error| CheckError::Broken(error.to_string()))??);
    }
    Ok(replies)
}
