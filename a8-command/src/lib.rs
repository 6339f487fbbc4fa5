//! A8, the command center: the sink of all telemetry, its tiles and its dashboard, and the suite that checks them.

mod contract;
pub mod reference;

pub use contract::contract;
