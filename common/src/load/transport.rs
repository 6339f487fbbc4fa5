//! Connections: how requests get out and answers come in. HTTP/1.1 is spoken by hand on the hot path, HTTP/2 by hyper;
//! both take the same rendered request and leave the same [`Answer`].

mod answer;
mod body;
mod head;
mod http1;
mod http2;
mod io;
mod trust;

use std::net::SocketAddr;
use std::time::Instant;

use super::report::ErrorKind;
use crate::target::HttpVersion;

pub(crate) use answer::Answer;
pub(crate) use trust::Trust;
pub use trust::TrustError;

use http1::Http1;
use http2::Http2;

/// The largest body that is kept to be looked at: 8 MiB.
const MAX_KEPT_BODY: usize = 8 << 20;
/// What is kept of a body that nobody asked for, for the examples in the report.
const START_OF_BODY: usize = 512;
/// The largest head of an answer: 64 KiB.
const MAX_HEAD: usize = 64 << 10;

/// A failure on the way, before there is an answer to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into() }
    }
}

/// What becomes of a body.
pub(crate) enum Want<'a> {
    /// Its bytes are counted, its start is kept.
    Count,
    /// It is kept whole.
    Keep,
    /// Each piece is handed over as it arrives; its start is kept.
    Each(&'a mut dyn FnMut(Instant, &[u8])),
}

/// Where a connection goes to, and how.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Route<'a> {
    pub(crate) addresses: &'a [SocketAddr],
    /// The host that the certificate must name; `None` for plain TCP.
    pub(crate) tls: Option<(&'a Trust, &'a str)>,
    pub(crate) version: HttpVersion,
}

/// An open connection.
#[derive(Debug)]
pub(crate) enum Connection {
    Http1(Box<Http1>),
    Http2(Box<Http2>),
}

impl Connection {
    /// Opens a connection to the first address that takes one. Runs within a `LocalSet`.
    pub(crate) async fn open(route: Route<'_>) -> Result<Self, Fault> {
        let io = io::connect(route).await?;
        Ok(match route.version {
            HttpVersion::Http1 => Self::Http1(Box::new(Http1::new(io))),
            HttpVersion::Http2 => Self::Http2(Box::new(Http2::start(io).await?)),
        })
    }

    /// True if a request can be sent: the peer has not closed the connection while nothing was under way.
    pub(crate) fn is_alive(&mut self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_alive(),
            Self::Http2(connection) => connection.is_alive(),
        }
    }

    /// Sends a rendered request and reads the answer to its end.
    pub(crate) async fn exchange(&mut self, request: &[u8], want: Want<'_>) -> Result<(), Fault> {
        match self {
            Self::Http1(connection) => connection.exchange(request, want).await,
            Self::Http2(connection) => connection.exchange(request, want).await,
        }
    }

    /// True if the connection can be used again after the last answer.
    pub(crate) fn is_reusable(&self) -> bool {
        match self {
            Self::Http1(connection) => connection.is_reusable(),
            Self::Http2(_) => true,
        }
    }

    /// The last answer.
    pub(crate) fn answer(&self) -> Answer<'_> {
        match self {
            Self::Http1(connection) => connection.answer(),
            Self::Http2(connection) => connection.answer(),
        }
    }
}

/// Opens a connection and closes it again.
pub(crate) async fn reach(route: Route<'_>) -> Result<(), Fault> {
    io::connect(route).await.map(drop)
}

/// Classifies a failure of the system.
fn broken(error: &std::io::Error) -> Fault {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let reset = matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof);
    Fault::new(if reset { ErrorKind::Reset } else { ErrorKind::Protocol }, error.to_string())
}
