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
        text: "works for more than 200 minutes without a person".into(),
        kind: "check".into(),
        gate: true,
        known_issue: None,
    };
    run.record(Record::Ruled(Ruling::new(claim, verdict, line, RERUN)))
}

fn judge(progress: &Value) -> (Verdict, String) {
    let minutes = progress.pointer("/autonomy/minutes_since_human").and_then(Value::as_f64);
    let runs = progress["total"].as_u64().unwrap_or(0);
    let Some(minutes) = minutes else {
        return (Verdict::nothing_seen("minutes", "an autonomy clock"), "the autonomy clock does not run".to_owned());
    };
    let last = progress.pointer("/autonomy/last_human_action").and_then(Value::as_str).unwrap_or("an action");
    let line = format!(
        "{minutes:.1} minutes and {runs} runs since a person's last action ({last}), goal {GOAL_MIN:.0} minutes"
    );
    let Some(figures) = Figures::counted("runs", runs, 0) else {
        return (Verdict::nothing_seen("runs", "at least 1 run of the agent"), line);
    };
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

    fn after(minutes: f64) -> Verdict {
        judge(
            &json!({ "total": 7, "autonomy": { "minutes_since_human": minutes, "last_human_action": "commissioned" } }),
        )
        .0
    }

    #[test]
    fn a_short_run_shows_no_autonomy_and_a_long_one_does() {
        assert!(matches!(after(3.5), Verdict::Inconclusive { .. }));
        assert!(matches!(after(200.0), Verdict::Inconclusive { .. }));
        assert!(after(200.5).is_pass());
        assert!(matches!(judge(&json!({})).0, Verdict::Inconclusive { .. }));
    }
}
