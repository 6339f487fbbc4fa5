//! What two or more crates of Handshake need.

pub mod client;
pub mod clock;
pub mod contract;
pub mod guard;
pub mod ids;
pub mod ledger;
pub mod money;
pub mod settings;
pub mod slo;
pub mod target;
pub mod telemetry;
pub mod units;
