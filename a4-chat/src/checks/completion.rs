//! Whole answers, errors and documents.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Request;
use common::ids::AppId;
use serde_json::{Value, json};
use tokio::task::JoinSet;

/// A question that needs no coaching.
const QUESTION: &str = "How do I find scholarships for engineering?";

/// A chat of one turn, by the first model that the app lists.
pub(crate) async fn chat(cx: &CheckContext, text: &str) -> Result<Value, CheckError> {
    let models = cx.client.get(AppId::A4, "/v1/models").send().await?;
    let model = models.pointer("/data/0/id").and_then(|id| id.as_str().map(str::to_owned));
    let model =
        model.ok_or_else(|| CheckError::Broken(format!("no model is listed: {} {}", models.status, models.text())))?;
    Ok(json!({ "model": model, "messages": [{ "role": "user", "content": text }] }))
}

fn ask(cx: &CheckContext, path: &str, body: &Value) -> Request {
    cx.client.post(AppId::A4, path).json(body)
}

/// Both paths answer in shape, the usage adds up, and the models are listed.
pub(crate) async fn shape(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let models = cx.client.get(AppId::A4, "/v1/models").send().await?;
    findings.status("the models", 200, &models);
    findings.json_at("the list", &models, "/object", &json!("list"));
    let body = chat(&cx, QUESTION).await?;
    for path in ["/v1/chat/completions", "/chat/completions"] {
        let reply = ask(&cx, path, &body).send().await?;
        findings.status(path, 200, &reply);
        findings.json_at("the object", &reply, "/object", &json!("chat.completion"));
        findings.json_at("the model", &reply, "/model", &body["model"]);
        findings.json_at("the role", &reply, "/choices/0/message/role", &json!("assistant"));
        findings.json_at("the reason it ended", &reply, "/choices/0/finish_reason", &json!("stop"));
        let content = reply.pointer("/choices/0/message/content");
        let words = content.as_ref().and_then(Value::as_str).map_or(0, |text| text.split_whitespace().count());
        findings.holds("the answer has words", words > 3, words);
        let tokens = |name: &str| reply.pointer(&format!("/usage/{name}")).and_then(|count| count.as_i64());
        let (prompt, sent, total) = (tokens("prompt_tokens"), tokens("completion_tokens"), tokens("total_tokens"));
        findings.holds("tokens were counted", prompt > Some(0) && sent > Some(0), format!("{prompt:?} and {sent:?}"));
        findings.equal("prompt and completion add up", &prompt.zip(sent).map(|(a, b)| a + b), &total);
    }
    let mut short = body.clone();
    short["max_tokens"] = json!(3);
    let reply = ask(&cx, "/v1/chat/completions", &short).send().await?;
    findings.json_at("an answer cut at three tokens", &reply, "/usage/completion_tokens", &json!(3));
    findings.json_at("the reason it ended", &reply, "/choices/0/finish_reason", &json!("length"));
    Ok(findings)
}

/// Errors carry the problem and the `error` member.
pub(crate) async fn errors(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let user = json!([{ "role": "user", "content": "Hello" }]);
    let wrong = [
        ("no messages at all", 422, json!({})),
        ("an empty list of messages", 422, json!({ "messages": [] })),
        ("a role that is none", 422, json!({ "messages": [{ "role": "wizard", "content": "Hello" }] })),
        ("messages as text", 422, json!({ "messages": "Hello" })),
        ("no tokens at most", 422, json!({ "messages": user, "max_tokens": 0 })),
        ("fewer tokens than none", 422, json!({ "messages": user, "max_tokens": -1 })),
        ("several answers", 422, json!({ "messages": user, "n": 3 })),
    ];
    for (what, status, body) in wrong {
        let reply = ask(&cx, "/v1/chat/completions", &body).send().await?;
        findings.status(what, status, &reply);
        findings.json_at(&format!("{what}: the type"), &reply, "/error/type", &json!("invalid_request_error"));
        let message = reply.pointer("/error/message").and_then(|text| text.as_str().map(str::to_owned));
        findings.holds(
            &format!("{what}: the message"),
            message.as_ref().is_some_and(|text| text.len() > 5),
            reply.text(),
        );
    }
    let reply = cx.client.post(AppId::A4, "/v1/chat/completions").body("{\"messages\": [", "application/json");
    let reply = reply.send().await?;
    findings.status("half a document", 400, &reply);
    findings.json_at("half a document: the type", &reply, "/error/type", &json!("invalid_request_error"));
    Ok(findings)
}

/// Two rounds of fifteen at once: nobody is refused, nobody gets somebody else's answer.
pub(crate) async fn steady(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let body = chat(&cx, QUESTION).await?;
    let mut answered = 0;
    for _ in 0..2 {
        let mut round = JoinSet::new();
        for _ in 0..15 {
            round.spawn(ask(&cx, "/v1/chat/completions", &body).send());
        }
        while let Some(reply) = round.join_next().await {
            let reply = reply.map_err(|error| CheckError::Broken(error.to_string()))??;
            answered += usize::from(reply.status == 200 && reply.pointer("/choices/0/message/content").is_some());
        }
    }
    findings.equal("answers to thirty questions", &30, &answered);
    Ok(findings)
}

/// The thin document route.
pub(crate) async fn documents(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let document = json!({ "title": "Activities", "text": "I tutor younger students in mathematics every Tuesday." });
    let reply = cx.client.post(AppId::A4, "/documents/analyze").json(&document).send().await?;
    findings.status("a document", 200, &reply);
    findings.json_at("its status", &reply, "/status", &json!("analyzed"));
    findings.json_at("its length in words", &reply, "/outcome/words", &json!(8));
    let steps = reply.pointer("/outcome/next_steps").and_then(|steps| steps.as_array().map(Vec::len));
    findings.holds("it says what to do next", steps.is_some_and(|steps| steps > 0), format!("{steps:?}"));
    let empty = json!({ "title": "Activities", "text": " " });
    let refused = cx.client.post(AppId::A4, "/documents/analyze").json(&empty).send().await?;
    findings.status("a document without text", 422, &refused);
    findings.json_at("the field at fault", &refused, "/pointer", &json!("/text"));
    Ok(findings)
}
