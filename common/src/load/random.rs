//! Random ids without a system call: unique within a run, not secret.

use crate::ids::{TraceId, TraceParent};

/// A splitmix64 generator, one for each virtual user.
#[derive(Debug)]
pub(crate) struct Ids(u64);

const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014).
pub(crate) fn mix64(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Ids {
    /// Starts from the system's randomness.
    pub(crate) fn fresh() -> Self {
        let (high, low) = uuid::Uuid::new_v4().as_u64_pair();
        Self(mix64(high) ^ low)
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(GOLDEN);
        mix64(self.0)
    }

    pub(crate) fn next_u128(&mut self) -> u128 {
        (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64())
    }

    pub(crate) fn trace(&mut self) -> TraceId {
        TraceId::from_u128(self.next_u128())
    }

    /// A new span of a trace.
    pub(crate) fn span_of(&mut self, trace: TraceId) -> TraceParent {
        TraceParent { trace, span: self.next_u64().max(1) }
    }

    pub(crate) fn uuid(&mut self) -> uuid::Uuid {
        uuid::Builder::from_random_bytes(self.next_u128().to_be_bytes()).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn ids_do_not_repeat() {
        let mut ids = Ids::fresh();
        let seen: BTreeSet<_> = (0..10_000).map(|_| ids.trace()).collect();
        assert_eq!(seen.len(), 10_000);
    }
}
