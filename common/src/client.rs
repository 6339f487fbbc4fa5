//! The HTTP client of checks: guarded, traced, labelled, and checking the shared protocol on every response.
//!
//! A request is built on a [`Client`] or on a [`Session`] (which keeps cookies), leaves only with the guard's permit and
//! comes back as a [`Reply`] or a [`Stream`].

mod capsule;
mod error;
mod invariants;
mod reply;
mod request;
mod session;
mod stream;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;

use crate::guard::Guard;
use crate::ids::AppId;

pub use capsule::Capsule;
pub use error::ClientError;
pub use invariants::{Rule, Violation};
pub use reply::Reply;
pub use request::Request;
pub use session::Session;
pub use stream::{SseEvent, Stream};

/// How long a request may take unless told otherwise.
pub const TIMEOUT: Duration = Duration::from_secs(15);

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The largest response body that is read, 16 MiB.
pub const MAX_REPLY_BYTES: usize = 16 << 20;

/// Sends the requests of checks. Cheap to clone; clones share connections and the list of violations.
#[derive(Debug, Clone)]
pub struct Client {
    guard: Arc<Guard>,
    http: reqwest::Client,
    violations: Arc<Mutex<Vec<Violation>>>,
}

impl Client {
    /// Makes a client behind `guard`. It follows no redirect, uses no proxy, keeps no cookie and repeats nothing by itself.
    ///
    /// # Errors
    /// When the extra root certificate cannot be read, or the machine has no root certificates and the environment uses
    /// https.
    pub fn new(guard: Arc<Guard>) -> Result<Self, ClientError> {
        // Fails only if a provider is there already, which serves as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let builder = reqwest::Client::builder()
            .user_agent("handshake")
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT);
        let http = trust(builder, &guard)?.build().map_err(|error| ClientError::setup(&error))?;
        Ok(Self { guard, http, violations: Arc::default() })
    }

    /// The guard that requests pass.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// Begins a GET request.
    pub fn get(&self, app: AppId, path: &str) -> Request {
        self.request(app, Method::GET, path)
    }

    /// Begins a POST request.
    pub fn post(&self, app: AppId, path: &str) -> Request {
        self.request(app, Method::POST, path)
    }

    /// Begins a PUT request.
    pub fn put(&self, app: AppId, path: &str) -> Request {
        self.request(app, Method::PUT, path)
    }

    /// Begins a request. What the guard refuses becomes an error when it is sent.
    pub fn request(&self, app: AppId, method: Method, path: &str) -> Request {
        let permit = self.guard.permit(app, &method, path);
        Request::new(self.clone(), permit.map_err(ClientError::from))
    }

    /// Takes all violations of the shared protocol seen since the last call, by this client and its clones.
    #[must_use]
    pub fn take_violations(&self) -> Vec<Violation> {
        std::mem::take(&mut self.violations.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, violations: &[Violation]) {
        self.violations.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(violations);
    }
}

/// Chooses the root certificates. An environment without https needs none, so that it works on a machine without any.
fn trust(builder: reqwest::ClientBuilder, guard: &Guard) -> Result<reqwest::ClientBuilder, ClientError> {
    let environment = guard.environment();
    if environment.apps().values().all(|base| base.scheme() == "http") {
        return Ok(builder.tls_certs_only([]));
    }
    let Some(path) = &environment.tls().ca_file else { return Ok(builder) };
    let pem =
        std::fs::read(path).map_err(|source| ClientError::CaFile { path: path.clone(), why: source.to_string() })?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem)
        .map_err(|error| ClientError::CaFile { path: path.clone(), why: error::root_cause(&error) })?;
    if certificates.is_empty() {
        return Err(ClientError::CaFile { path: path.clone(), why: "it holds no certificate".to_owned() });
    }
    Ok(builder.tls_certs_merge(certificates))
}

#[cfg(test)]
mod tests;
