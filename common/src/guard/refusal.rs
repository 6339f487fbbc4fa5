//! Why a request or a load may not leave: what was asked, why not, and what to do.

use crate::ids::AppId;

/// Why a request or a load may not leave.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The environment lacks the app.
    #[error("{environment} has no {app}; add its base URL to the target file or leave out what needs it")]
    NoSuchApp {
        /// The app asked for.
        app: AppId,
        /// The environment.
        environment: String,
    },
    /// A mutation where only reading is allowed.
    #[error(
        "{method} {path:?} to {app} changes something, and {environment} is read_only; use GET, HEAD or OPTIONS, or run this \
         against another environment"
    )]
    ReadOnly {
        /// The environment.
        environment: String,
        /// The app asked for.
        app: AppId,
        /// The method.
        method: String,
        /// The path, without its query.
        path: String,
    },
    /// A path that could lead elsewhere.
    #[error("path {path:?} {why}; write it as /path?query below the app's base URL")]
    Path {
        /// The path, without its query.
        path: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A URL that is not below an app's base URL.
    #[error(
        "{url:?} is not below the base URL of any app of {environment}; only hosts of the target file get requests"
    )]
    Host {
        /// The URL, without its query.
        url: String,
        /// The environment.
        environment: String,
    },
    /// CONNECT would open a way to any host.
    #[error("CONNECT to {app} would open a tunnel, which the guard cannot watch; use another method")]
    Tunnel {
        /// The app asked for.
        app: AppId,
    },
    /// A header that makes a different request of the permitted one.
    #[error(
        "header {name} on a request to {app} could make it another request than the permitted one; leave it out, the client sets \
         what is needed"
    )]
    Header {
        /// The header.
        name: String,
        /// The app asked for.
        app: AppId,
    },
    /// Nothing, or no number, was asked for.
    #[error("a load of {vus} virtual users at {rate_per_s}/s sends nothing; ask for at least 1 and a rate above 0")]
    NoLoad {
        /// Virtual users asked for.
        vus: u32,
        /// Rate asked for.
        rate_per_s: String,
    },
    /// Above the environment's hard cap of virtual users.
    #[error(
        "{asked} virtual users are above max_vus of {environment}, {max}; ask for fewer or raise it in the target file"
    )]
    TooManyVus {
        /// Asked for.
        asked: u32,
        /// The cap.
        max: u32,
        /// The environment.
        environment: String,
    },
    /// Above the environment's hard cap of the rate.
    #[error("{asked}/s is above max_rate_per_s of {environment}, {max}; ask for less or raise it in the target file")]
    TooFast {
        /// Asked for.
        asked: String,
        /// The cap.
        max: String,
        /// The environment.
        environment: String,
    },
    /// A person has to approve first.
    #[error(
        "{asked} virtual users against {environment} need an approval, {free} do not; see `cargo xtask gates` and sign with `cargo \
         xtask approve`"
    )]
    NeedsApproval {
        /// Asked for.
        asked: u32,
        /// Allowed as things are.
        free: u32,
        /// The environment.
        environment: String,
    },
}
