//! What can keep a request from becoming a reply.

use std::error::Error;
use std::path::PathBuf;
use std::time::Duration;

use crate::guard::{Permit, Refusal};
use crate::ids::AppId;

/// Why there is no reply, or not the one that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The guard did not let the request out.
    #[error("not sent: {0}")]
    Refused(#[from] Refusal),
    /// A part of the request is malformed.
    #[error("not sent: {what} of the request to {app} is malformed: {why}")]
    Malformed {
        /// The app asked.
        app: AppId,
        /// `header x-custom`, `body`.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// The extra root certificate cannot be used.
    #[error("cannot use tls.ca_file {path}: {why}; name a PEM file with the authority's certificate", path = path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The client itself cannot be made.
    #[error(
        "cannot set up the HTTP client: {0}; on a machine without root certificates set tls.ca_file in the target file"
    )]
    Setup(String),
    /// No connection.
    #[error("cannot connect to {app} at {authority}: {why}; is it running?")]
    Connect {
        /// The app asked.
        app: AppId,
        /// Host and port.
        authority: String,
        /// Why.
        why: String,
    },
    /// No trusted connection.
    #[error("no TLS with {app} at {authority}: {why}; check its certificate, or set tls.ca_file in the target file")]
    Tls {
        /// The app asked.
        app: AppId,
        /// Host and port.
        authority: String,
        /// Why.
        why: String,
    },
    /// No complete answer in time.
    #[error("{request} got no complete answer within {after:?}")]
    Timeout {
        /// App, method and path.
        request: String,
        /// The limit.
        after: Duration,
    },
    /// The connection broke, or what came is no HTTP.
    #[error("the answer to {request} broke off: {why}")]
    Broken {
        /// App, method and path.
        request: String,
        /// Why.
        why: String,
    },
    /// The body is larger than what is read.
    #[error("the answer to {request} is larger than {max_bytes} bytes")]
    TooLarge {
        /// App, method and path.
        request: String,
        /// The limit.
        max_bytes: usize,
    },
    /// JSON was asked of a body that is none.
    #[error("the answer to {request} (status {status}, {content_type}) is not JSON: {why}")]
    NotJson {
        /// App, method and path.
        request: String,
        /// The status.
        status: u16,
        /// What it claims to be.
        content_type: String,
        /// What is wrong.
        why: String,
    },
    /// A redirect was to be followed and cannot be.
    #[error("cannot follow the answer to {request}: {why}")]
    NoRedirect {
        /// App, method and path.
        request: String,
        /// What is wrong.
        why: String,
    },
}

impl ClientError {
    pub(super) fn setup(error: &reqwest::Error) -> Self {
        Self::Setup(root_cause(error))
    }

    /// Sorts an error of sending or reading into the kinds that readers care about.
    pub(super) fn transport(error: reqwest::Error, permit: &Permit, after: Duration) -> Self {
        let error = error.without_url();
        let (app, authority) = (permit.app(), permit.authority().to_owned());
        let why = root_cause(&error);
        if error.is_timeout() && !error.is_connect() {
            Self::Timeout { request: name(permit), after }
        } else if chain(&error).any(|cause| cause.is::<rustls::Error>()) || is_wrapped_tls(&error) {
            Self::Tls { app, authority, why }
        } else if error.is_connect() {
            Self::Connect { app, authority, why }
        } else {
            Self::Broken { request: name(permit), why }
        }
    }
}

/// `A6 POST /register`: how messages name a request.
pub(super) fn name(permit: &Permit) -> String {
    format!("{} {} {}", permit.app(), permit.method(), permit.url().path())
}

fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| {
        let cause: &'a (dyn Error + 'static) = *cause;
        cause.source()
    })
}

/// TLS errors come wrapped into I/O errors, which do not tell them as their source.
fn is_wrapped_tls(error: &(dyn Error + 'static)) -> bool {
    chain(error)
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>()?.get_ref())
        .any(|inner| inner.is::<rustls::Error>())
}

/// The innermost message, which is the one that tells something.
pub(super) fn root_cause(error: &(dyn Error + 'static)) -> String {
    chain(error).last().map_or_else(String::new, ToString::to_string)
}
