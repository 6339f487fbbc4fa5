//! An answer as server-sent events: the role, a chunk for each token, the reason it ended, the usage if asked, `[DONE]`.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde_json::{Value, json};

use super::model::Answer;

/// What all chunks of one answer share.
pub(crate) struct Frame {
    pub(crate) id: String,
    pub(crate) model: String,
    pub(crate) created: i64,
    /// The usage, if the client asked for it.
    pub(crate) usage: Option<Value>,
    pub(crate) with_done: bool,
}

impl Frame {
    fn chunk(&self, delta: Value, finish_reason: Option<&str>) -> Bytes {
        let choice = json!({ "index": 0, "delta": delta, "logprobs": null, "finish_reason": finish_reason });
        self.event(&json!([choice]), &Value::Null)
    }

    fn event(&self, choices: &Value, usage: &Value) -> Bytes {
        let mut chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": self.created, "model": self.model,
            "choices": choices,
        });
        if self.usage.is_some() {
            chunk["usage"] = usage.clone();
        }
        Bytes::from(format!("data: {chunk}\n\n"))
    }
}

/// The answer, a token every `pace`.
pub(crate) fn respond(frame: &Frame, answer: &Answer, pace: Duration) -> Response {
    let role = json!({ "role": "assistant", "content": "" });
    let mut events = VecDeque::from([(Duration::ZERO, frame.chunk(role, None))]);
    events.extend(answer.tokens.iter().map(|token| (pace, frame.chunk(json!({ "content": token }), None))));
    events.push_back((Duration::ZERO, frame.chunk(json!({}), Some(answer.finish_reason))));
    if let Some(usage) = &frame.usage {
        events.push_back((Duration::ZERO, frame.event(&json!([]), usage)));
    }
    if frame.with_done {
        events.push_back((Duration::ZERO, Bytes::from_static(b"data: [DONE]\n\n")));
    }
    let paced = futures_util::stream::unfold(events, |mut events| async move {
        let (pause, event) = events.pop_front()?;
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
        Some((Ok::<_, Infallible>(event), events))
    });
    as_events(Body::from_stream(paced))
}

/// A body of server-sent events that no proxy on the way should hold back.
pub(crate) fn as_events(body: Body) -> Response {
    let headers = [
        (header::CONTENT_TYPE.as_str(), "text/event-stream"),
        ("cache-control", "no-cache"),
        ("x-accel-buffering", "no"),
    ];
    (headers, body).into_response()
}
