//! A provider of models with OpenAI's API, in place of the embedded model. Nothing of what is said is logged.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use common::contract::header;
use common::ids::TraceParent;
use common::service::{Ctx, Json, Problem, RequestContext};
use serde_json::Value;

use super::stream;

/// How long a provider may take for an answer.
const TIMEOUT: Duration = Duration::from_secs(120);

/// The provider at the option `llm_base_url`.
#[derive(Clone)]
pub(crate) struct Provider {
    client: reqwest::Client,
    base: String,
    key: Option<String>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Provider {
    /// The configured provider, if there is one.
    pub(crate) fn of(ctx: &Ctx) -> Option<Self> {
        let options = &ctx.config.options;
        let base = options.get("llm_base_url").filter(|base| !base.is_empty())?.trim_end_matches('/');
        let base = if base.ends_with("/v1") { base.to_owned() } else { format!("{base}/v1") };
        Some(Self { client: ctx.upstream.client().clone(), base, key: options.get("llm_api_key").cloned() })
    }

    fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base)).timeout(TIMEOUT);
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    /// Passes the request on and the answer back; a stream as it comes.
    pub(crate) async fn complete(
        &self,
        context: &RequestContext,
        body: Value,
        streams: bool,
    ) -> Result<Response, Problem> {
        let request = self.request(reqwest::Method::POST, "/chat/completions").json(&body);
        let request = request.header(header::TRACEPARENT, TraceParent::of(context.trace.trace).to_string());
        let answer = taken(request.send().await)?;
        if streams {
            return Ok(stream::as_events(Body::from_stream(answer.bytes_stream())));
        }
        whole(answer).await
    }

    /// The provider's models.
    pub(crate) async fn models(&self) -> Result<Response, Problem> {
        whole(taken(self.request(reqwest::Method::GET, "/models").send().await)?).await
    }
}

/// A success, or the problem that tells whose fault it is.
fn taken(sent: Result<reqwest::Response, reqwest::Error>) -> Result<reqwest::Response, Problem> {
    let answer = sent.map_err(|error| {
        tracing::warn!(error = %error.without_url(), "the model provider does not answer");
        Problem::new(StatusCode::BAD_GATEWAY, "upstream", "the model provider does not answer: try again")
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let retry_after = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
    Err(match status.as_u16() {
        429 => Problem::too_many("the model provider is busy: try again later", retry_after.unwrap_or(1)),
        400 | 404 | 422 => Problem::invalid(
            "",
            format!("the model provider refused the request with {status}: check model and messages"),
        ),
        _ => Problem::new(StatusCode::BAD_GATEWAY, "upstream", format!("the model provider answered {status}")),
    })
}

async fn whole(answer: reqwest::Response) -> Result<Response, Problem> {
    let body = answer.json::<Value>().await;
    body.map(|body| Json(body).into_response())
        .map_err(|_| Problem::new(StatusCode::BAD_GATEWAY, "upstream", "the model provider's answer is not JSON"))
}
