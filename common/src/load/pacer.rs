//! Waking up when it is time: the runtime's own timer knows whole milliseconds only, too coarse for intended starts.
//!
//! One timer of the system serves all users of a thread. Where there is none (not Linux), the runtime's timer does.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use crate::clock;

/// A core that sleeps takes about this long to wake up: the timer rings so much earlier, and what is left is spun away.
const EARLY: Duration = Duration::from_micros(60);

/// Wakes the tasks of one thread at their instants.
#[derive(Debug)]
pub(crate) struct Pacer {
    timer: Option<system::Timer>,
    sleepers: RefCell<BinaryHeap<Reverse<Sleeper>>>,
}

#[derive(Debug)]
struct Sleeper {
    at: Instant,
    waker: Waker,
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Sleeper {}

impl PartialOrd for Sleeper {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Sleeper {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}

impl Pacer {
    /// Runs within a runtime. Without a timer of the system, waits are as fine as the runtime's.
    pub(crate) fn new() -> Self {
        Self { timer: system::Timer::new().ok(), sleepers: RefCell::default() }
    }

    /// Waits for an instant.
    pub(crate) async fn until(&self, at: Instant) {
        let Some(timer) = &self.timer else { return tokio::time::sleep_until(at.into()).await };
        let mut waits = false;
        poll_fn(|cx| {
            if clock::monotonic() >= at {
                return Poll::Ready(());
            }
            if !waits {
                waits = true;
                let mut sleepers = self.sleepers.borrow_mut();
                let first = sleepers.peek().is_none_or(|Reverse(first)| at < first.at);
                sleepers.push(Reverse(Sleeper { at, waker: cx.waker().clone() }));
                if first {
                    timer.set(early(at));
                }
            }
            Poll::Pending
        })
        .await;
    }

    /// Wakes sleepers for as long as it is polled.
    pub(crate) async fn drive(&self) {
        let Some(timer) = &self.timer else { return std::future::pending().await };
        loop {
            timer.rings().await;
            self.wake(timer);
        }
    }

    fn wake(&self, timer: &system::Timer) {
        let mut sleepers = self.sleepers.borrow_mut();
        let mut now = clock::monotonic();
        while let Some(next) = sleepers.peek_mut() {
            let at = next.0.at;
            if early(at) > now {
                timer.set(early(at));
                break;
            }
            while now < at {
                std::hint::spin_loop();
                now = clock::monotonic();
            }
            std::collections::binary_heap::PeekMut::pop(next).0.waker.wake();
        }
    }
}

fn early(at: Instant) -> Instant {
    at.checked_sub(EARLY).unwrap_or(at)
}

#[cfg(target_os = "linux")]
mod system {
    use std::os::fd::OwnedFd;
    use std::time::{Duration, Instant};

    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
    };
    use tokio::io::unix::AsyncFd;

    use crate::clock;

    /// A `timerfd` with the kernel's full resolution.
    #[derive(Debug)]
    pub(super) struct Timer(AsyncFd<OwnedFd>);

    impl Timer {
        #[expect(
            deprecated,
            reason = "its successor is unsafe; an `OwnedFd` keeps its promise, always the same descriptor"
        )]
        pub(super) fn new() -> std::io::Result<Self> {
            let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
            Ok(Self(AsyncFd::new(timerfd_create(TimerfdClockId::Monotonic, flags)?)?))
        }

        /// Rings at an instant, at once if it is past; an earlier setting is forgotten.
        pub(super) fn set(&self, at: Instant) {
            // A zero would switch the timer off.
            let after = at.saturating_duration_since(clock::monotonic()).max(Duration::from_nanos(1));
            let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
            let value = Timespec { tv_sec: seconds, tv_nsec: after.subsec_nanos().into() };
            let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: value };
            let set = timerfd_settime(self.0.get_ref(), TimerfdTimerFlags::empty(), &once);
            debug_assert!(set.is_ok(), "the timer is open and the time is valid: {set:?}");
        }

        pub(super) async fn rings(&self) {
            loop {
                let Ok(mut ready) = self.0.readable().await else { return std::future::pending().await };
                let read = ready.try_io(|fd| Ok(rustix::io::read(fd.get_ref(), &mut [0_u8; 8])?));
                if read.is_ok() {
                    return;
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod system {
    use std::time::Instant;

    /// There is no better timer than the runtime's.
    #[derive(Debug)]
    pub(super) struct Timer;

    impl Timer {
        pub(super) fn new() -> std::io::Result<Self> {
            Err(std::io::ErrorKind::Unsupported.into())
        }

        pub(super) fn set(&self, _at: Instant) {}

        pub(super) async fn rings(&self) {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn sleepers_wake_in_the_order_of_their_instants_and_never_early() {
        let pacer = Rc::new(Pacer::new());
        let woken = RefCell::new(Vec::new());
        let start = clock::monotonic();
        let wake_after = async |ms: u64| {
            let at = start + Duration::from_millis(ms);
            pacer.until(at).await;
            assert!(clock::monotonic() >= at);
            woken.borrow_mut().push(ms);
        };
        tokio::select! {
            () = pacer.drive() => {}
            _ = async { tokio::join!(wake_after(9), wake_after(3), wake_after(6), wake_after(0)) } => {}
        }
        assert_eq!(*woken.borrow(), [0, 3, 6, 9]);
    }

    #[tokio::test]
    async fn a_sleeper_that_gave_up_does_not_keep_others_from_waking() {
        let pacer = Pacer::new();
        let soon = clock::monotonic() + Duration::from_millis(2);
        {
            let mut given_up = std::pin::pin!(pacer.until(soon));
            let mut context = std::task::Context::from_waker(Waker::noop());
            assert!(given_up.as_mut().poll(&mut context).is_pending());
        }
        tokio::select! {
            () = pacer.drive() => {}
            () = pacer.until(soon + Duration::from_millis(2)) => {}
        }
    }
}
