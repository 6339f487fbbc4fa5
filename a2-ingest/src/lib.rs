//! A2 ingest: durable event ingest, the scholarship API and lineage — its contract and its reference implementation.

mod contract;
pub mod reference;

pub use contract::contract;
