//! One keep-alive HTTP/1.1 connection on hyper, and what can go wrong on it.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::report::ErrorKind;

/// The largest body that is kept to be looked at: 8 MiB.
const MAX_KEPT_BODY: usize = 8 << 20;

/// An open connection.
#[derive(Debug)]
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
}

/// A failure on the way, before there is an answer to judge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: ErrorKind,
    pub(crate) detail: String,
}

/// An answer that came in whole.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    body_bytes: u64,
}

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The first value of a header, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers(name).next()
    }

    /// All values of a header that are text.
    pub(crate) fn headers(&self, name: &str) -> impl Iterator<Item = &str> {
        self.headers.get_all(name).iter().filter_map(|value| value.to_str().ok())
    }

    /// The whole body if the step reads it, its first piece otherwise.
    pub(crate) fn body(&self) -> &[u8] {
        &self.body
    }

    /// Length of the body.
    pub(crate) fn body_bytes(&self) -> u64 {
        self.body_bytes
    }
}

/// Why a request got no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// The connection was closed before anything was sent; the request can go on another one.
    NotSent(Box<Request<Full<Bytes>>>),
    /// It may have been sent.
    Broken(Fault),
}

impl Connection {
    /// Opens a connection to the first address that takes one. Runs within a `LocalSet`.
    pub(crate) async fn open(addresses: &[SocketAddr]) -> Result<Self, Fault> {
        let fault = |error: &dyn std::fmt::Display| Fault { kind: ErrorKind::Connect, detail: error.to_string() };
        let stream = TcpStream::connect(addresses).await.map_err(|error| fault(&error))?;
        stream.set_nodelay(true).map_err(|error| fault(&error))?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(|error| fault(&error))?;
        tokio::task::spawn_local(connection);
        Ok(Self { sender })
    }

    /// Waits until a request can be sent; false if the peer has closed the connection.
    pub(crate) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Sends a request and reads the answer to its end.
    pub(crate) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        keep_body: bool,
    ) -> Result<Answer, Unanswered> {
        let response = match self.sender.try_send_request(request).await {
            Ok(response) => response,
            Err(mut error) => {
                return Err(match error.take_message() {
                    Some(request) => Unanswered::NotSent(Box::new(request)),
                    None => Unanswered::Broken(fault_of(error.error())),
                });
            }
        };
        let (head, body) = response.into_parts();
        let (body, body_bytes) = read(body, keep_body).await.map_err(Unanswered::Broken)?;
        Ok(Answer { status: head.status, headers: head.headers, body, body_bytes })
    }
}

async fn read(mut body: Incoming, keep: bool) -> Result<(Bytes, u64), Fault> {
    let mut first = Bytes::new();
    let mut whole = BytesMut::new();
    let mut length = 0_u64;
    while !body.is_end_stream() {
        let Some(frame) = body.frame().await else { break };
        let Ok(data) = frame.map_err(|error| fault_of(&error))?.into_data() else { continue };
        length += data.len() as u64;
        if length == data.len() as u64 {
            first = data;
        } else if keep {
            if whole.is_empty() {
                whole.extend_from_slice(&first);
            }
            whole.extend_from_slice(&data);
            if whole.len() > MAX_KEPT_BODY {
                let detail = format!("the body is larger than {MAX_KEPT_BODY} bytes, too large to be looked at");
                return Err(Fault { kind: ErrorKind::Protocol, detail });
            }
        }
    }
    Ok((if whole.is_empty() { first } else { whole.freeze() }, length))
}

fn fault_of(error: &hyper::Error) -> Fault {
    let mut detail = error.to_string();
    let mut reset = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        detail = format!("{detail}: {inner}");
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            reset |= matches!(io.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof);
        }
        source = inner.source();
    }
    Fault { kind: if reset { ErrorKind::Reset } else { ErrorKind::Protocol }, detail }
}
