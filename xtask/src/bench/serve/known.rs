//! Answers after the delays of [`KNOWN`], and notes when requests arrive.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use common::clock;

use super::{Handler, Server, tell};
use crate::bench::arrivals::Arrivals;
use crate::bench::truth::KNOWN;

struct Delayed {
    first: Option<Instant>,
    arrived: Vec<Duration>,
    /// When which connection is answered.
    due: BinaryHeap<Reverse<(Duration, usize)>>,
}

impl Delayed {
    fn elapsed(&mut self) -> Duration {
        let now = clock::monotonic();
        now.saturating_duration_since(*self.first.get_or_insert(now))
    }

    fn answer_due(&mut self, server: &mut Server) {
        while let Some(Reverse((at, connection))) = self.due.peek().copied() {
            let now = self.elapsed();
            if at > now {
                // Without a timer nothing would be answered any more, and the generator reports timeouts.
                drop(server.set_timer(at - now));
                return;
            }
            self.due.pop();
            server.answer(connection);
        }
    }
}

impl Handler for Delayed {
    fn request(&mut self, server: &mut Server, connection: usize) {
        let arrived = self.elapsed();
        let at = KNOWN.answered(self.arrived.len() as u64, arrived);
        self.arrived.push(arrived);
        self.due.push(Reverse((at, connection)));
        self.answer_due(server);
    }

    fn timer(&mut self, server: &mut Server) {
        self.answer_due(server);
    }
}

/// Serves until standard input is closed, then says what gaps lay between requests.
///
/// # Errors
/// When sockets cannot be had.
pub(crate) fn known() -> std::io::Result<()> {
    let mut handler = Delayed { first: None, arrived: Vec::new(), due: BinaryHeap::new() };
    Server::start()?.serve(&mut handler)?;
    tell(&serde_json::to_value(Arrivals::of(&handler.arrived))?)
}
