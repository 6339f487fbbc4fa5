//! A5, the student's web app: what it promises, and a reference implementation that keeps it.

mod contract;
pub mod reference;

pub use contract::contract;
