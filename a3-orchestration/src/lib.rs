//! A3 orchestration: the scholarship agent's runs, retries, breakers and bandit — its contract and its reference
//! implementation.

mod contract;
pub mod reference;

pub use contract::contract;
