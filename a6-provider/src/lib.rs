//! A6, the provider side: registration, listings, and billing by the two facts of the contract, 3 % fee and 4x markup.

mod contract;
pub mod reference;

pub use contract::contract;
