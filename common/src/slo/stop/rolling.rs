//! Sums over the last seconds.

use std::collections::VecDeque;

/// `k` events among `n`, over the last so many seconds.
#[derive(Debug, Clone)]
pub(super) struct Rolling {
    width: usize,
    seconds: VecDeque<(u64, u64)>,
    n: u64,
    k: u64,
}

impl Rolling {
    pub(super) fn new(width_s: u64) -> Self {
        let width = usize::try_from(width_s).unwrap_or(usize::MAX).max(1);
        Self { width, seconds: VecDeque::new(), n: 0, k: 0 }
    }

    pub(super) fn push(&mut self, n: u64, k: u64) {
        if self.is_full()
            && let Some((n, k)) = self.seconds.pop_front()
        {
            self.n -= n;
            self.k -= k;
        }
        self.seconds.push_back((n, k));
        self.n += n;
        self.k += k;
    }

    /// True once it spans its whole width.
    pub(super) fn is_full(&self) -> bool {
        self.seconds.len() >= self.width
    }

    pub(super) fn n(&self) -> u64 {
        self.n
    }

    pub(super) fn k(&self) -> u64 {
        self.k
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_older_than_the_window_is_forgotten() {
        let mut rolling = Rolling::new(3);
        for second in 1..=5 {
            assert_eq!(rolling.is_full(), second > 3);
            rolling.push(second * 10, second);
        }
        assert_eq!((rolling.n(), rolling.k()), (120, 12));
    }
}
