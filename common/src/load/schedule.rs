//! When iterations are meant to start: pure iterators of offsets from the start of the load.
//!
//! Everything is computed in integers from the number of the start, so that no error adds up: an offset is the exact
//! one rounded down to a nanosecond.

mod even;
mod lines;
mod pile;
mod ramp;
mod users;

use std::time::Duration;

pub(crate) use even::Even;
pub(crate) use lines::{Line, lines};
pub(crate) use pile::Pile;
pub(crate) use ramp::Ramp;
pub(crate) use users::{Grid, PacedUser, Span, spans};

/// The intended start of one iteration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Start {
    /// Its number over all users and threads, from 0; no two iterations have the same.
    pub(crate) iteration: u64,
    /// When, from the start of the load.
    pub(crate) offset: Duration,
}

/// What was promised, so that what was not kept can be counted.
pub(crate) trait Planned {
    /// How many starts the schedule has before `until`, those included that were taken already.
    fn before(&self, until: Duration) -> u64;
}

fn duration(ns: u128) -> Duration {
    Duration::from_nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}
