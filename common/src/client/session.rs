//! One person's journey: cookies kept from request to request, redirects followed one at a time and only when asked.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method};
use reqwest::cookie::CookieStore;
use url::Url;

use super::Client;
use super::error::ClientError;
use super::reply::Reply;
use super::request::Request;
use crate::ids::{AppId, TraceId};

/// A journey with its own cookies and one trace for all its requests.
#[derive(Debug, Clone)]
pub struct Session {
    client: Client,
    jar: Arc<Jar>,
    trace: TraceId,
}

impl Session {
    /// Starts a journey without cookies, with a fresh trace.
    #[must_use]
    pub fn new(client: &Client) -> Self {
        Self { client: client.clone(), jar: Arc::default(), trace: TraceId::fresh() }
    }

    /// The trace that all requests of the journey carry unless told otherwise.
    #[must_use]
    pub fn trace(&self) -> TraceId {
        self.trace
    }

    /// Begins a GET request.
    pub fn get(&self, app: AppId, path: &str) -> Request {
        self.request(app, Method::GET, path)
    }

    /// Begins a POST request.
    pub fn post(&self, app: AppId, path: &str) -> Request {
        self.request(app, Method::POST, path)
    }

    /// Begins a request.
    pub fn request(&self, app: AppId, method: Method, path: &str) -> Request {
        self.client.request(app, method, path).with_jar(&self.jar).trace(self.trace)
    }

    /// Begins the GET request that a redirect asks for (301, 302, 303, and 307 or 308 after a GET), if it stays within the
    /// environment.
    ///
    /// # Errors
    /// [`ClientError::NoRedirect`] when the reply is no such redirect, [`ClientError::Refused`] when it leads out of the
    /// environment.
    pub fn follow(&self, reply: &Reply) -> Result<Request, ClientError> {
        let wrong = |why: String| ClientError::NoRedirect { request: reply.request().to_owned(), why };
        match reply.status {
            301..=303 => {}
            307 | 308 if reply.sent.method == Method::GET => {}
            307 | 308 => {
                return Err(wrong(format!("status {} asks to repeat a {}", reply.status, reply.sent.method)));
            }
            other => return Err(wrong(format!("status {other} is no redirect"))),
        }
        let location = reply.header("location").ok_or_else(|| wrong("it has no location".to_owned()))?;
        let target = reply.url().join(location).map_err(|error| wrong(format!("its location is no URL: {error}")))?;
        let permit = self.client.guard().permit_url(&Method::GET, &target)?;
        Ok(Request::new(self.client.clone(), Ok(permit)).with_jar(&self.jar).trace(self.trace))
    }

    /// The value of a cookie that a request to this path of the app would carry.
    #[must_use]
    pub fn cookie(&self, app: AppId, path: &str, name: &str) -> Option<String> {
        let permit = self.client.guard().permit(app, &Method::GET, path).ok()?;
        let header = self.jar.header(permit.url())?;
        let pairs = header.to_str().ok()?.split("; ").filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(own, _)| *own == name).map(|(_, value)| value.to_owned())
    }
}

/// Cookies of a journey. `Secure` ones go to this machine without TLS too, as browsers do.
#[derive(Default)]
pub(super) struct Jar(reqwest::cookie::Jar);

impl Jar {
    pub(super) fn store(&self, url: &Url, headers: &HeaderMap) {
        self.0.set_cookies(&mut headers.get_all(http::header::SET_COOKIE).iter(), url);
    }

    pub(super) fn header(&self, url: &Url) -> Option<HeaderValue> {
        let mut value = self.0.cookies(url)?;
        value.set_sensitive(true);
        Some(value)
    }
}

impl fmt::Debug for Jar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Jar([redacted])")
    }
}
