//! Deadlines of requests without a timer for each: one timer a user, set again only when it has run down.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Instant;

use tokio::time::Sleep;

use crate::clock;

/// A timer that runs down now and then and looks whether the deadline of the moment has passed.
#[derive(Debug)]
pub(crate) struct Deadline(Pin<Box<Sleep>>);

/// The deadline has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Passed;

impl Deadline {
    /// Runs within a runtime.
    pub(crate) fn new() -> Self {
        Self(Box::pin(tokio::time::sleep_until(clock::monotonic().into())))
    }

    /// Waits for `work`, but not beyond `at`.
    ///
    /// # Errors
    /// [`Passed`] when `at` comes first.
    pub(crate) async fn hold<T>(&mut self, at: Instant, work: impl Future<Output = T>) -> Result<T, Passed> {
        let mut work = pin!(work);
        let timer = &mut self.0;
        poll_fn(|cx| {
            if let Poll::Ready(done) = work.as_mut().poll(cx) {
                return Poll::Ready(Ok(done));
            }
            while timer.as_mut().poll(cx).is_ready() {
                if clock::monotonic() >= at {
                    return Poll::Ready(Err(Passed));
                }
                timer.as_mut().reset(at.into());
            }
            Poll::Pending
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn work_that_never_ends_is_given_up_at_the_deadline() {
        let mut deadline = Deadline::new();
        let at = clock::monotonic() + Duration::from_millis(5);
        assert_eq!(deadline.hold(at, std::future::pending::<()>()).await, Err(Passed));
        assert!(clock::monotonic() >= at);
    }

    #[tokio::test]
    async fn one_timer_serves_later_deadlines_too() {
        let mut deadline = Deadline::new();
        for _ in 0..3 {
            let at = clock::monotonic() + Duration::from_millis(2);
            assert_eq!(deadline.hold(at, std::future::pending::<()>()).await, Err(Passed));
            assert_eq!(deadline.hold(at + Duration::from_secs(60), async { 7 }).await, Ok(7));
        }
    }
}
