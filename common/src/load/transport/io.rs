//! Bytes over TCP, plain or through TLS.

use std::io::Result;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::{Fault, Route};
use crate::load::report::ErrorKind;
use crate::target::HttpVersion;

/// A connection's bytes.
#[derive(Debug)]
pub(super) enum Io {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Opens a connection and shakes hands.
pub(super) async fn connect(route: Route<'_>) -> std::result::Result<Io, Fault> {
    let fault = |error: &std::io::Error| Fault::new(ErrorKind::Connect, error.to_string());
    let stream = TcpStream::connect(route.addresses).await.map_err(|error| fault(&error))?;
    stream.set_nodelay(true).map_err(|error| fault(&error))?;
    let Some((trust, host)) = route.tls else { return Ok(Io::Plain(stream)) };
    let tls = |detail: String| Fault::new(ErrorKind::Tls, detail);
    let connector = trust.connector(route.version);
    let name = rustls::pki_types::ServerName::try_from(host.to_owned())
        .map_err(|error| tls(format!("{host:?} cannot be named by a certificate: {error}")))?;
    let stream = connector.connect(name, stream).await.map_err(|error| tls(error.to_string()))?;
    let agreed = stream.get_ref().1.alpn_protocol();
    if route.version == HttpVersion::Http2 && agreed != Some(b"h2") {
        return Err(tls("the peer does not speak HTTP/2 (no `h2` in ALPN)".to_owned()));
    }
    Ok(Io::Tls(Box::new(stream)))
}

impl AsyncRead for Io {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Io {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<()>> {
        match &mut *self {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
