//! `error_correction_learning.md`: how errors are noticed, tried again, held back and learned from, claim by claim.

use std::fmt::Write as _;

use serde_json::Value;

use super::markdown::{cell, code, table};
use super::{Artifact, claims, resiliency, text};
use crate::record::{EFFECT_APPS, RunView};

const AGAIN: &str = "cargo xtask suite learning";

/// One way in which errors are corrected: its name, what it does, the claims that show it.
type Means = (&'static str, &'static str, &'static [&'static str]);

const MEANS: [Means; 6] = [
    (
        "Retries",
        "A step that failed is tried again under the same key, up to twelve times; 5xx, 408, 425, 429 and broken connections \
         are tried again, other refusals end the run with their reason. What a run can do without never holds it up.",
        &["a3.run_completes", "a3.side_jobs_end", "a3.resilience.taken_again"],
    ),
    (
        "Back-off",
        "Pauses are drawn evenly from 0 to a bound that doubles from 100 ms to 5 s (full jitter); a party that says when to \
         come back is not asked before.",
        &["a3.resilience.backoff", "a3.resilience.retry_after"],
    ),
    (
        "Breakers",
        "Five failures in a row open the breaker before a party; then nothing is sent until one trial passes. Every change is \
         stored, and an event in A8.",
        &[
            "a3.breakers_listed",
            "a3.resilience.breaker_opens",
            "a3.resilience.recovers",
            "a3.resilience.transitions_reported",
        ],
    ),
    (
        "Once, however often",
        "One key has one effect: a repetition gets the first answer, and a crash in between changes nothing.",
        &[
            "a2.one_key_one_event",
            "a3.one_key_one_run",
            "a3.one_key_one_page",
            "a5.replayed_webhook_credits_once",
            "a6.settle_once",
            "a3.resilience.no_duplicate_effect",
            "a2.effects",
            "a3.effects",
            "a5.effects",
            "a6.effects",
        ],
    ),
    (
        "Crashes",
        "What was acknowledged is in the database before the answer; runs go on after a start at the first step that is not \
         done.",
        &["a2.acknowledged_is_kept", "a3.resilience.runs_survive"],
    ),
    (
        "Learning from errors",
        "A page that could not be shown is a session without reward, and a complaint costs more than nothing: the bandit leaves \
         an arm that fails, and one that is proven to harm is chosen no more.",
        &["a3.failing_arm_is_left", "a3.complaint_costs", "a3.harm_comes_first", "a3.test_rewards_teach_nothing"],
    ),
];

/// The claims of all means.
pub(super) fn ids() -> Vec<&'static str> {
    MEANS.iter().flat_map(|(_, _, ids)| ids.iter().copied()).collect()
}

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let ids = ids();
    let mut all = claims::named(view, &ids);
    // What waits or was not tried at all is ruled on as a whole.
    all.extend(claims::named(view, &["a3.resilience"]).into_iter().filter(|ruling| !ruling.verdict.is_pass()));
    let mut out = claims::head(view, "Error correction", &all, "the correction of errors", AGAIN);
    for means in MEANS {
        section(&mut out, view, means);
    }
    breakers(&mut out, view);
    if let Some(seen) = &view.resilience {
        resiliency::pauses(&mut out, seen);
    }
    let _ = writeln!(
        out,
        "## More\n\n- Outages, recovery times and error rates after them: {}.\n- Effects of {} while they are killed and \
         disturbed: {}.\n- From a reward to a choice: {}.\n- Every claim with all of its figures: {}.",
        claims::link("a3_resiliency_report.md"),
        EFFECT_APPS.map(|app| app.to_string()).join(", "),
        claims::link("idempotency_validation.md"),
        claims::link("rl_signal_path.md"),
        claims::link("verdicts.json"),
    );
    vec![Artifact::report("error_correction_learning.md", out)]
}

fn section(out: &mut String, view: &RunView, (name, what, ids): Means) {
    let _ = writeln!(out, "## {name}\n\n{what}\n");
    let own = claims::named(view, ids);
    if !own.is_empty() {
        out.push_str(&claims::rows(view, &own));
    }
    out.push_str(&claims::open(view, ids));
}

/// The breakers and budgets as A3 answered.
fn breakers(out: &mut String, view: &RunView) {
    out.push_str("## Breakers and retry budgets at the end\n\n");
    let listed = view.learning.as_ref().and_then(|learning| learning.breakers["breakers"].as_array());
    let Some(listed) = listed.filter(|listed| !listed.is_empty()) else {
        let _ = writeln!(out, "A3 was not asked for its breakers in this run. {} asks.\n", code(AGAIN));
        return;
    };
    let rows = listed.iter().map(|one| {
        let of = |pointer: &str| cell(&shown(one.pointer(pointer).unwrap_or(&Value::Null)));
        let changes = one["transitions"].as_array().map_or(0, Vec::len);
        vec![
            code(&shown(&one["name"])),
            of("/app"),
            of("/state"),
            format!("{} of {}", of("/failures_in_row"), of("/failure_threshold")),
            format!("{} ms", of("/open_for_ms")),
            changes.to_string(),
            of("/retry_budget/first_attempts"),
            of("/retry_budget/retries"),
            of("/retry_budget/put_off"),
            of("/retry_budget/tokens"),
        ]
    });
    let head = [
        "party",
        "app",
        "breaker",
        "failures in a row",
        "opens for",
        "last changes",
        "first attempts",
        "retries",
        "put off",
        "budget left",
    ];
    out.push_str(&table(&head, "<<<>>>>>>>", rows));
    out.push_str(
        "A budget gets a fifth of a retry for each first attempt, and one a second, beside a reserve of ten; a retry without \
         budget is put off, not dropped.\n\n",
    );
}

/// A value as it was answered: a text without quotes, a fraction with two digits.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "–".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(figure) if number.is_f64() => text::pct(figure),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}
