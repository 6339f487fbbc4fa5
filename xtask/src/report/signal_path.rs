//! `rl_signal_path.md`: from what a visitor does to what the agent chooses next, and what shows each step.

mod simulated;

use std::fmt::Write as _;

use serde_json::Value;

use super::markdown::{cell, code, table};
use super::{Artifact, claims, text};
use crate::record::RunView;

pub(super) use simulated::facts;

const AGAIN: &str = "cargo xtask suite learning";

/// A step of the path: its name, what happens, and the claims that show it.
type Step = (&'static str, &'static str, &'static [&'static str]);

const STEPS: [Step; 6] = [
    (
        "Signal",
        "What a session did reaches A3 as `POST /bandit/reward`: page view, lead, checkout, complaint, or the status of a page \
         that could not be shown. `attributed_to` and the trace say which run and arm it belongs to. Rewards of test runs are \
         kept and not counted.",
        &["a3.attribution_keeps_the_arm", "a3.test_rewards_teach_nothing"],
    ),
    (
        "Reward",
        "`0.05·page_view + 0.3·lead + 0.65·checkout − 0.4·complaint`, from −0.4 to 1. A status of 500 and above is a session \
         without reward. A choice is rewarded once.",
        &["a3.complaint_costs", "a3.choice_is_rewarded_once"],
    ),
    (
        "Belief",
        "Each arm has a Beta(α, β). What is above 0 of a reward is added to α and the rest of 1 to β; below 0, β gets more than \
         1, so that a complaint is worse than nothing.",
        &["a3.failing_arm_is_left"],
    ),
    (
        "Choice",
        "Thompson sampling: an arm's weight is the probability that its belief is the best one. Each arm has at least its floor; \
         the exploration rate is 1 minus the greatest weight.",
        &["a3.better_arm_grows", "a3.equal_arms_stay_even"],
    ),
    (
        "Levers",
        "`freeze` holds the weights while beliefs learn on, `reset` forgets, `floor` sets the floor. A lever that a person pulls \
         on the live bandit is an intervention; tests pull levers of experiments only.",
        &["a3.freeze_holds", "a3.reset_forgets", "a3.floor_holds", "a3.journal_keeps_levers"],
    ),
    (
        "Told",
        "A3 sends `bandit_config` with weights and exploration rate to A8, and keeps who acted last.",
        &["a3.config_reaches_a8", "a3.autonomy_clock_runs", "a3.autonomy"],
    ),
];

/// The claims of the path, the simulated one not among them.
pub(super) fn ids() -> Vec<&'static str> {
    STEPS.iter().flat_map(|(_, _, ids)| ids.iter().copied()).collect()
}

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let ids = ids();
    let about = claims::named(view, &ids);
    let mut out = claims::head(view, "From signal to choice", &about, "what A3 learns", AGAIN);
    out.push_str(
        "signal → reward → belief → choice → levers, and back to A8. Each step with the claims that show it.\n\n",
    );
    for (number, (name, what, ids)) in STEPS.iter().enumerate() {
        let _ = writeln!(out, "## {}. {name}\n\n{what}\n", number + 1);
        let own = claims::named(view, ids);
        match own.is_empty() {
            true => out.push_str("Nothing shows this step in this run.\n\n"),
            false => out.push_str(&claims::rows(view, &own)),
        }
        assertions(&mut out, view, ids);
        out.push_str(&claims::open(view, ids));
    }
    arms(&mut out, view);
    autonomy(&mut out, view);
    simulated::section(&mut out, view);
    out.push_str(
        "## What this cannot show\n\n- Checks teach experiments with made-up rewards: they show that A3 learns, not that its arms \
         please people.\n- The intervals of the shares hold in 99.99 % of cases; a healthy bandit breaks one in 10,000.\n- Minutes \
         without a person are real time of A3's own log; what a simulation adds is simulated.\n",
    );
    vec![Artifact::report("rl_signal_path.md", out)]
}

/// The figures that the checks of a step asserted.
fn assertions(out: &mut String, view: &RunView, ids: &[&str]) {
    let own = view.checks.iter().map(|(_, check)| check).filter(|check| ids.contains(&check.id.as_str()));
    let rows: Vec<_> = own
        .flat_map(|check| {
            check.findings.iter().map(|finding| {
                vec![
                    if finding.holds { "✓".to_owned() } else { "✗".to_owned() },
                    code(&check.id),
                    cell(&finding.what),
                    cell(&finding.expected),
                    cell(&finding.seen),
                    finding.trace_id.map_or_else(String::new, |trace| code(&trace.to_string())),
                ]
            })
        })
        .collect();
    if !rows.is_empty() {
        out.push_str(&table(&["", "check", "assertion", "expected", "seen", "trace"], "<<<<<<", rows));
    }
}

/// The live bandit as A3 answered.
fn arms(out: &mut String, view: &RunView) {
    out.push_str("## The live arms at the end\n\n");
    let bandit = view.learning.as_ref().map(|learning| &learning.bandit);
    let listed = bandit.and_then(|bandit| bandit["arms"].as_array()).filter(|listed| !listed.is_empty());
    let (Some(bandit), Some(listed)) = (bandit, listed) else {
        let _ = writeln!(out, "A3 was not asked for its bandit in this run. {} asks.\n", code(AGAIN));
        return;
    };
    let rows = listed.iter().map(|arm| {
        let figure = |name: &str, digits: usize| {
            arm[name].as_f64().map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        vec![
            code(arm["arm"].as_str().unwrap_or("–")),
            figure("weight", 3),
            figure("mean", 3),
            figure("alpha", 2),
            figure("beta", 2),
            figure("pulls", 0),
            figure("rewards", 0),
            figure("failures", 0),
        ]
    });
    let head = ["arm", "weight", "mean of the belief", "α", "β", "pulls", "rewards", "failures"];
    out.push_str(&table(&head, "<>>>>>>>", rows));
    let percent = |name: &str| {
        bandit[name].as_f64().map_or_else(|| "unknown".to_owned(), |v| format!("{} %", text::pct(v * 100.0)))
    };
    let _ = writeln!(
        out,
        "- **Floor**: {} for each arm.\n- **Exploration rate**: {}.\n- **Choices** so far: {}.\n- **Frozen**: {}.\n",
        percent("floor"),
        percent("exploration_rate"),
        bandit["choices"].as_u64().map_or_else(|| "unknown".to_owned(), text::count),
        match bandit["frozen"] {
            Value::Bool(true) => "yes: its weights do not move",
            Value::Bool(false) => "no",
            _ => "unknown",
        }
    );
    out.push_str("Rewards of test traffic are kept, and teach these arms nothing.\n\n");
}

/// The clock of whoever acted last.
fn autonomy(out: &mut String, view: &RunView) {
    out.push_str("## Autonomy\n\n");
    let progress = view.learning.as_ref().map(|learning| &learning.progress);
    let minutes =
        progress.and_then(|progress| progress.pointer("/autonomy/minutes_since_human")).and_then(Value::as_f64);
    let Some((minutes, progress)) = minutes.zip(progress) else {
        let _ = writeln!(out, "A3's autonomy clock was not read in this run. {} reads it.\n", code(AGAIN));
        return;
    };
    let last = progress.pointer("/autonomy/last_human_action").and_then(Value::as_str).unwrap_or("unknown");
    let at = progress.pointer("/autonomy/last_human_at").and_then(Value::as_str).unwrap_or("unknown");
    let since = |name: &str| {
        let count = progress.pointer(&format!("/autonomy/runs/{name}")).and_then(Value::as_u64);
        count.map_or_else(|| "unknown".to_owned(), text::count)
    };
    let _ = writeln!(
        out,
        "{minutes:.1} minutes since a person acted last ({}, {}). Since then: {} runs completed, {} failed, {} stalled. The goal is \
         more than 200 minutes of real time in which runs complete and none fails or stalls.\n",
        cell(last),
        text::moment(at),
        since("completed"),
        since("failed"),
        since("stalled"),
    );
}
