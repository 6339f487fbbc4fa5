//! Iterations that all users of all threads take from one pile.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many are left, and the number of the next one.
#[derive(Debug)]
pub(crate) struct Pile {
    left: AtomicU64,
    number: AtomicU64,
}

impl Pile {
    pub(crate) fn of(iterations: u64) -> Self {
        Self { left: AtomicU64::new(iterations), number: AtomicU64::new(0) }
    }

    /// Takes one and numbers it; `None` if there is none left.
    pub(crate) fn take(&self) -> Option<u64> {
        let less = |left: u64| left.checked_sub(1);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok().map(|_| self.number())
    }

    /// A number for an iteration that is not from the pile.
    pub(crate) fn number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// Takes all that are left.
    pub(crate) fn clear(&self) -> u64 {
        self.left.swap(0, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn threads_take_each_iteration_once_and_number_it() {
        let pile = Pile::of(1_000);
        let took = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| std::iter::from_fn(|| pile.take()).collect::<Vec<_>>())).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!((took.len(), pile.clear()), (1_000, 0));
        assert_eq!(took.into_iter().collect::<BTreeSet<_>>(), (0..1_000).collect());
    }

    #[test]
    fn what_is_left_is_given_to_one_thread_only() {
        let pile = Pile::of(10);
        pile.take().unwrap();
        assert_eq!((pile.clear(), pile.clear(), pile.take()), (9, 0, None));
    }
}
