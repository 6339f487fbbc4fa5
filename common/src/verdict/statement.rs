//! A ruling laid flat: every figure of it under its own name, for everything that shows or reads rulings.

use schemars::JsonSchema;
use serde::Serialize;

use super::{Confirmation, LatencyFigures, Ruling, Verdict, Window};
use crate::slo::{Method, Reason};

/// What is said about one claim, and on what grounds. Shares are in `0..=1`.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Statement {
    /// Unique in a run.
    pub id: String,
    /// `A6`.
    pub app: String,
    /// The phase of the run.
    pub phase: u8,
    /// The claim in words.
    pub claim: String,
    /// `PASS`, `FAIL`, `INCONCLUSIVE`, `HELD` or `SKIPPED`.
    pub verdict: &'static str,
    /// Why; `OK` where the data decide. Absent for what was held or skipped.
    #[schemars(with = "Option<String>")]
    pub reason: Option<Reason>,
    /// True if it decides readiness.
    pub gate: bool,
    /// The known issue it belongs to.
    pub known_issue: Option<String>,
    /// What was counted, `requests`.
    pub unit: Option<String>,
    /// The counted events: errors, slow requests, or successes.
    pub numerator: Option<u64>,
    /// All that were looked at.
    pub denominator: Option<u64>,
    /// The limit of the share of counted events.
    pub limit: Option<f64>,
    /// The observed share.
    pub point: Option<f64>,
    /// The lower end of its interval.
    pub lower: Option<f64>,
    /// The upper end of its interval.
    pub upper: Option<f64>,
    /// The two-sided confidence of the interval.
    pub confidence: Option<f64>,
    /// The autocorrelation time the counts were divided by.
    pub tau: Option<f64>,
    /// How many independent samples they are worth.
    pub n_eff: Option<f64>,
    /// How the interval was made.
    #[schemars(with = "Option<String>")]
    pub method: Option<Method>,
    /// The probability at the limit of a result at least this bad, on effective counts.
    pub p_fail: Option<f64>,
    /// The same among all claims that were judged together (Holm), where it looked like a failure.
    pub p_adjusted: Option<f64>,
    /// How many claims were judged together.
    pub family_size: Option<u64>,
    /// How many further samples would decide it at the observed share.
    pub samples_needed: Option<u64>,
    /// Quantiles, where the claim is about time.
    pub latency: Option<LatencyFigures>,
    /// When it was measured, and how even that was.
    pub window: Option<Window>,
    /// Who says so.
    pub sources: Vec<String>,
    /// What there is of what is needed, where it is undecided.
    pub observed: Option<String>,
    /// What would decide it.
    pub required: Option<String>,
    /// One line: what was seen, the interval, what is missing.
    pub explanation: String,
    /// The command that shows it again.
    pub rerun: String,
    /// Traces that show it, worst first.
    pub trace_ids: Vec<String>,
}

impl From<&Ruling> for Statement {
    fn from(ruling: &Ruling) -> Self {
        let (claim, verdict) = (&ruling.claim, &ruling.verdict);
        let figures = verdict.figures();
        let judged = figures.and_then(|figures| figures.judgement.as_ref());
        let (observed, required) = needs(verdict);
        let traces = match verdict {
            Verdict::Fail { traces, .. } => traces.iter().map(ToString::to_string).collect(),
            _ => Vec::new(),
        };
        Self {
            id: claim.id.clone(),
            app: claim.app.to_string(),
            phase: claim.phase,
            claim: claim.text.clone(),
            verdict: verdict.as_str(),
            reason: reason(verdict),
            gate: claim.gate,
            known_issue: claim.known_issue.clone(),
            unit: figures.map(|figures| figures.unit.clone()),
            numerator: judged.map(|judged| judged.k).or_else(|| figures.map(|figures| figures.bad)),
            denominator: judged.map(|judged| judged.n).or_else(|| figures.map(|figures| figures.n.get())),
            limit: judged.map(|judged| judged.limit),
            point: judged.and_then(|judged| judged.point),
            lower: judged.map(|judged| judged.interval.lower),
            upper: judged.map(|judged| judged.interval.upper),
            confidence: judged.map(|judged| judged.conf),
            tau: judged.map(|judged| judged.tau),
            n_eff: judged.map(|judged| judged.n_eff),
            method: judged.map(|judged| judged.method),
            p_fail: judged.and_then(|judged| judged.p_fail_effective),
            p_adjusted: ruling.family.map(|family| family.p_adjusted),
            family_size: ruling.family.map(|family| family.size),
            samples_needed: judged.and_then(|judged| judged.samples_needed),
            latency: figures.and_then(|figures| figures.latency.clone()),
            window: ruling.window.clone(),
            sources: sources(verdict),
            observed,
            required,
            explanation: ruling.explanation.clone(),
            rerun: ruling.rerun.clone(),
            trace_ids: traces,
        }
    }
}

impl Statement {
    /// The figures in one sentence, for somebody who reads a verdict for the first time: `0 of 1,900 requests; with 95 %
    /// confidence at most 0.19 % of all, where 5 % are allowed`. `None` where nothing was counted.
    #[must_use]
    pub fn in_words(&self) -> Option<String> {
        let (k, n, unit) = (self.numerator?, self.denominator?, self.unit.as_deref()?);
        let seen = format!("{k} of {n} {unit}");
        let (Some(lower), Some(upper), Some(limit), Some(conf)) = (self.lower, self.upper, self.limit, self.confidence)
        else {
            return Some(seen);
        };
        let span = format!("between {} and {} of all", percent(lower), percent(upper));
        Some(format!("{seen}; with {} confidence {span}, the limit is {}", percent(conf), percent(limit)))
    }
}

/// A share as a percentage with the digits that matter.
fn percent(share: f64) -> String {
    let text = format!("{:.2}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

fn reason(verdict: &Verdict) -> Option<Reason> {
    match verdict {
        Verdict::Pass { .. } | Verdict::Fail { .. } => Some(Reason::Ok),
        Verdict::Inconclusive { reason, .. } => Some(*reason),
        Verdict::Held { .. } | Verdict::Skipped { .. } => None,
    }
}

/// What there is, and what would decide it.
fn needs(verdict: &Verdict) -> (Option<String>, Option<String>) {
    match verdict {
        Verdict::Inconclusive { observed, required, .. } => (Some(observed.clone()), Some(required.clone())),
        Verdict::Held { action, grant } => (Some(format!("waits for approval: {action}")), Some(grant.clone())),
        Verdict::Skipped { reason } => (Some("not tried".to_owned()), Some(reason.clone())),
        Verdict::Pass { .. } | Verdict::Fail { .. } => (None, None),
    }
}

fn sources(verdict: &Verdict) -> Vec<String> {
    let probe = "the probe".to_owned();
    match verdict {
        Verdict::Pass { second: Confirmation::Agreed(agreement), .. } => vec![probe, agreement.source.clone()],
        Verdict::Pass { .. } | Verdict::Fail { .. } => vec![probe],
        Verdict::Inconclusive { figures, .. } => figures.iter().map(|_| probe.clone()).collect(),
        Verdict::Held { .. } | Verdict::Skipped { .. } => Vec::new(),
    }
}
