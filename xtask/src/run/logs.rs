//! Acknowledged writes in the apps' own transaction logs: what was acknowledged under load is there, once and as sent.

use common::ids::AppId;
use common::reconcile::LogComparison;
use common::slo::Reason;
use common::verdict::{Claim, Confirmation, Figures, Ruling, Verdict};

use super::{Run, RunError};
use crate::record::Record;

/// Rules on each app whose log was asked in this phase. One lost, doubled or altered record is a failure: that is counted,
/// not estimated.
pub(super) fn rule(run: &mut Run, phase: u8) -> Result<(), RunError> {
    for app in AppId::ALL {
        let own = run.view.reconciliations.iter().filter(|(of, entry)| *of == phase && entry.app == app);
        let logs: Vec<_> = own.filter_map(|(_, entry)| entry.log.clone()).collect();
        let Some(first) = logs.first() else { continue };
        let claim = Claim {
            id: format!("{}.log.phase{phase}", app.lower()),
            app,
            phase,
            text: format!("every write that {app} acknowledged is in {}, once and as sent", first.source),
            kind: "telemetry".into(),
            gate: true,
            known_issue: None,
        };
        let (verdict, line) = judge(&logs);
        let rerun = format!("cargo xtask suite {}", app.lower());
        run.record(Record::Ruled(Ruling::new(claim, verdict, line, rerun)))?;
    }
    Ok(())
}

fn judge(logs: &[LogComparison]) -> (Verdict, String) {
    let sum = |part: fn(&LogComparison) -> u64| logs.iter().map(part).sum::<u64>();
    let (writes, records, found) = (sum(|log| log.writes), sum(|log| log.records), sum(|log| log.found));
    let (lost, doubled, altered) = (sum(|log| log.lost), sum(|log| log.duplicated), sum(|log| log.altered));
    let (bad, unread) = (lost + doubled + altered, sum(|log| log.unread));
    let line = format!(
        "{writes} acknowledged writes looked for: {found} of {records} records found as sent, {lost} lost, {doubled} twice, \
         {altered} altered, {unread} could not be read"
    );
    let Some(figures) = Figures::counted("records", records, bad.min(records)) else {
        return (Verdict::nothing_seen("records", "at least 1 acknowledged write"), line);
    };
    let verdict = if bad > 0 {
        let traces = logs.iter().flat_map(|log| log.examples.iter().map(|example| example.trace_id)).collect();
        Verdict::Fail { figures, traces }
    } else if unread > 0 || found < records {
        let observed = format!("{unread} writes whose log could not be read");
        let required = "a log that answers".to_owned();
        Verdict::Inconclusive { reason: Reason::TelemetryGap, figures: Some(figures), observed, required }
    } else {
        let why = "it is the comparison of the probe with the log itself".to_owned();
        Verdict::Pass { figures, second: Confirmation::SingleSource { why } }
    };
    (verdict, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(found: u64, lost: u64, unread: u64) -> LogComparison {
        let records = found + lost;
        LogComparison {
            source: "A2's lineage".into(),
            writes: 9,
            records,
            found,
            lost,
            unread,
            ..LogComparison::default()
        }
    }

    #[test]
    fn one_lost_record_is_a_failure_and_a_log_that_cannot_be_read_is_no_pass() {
        assert!(judge(&[log(9, 0, 0)]).0.is_pass());
        assert!(judge(&[log(9, 0, 0), log(8, 1, 0)]).0.is_fail());
        for undecided in [vec![log(8, 0, 1)], vec![log(0, 0, 0)], vec![LogComparison::default()]] {
            let (verdict, line) = judge(&undecided);
            assert!(!verdict.is_pass() && !verdict.is_fail(), "{line}");
        }
    }
}
