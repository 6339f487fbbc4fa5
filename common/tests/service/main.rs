//! The kit over real sockets, with an app that is made for it: what every reference app gets without asking.
#![expect(clippy::unwrap_used, reason = "all of it is test code, what is shared between the tests too")]

mod kit;

mod idempotency;
mod outbox;
mod protocol;
mod upkeep;
