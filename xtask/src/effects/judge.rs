//! What a drive shows: one ruling for each app.

use common::ids::AppId;
use common::slo::Reason;
use common::verdict::{Claim, Confirmation, Figures, Ruling, Verdict};

use crate::record::EffectsReport;

const RERUN: &str = "cargo xtask suite resiliency";

/// One ruling for each app that was driven.
pub(crate) fn rulings(report: &EffectsReport) -> Vec<Ruling> {
    let mut apps: Vec<AppId> = report.cells.iter().map(|cell| cell.app).collect();
    apps.dedup();
    apps.into_iter().map(|app| judge(app, report)).collect()
}

/// Every cell of an app holds, or it fails; a cell that shows nothing is no pass.
fn judge(app: AppId, report: &EffectsReport) -> Ruling {
    let cells: Vec<_> = report.cells.iter().filter(|cell| cell.app == app).collect();
    let effects: u64 = cells.iter().map(|cell| cell.checked.effects).sum();
    let anomalies: u64 = cells.iter().map(|cell| cell.anomalies()).sum();
    let crashes: u64 = cells.iter().map(|cell| cell.checked.crashes).sum();
    let disturbed: u64 = cells.iter().flat_map(|cell| cell.disturbed.values()).sum();
    let line = format!(
        "{effects} effects read after {crashes} kills and {disturbed} disturbed requests: {anomalies} anomalies, seed {}",
        report.seed
    );
    let claim = claim(app);
    if let Some((cell, why)) = cells.iter().find_map(|cell| cell.not_started.as_ref().map(|why| (cell, why)))
        && let Some(figures) = Figures::counted("cells", cells.len() as u64, 1)
    {
        let line = format!("it was not there again after a kill, under {}: {why}", cell.fault);
        return Ruling::new(claim, Verdict::Fail { figures, traces: Vec::new() }, line, &cell.again);
    }
    let again = cells.iter().find(|cell| !cell.holds()).map_or(RERUN, |cell| cell.again.as_str());
    // What is lost altogether is no effect that was read.
    let figures = Figures::counted("effects", effects.max(anomalies), anomalies);
    if let (Some(figures), true) = (&figures, anomalies > 0) {
        let figures = figures.clone();
        let first = cells.iter().flat_map(|cell| &cell.checked.anomalies).next();
        let first = first.map(|anomaly| format!("; first: {}", anomaly.what)).unwrap_or_default();
        let verdict = Verdict::Fail { figures, traces: Vec::new() };
        return Ruling::new(claim, verdict, format!("{line}{first}"), again);
    }
    let empty: Vec<_> =
        cells.iter().flat_map(|cell| cell.shows_nothing().into_iter().map(|why| (cell.fault, why))).collect();
    let verdict = match empty.first() {
        Some((fault, why)) => Verdict::Inconclusive {
            reason: Reason::TooFew,
            figures,
            observed: format!("under {fault}: {why}"),
            required: "a fault that comes about, and effects that come to rest".to_owned(),
        },
        None => {
            let Some(figures) = figures else {
                return Ruling::new(claim, Verdict::nothing_seen("effects", "effects that can be read"), line, again);
            };
            let why = "the history is compared with what the apps keep".to_owned();
            Verdict::Pass { figures, second: Confirmation::SingleSource { why } }
        }
    };
    Ruling::new(claim, verdict, line, again)
}

/// What is promised of an app's effects.
pub(crate) fn claim(app: AppId) -> Claim {
    Claim {
        id: format!("{}.effects", app.lower()),
        app,
        phase: 7,
        text: "keeps every acknowledged effect once, under kills and lost answers".to_owned(),
        kind: "resilience".into(),
        gate: true,
        known_issue: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::EffectsCell;
    use crate::report::fixture;

    /// What is ruled of A6 once `change` was made to its cells, of which all held.
    fn with(change: impl Fn(&mut EffectsCell)) -> Ruling {
        let mut report = fixture::view().effects.unwrap();
        report.cells.retain(|cell| cell.app == AppId::A2);
        assert!(report.holds());
        report.cells.iter_mut().for_each(change);
        rulings(&report).remove(0)
    }

    #[test]
    fn an_app_passes_with_effects_and_fails_with_one_anomaly() {
        assert!(with(|_| ()).verdict.is_pass());
        let doubled = fixture::view().effects.unwrap();
        let doubled = rulings(&doubled).into_iter().find(|ruling| ruling.claim.app == AppId::A6).unwrap();
        assert!(doubled.verdict.is_fail(), "{doubled:?}");
    }

    #[test]
    fn a_cell_that_broke_off_or_read_nothing_decides_nothing() {
        let broke = with(|cell| cell.broke_off = Some("A2 answered 503".into()));
        let Verdict::Inconclusive { observed, .. } = &broke.verdict else { panic!("{broke:?}") };
        assert!(observed.contains("A2 answered 503"), "{observed}");
        assert_eq!(with(|cell| cell.checked.effects = 0).verdict.as_str(), "INCONCLUSIVE");
        assert_eq!(with(|cell| cell.came_to_rest = false).verdict.as_str(), "INCONCLUSIVE");
    }

    #[test]
    fn an_app_that_is_not_there_again_after_a_kill_has_failed() {
        let gone = with(|cell| cell.not_started = Some("A2 did not start within 20 s".into()));
        assert!(gone.verdict.is_fail() && gone.explanation.contains("did not start within 20 s"), "{gone:?}");
    }
}
