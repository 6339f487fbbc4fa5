//! How A4 is loaded.

use std::time::Duration;

use common::ids::AppId;
use common::scenario::{GoodputLimits, Scenario, Step, StreamRules, TokenCount};
use serde_json::{Value, json};

/// A baseline lasts this long at full size.
const BASELINE: Duration = Duration::from_secs(15 * 60);
/// What a reader takes for "at once", "as fast as I read" and "soon enough"; reported, not promised by the contract.
const GOOD: GoodputLimits = GoodputLimits { ttft_ms: Some(500), tpot_ms: Some(50), e2e_ms: Some(1_500) };

/// All workloads.
pub(crate) fn all() -> Vec<Scenario> {
    vec![chat(), chat_stream()]
}

/// A question that needs no coaching.
fn question() -> Value {
    json!({
        "model": "scholar-sage-1",
        "messages": [
            { "role": "system", "content": "You help students find scholarships." },
            { "role": "user", "content": "How do I find scholarships for engineering?" }
        ]
    })
}

/// Fifteen students ask and wait for the whole answer.
fn chat() -> Scenario {
    Scenario::new("a4_chat", AppId::A4, "Fifteen students chat, answers not streamed")
        .constant_vus(15, BASELINE, Duration::from_millis(500))
        .unscaled()
        .step(
            Step::post("chat", "/v1/chat/completions")
                .json(question())
                .expect_status(&[200])
                .expect_json("/object", "chat.completion")
                .expect_json("/choices/0/message/role", "assistant")
                .expect_json_exists("/usage/completion_tokens"),
        )
        .step(Step::get("models", "/v1/models").expect_status(&[200]).expect_json("/object", "list"))
        .threshold("http_req_duration{name:chat}", "p(95)<=1500")
        .threshold("http_req_duration{name:models}", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "core")
}

/// Fifteen students read while the answer comes. It goes by the route of clients whose base URL ends before the version,
/// so that A8's figures of the two workloads stay apart.
fn chat_stream() -> Scenario {
    let mut body = question();
    body["stream"] = json!(true);
    body["stream_options"] = json!({ "include_usage": true });
    Scenario::new("a4_chat_stream", AppId::A4, "Fifteen students chat, answers streamed token by token")
        .constant_vus(15, BASELINE, Duration::from_millis(500))
        .unscaled()
        .step(
            Step::post("stream", "/chat/completions")
                .json(body)
                .sse()
                .stream_rules(StreamRules { tokens: TokenCount::OnePerChunk, goodput: GOOD })
                .expect_status(&[200])
                .expect_header("content-type", "text/event-stream*"),
        )
        .threshold("http_req_duration{name:stream}", "p(95)<=1500")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "core")
}
