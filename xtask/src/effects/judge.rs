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
    let again = cells.iter().find(|cell| !cell.holds()).map_or(RERUN, |cell| cell.again.as_str());
    // An app that kept nothing of what it acknowledged has anomalies and no effects.
    let Some(figures) = Figures::counted("effects", effects.max(anomalies), anomalies) else {
        return Ruling::new(claim, Verdict::nothing_seen("effects", "effects that can be read"), line, again);
    };
    if anomalies > 0 {
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
            figures: Some(figures),
            observed: format!("under {fault}: {why}"),
            required: "a fault that comes about, and effects that come to rest".to_owned(),
        },
        None => Verdict::Pass {
            figures,
            second: Confirmation::SingleSource { why: "the history is compared with what the apps keep".to_owned() },
        },
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
