//! Parties that are not one of the eight apps, reached over HTTP: the payment provider and the CRM. Embedded, both
//! are stand-ins at A5's own address.

use common::contract::header;
use common::ids::{AppId, TraceParent};
use common::service::{Ctx, RequestContext, Upstream, UpstreamError};
use reqwest::{Method, RequestBuilder, Response};
use serde::de::DeserializeOwned;
use url::Url;

/// The most of an error message that is repeated in ours.
const SAID: usize = 200;

/// Where another party is found.
#[derive(Debug, Clone)]
pub(super) struct Party {
    upstream: Upstream,
    base: String,
    is_own: bool,
}

/// Why another party gave no usable answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum OutsideError {
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("{0} is no address: correct it in `options`")]
    Address(String),
    #[error("the party did not answer: {0}")]
    Silent(#[from] reqwest::Error),
    #[error("{at} answered {status}: {said}")]
    Refused { status: u16, at: String, said: String },
    #[error("{at} answered with something else than was asked for: {said}")]
    Strange { at: String, said: String },
}

impl Party {
    /// The party at the option's address; without it, the stand-in at our own.
    pub(super) fn of(ctx: &Ctx, option: &str, own_base: &str) -> Self {
        let given = ctx.config.options.get(option);
        let base = given.map_or(own_base, String::as_str).trim_end_matches('/').to_owned();
        Self { upstream: ctx.upstream.clone(), base, is_own: given.is_none() }
    }

    /// Begins a request in this trace. Labels of synthetic traffic go to the stand-in only.
    pub(super) fn request(
        &self,
        context: &RequestContext,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, OutsideError> {
        if self.is_own && self.upstream.base(AppId::A5).is_some() {
            return Ok(self.upstream.request(context, AppId::A5, method, path)?);
        }
        let address = format!("{}{path}", self.base);
        let url = Url::parse(&address).map_err(|_| OutsideError::Address(address))?;
        let parent = TraceParent::of(context.trace.trace).to_string();
        Ok(self.upstream.client().request(method, url).header(header::TRACEPARENT, parent))
    }
}

impl OutsideError {
    /// An answer that does not fit the question.
    pub(super) fn strange(at: &str, said: &str) -> Self {
        Self::Strange { at: at.to_owned(), said: said.to_owned() }
    }

    /// The status, if the party answered with an error.
    pub(super) fn status(&self) -> Option<u16> {
        match self {
            Self::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

/// Reads an answer; an error is told in the other party's words, cut short.
pub(super) async fn answer<T: DeserializeOwned>(response: Response, at: &str) -> Result<T, OutsideError> {
    let status = response.status();
    let text = response.text().await?;
    if !status.is_success() {
        let said = text.chars().take(SAID).collect();
        return Err(OutsideError::Refused { status: status.as_u16(), at: at.to_owned(), said });
    }
    serde_json::from_str(&text).map_err(|error| OutsideError::strange(at, &error.to_string()))
}
