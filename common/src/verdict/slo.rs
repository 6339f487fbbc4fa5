//! Verdicts on service levels: the probe's figures, the generator's health and the second source together.

use super::steady;
use super::{Confirmation, Figures, SecondSource, SloEvidence, StopCause, Verdict};
use crate::ids::TraceId;
use crate::slo::{Claim, Decision, Evidence, Judgement, Quantile, Reason, Terms};

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
        let proven = cause.proves_errors && limit_pct <= 1.0;
        return stopped(cause, proven, late, figures, &evidence.failed_traces, &seen);
    }
    let unsteady = steady::of_errors(evidence, &judgement, terms);
    decide(evidence, judgement, figures, Doubts { late, unsteady }, &evidence.failed_traces, &seen)
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
        let proven = cause.proves_p95_above_ms.is_some_and(|ms| latency.limit_ms <= ms);
        let late = evidence.generator_late.as_deref();
        return stopped(cause, proven, late, figures, &evidence.slow_traces, &seen);
    }
    let doubts =
        Doubts { late: evidence.generator_late.as_deref(), unsteady: steady::of_p95(evidence, &judgement, terms) };
    decide(evidence, judgement, figures, doubts, &evidence.slow_traces, &seen)
}

/// Why what the counts say may not be what the app is like.
struct Doubts<'a> {
    /// The generator was late itself.
    late: Option<&'a str>,
    /// The samples do not stand for more than themselves.
    unsteady: Option<steady::Unsteady>,
}

fn decide(
    evidence: &SloEvidence,
    judgement: Judgement,
    figures: Figures,
    doubts: Doubts<'_>,
    traces: &[TraceId],
    seen: &str,
) -> (Verdict, String) {
    // Lateness of the generator only ever adds to a latency, so it excuses what is not a pass, and no pass needs it.
    let fault = match judgement.decision {
        Decision::Pass => evidence.underloaded.as_deref(),
        Decision::Fail | Decision::Undecided(_) => doubts.late,
    };
    if let Some(fault) = fault {
        let verdict = undecided(Reason::HarnessFault, figures, fault, "a generator that keeps its schedule");
        return (verdict, format!("{seen}; {fault}"));
    }
    if let (Some(unsteady), Decision::Pass | Decision::Fail) = (&doubts.unsteady, judgement.decision) {
        let verdict = undecided(unsteady.reason, figures, &unsteady.observed, &unsteady.required);
        return (verdict, format!("{seen}; {}; needed: {}", unsteady.observed, unsteady.required));
    }
    match judgement.decision {
        Decision::Fail => {
            let traces = traces.to_vec();
            (Verdict::Fail { figures, traces }, format!("{seen}; the whole interval is beyond the limit"))
        }
        Decision::Undecided(reason) => {
            let (observed, required) = needs(&judgement, evidence.seconds);
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

/// The verdict on a load that ended because of what was seen: never on its fixed interval. It fails if the condition is
/// proof by itself, or if the evidence at the moment of the stop refutes the claim, which holds whenever one stops.
fn stopped(
    cause: &StopCause,
    proven: bool,
    late: Option<&str>,
    mut figures: Figures,
    traces: &[TraceId],
    seen: &str,
) -> (Verdict, String) {
    let why = &cause.sentence;
    if let Some(late) = late {
        let verdict = undecided(Reason::HarnessFault, figures, late, "a generator that keeps its schedule");
        return (verdict, format!("{seen}; the load was stopped ({why}), but {late}"));
    }
    let refuted = figures.judgement.as_ref().and_then(refuted_at_any_time);
    // What the interval says does not hold for a load that ends when it looks worst; one over the e-value does, and so does
    // what the condition itself allows for having looked so often.
    let at_any_time = refuted.map(|e| (-e).exp());
    let by_condition = cause.p.filter(|_| proven);
    let p = at_any_time.into_iter().chain(by_condition).reduce(f64::min);
    if let (Some(p), Some(judgement)) = (p, figures.judgement.as_mut()) {
        judgement.p_fail_effective = Some(p.clamp(0.0, 1.0));
    }
    if proven || refuted.is_some() {
        let verdict = Verdict::Fail { figures, traces: traces.to_vec() };
        return (verdict, format!("{seen}; the load was stopped on proof: {why}"));
    }
    let verdict = undecided(Reason::Stopped, figures, why, "a load that runs to its end");
    (verdict, format!("{seen}; the load was stopped, which by itself shows nothing about this claim: {why}"))
}

/// The logarithm of the e-value against the claim, where it refutes the claim at its confidence.
fn refuted_at_any_time(judgement: &Judgement) -> Option<f64> {
    let k = judgement.k as f64 / judgement.tau;
    let evidence = Evidence::of(k, judgement.n_eff, judgement.limit)?;
    (evidence.decision(judgement.conf) == Decision::Fail).then_some(evidence.above)
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

/// Observed and required, in words; `seconds` is how long the samples took.
fn needs(judgement: &Judgement, seconds: f64) -> (String, String) {
    let n = judgement.n;
    let correlated = if judgement.tau > 1.005 {
        format!(" worth {:.0} independent ones (tau {:.1})", judgement.n_eff, judgement.tau)
    } else {
        String::new()
    };
    let observed = format!("observed {n} samples{correlated}");
    let required = match judgement.samples_needed {
        Some(more) => {
            let time = (seconds > 0.0).then(|| seconds * (more as f64 / n as f64));
            let time = time.map(|s| format!(", about {} more of this load", duration(s))).unwrap_or_default();
            format!("required {} at this rate{time}", n + more)
        }
        None => "required more than ten million at this rate: the truth lies at the limit".to_owned(),
    };
    (observed, required)
}

/// `40 s`, `3 min`, `2.5 h`.
fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{:.0} s", s.max(1.0)),
        s if s < 5_400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

fn percent_interval(judgement: &Judgement) -> String {
    format!("{:.2} % to {:.2} %", judgement.interval.lower * 100.0, judgement.interval.upper * 100.0)
}
