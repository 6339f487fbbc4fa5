//! The verdicts on a shaped load: one on how it was carried, and one on what was stored.

use common::contract::Slo;
use common::ids::AppId;
use common::slo::Reason;
use common::verdict::{Claim, Figures, SloEvidence, Verdict, judge_errors, judge_p95};

use super::{PHASE, Shaped};
use crate::record::ShapeRun;
use crate::report::duration;
use crate::run::Run;

/// A part of a second is no shortfall.
const SLACK_S: f64 = 0.5;

/// `a2.burst`: fewer errors than the limit, and the P95 within its own.
pub(super) fn load_claim(shaped: &Shaped) -> Claim {
    claim(shaped, "", format!("carries {} with few errors and in time", shaped.title), "slo")
}

/// `a2.burst.nothing_lost`.
pub(super) fn loss_claim(shaped: &Shaped) -> Claim {
    let text = format!("every event acknowledged in {} is found again", shaped.title);
    claim(shaped, ".nothing_lost", text, "check")
}

fn claim(shaped: &Shaped, what: &str, text: String, kind: &str) -> Claim {
    Claim {
        id: format!("{}{what}", shaped.id.replacen('_', ".", 1)),
        app: AppId::A2,
        phase: PHASE,
        text,
        kind: kind.into(),
        gate: true,
        known_issue: None,
    }
}

pub(super) fn rerun(run: &Run, shaped: &Shaped) -> String {
    format!("cargo xtask suite a2 --scenario {} --profile {}", shaped.id, run.plan.profile.as_str())
}

/// It waits for a person.
pub(super) fn held(shaped: &Shaped, action: String, grant: String) -> (Verdict, String) {
    let line = format!("held: {} waits for a person's leave", shaped.title);
    (Verdict::Held { action, grant }, line)
}

/// Errors decide; the P95 too where there are samples enough; and the length, where it is part of the promise.
pub(super) fn load(shaped: &Shaped, went: &ShapeRun, evidence: &SloEvidence, slo: &Slo) -> (Verdict, String) {
    let (errors, errors_line) = judge_errors(evidence, slo.error_rate_pct);
    let (p95, p95_line) = judge_p95(evidence);
    let lasted = went.figures.duration_s;
    let line = format!("{} in {}: {errors_line}; {p95_line}; {}", shaped.title, duration(lasted), knee(went));
    if errors.is_fail() || p95.is_fail() {
        return (if errors.is_fail() { errors } else { p95 }, line);
    }
    if !errors.is_pass() {
        return (errors, line);
    }
    let enough = !matches!(p95, Verdict::Inconclusive { reason: Reason::TooFew, .. });
    if !p95.is_pass() && enough {
        return (p95, line);
    }
    if shaped.length_counts && lasted + SLACK_S < went.full_s {
        return (too_short(shaped, went, errors.figures().cloned()), line);
    }
    // The figures of the latency say more, where they decide.
    (if p95.is_pass() { with_latency(errors, &p95) } else { errors }, line)
}

fn with_latency(errors: Verdict, p95: &Verdict) -> Verdict {
    match (errors, p95.figures()) {
        (Verdict::Pass { mut figures, second }, Some(timed)) => {
            figures.latency.clone_from(&timed.latency);
            Verdict::Pass { figures, second }
        }
        (other, _) => other,
    }
}

fn too_short(shaped: &Shaped, went: &ShapeRun, figures: Option<Figures>) -> Verdict {
    let lasted = went.figures.duration_s;
    Verdict::Inconclusive {
        reason: Reason::TooFew,
        figures,
        observed: format!("{} of {}", duration(lasted), duration(went.full_s)),
        required: format!("{} without a breach: `--profile {}`", duration(went.full_s), longer(shaped)),
    }
}

/// The shortest profile that shows it.
fn longer(shaped: &Shaped) -> &'static str {
    if shaped.id.ends_with("_burst") { "standard" } else { "full" }
}

fn knee(went: &ShapeRun) -> String {
    let most = went.points.iter().map(|point| point.users).max().unwrap_or(0);
    match &went.knee {
        Some(knee) => format!("the knee is at {} users, {} requests/s: {}", knee.users, knee.requests, knee.why),
        None => format!("no knee up to {most} users"),
    }
}
