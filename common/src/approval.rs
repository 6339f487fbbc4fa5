//! Restricted actions and the signed decisions of people that allow them.
//!
//! A run that meets a restricted [`Action`] asks for it with a [`Request`]. A person signs a [`Decision`] for exactly that
//! request, with an expiry and a nonce. The [`Register`] keeps requests, decisions and uses in a hash-chained record beside
//! the runs; [`Register::take`] is the only maker of a [`Grant`], and a grant is good once.
//!
//! What is signed: the DSSE pre-authentication encoding (`signing::pae`) of an in-toto statement,
//!
//! ```json
//! {"_type":"https://in-toto.io/Statement/v1",
//!  "subject":[{"name":"<run>","digest":{"sha256":"<digest of the plan>"}}],
//!  "predicateType":"urn:handshake:approval:v1",
//!  "predicate":{"decision":"grant","action":"vus_over_60","scope":{"environment":"embedded","apps":["A2"],"vus":100},
//!   "issued_at":"…Z","expires_at":"…Z","nonce":"<32 hex digits>","reason":"…"}}
//! ```
//!
//! written without the spaces and line ends shown here.

mod action;
mod approvers;
mod audit;
mod decision;
mod entry;
mod gates;
mod judge;
mod refused;
mod register;
mod scope;
mod weigh;

pub use action::Action;
pub use approvers::{Approver, Approvers, ApproversError};
pub use audit::audit;
pub use decision::{Decision, LONGEST_MS, PAYLOAD_TYPE, SignError, Word};
pub use entry::{Entry, Noted};
pub use gates::{Gate, GateState, gates};
pub use judge::{Signed, examine, fits, forbids};
pub use refused::Refused;
pub use register::{Answer, Grant, Register, RegisterError};
pub use scope::{Request, Scope, ScopeError};

#[cfg(test)]
mod tests;
