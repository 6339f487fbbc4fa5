//! Verdicts on service levels: the probe's figures, the generator's health and the second source together.

use serde::{Deserialize, Serialize};

use super::{Confirmation, Figures, SecondSource, Verdict};
use crate::ids::TraceId;
use crate::slo::{Claim, Decision, Judgement, Quantile, Reason, Terms};

/// Latency quantiles in milliseconds, each with its interval where the samples give one.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LatencyFigures {
    /// The limit.
    pub limit_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile, nearest rank.
    pub p95_ms: f64,
    /// Lower end of its 95 % interval; absent if there is none.
    pub p95_lower_ms: Option<f64>,
    /// Upper end of its 95 % interval; absent if there is none.
    pub p95_upper_ms: Option<f64>,
    /// 99th percentile, nearest rank.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
}

/// What one route showed under one load.
#[derive(Debug, Clone, PartialEq)]
pub struct SloEvidence {
    /// All requests of the judged window.
    pub requests: u64,
    /// Those that did not get what they should.
    pub errors: u64,
    /// Those errors that are timeouts.
    pub timeouts: u64,
    /// Requests with a latency: successes and timeouts.
    pub timed: u64,
    /// Those of them over the limit, counted exactly.
    pub over_limit: u64,
    /// Their quantiles.
    pub latency: LatencyFigures,
    /// Autocorrelation time of the latency indicator.
    pub tau_latency: f64,
    /// Autocorrelation time of the error indicator.
    pub tau_errors: f64,
    /// True if latency was taken from an intended start.
    pub open_model: bool,
    /// Why a failure of latency must not be blamed on the app: the generator was late itself.
    pub generator_late: Option<String>,
    /// Why a pass would rest on less load than was promised: too many iterations were dropped.
    pub underloaded: Option<String>,
    /// True if the load was stopped before its end.
    pub stopped: bool,
    /// What was seen that ended it, where it was ended because of what was seen.
    pub cause: Option<StopCause>,
    /// What the second source says.
    pub second: SecondSource,
    /// Traces of failed requests.
    pub failed_traces: Vec<TraceId>,
    /// Traces of the slowest requests.
    pub slow_traces: Vec<TraceId>,
}

/// Why a load was ended because of what was seen in it.
///
/// A load that ends at its worst moment is no fair sample: its fixed interval shows nothing. Only a condition that is
/// proof by itself, over all the times it was looked at, lets a claim fail; nothing lets it pass.
#[derive(Debug, Clone, PartialEq)]
pub struct StopCause {
    /// Which condition, with its figures.
    pub sentence: String,
    /// True if it proves that this route's share of errors is broken.
    pub proves_errors: bool,
    /// The latency in milliseconds that it proves the P95 of this route to be above, if it does.
    pub proves_p95_above_ms: Option<f64>,
}

/// Judges "fewer than `limit_pct` percent errors".
#[must_use]
pub fn judge_errors(evidence: &SloEvidence, limit_pct: f64) -> (Verdict, String) {
    let terms = Terms { tau: evidence.tau_errors, ..Terms::default() };
    let claim = Claim::ErrorRateBelow { limit: limit_pct / 100.0 };
    let judgement = claim.judge(evidence.errors, evidence.requests, terms);
    let Some(mut figures) = Figures::counted("requests", evidence.requests, evidence.errors) else {
        return nothing("requests", &judgement);
    };
    figures.judgement = Some(judgement);
    let seen = format!(
        "{} errors in {} requests, 95 % interval {}",
        evidence.errors,
        evidence.requests,
        percent_interval(&judgement)
    );
    // Errors are facts about the app whoever sent late; only a timeout may be an answer that was read too late.
    let but_timeouts = claim.judge(evidence.errors.saturating_sub(evidence.timeouts), evidence.requests, terms);
    let excused = evidence.timeouts > 0 && but_timeouts.decision != Decision::Fail;
    let late = evidence.generator_late.as_deref().filter(|_| excused);
    if let Some(cause) = &evidence.cause {
        // One percent is what the condition is about; a route that is allowed more is not shown to be broken.
        let proven = cause.proves_errors && limit_pct <= 1.0 && late.is_none();
        return stopped(cause, proven, figures, &evidence.failed_traces, &seen);
    }
    decide(evidence, judgement, figures, late, &evidence.failed_traces, &seen)
}

/// Judges "95 % of requests within the limit".
#[must_use]
pub fn judge_p95(evidence: &SloEvidence) -> (Verdict, String) {
    let terms = Terms { tau: evidence.tau_latency, ..Terms::default() };
    let claim = Claim::QuantileWithin { quantile: Quantile::P95 };
    let judgement = claim.judge(evidence.over_limit, evidence.timed, terms);
    let Some(mut figures) = Figures::counted("requests", evidence.timed, evidence.over_limit) else {
        return nothing("timed requests", &judgement);
    };
    figures.judgement = Some(judgement);
    figures.latency = Some(evidence.latency.clone());
    let latency = &evidence.latency;
    let bound = |end: Option<f64>| end.map_or_else(|| "none".to_owned(), |ms| format!("{ms:.1}"));
    let seen = format!(
        "P95 {:.1} ms [{} to {}] of {} requests, {} over {} ms",
        latency.p95_ms,
        bound(latency.p95_lower_ms),
        bound(latency.p95_upper_ms),
        evidence.timed,
        evidence.over_limit,
        latency.limit_ms,
    );
    if !evidence.open_model {
        let verdict = undecided(Reason::ClosedLoop, figures, "closed-loop load", "load with an intended start");
        return (verdict, format!("{seen}; the load waited for answers, so its latencies are too kind"));
    }
    if let Some(cause) = &evidence.cause {
        let proven =
            cause.proves_p95_above_ms.is_some_and(|ms| latency.limit_ms <= ms) && evidence.generator_late.is_none();
        return stopped(cause, proven, figures, &evidence.slow_traces, &seen);
    }
    decide(evidence, judgement, figures, evidence.generator_late.as_deref(), &evidence.slow_traces, &seen)
}

fn decide(
    evidence: &SloEvidence,
    judgement: Judgement,
    figures: Figures,
    generator_late: Option<&str>,
    traces: &[TraceId],
    seen: &str,
) -> (Verdict, String) {
    // Lateness of the generator only ever adds to a latency, so it excuses what is not a pass, and no pass needs it.
    let fault = match judgement.decision {
        Decision::Pass => evidence.underloaded.as_deref(),
        Decision::Fail | Decision::Undecided(_) => generator_late,
    };
    if let Some(fault) = fault {
        let verdict = undecided(Reason::HarnessFault, figures, fault, "a generator that keeps its schedule");
        return (verdict, format!("{seen}; {fault}"));
    }
    match judgement.decision {
        Decision::Fail => {
            let traces = traces.to_vec();
            (Verdict::Fail { figures, traces }, format!("{seen}; the whole interval is beyond the limit"))
        }
        Decision::Undecided(reason) => {
            let (observed, required) = needs(&judgement);
            let line = format!("{seen}; {observed}, {required}");
            (Verdict::Inconclusive { reason, figures: Some(figures), observed, required }, line)
        }
        Decision::Pass if evidence.stopped => {
            let verdict = undecided(Reason::Stopped, figures, "a load that was stopped", "a load that ran to its end");
            (verdict, format!("{seen}; the load was stopped early"))
        }
        Decision::Pass => confirm(&evidence.second, figures, seen),
    }
}

/// The verdict on a load that ended because of what was seen.
fn stopped(cause: &StopCause, proven: bool, figures: Figures, traces: &[TraceId], seen: &str) -> (Verdict, String) {
    let why = &cause.sentence;
    if proven {
        let verdict = Verdict::Fail { figures, traces: traces.to_vec() };
        return (verdict, format!("{seen}; the load was stopped on proof, to be confirmed by another one: {why}"));
    }
    let verdict = undecided(Reason::Stopped, figures, why, "a load that runs to its end");
    (verdict, format!("{seen}; the load was stopped, which by itself shows nothing about this claim: {why}"))
}

/// A pass needs the second source.
fn confirm(second: &SecondSource, figures: Figures, seen: &str) -> (Verdict, String) {
    let (reason, what) = match second {
        SecondSource::Agrees(agreement) => {
            let line = format!("{seen}; {} records agree with {}", agreement.matched, agreement.source);
            return (Verdict::Pass { figures, second: Confirmation::Agreed(agreement.clone()) }, line);
        }
        SecondSource::Disagrees { what } => (Reason::Disagreeing, what),
        SecondSource::Gap { what } => (Reason::TelemetryGap, what),
        SecondSource::Absent { why } => (Reason::TelemetryGap, why),
    };
    let line = format!("{seen}; the probe alone would pass, but {what}");
    (undecided(reason, figures, what, "a second source that agrees record by record"), line)
}

fn undecided(reason: Reason, figures: Figures, observed: &str, required: &str) -> Verdict {
    Verdict::Inconclusive {
        reason,
        figures: Some(figures),
        observed: observed.to_owned(),
        required: required.to_owned(),
    }
}

fn nothing(what: &str, judgement: &Judgement) -> (Verdict, String) {
    let required = judgement.samples_needed.map_or_else(|| "some".to_owned(), |n| format!("at least {n}"));
    let line = format!("no {what} were seen; {required} needed");
    (Verdict::nothing_seen(what, required), line)
}

/// Observed and required, in words.
fn needs(judgement: &Judgement) -> (String, String) {
    let n = judgement.n;
    let correlated = if judgement.tau > 1.005 {
        format!(" worth {:.0} independent ones (tau {:.1})", judgement.n_eff, judgement.tau)
    } else {
        String::new()
    };
    let observed = format!("observed {n} samples{correlated}");
    let required = match judgement.samples_needed {
        Some(more) => format!("required {} at this rate", n + more),
        None => "required more than ten million at this rate: the truth lies at the limit".to_owned(),
    };
    (observed, required)
}

fn percent_interval(judgement: &Judgement) -> String {
    format!("{:.2} % to {:.2} %", judgement.interval.lower * 100.0, judgement.interval.upper * 100.0)
}
