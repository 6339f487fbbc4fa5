//! Chance: one generator for all that A3 draws, so that a simulation can draw the same again.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// A generator that is shared.
#[derive(Debug, Clone)]
pub(crate) struct Dice(Arc<Mutex<StdRng>>);

impl Dice {
    /// Seeded by the operating system.
    pub(crate) fn fresh() -> Self {
        Self::of(rand::random())
    }

    /// The draws of this seed.
    pub(crate) fn of(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// A share, 0 to 1.
    pub(crate) fn share(&self) -> f64 {
        self.with(|rng| rng.random::<f64>())
    }

    pub(crate) fn with<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
