//! Calls to the other apps, with the trace and the labels passed on.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::{Method, RequestBuilder};
use url::Url;

use super::RequestContext;
use crate::contract::header;
use crate::ids::{AppId, TraceParent};

/// The other apps, as seen from one.
#[derive(Debug, Clone)]
pub struct Upstream {
    client: reqwest::Client,
    bases: BTreeMap<AppId, Url>,
}

/// Why another app could not be called.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No base URL was configured.
    #[error("{0} is not configured: give its base URL in `upstreams`")]
    Unknown(AppId),
    /// The path is not one.
    #[error("{0:?} is not a path on {1}")]
    Path(String, AppId),
    /// The client could not be built.
    #[error("the HTTP client cannot be built: {0}")]
    Client(reqwest::Error),
    /// The call failed.
    #[error("{app} did not answer: {source}")]
    Call {
        /// Who was called.
        app: AppId,
        /// Why it failed.
        source: reqwest::Error,
    },
}

impl Upstream {
    pub(crate) fn new(bases: BTreeMap<AppId, Url>) -> Result<Self, UpstreamError> {
        install_tls();
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(Duration::from_secs(10))
            .tcp_nodelay(true)
            .build()
            .map_err(UpstreamError::Client)?;
        Ok(Self { client, bases })
    }

    /// The plain client, for parties that are not one of the eight.
    #[must_use]
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// The base URL of another app, if configured.
    #[must_use]
    pub fn base(&self, app: AppId) -> Option<&Url> {
        self.bases.get(&app)
    }

    /// Begins a request to another app within the caller's trace.
    ///
    /// # Errors
    /// When the app has no base URL or the path does not fit.
    pub fn request(
        &self,
        context: &RequestContext,
        app: AppId,
        method: Method,
        path: &str,
    ) -> Result<RequestBuilder, UpstreamError> {
        let base = self.bases.get(&app).ok_or(UpstreamError::Unknown(app))?;
        let url = base.join(path).map_err(|_| UpstreamError::Path(path.to_owned(), app))?;
        let mut request = self
            .client
            .request(method, url)
            .header(header::TRACEPARENT, TraceParent::of(context.trace.trace).to_string())
            .header(header::TRACE_ID, context.trace.trace.to_string())
            .header(header::TENANT_ID, &context.tenant)
            .header(header::NAMESPACE, context.namespace.as_str());
        if context.test_run {
            request = request.header(header::TEST_RUN, "true");
        }
        if let Some(source) = &context.source {
            request = request.header(header::SOURCE, source);
        }
        Ok(request)
    }
}

/// Makes ring the process's TLS provider; later calls change nothing.
pub(crate) fn install_tls() {
    drop(rustls::crypto::ring::default_provider().install_default());
}
