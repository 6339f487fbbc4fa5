//! A5 against its suite: `HANDSHAKE_TARGET` names another deployment than the embedded one.

#![expect(clippy::unwrap_used, reason = "what a test needs to go on is asserted by unwrapping it")]

mod behaviour;
mod contract;
mod faults;
mod first_steps;
mod payments;
mod stand_in;
mod support;
