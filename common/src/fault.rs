//! Faults on the wire: rules as data, and the proxy that applies them to what passes.
//!
//! A [`FaultProxy`] stands before an app. Without a rule it passes everything through as it is, chunk by chunk; a
//! [`Rule`] says which requests it disturbs and how.

mod act;
mod action;
mod active;
mod answer;
mod body;
mod catalog;
mod connection;
mod cookie;
mod edge;
mod exchange;
mod glob;
mod head;
mod json;
mod mistakes;
mod origin;
mod plan;
mod proxy;
mod read;
mod record;
mod rule;
mod upstream;

pub use action::{
    Action, Answer, Cookie, Cut, Delay, Dropped, Duplicate, HeaderName, Lognormal, Part, Pattern, RemoveJson, Replay,
    Reset, RewriteCookie, RewriteHeader, RewriteText, ScaleJson, SetCookie, SetHeader, SetJson, Stall, Throttle,
};
pub use catalog::Stated;
pub use edge::{Edge, Proxies};
pub use proxy::{FaultProxy, ProxyError, RuleGuard};
pub use record::Applied;
pub use rule::{Match, Rule, Rules};
pub use upstream::Upstream;

/// Every mistake in a file of rules, by line.
pub use crate::target::ConfigErrors as RuleErrors;

#[cfg(test)]
mod tests;
