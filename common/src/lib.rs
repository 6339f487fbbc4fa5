//! What two or more crates of Handshake need, in the order of its flow.
//!
//! `contract → scenario / check → load engine or check runner → samples and findings → slo statistics → verdict (with
//! the second source) → ledger → reports`. Data moves down this line, imports point only up it.
//!
//! The ground floor is [`ids`], [`units`], [`money`] and [`clock`], the only reader of time. The reference apps are built
//! from the kit in [`service`]; tests start them with [`testkit`].

pub mod ids;

pub mod clock;

pub mod units;

pub mod money;

pub mod telemetry;

pub mod contract;

pub mod settings;

pub mod target;

pub mod guard;

mod curl;

pub mod redact;

pub mod client;

pub mod scenario;

pub mod slo;

pub mod load;

pub mod check;

pub mod reconcile;

pub mod history;

pub mod verdict;

pub mod fault;

pub mod suite;

pub mod ledger;

pub mod signing;

pub mod approval;

pub mod evidence;

pub mod service;

pub mod testkit;
