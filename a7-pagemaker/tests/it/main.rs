//! A7 against its suite: `HANDSHAKE_TARGET` names another deployment than the embedded one.

mod behaviour;
mod contract;
mod faults;
mod growth;
