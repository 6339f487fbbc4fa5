//! A claim with its verdict: what the record holds and reports show.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Confirmation, Figures, SecondSource, Verdict};
use crate::check::CheckReport;
use crate::ids::AppId;
use crate::slo::{Reason, Stability};

/// What was claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// Unique in a run, `a6.slo.p95.POST /register`.
    pub id: String,
    /// The app that answers for it.
    pub app: AppId,
    /// The phase of the run.
    pub phase: u8,
    /// In words, `95 % of POST /register within 150 ms`.
    pub text: String,
    /// `slo` or `check` or `telemetry`.
    pub kind: String,
    /// False if it is shown but does not decide readiness.
    pub gate: bool,
    /// The known issue it belongs to, `A8-PERF-001`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known_issue: Option<String>,
}

/// When the samples of a ruling were taken, and how even they were.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    /// When the load began, RFC 3339.
    pub started_at: String,
    /// How long it was measured, in seconds.
    pub duration_s: f64,
    /// Whether it was even; `None` for a load that is not meant to be.
    #[schemars(with = "Option<String>")]
    pub stability: Option<Stability>,
    /// How many stable earlier runs bound the dependence of its samples.
    pub earlier_runs: u32,
    /// 1, or 2 for a fresh window that confirms or clears the first.
    pub attempt: u8,
}

/// What a failure is worth among all claims that are judged together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Family {
    /// How many claims that is.
    pub size: u64,
    /// Holm's adjusted p-value: the probability that any of them looks this bad by chance alone, at most.
    pub p_adjusted: f64,
}

/// A claim and what the harness says about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ruling {
    /// What was claimed.
    pub claim: Claim,
    /// What the harness says.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// One line for a newcomer: what was seen, the interval, what is missing.
    pub explanation: String,
    /// The command that shows it again.
    pub rerun: String,
    /// When it was measured, where that is one stretch of time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<Window>,
    /// What it is worth among all claims, where it looked like a failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
}

impl Ruling {
    /// Puts claim and verdict together with the line that explains them.
    #[must_use]
    pub fn new(claim: Claim, verdict: Verdict, explanation: impl Into<String>, rerun: impl Into<String>) -> Self {
        Self { claim, verdict, explanation: explanation.into(), rerun: rerun.into(), window: None, family: None }
    }

    /// The same with the time it was measured in.
    #[must_use]
    pub fn measured_in(self, window: Window) -> Self {
        Self { window: Some(window), ..self }
    }

    /// The p-value of a failure on effective counts, if the ruling decides readiness and rests on a judgement.
    #[must_use]
    pub fn gate_p(&self) -> Option<f64> {
        let judgement = self.verdict.figures()?.judgement.as_ref()?;
        judgement.p_fail_effective.filter(|_| self.claim.gate)
    }
}

/// The verdict of a functional check: every finding holds, or it fails. Nothing found is no pass.
#[must_use]
pub fn from_findings(report: &CheckReport, second: &SecondSource) -> (Verdict, String) {
    if let Some(reason) = &report.skipped {
        return (Verdict::Skipped { reason: reason.clone() }, format!("not tried: {reason}"));
    }
    let total = report.findings.len() as u64;
    let broken: Vec<_> = report.findings.iter().filter(|finding| !finding.holds).collect();
    let Some(figures) = Figures::counted("assertions", total, broken.len() as u64) else {
        let verdict = Verdict::nothing_seen("assertions", "at least 1 assertion");
        return (verdict, "the check asserted nothing, so it shows nothing".into());
    };
    if let Some(first) = broken.first() {
        let traces = broken.iter().filter_map(|finding| finding.trace_id).collect();
        let line = format!("{} of {total} assertions broken; first: {}", broken.len(), first.line());
        return (Verdict::Fail { figures, traces }, line);
    }
    let second = match second {
        SecondSource::Agrees(agreement) => Confirmation::Agreed(agreement.clone()),
        SecondSource::Absent { why } => Confirmation::SingleSource { why: why.clone() },
        SecondSource::Disagrees { what } | SecondSource::Gap { what } => {
            let verdict = Verdict::Inconclusive {
                reason: Reason::Disagreeing,
                figures: Some(figures),
                observed: what.clone(),
                required: "the second source agrees".into(),
            };
            return (verdict, format!("{total} assertions hold, but {what}"));
        }
    };
    (Verdict::Pass { figures, second }, format!("{total} of {total} assertions hold"))
}
