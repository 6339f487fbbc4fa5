//! HTTP/2 on hyper: the same rendered request in, the same answer out.

use std::fmt::Write;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::TokioIo;

use super::answer::Received;
use super::io::Io;
use super::{Answer, Fault, Want, broken};
use crate::clock;
use crate::load::judge::app_us;
use crate::load::report::ErrorKind;
use crate::load::wire::Parts;

/// A connection that carries one request at a time, as a user waits for each answer.
#[derive(Debug)]
pub(crate) struct Http2 {
    sender: SendRequest<Full<Bytes>>,
    scheme: &'static str,
    head: String,
    received: Received,
}

/// Runs hyper's tasks on the thread of the connection.
#[derive(Debug, Clone, Copy)]
struct ThisThread;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for ThisThread {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

impl Http2 {
    pub(super) async fn start(io: Io) -> Result<Self, Fault> {
        let scheme = if matches!(io, Io::Tls(_)) { "https" } else { "http" };
        let (sender, connection) = handshake(ThisThread, TokioIo::new(io)).await.map_err(|error| fault_of(&error))?;
        tokio::task::spawn_local(connection);
        Ok(Self { sender, scheme, head: String::new(), received: Received::default() })
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.sender.is_closed()
    }

    pub(super) fn answer(&self) -> Answer<'_> {
        Answer::new(&self.received, self.head.as_bytes())
    }

    pub(super) async fn exchange(&mut self, request: &[u8], mut want: Want<'_>) -> Result<(), Fault> {
        self.head.clear();
        self.received.clear();
        let request = self.translate(request).map_err(|why| Fault::new(ErrorKind::Protocol, why))?;
        self.sender.ready().await.map_err(|error| fault_of(&error))?;
        let response = self.sender.send_request(request).await.map_err(|error| fault_of(&error))?;
        self.received.first_byte_at = Some(clock::monotonic());
        self.received.status = response.status().as_u16();
        for (name, value) in response.headers() {
            let Ok(value) = value.to_str() else { continue };
            writeln!(self.head, "{name}: {value}").expect("writing to a string does not fail");
            if name == crate::contract::header::SERVER_TIMING {
                self.received.app_us = app_us(value);
            }
        }
        self.read(response.into_body(), &mut want).await
    }

    async fn read(&mut self, mut body: Incoming, want: &mut Want<'_>) -> Result<(), Fault> {
        while !body.is_end_stream() {
            let Some(frame) = body.frame().await else { break };
            let Ok(data) = frame.map_err(|error| fault_of(&error))?.into_data() else { continue };
            self.received.take(&data, clock::monotonic(), want)?;
        }
        self.received.last_byte_at = Some(clock::monotonic());
        Ok(())
    }

    /// Turns a rendered request of HTTP/1.1 into one of HTTP/2: what belongs to the connection stays away.
    fn translate(&self, request: &[u8]) -> Result<Request<Full<Bytes>>, String> {
        let parts = Parts::of(request)?;
        let authority = parts.headers.get(http::header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let uri = Uri::builder().scheme(self.scheme).authority(authority).path_and_query(parts.path);
        let mut translated = Request::new(Full::new(Bytes::copy_from_slice(parts.body)));
        *translated.method_mut() = parts.method;
        *translated.uri_mut() = uri.build().map_err(|error| error.to_string())?;
        *translated.headers_mut() = parts.headers;
        translated.headers_mut().remove(http::header::HOST);
        translated.headers_mut().remove(http::header::CONTENT_LENGTH);
        Ok(translated)
    }
}

fn fault_of(error: &hyper::Error) -> Fault {
    let mut detail = error.to_string();
    let mut reset = error.is_incomplete_message() || error.is_closed() || error.is_canceled();
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        detail = format!("{detail}: {inner}");
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            reset |= broken(io).kind == ErrorKind::Reset;
        }
        source = inner.source();
    }
    Fault::new(if reset { ErrorKind::Reset } else { ErrorKind::Protocol }, detail)
}
