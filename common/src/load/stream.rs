//! Streamed answers (server-sent events of a chat completion): the raw log of each, its figures, and whether it was whole.
//!
//! Pure but for the buffers: bytes and their times of arrival go in, logs and figures come out. An event's time is that of
//! the piece which ended it, so the figures do not depend on how the bytes were cut.

mod dialect;
mod event;
#[cfg(test)]
mod golden;
mod log;
mod metrics;
mod reader;
mod report;
mod sse;

pub use dialect::{Dialect, DialectRow, DialectTable, dialect};
pub use event::{ChunkKind, Usage};
pub use log::{Chunk, ChunkLog, LoggedError};
pub use metrics::StreamMetrics;
pub use reader::StreamFault;
pub(crate) use reader::{Flaw, StreamReader, Wanted};
pub use report::StreamReport;
