//! A functional check: a claim, a procedure over HTTP, and what it found. Written once; `cargo test` and `xtask` run it.

mod conformance;
mod context;
mod findings;
pub mod html;
mod safety;

use std::future::Future;
use std::pin::Pin;

use serde::{Deserialize, Serialize};

use crate::client::ClientError;
use crate::clock;
use crate::ids::AppId;
use crate::units::Micros;

pub use conformance::{OPEN_BODY, OWN_ERRORS, OWN_PROTOCOL, conformance};
pub use context::{ARRIVAL_LIMIT, CheckContext};
pub use findings::{Finding, Findings};
pub use safety::{keys_wanted, security_headers};

/// What is broken where a check came to no end: it says that somebody did not answer, and nothing of the claim.
const CARRIED_OUT: &str = "the check can be carried out";

/// The procedure of a check.
pub type CheckFn = fn(CheckContext) -> Pin<Box<dyn Future<Output = Result<Findings, CheckError>> + Send>>;

/// A claim about one or more apps and the procedure that tests it.
#[derive(Debug, Clone)]
pub struct Check {
    /// `a6.billing_facts`; begins with the app's short name.
    pub id: &'static str,
    /// What holds if it passes, as a sentence.
    pub claim: &'static str,
    /// The app that answers for it.
    pub app: AppId,
    /// The phase of `ecosystem` that runs it.
    pub phase: u8,
    /// The other apps that take part, the command center aside.
    pub needs: &'static [AppId],
    run: CheckFn,
}

/// Why a check has no findings.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// A request could not be made or answered.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The target lacks something; the check is skipped by name.
    #[error("{0}")]
    Skip(String),
    /// The answer lacks something without which the check cannot go on.
    #[error("{0}")]
    Broken(String),
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckReport {
    /// The check.
    pub id: String,
    /// Its claim.
    pub claim: String,
    /// Who answers for it.
    pub app: AppId,
    /// Every assertion, held or broken.
    pub findings: Vec<Finding>,
    /// Why it was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// How long it took.
    pub took_us: Micros,
}

impl Check {
    /// A check of phase 2; the app is read from the id.
    ///
    /// # Panics
    /// When the id does not begin with `a1.` to `a8.`.
    #[must_use]
    pub fn new(id: &'static str, claim: &'static str, run: CheckFn) -> Self {
        let app = id.split('.').next().and_then(|prefix| prefix.parse().ok());
        let app = app.expect("the id of a check begins with its app, as in `a6.billing_facts`");
        Self { id, claim, app, phase: 2, needs: &[], run }
    }

    /// Moves it to another phase.
    #[must_use]
    pub fn phase(mut self, phase: u8) -> Self {
        self.phase = phase;
        self
    }

    /// Names the other apps that take part.
    #[must_use]
    pub fn needs(mut self, apps: &'static [AppId]) -> Self {
        self.needs = apps;
        self
    }

    /// Carries it out. Every response is also held to the shared protocol.
    pub async fn run(&self, context: CheckContext) -> CheckReport {
        let started = clock::monotonic();
        let client = context.client.clone();
        drop(client.take_violations());
        let result = (self.run)(context).await;
        let mut report = CheckReport {
            id: self.id.to_owned(),
            claim: self.claim.to_owned(),
            app: self.app,
            findings: Vec::new(),
            skipped: None,
            took_us: Micros::default(),
        };
        match result {
            Ok(findings) => report.findings = findings.into_vec(),
            Err(CheckError::Skip(reason)) => report.skipped = Some(reason),
            Err(error) => report.findings.push(Finding::broken(CARRIED_OUT, "an answer", error)),
        }
        if report.skipped.is_none() {
            for violation in client.take_violations() {
                report.findings.push(Finding::broken("the answer keeps the shared protocol", "v3.5.1", violation));
            }
        }
        report.took_us = started.elapsed().into();
        report
    }
}

impl CheckReport {
    /// True if something was asserted and all of it holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.skipped.is_none() && !self.findings.is_empty() && self.findings.iter().all(|finding| finding.holds)
    }

    /// True if an assertion about the claim itself is broken, and not only the check was cut short.
    #[must_use]
    pub fn refutes(&self) -> bool {
        self.findings.iter().any(|finding| !finding.holds && finding.what != CARRIED_OUT)
    }

    /// The broken assertions, a line each.
    #[must_use]
    pub fn broken_lines(&self) -> Vec<String> {
        self.findings.iter().filter(|finding| !finding.holds).map(Finding::line).collect()
    }
}
