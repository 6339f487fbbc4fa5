//! Stages as straight lines over the time of a load.

use std::time::Duration;

use crate::scenario::Stage;

/// A value that goes in a straight line from `from` to `to`. Lines of no length are left out: they are jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line {
    /// From the start of the load, in nanoseconds.
    pub(crate) begin_ns: i128,
    /// At least 1, in nanoseconds.
    pub(crate) length_ns: i128,
    pub(crate) from: i128,
    pub(crate) to: i128,
}

/// The lines of `stages` after `hold` (the warm-up), during which the value stays at `start`.
pub(crate) fn lines(hold: Duration, start: u32, stages: &[Stage]) -> Vec<Line> {
    let mut value = i128::from(start);
    let mut begin_ns = i128::from(u64::try_from(hold.as_nanos()).unwrap_or(u64::MAX));
    let mut lines = vec![Line { begin_ns: 0, length_ns: begin_ns, from: value, to: value }];
    for stage in stages {
        let (length_ns, to) = (i128::from(stage.duration_ms) * 1_000_000, i128::from(stage.target));
        lines.push(Line { begin_ns, length_ns, from: value, to });
        begin_ns += length_ns;
        value = to;
    }
    lines.retain(|line| line.length_ns > 0);
    lines
}
