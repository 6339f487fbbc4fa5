//! Bodies on their way: passed on as they come, held up, cut, or kept whole.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Body as _, Frame, Incoming};

use super::Throttle;
use super::plan::Shape;

/// The largest body that is kept to be changed or sent again: 64 MiB.
const MAX_KEPT: usize = 64 << 20;
/// A throttled body comes in so many pieces a second, at most.
const PIECES_PER_S: u64 = 50;

pub(super) type Body = UnsyncBoxBody<Bytes, BodyError>;

/// Why a body ends early.
#[derive(Debug, thiserror::Error)]
pub(super) enum BodyError {
    #[error("the other side ended it: {0}")]
    Broken(#[from] hyper::Error),
    #[error("a rule cuts it here")]
    Cut,
    #[error("a body above {} MiB cannot be changed or repeated", MAX_KEPT >> 20)]
    TooLarge,
}

pub(super) fn streamed(body: Incoming) -> Body {
    body.map_err(BodyError::from).boxed_unsync()
}

pub(super) fn whole(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}

/// Reads a body to its end and throws it away.
pub(super) async fn drain(mut body: Incoming) {
    while let Some(Ok(_)) = body.frame().await {}
}

/// Reads a body to its end.
pub(super) async fn keep(mut body: Incoming) -> Result<Bytes, BodyError> {
    let mut kept = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if kept.len() + data.len() > MAX_KEPT {
            return Err(BodyError::TooLarge);
        }
        if kept.is_empty() && body.is_end_stream() {
            return Ok(data);
        }
        kept.extend_from_slice(&data);
    }
    Ok(kept.freeze())
}

/// The body held up and cut as asked; `reset` is told when the cut is to be a reset.
pub(super) fn shaped(body: Body, shape: Shape, reset: Arc<AtomicBool>) -> Body {
    if shape == Shape::default() {
        return body;
    }
    let left = shape.cut.map(|(cut, _)| cut.after_bytes);
    let flow = Flow { body, shape, reset, left, rest: Bytes::new(), ended: false };
    StreamBody::new(stream::unfold(flow, Flow::next)).boxed_unsync()
}

struct Flow {
    body: Body,
    shape: Shape,
    reset: Arc<AtomicBool>,
    /// Bytes that still pass.
    left: Option<u64>,
    /// What has come and not gone yet.
    rest: Bytes,
    ended: bool,
}

impl Flow {
    async fn next(mut self) -> Option<(Result<Frame<Bytes>, BodyError>, Self)> {
        if self.ended {
            return None;
        }
        if self.left == Some(0) {
            return self.cut().await;
        }
        if self.rest.is_empty() {
            match self.body.frame().await? {
                Ok(frame) => match frame.into_data() {
                    Ok(data) => self.rest = data,
                    Err(trailers) => return Some((Ok(trailers), self)),
                },
                Err(error) => {
                    self.ended = true;
                    return Some((Err(error), self));
                }
            }
        }
        let piece = self.piece().await;
        Some((Ok(Frame::data(piece)), self))
    }

    async fn piece(&mut self) -> Bytes {
        let most = self.left.map_or(usize::MAX, |left| usize::try_from(left).unwrap_or(usize::MAX));
        let mut length = self.rest.len().min(most);
        if let Some(Throttle { bytes_per_s }) = self.shape.throttle {
            let step = usize::try_from(bytes_per_s.div_ceil(PIECES_PER_S)).unwrap_or(usize::MAX).max(1);
            length = length.min(step);
            let takes = (length as u64).saturating_mul(1_000_000) / bytes_per_s.max(1);
            tokio::time::sleep(Duration::from_micros(takes)).await;
        }
        if let Some(left) = &mut self.left {
            *left -= length as u64;
        }
        self.rest.split_to(length)
    }

    /// Ends the body here. What was handed over before is on the wire by then: the connection is given a turn to write it.
    async fn cut(mut self) -> Option<(Result<Frame<Bytes>, BodyError>, Self)> {
        let (cut, resets) = self.shape.cut?;
        if cut.clean {
            return None;
        }
        tokio::task::yield_now().await;
        if resets {
            self.reset.store(true, Ordering::SeqCst);
        }
        self.ended = true;
        Some((Err(BodyError::Cut), self))
    }
}
