//! A1, the ecosystem's OIDC provider: what it promises, and a reference implementation that keeps it.

mod contract;
pub mod reference;

pub use contract::contract;
