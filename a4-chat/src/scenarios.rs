//! How A4 is loaded.

use std::time::Duration;

use common::ids::AppId;
use common::scenario::{Scenario, Step};
use serde_json::json;

/// A baseline lasts this long at full size.
const BASELINE: Duration = Duration::from_secs(15 * 60);

/// All workloads.
pub(crate) fn all() -> Vec<Scenario> {
    vec![chat()]
}

/// Fifteen students ask and wait for the whole answer.
fn chat() -> Scenario {
    Scenario::new("a4_chat", AppId::A4, "Fifteen students chat, answers not streamed")
        .constant_vus(15, BASELINE, Duration::from_millis(500))
        .unscaled()
        .step(
            Step::post("chat", "/v1/chat/completions")
                .json(json!({
                    "model": "scholar-sage-1",
                    "messages": [
                        { "role": "system", "content": "You help students find scholarships." },
                        { "role": "user", "content": "How do I find scholarships for engineering?" }
                    ]
                }))
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
