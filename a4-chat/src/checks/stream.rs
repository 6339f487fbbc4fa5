//! Streams: every chunk looked at, every token counted.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Stream;
use common::ids::AppId;
use serde_json::{Value, json};

use super::completion;

/// What came over one stream.
#[derive(Debug, Default)]
pub(super) struct Seen {
    roles: usize,
    tokens: usize,
    pub(super) text: String,
    finish: Vec<String>,
    usage: Option<Value>,
    /// Chunks that are no JSON or no chunk of a completion.
    strange: usize,
    done: bool,
    after_done: usize,
}

impl Seen {
    pub(super) async fn read(mut stream: Stream) -> Result<Self, CheckError> {
        let mut seen = Self::default();
        while let Some(event) = stream.next_event().await? {
            if seen.done {
                seen.after_done += 1;
            } else if event.data == "[DONE]" {
                seen.done = true;
            } else {
                seen.chunk(&event.data);
            }
        }
        Ok(seen)
    }

    fn chunk(&mut self, data: &str) {
        let chunk: Value = serde_json::from_str(data).unwrap_or_default();
        if chunk["object"] != "chat.completion.chunk" {
            self.strange += 1;
            return;
        }
        if chunk["usage"].is_object() {
            self.usage = Some(chunk["usage"].clone());
        }
        let choice = &chunk["choices"][0];
        self.roles += usize::from(choice["delta"]["role"] == "assistant");
        if let Some(text) = choice["delta"]["content"].as_str().filter(|text| !text.is_empty()) {
            self.tokens += 1;
            self.text.push_str(text);
        }
        self.finish.extend(choice["finish_reason"].as_str().map(str::to_owned));
    }
}

/// Role first, tokens, reason, usage equal to what was counted, `[DONE]`; and the same words as the whole answer.
pub(crate) async fn counted(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let mut body = completion::chat(&cx, "How do I find scholarships for engineering?").await?;
    let whole = cx.client.post(AppId::A4, "/v1/chat/completions").json(&body).send().await?;
    findings.status("the whole answer", 200, &whole);
    body["stream"] = json!(true);
    let bare = stream(&cx, &body, &mut findings).await?;
    findings.holds("no usage unless asked", bare.usage.is_none(), format!("{:?}", bare.usage));
    findings.holds("the stream ends in [DONE]", bare.done, "no [DONE]");
    body["stream_options"] = json!({ "include_usage": true });
    let seen = stream(&cx, &body, &mut findings).await?;
    findings.equal("chunks that are none", &0, &seen.strange);
    findings.equal("chunks that name the role", &1, &seen.roles);
    findings.equal("reasons for the end", &vec!["stop".to_owned()], &seen.finish);
    findings.holds("the stream ends in [DONE]", seen.done, "no [DONE]");
    findings.equal("events after [DONE]", &0, &seen.after_done);
    findings.holds("tokens came", seen.tokens > 3, seen.tokens);
    let usage = |name: &str| seen.usage.as_ref().and_then(|usage| usage[name].as_u64());
    let counted = u64::try_from(seen.tokens).ok();
    findings.equal("completion tokens of the usage, against those counted", &counted, &usage("completion_tokens"));
    let sum = usage("prompt_tokens").zip(usage("completion_tokens")).map(|(prompt, sent)| prompt + sent);
    findings.equal("the total of the usage", &sum, &usage("total_tokens"));
    let content = whole.pointer("/choices/0/message/content");
    findings.equal("the streamed words, against the whole answer", &content, &Some(json!(seen.text)));
    let billed = whole.pointer("/usage/completion_tokens").and_then(|count| count.as_u64());
    findings.equal("completion tokens of the whole answer, against those counted", &counted, &billed);
    Ok(findings)
}

async fn stream(cx: &CheckContext, body: &Value, findings: &mut Findings) -> Result<Seen, CheckError> {
    let stream = cx.client.post(AppId::A4, "/v1/chat/completions").json(body).stream().await?;
    findings.equal("the status of a stream", &200, &stream.status());
    let kind = stream.headers().get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned();
    findings.holds("a stream is one of events", kind.starts_with("text/event-stream"), &kind);
    Seen::read(stream).await
}
