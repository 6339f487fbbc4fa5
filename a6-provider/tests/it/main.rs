//! A6 against its suite: `HANDSHAKE_TARGET` names another deployment than the embedded one.

mod behaviour;
mod capsule;
mod contract;
mod faults;
mod second_source;
mod sources;
mod starved;
