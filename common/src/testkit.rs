//! Starting reference apps for tests: on free ports, with data in a folder that goes away, joined at the end.

mod ecosystem;
mod tamper;

pub use ecosystem::{Ecosystem, Subject, missed_faults, try_fault};
pub use tamper::{Tamper, TamperProxy};
