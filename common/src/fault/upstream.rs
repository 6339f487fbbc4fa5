//! What stands behind the proxy: an app on this machine, or one of a target that may be written to.

use std::time::Duration;

use axum::http::{HeaderValue, Request, Response, Uri};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::ProxyError;
use super::body::Body;
use crate::ids::AppId;
use crate::load::Trust;
use crate::target::{Environment, HttpVersion, Policy, is_loopback};

/// How long a connection may take to open.
const OPEN_WITHIN: Duration = Duration::from_secs(5);

/// Where requests are passed on to. It cannot be made of an address that faults must not reach.
#[derive(Debug, Clone)]
pub struct Upstream {
    base: Url,
    trust: Option<Trust>,
    /// True for a deployed app, which is reached under its own name.
    is_deployed: bool,
}

impl Upstream {
    /// An app on this machine.
    ///
    /// # Errors
    /// When the address is another machine's, or is not plain HTTP.
    pub fn loopback(base: Url) -> Result<Self, ProxyError> {
        if !is_loopback(&base) {
            return Err(ProxyError::Elsewhere(base));
        }
        if base.scheme() != "http" {
            return Err(ProxyError::NotPlain(base));
        }
        Ok(Self { base, trust: None, is_deployed: false })
    }

    /// An app of an environment.
    ///
    /// # Errors
    /// When the environment may only be read, lacks the app, or its certificates cannot be checked.
    pub fn of(environment: &Environment, app: AppId) -> Result<Self, ProxyError> {
        let name = environment.name();
        if environment.policy() != Policy::ReadWrite {
            return Err(ProxyError::ReadOnly(name.to_owned()));
        }
        let base = environment.base(app).ok_or_else(|| ProxyError::NoApp { environment: name.to_owned(), app })?;
        if is_loopback(base) && base.scheme() == "http" {
            return Self::loopback(base.clone());
        }
        Ok(Self { base: base.clone(), trust: Trust::of(environment)?, is_deployed: true })
    }

    /// Its base URL.
    #[must_use]
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// True for an app of a target, which others may use too.
    #[must_use]
    pub fn is_deployed(&self) -> bool {
        self.is_deployed
    }

    /// The value of its own `Host` header.
    pub(super) fn host(&self) -> Option<HeaderValue> {
        let host = self.base.host_str()?;
        let text = self.base.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        HeaderValue::from_str(&text).ok()
    }

    /// A request's path below the base URL.
    pub(super) fn path(&self, uri: &Uri) -> Option<Uri> {
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        match self.base.path().trim_end_matches('/') {
            "" => path.parse().ok(),
            prefix => format!("{prefix}{path}").parse().ok(),
        }
    }

    async fn open(&self, stop: &CancellationToken) -> Result<SendRequest<Body>, LinkError> {
        let host = self.base.host_str().unwrap_or_default();
        let host = host.trim_matches(['[', ']']);
        let port = self.base.port_or_known_default().unwrap_or(80);
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        if self.base.scheme() != "https" {
            return start(stream, stop).await;
        }
        let Some(trust) = &self.trust else { return Err(LinkError::Untrusted) };
        let name = rustls::pki_types::ServerName::try_from(host.to_owned()).map_err(|_| LinkError::Untrusted)?;
        start(trust.connector(HttpVersion::Http1).connect(name, stream).await?, stop).await
    }
}

/// Speaks HTTP/1.1 on a connection until it or the proxy ends.
async fn start<T: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    io: T,
    stop: &CancellationToken,
) -> Result<SendRequest<Body>, LinkError> {
    let (sender, connection) = http1::handshake(TokioIo::new(io)).await?;
    let stop = stop.clone();
    tokio::spawn(async move { stop.run_until_cancelled(connection).await });
    Ok(sender)
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("it ended without an answer: {0}")]
    Http(#[from] hyper::Error),
    #[error("no connection within {} s", OPEN_WITHIN.as_secs())]
    Slow,
    #[error("its certificate cannot be checked")]
    Untrusted,
}

/// The connection to the app that one of the caller's connections uses, opened when needed and kept alive.
#[derive(Debug, Default)]
pub(super) struct Link {
    sender: Mutex<Option<SendRequest<Body>>>,
}

impl Link {
    /// Sends a request and waits for the head of its answer. A connection that was closed while it was idle is opened
    /// again.
    pub(super) async fn send(
        &self,
        upstream: &Upstream,
        mut request: Request<Body>,
        stop: &CancellationToken,
    ) -> Result<Response<Incoming>, LinkError> {
        let mut slot = self.sender.lock().await;
        loop {
            let kept = match slot.take() {
                Some(mut sender) => sender.ready().await.is_ok().then_some(sender),
                None => None,
            };
            let was_kept = kept.is_some();
            let mut sender = match kept {
                Some(sender) => sender,
                None => tokio::time::timeout(OPEN_WITHIN, upstream.open(stop)).await.map_err(|_| LinkError::Slow)??,
            };
            match sender.try_send_request(request).await {
                Ok(answer) => {
                    *slot = Some(sender);
                    return Ok(answer);
                }
                Err(mut error) => match error.take_message() {
                    Some(unsent) if was_kept => request = unsent,
                    _ => return Err(error.into_error().into()),
                },
            }
        }
    }
}
