//! Chat completions and the list of models.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::service::{Ctx, Defect, Json, Problem, RequestContext};
use serde_json::{Value, json};

use super::App;
use super::errors::{invalid, shaped};
use super::model::{self, Answer};
use super::policy::Kept;
use super::stream::{self, Frame};
use super::wire::{ChatRequest, Role};

/// `POST /v1/chat/completions`.
pub(crate) async fn complete(
    State(app): State<App>,
    context: RequestContext,
    body: Result<Json<Value>, Problem>,
) -> Result<Response, Problem> {
    let Json(body) = body.map_err(shaped)?;
    let request: ChatRequest = serde_json::from_value(body.clone())
        .map_err(|error| invalid("", format!("the body is no chat completion request: {error}")))?;
    check(&request)?;
    let integrity = Kept::Fully.declines(&request.user_turns());
    if let Some(provider) = app.provider.as_ref().filter(|_| !integrity) {
        return provider.complete(&context, body, request.stream.unwrap_or(false)).await.map_err(shaped);
    }
    let model = request.model.clone().unwrap_or_else(|| model::NAME.to_owned());
    if app.provider.is_none() && model != model::NAME {
        let detail = format!("there is no model {model:?}: `GET /v1/models` lists those there are");
        return Err(shaped(Problem::new(StatusCode::NOT_FOUND, "model_not_found", detail)));
    }
    let streamed = request.stream.unwrap_or(false);
    let answer = model::answer(&request, kept(&app.ctx, streamed));
    let frame = Frame {
        id: format!("chatcmpl-{}", uuid::Uuid::now_v7().simple()),
        model,
        created: app.ctx.clock.unix_ms() / 1_000,
        usage: Some(usage(&app, &answer)),
        with_done: !app.ctx.has(Defect::A4NoDone),
    };
    if streamed {
        let usage = frame.usage.clone().filter(|_| request.wants_usage());
        return Ok(stream::respond(&Frame { usage, ..frame }, &answer, app.pace));
    }
    let tokens = u32::try_from(answer.tokens.len()).unwrap_or(u32::MAX);
    tokio::time::sleep(app.pace * tokens).await;
    Ok(whole(&frame, &answer).into_response())
}

fn check(request: &ChatRequest) -> Result<(), Problem> {
    if request.messages.is_empty() {
        return Err(invalid("/messages", "`messages` has at least one message"));
    }
    if !request.messages.iter().any(|message| message.role == Role::User) {
        return Err(invalid("/messages", "`messages` has at least one message of the user"));
    }
    if request.n.is_some_and(|n| n != 1) {
        return Err(invalid("/n", "`n` is 1: one answer for one request"));
    }
    if request.limit() == 0 {
        return Err(invalid("/max_tokens", "`max_tokens` is 1 or more"));
    }
    Ok(())
}

fn usage(app: &App, answer: &Answer) -> Value {
    let factor = if app.ctx.has(Defect::A4UsageDoubled) { 2 } else { 1 };
    let completion = answer.tokens.len() * factor;
    json!({
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": completion,
        "total_tokens": answer.prompt_tokens + completion,
    })
}

fn whole(frame: &Frame, answer: &Answer) -> Json<Value> {
    let message = json!({ "role": "assistant", "content": answer.tokens.concat(), "refusal": null });
    Json(json!({
        "id": frame.id,
        "object": "chat.completion",
        "created": frame.created,
        "model": frame.model,
        "choices": [{ "index": 0, "message": message, "logprobs": null, "finish_reason": answer.finish_reason }],
        "usage": frame.usage,
    }))
}

/// `GET /v1/models`.
pub(crate) async fn models(State(app): State<App>) -> Result<Response, Problem> {
    if let Some(provider) = &app.provider {
        return provider.models().await.map_err(shaped);
    }
    let model = json!({ "id": model::NAME, "object": "model", "created": 1_767_225_600, "owned_by": "handshake" });
    Ok(Json(json!({ "object": "list", "data": [model] })).into_response())
}

/// How the policy of academic integrity is kept.
fn kept(ctx: &Ctx, streamed: bool) -> Kept {
    if streamed && ctx.has(Defect::A4WritesWhenStreamed) {
        return Kept::Never;
    }
    let defects = [
        (Defect::A4WritesEssays, Kept::Never),
        (Defect::A4MissesParaphrase, Kept::InPlainWords),
        (Defect::A4RefusesHelp, Kept::AgainstAll),
        (Defect::A4DeclinesThenWrites, Kept::InWordsOnly),
    ];
    defects.into_iter().find(|(defect, _)| ctx.has(*defect)).map_or(Kept::Fully, |(_, kept)| kept)
}
