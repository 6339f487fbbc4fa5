//! The kit over real sockets, with an app that is made for it: what every reference app gets without asking.

mod kit;

mod idempotency;
mod outbox;
mod protocol;
mod upkeep;
