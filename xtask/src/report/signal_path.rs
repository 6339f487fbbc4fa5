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

const STEPS: [Step; 8] = [
    (
        "Signal",
        "A run of A3 chooses an arm and has A7 build a page for it. A7 shows the arm (another call to action each) and tells A3 \
         what a visit had: the page was seen, a lead was left, somebody complained, something failed. Its link takes the \
         visit along to A5, which tells of the first checkout that came of it. Durable queues send all of it as \
         `POST /bandit/reward` with the visit, again until A3 takes it. Test traffic teaches the experiment that it belongs to \
         and nothing else; live traffic teaches the live arms.",
        &["a3.attribution_keeps_the_arm", "a7.arm_is_shown", "a7.sessions_reach_a3", "a3.test_rewards_teach_nothing"],
    ),
    (
        "Reward",
        "`0.05·page_view + 0.3·lead + 0.65·checkout − 0.4·complaint`, from −0.4 to 1; where something failed nothing is earned. A \
         session is one reward: its events count once each, however often and in whatever pieces they are told, for 30 minutes \
         from its start. What comes later is kept out.",
        &["a3.session_is_one_reward", "a3.choice_is_rewarded_once", "a3.complaint_costs"],
    ),
    (
        "Belief",
        "Each arm has a Beta(α, β). What is above 0 of a reward is added to α and the rest of 1 to β; below 0, β gets more than \
         1, so that a complaint is worse than nothing. The other way, t = (r + 0.4)/1.4 with α + t and β + 1 − t, keeps each \
         session at weight 1 and needs seven times the sessions: to tell 5 % from 8 % of sessions that earn everything 2,616 of \
         each arm and not 371, to tell 5 % from 8 % of leads among page views 29,186 and not 4,326 (expected sessions until \
         P(best) is 95 %, computed by a test of `common::slo`). A belief for each event would need 444 for the latter; A3 keeps one \
         for each arm, whose P(best) is cheap enough to be told with every session.",
        &["a3.failing_arm_is_left"],
    ),
    (
        "Gate",
        "Harm comes before reward: from 20 sessions on, an arm of which it is proven (lower end of the 95 % interval) that over 2 % \
         of its sessions had a complaint or over 1 % failed is chosen no more and does not win, whatever it earns, until a person \
         pulls `reset`. Where every arm is over its limits one is chosen still, and none wins.",
        &["a3.harm_comes_first"],
    ),
    (
        "Choice",
        "Thompson sampling: an arm's weight is the probability that its belief is the best one. Each arm has at least its floor; \
         the exploration rate is 1 minus the greatest weight.",
        &["a3.better_arm_grows", "a3.equal_arms_stay_even"],
    ),
    (
        "Winner",
        "An arm is called the winner at a P(best) of 95 % or more and 200 sessions of each arm that may be chosen. The check \
         computes P(best) again, and a belief for each event beside it.",
        &["a3.winner_by_the_rule"],
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
        "signal → reward → belief → gate → choice → winner → levers, and back to A8. Each step with the claims that show it.\n\n",
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
        "## What this cannot show\n\n- Checks teach experiments, and their visitors are made up: they show that A3 learns, not that its \
         arms please people.\n- No check buys: that A5 tells A3 of a checkout is shown by its own \
         tests.\n- A visit is one showing of a page: who comes back \
         or loads it again is another session.\n- The intervals of the shares hold in 99.99 % of cases; a healthy bandit breaks one in 10,000.\n- Minutes \
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
            figure("p_best", 3),
            figure("mean", 3),
            figure("alpha", 2),
            figure("beta", 2),
            figure("pulls", 0),
            figure("sessions", 0),
            figure("leads", 0),
            figure("checkouts", 0),
            figure("complaints", 0),
            figure("failures", 0),
            cell(arm["gate"].as_str().unwrap_or("–")),
        ]
    });
    let head = [
        "arm",
        "weight",
        "P(best)",
        "mean of the belief",
        "α",
        "β",
        "pulls",
        "sessions",
        "leads",
        "checkouts",
        "complaints",
        "failures",
        "gate",
    ];
    out.push_str(&table(&head, "<>>>>>>>>>>><", rows));
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
    thresholds(out, bandit);
    out.push_str("What test traffic does is kept, and teaches these arms nothing.\n\n");
}

/// The winner, and by which limits A3 says that it judges.
fn thresholds(out: &mut String, bandit: &Value) {
    let limits = &bandit["thresholds"];
    if !limits.is_object() {
        out.push_str("A3 does not tell its thresholds.\n\n");
        return;
    }
    let share = |name: &str| limits[name].as_f64().map_or_else(|| "unknown".to_owned(), |v| text::pct(v * 100.0));
    let count = |name: &str| limits[name].as_u64().map_or_else(|| "unknown".to_owned(), text::count);
    let _ = writeln!(
        out,
        "- **Winner**: {}; called at a P(best) of {} % and {} sessions of each arm.\n- **Gate**: shut where more than {} % of sessions \
         with a complaint or {} % with an error are proven, from {} sessions on.\n- **Attribution window**: {} s from the start of \
         a session.\n",
        bandit["winner"].as_str().map_or_else(|| "none yet".to_owned(), code),
        share("winner_p_best"),
        count("winner_sessions"),
        share("complaint_share"),
        share("error_share"),
        count("gate_sessions"),
        count("attribution_window_s"),
    );
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
