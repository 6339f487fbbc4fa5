//! `a3_resiliency_report.md`: what outages did to A3, to those it calls, and to effects.

mod outages;

use std::fmt::Write as _;

use common::verdict::Ruling;

use super::markdown::{cell, code, table};
use super::state::State;
use super::{Artifact, claims, idempotency, text};
use crate::record::{AttemptsCompared, Resilience, RunView};

const AGAIN: &str = "cargo xtask suite resiliency";
/// The claims, in the order in which they are told. Only where none of its parts was ruled on does the first stand for all.
pub(super) const CLAIMS: [&str; 13] = [
    "a3.resilience.breaker_opens",
    "a3.resilience.recovers",
    "a3.resilience.transitions_reported",
    "a3.resilience.after.",
    "a3.resilience.backoff",
    "a3.resilience.retry_after",
    "a3.resilience.taken_again",
    "a3.resilience.runs_survive",
    "a3.resilience.no_duplicate_effect",
    "a2.effects",
    "a3.effects",
    "a5.effects",
    "a6.effects",
];

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let about = about(view);
    let mut out = claims::head(view, "Resiliency of A3", &about, "outages", AGAIN);
    out.push_str(
        "503 is put in the place of those whom A3 calls, then in front of A3 itself, then A3 is killed: does it open its \
         breakers, come back, and do everything once?\n\n",
    );
    if !about.is_empty() {
        let _ = writeln!(out, "## Claims\n\n{}", claims::rows(view, &about).trim_end());
        out.push('\n');
    }
    match &view.resilience {
        Some(seen) => shown(&mut out, view, seen),
        None => nothing(&mut out),
    }
    if let Some(report) = &view.effects {
        out.push_str("## Effects under faults\n\n");
        out.push_str(&idempotency::cells(report.cells.iter()));
        let _ = writeln!(out, "What is wrong in them, with traces: {}.\n", claims::link("idempotency_validation.md"));
    }
    out.push_str(&claims::not_tried(view, &CLAIMS));
    limits(&mut out, view.resilience.as_ref());
    vec![Artifact::report("a3_resiliency_report.md", out)]
}

/// Every ruling on an outage, and the one on all of them where there is no other.
pub(super) fn about(view: &RunView) -> Vec<&Ruling> {
    let of_outages = claims::named(view, &["a3.resilience."]);
    let whole = if of_outages.is_empty() { claims::named(view, &["a3.resilience"]) } else { Vec::new() };
    whole.into_iter().chain(claims::named(view, &CLAIMS)).collect()
}

fn nothing(out: &mut String) {
    out.push_str(
        "**No outage was made**: not of those whom A3 calls, not of A3, and A3 was not killed. So nothing is \
         known of its breakers under load, of its recovery time, of its error rate afterwards, or of effects that happen \
         twice. ",
    );
    let _ = writeln!(
        out,
        "{} tries all of it once a person granted it; {} lists what waits.\n",
        code(AGAIN),
        code("cargo xtask gates")
    );
}

fn shown(out: &mut String, view: &RunView, seen: &Resilience) {
    let _ = writeln!(
        out,
        "Began {}, took {}. An open breaker lets nothing through for {} ms.\n",
        text::moment(&seen.started_at),
        text::duration(seen.took_s),
        text::count(seen.breaker_open_ms)
    );
    for defect in &seen.defects {
        let _ = writeln!(out, "Told to misbehave: {}.\n", code(defect));
    }
    for outage in &seen.parties {
        outages::party(out, outage);
    }
    if let Some(why) = &seen.broke_off {
        let _ = writeln!(out, "**They broke off**: {}. What was not seen until then is not shown.\n", cell(why));
    }
    outages::compared(out, seen);
    outages::afterwards(out, view);
    pauses(out, seen);
    attempts(out, &seen.attempts);
    own(out, seen);
}

/// Pauses between attempts; the report on error correction has the same.
pub(super) fn pauses(out: &mut String, seen: &Resilience) {
    out.push_str("## Pauses between attempts\n\n");
    let rows = [("503 alone", &seen.backoff), ("503 with `Retry-After`", &seen.retry_after)].map(|(answer, found)| {
        let jitter = &found.jitter;
        vec![
            answer.to_owned(),
            text::count(found.pauses),
            text::count(found.early),
            text::count(found.over_bound),
            text::count(found.asked),
            text::count(found.unheard),
            text::count(jitter.n),
            if jitter.n == 0 { "–".into() } else { format!("{:.3}", jitter.distance) },
            jitter.limit.map_or_else(|| "–".into(), |limit| format!("{limit:.3}")),
        ]
    });
    let head = [
        "answer",
        "pauses",
        "too early",
        "over the bound",
        "asked to wait",
        "not heard",
        "free pauses",
        "distance",
        "limit",
    ];
    out.push_str(&table(&head, "<>>>>>>>>", rows));
    out.push_str(
        "The bound doubles from 100 ms to 5 s. Each free pause over its bound is one draw; the distance is that between their \
         distribution and the even one (Kolmogorov and Smirnov). Full jitter is above the limit in one of 10,000 cases.\n\n",
    );
}

/// A3's list of its failed attempts, beside what the fault proxies refused.
fn attempts(out: &mut String, found: &AttemptsCompared) {
    let _ = writeln!(
        out,
        "The attempts from two sources: A3 lists {} that were answered 503, the fault proxies refused {} requests; {} are the \
         same by party, trace and time, {} were listed and never refused, {} refused and not listed.\n",
        text::count(found.listed),
        text::count(found.refused),
        text::count(found.matched),
        text::count(found.never_refused),
        text::count(found.unlisted)
    );
    for example in &found.examples {
        let _ = writeln!(out, "- {}", cell(example));
    }
    if !found.examples.is_empty() {
        out.push('\n');
    }
}

fn own(out: &mut String, seen: &Resilience) {
    let (own, crash, runs) = (&seen.own, &seen.crash, &seen.runs);
    let _ = writeln!(
        out,
        "## A3 itself\n\n- **503 in front of A3**: {} of {} requests were taken under their key, after {} answers of 503; half \
         of those had reached A3 and half had not.",
        own.taken, own.asked, own.answered_503
    );
    let settled = crash.settled_after_ms.map_or_else(
        || "not all of them ended".to_owned(),
        |ms| format!("the last ended {} ms after the start", text::count(ms)),
    );
    let _ = writeln!(
        out,
        "- **Killed in the middle of runs** (SIGKILL): {} of {} acknowledged runs were completed after the start; {settled}.",
        crash.completed, crash.acknowledged
    );
    if let Some(why) = &crash.not_started {
        let _ = writeln!(out, "  - It did not start again: {}", cell(why));
    }
    let _ = writeln!(
        out,
        "- **Every run of the outages**: {} of {} completed; {} left something twice, {} left nothing, {} did not end in time.",
        runs.completed,
        runs.asked,
        runs.twice.len(),
        runs.without_effect.len(),
        runs.unfinished.len()
    );
    let named = [("twice", &runs.twice), ("nothing", &runs.without_effect), ("not ended", &runs.unfinished)];
    for (what, traces) in named {
        for trace in traces {
            let _ = writeln!(out, "  - {}: trace {}", cell(what), code(&trace.to_string()));
        }
    }
    out.push('\n');
}

fn limits(out: &mut String, seen: Option<&Resilience>) {
    out.push_str("## What this cannot show\n\n");
    out.push_str(
        "- Outages are made in an ecosystem of its own beside the run, so that nothing that the run measured is touched. Its apps \
         are the reference apps: a deployment is tried with `cargo xtask proxy` before those whom its A3 calls.\n",
    );
    let open = seen.map_or_else(String::new, |seen| format!(" to {} ms", text::count(seen.breaker_open_ms)));
    let _ = writeln!(
        out,
        "- `breaker_open_ms` is shortened there{open}, so that there are more outages in the same time; A3's own value is 5 s. \
         Recovery times hold for the shortened one: with 5 s a breaker stays open for longer."
    );
    out.push_str(
        "- Outages are answers of 503. Slow answers, broken connections and lost answers are in the catalogue: `cargo xtask \
         faults`.\n- The kill ends A3's process and not its machine.\n- Of six outages, the shortest and the longest recovery \
         hold the median in 97 % of cases; a narrower interval takes more outages (`--profile standard`).\n",
    );
}
