//! How long the agent has worked without a person, by its own transaction log.

use common::ids::AppId;
use common::slo::Reason;
use common::verdict::{Claim, Confirmation, Figures, Ruling, Verdict};
use serde_json::Value;

use super::PHASE;
use crate::record::Record;
use crate::run::{Run, RunError};

/// Minutes without a person that are asked for.
const GOAL_MIN: f64 = 200.0;
const RERUN: &str = "cargo xtask suite learning";

/// Rules on the autonomy clock: a short run cannot show 200 minutes, and says so.
pub(super) async fn rule(run: &mut Run) -> Result<(), RunError> {
    if !run.plan.apps().contains(&AppId::A3) || !run.context.has(AppId::A3) || run.is_dead(AppId::A3) {
        return Ok(());
    }
    let reply = run.context.client.get(AppId::A3, "/orchestration/progress").send().await?;
    let progress = reply.json().unwrap_or(Value::Null);
    let (verdict, line) = judge(&progress);
    let claim = Claim {
        id: "a3.autonomy".into(),
        app: AppId::A3,
        phase: PHASE,
        text: "works for more than 200 minutes without a person, and no run fails or stalls".into(),
        kind: "check".into(),
        gate: true,
        known_issue: None,
    };
    run.record(Record::Ruled(Ruling::new(claim, verdict, line, RERUN)))
}

/// Runs that ended, or should have, since a person last acted.
struct Alone {
    completed: u64,
    failed: u64,
    stalled: u64,
}

impl Alone {
    /// `None` where the agent does not tell all of them.
    fn read(progress: &Value) -> Option<Self> {
        let count = |name: &str| progress.pointer(&format!("/autonomy/runs/{name}")).and_then(Value::as_u64);
        Some(Self { completed: count("completed")?, failed: count("failed")?, stalled: count("stalled")? })
    }

    /// Runs that a person would have to look after: A3 does not try a failed run again.
    fn bad(&self) -> u64 {
        self.failed + self.stalled
    }
}

fn judge(progress: &Value) -> (Verdict, String) {
    let minutes = progress.pointer("/autonomy/minutes_since_human").and_then(Value::as_f64);
    let Some(minutes) = minutes else {
        return (Verdict::nothing_seen("minutes", "an autonomy clock"), "the autonomy clock does not run".to_owned());
    };
    let last = progress.pointer("/autonomy/last_human_action").and_then(Value::as_str).unwrap_or("an action");
    let Some(alone) = Alone::read(progress) else {
        let line = format!("{minutes:.1} minutes since a person's last action ({last}); runs since then are not told");
        return (Verdict::nothing_seen("runs", "`autonomy.runs` with completed, failed and stalled"), line);
    };
    let Alone { completed, failed, stalled } = alone;
    let line = format!(
        "{minutes:.1} minutes since a person's last action ({last}), goal {GOAL_MIN:.0}; since then {completed} runs completed, \
         {failed} failed, {stalled} stalled"
    );
    let Some(figures) = Figures::counted("runs that ended or stalled", completed + alone.bad(), alone.bad()) else {
        return (Verdict::nothing_seen("runs", "at least 1 run completed since a person's last action"), line);
    };
    if alone.bad() > 0 {
        return (Verdict::Fail { figures, traces: Vec::new() }, line);
    }
    if minutes <= GOAL_MIN {
        let observed = format!("{minutes:.1} minutes without a person");
        let required =
            format!("more than {GOAL_MIN:.0} minutes: a run of `--profile full`, or apps that have worked longer");
        return (Verdict::Inconclusive { reason: Reason::TooFew, figures: Some(figures), observed, required }, line);
    }
    let why = "only A3 keeps the log of who acted".to_owned();
    (Verdict::Pass { figures, second: Confirmation::SingleSource { why } }, line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn after(minutes: f64, [completed, failed, stalled]: [u64; 3]) -> (Verdict, String) {
        judge(&json!({
            // Runs of all times, which say nothing of the time without a person.
            "total": 900, "runs": { "completed": 900 },
            "autonomy": {
                "minutes_since_human": minutes, "last_human_action": "commissioned",
                "runs": { "completed": completed, "failed": failed, "stalled": stalled, "under_way": 3 },
            }
        }))
    }

    fn is_undecided(verdict: &Verdict) -> bool {
        matches!(verdict, Verdict::Inconclusive { .. })
    }

    #[test]
    fn more_than_200_minutes_of_completed_runs_pass_and_the_words_count_them() {
        let (verdict, line) = after(200.5, [7, 0, 0]);
        assert!(verdict.is_pass());
        assert!(line.ends_with("since then 7 runs completed, 0 failed, 0 stalled"), "{line}");
    }

    #[test]
    fn a_run_that_failed_or_stalled_refutes_it_however_long_nobody_came() {
        for runs in [[0, 1, 0], [40, 1, 0], [40, 0, 1]] {
            assert!(matches!(after(3.5, runs).0, Verdict::Fail { .. }), "{runs:?}");
            assert!(matches!(after(300.0, runs).0, Verdict::Fail { .. }), "{runs:?}");
        }
    }

    #[test]
    fn a_short_time_an_idle_agent_and_one_that_does_not_tell_are_undecided() {
        assert!(is_undecided(&after(3.5, [7, 0, 0]).0));
        assert!(is_undecided(&after(200.0, [7, 0, 0]).0));
        assert!(is_undecided(&after(300.0, [0, 0, 0]).0), "nobody came, and nothing was done");
        assert!(is_undecided(&judge(&json!({})).0));
        let silent = json!({ "total": 7, "autonomy": { "minutes_since_human": 300.0 } });
        assert!(is_undecided(&judge(&silent).0), "runs of all times are no runs without a person");
    }
}
