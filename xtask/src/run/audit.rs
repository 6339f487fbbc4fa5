//! Functional checks, and the completeness of telemetry.

use common::check::Check;
use common::ids::AppId;
use common::verdict::{Claim, Confirmation, Figures, Ruling, SecondSource, Verdict, from_findings};

use super::{Run, RunError};
use crate::record::Record;

/// Carries out the selected checks of a phase and rules on each.
pub(super) async fn checks(run: &mut Run, phase: u8, wanted: impl Fn(&Check) -> bool) -> Result<(), RunError> {
    let only = run.plan.selection.clone();
    if only.scenario.is_some() {
        return Ok(());
    }
    let checks: Vec<Check> = run.plan.suites().into_iter().flat_map(|suite| suite.checks).collect();
    let selected = checks.into_iter().filter(|check| match &only.check {
        Some(id) => check.id == id,
        None => check.phase == phase && wanted(check),
    });
    for check in selected {
        run.go_on()?;
        let claim = claim(phase, check.app, check.id.to_owned(), check.claim.to_owned(), "check");
        let rerun = format!("cargo xtask suite {} --check {}", check.app.lower(), check.id);
        if let Some(missing) = missing(run, &check) {
            let verdict = Verdict::Skipped { reason: missing.clone() };
            run.record(Record::Ruled(Ruling::new(claim, verdict, format!("not tried: {missing}"), rerun)))?;
            continue;
        }
        let report = check.run(run.context.clone()).await;
        run.mourn(phase)?;
        let second = SecondSource::Absent { why: "the check reads its effects back itself".into() };
        let (verdict, line) = from_findings(&report, &second);
        run.record(Record::Checked { phase, report })?;
        run.record(Record::Ruled(Ruling::new(claim, verdict, line, rerun)))?;
    }
    Ok(())
}

/// An app without which the check says nothing about its own app.
fn missing(run: &Run, check: &Check) -> Option<String> {
    let absent = check.needs.iter().find(|app| !run.context.has(**app));
    if let Some(app) = absent {
        return Some(format!("the target has no {app}: add it to targets.yaml"));
    }
    let dead = std::iter::once(&check.app).chain(check.needs).find(|app| run.is_dead(**app))?;
    Some(format!("{dead} is dead"))
}

/// Rules, app by app, on whether what should have reached A8 in this phase did.
pub(super) fn telemetry(run: &mut Run, phase: u8, apps: &[AppId]) -> Result<(), RunError> {
    for app in apps {
        let own: Vec<_> =
            run.view.reconciliations.iter().filter(|(of, entry)| *of == phase && entry.app == *app).collect();
        let sum =
            |part: fn(&common::reconcile::Reconciliation) -> u64| own.iter().map(|(_, entry)| part(entry)).sum::<u64>();
        let expected = sum(|entry| entry.expected);
        let bad = sum(|entry| entry.lost + entry.late + entry.duplicated + entry.disagreeing);
        let (lost, late) = (sum(|entry| entry.lost), sum(|entry| entry.late));
        let (doubled, differing) = (sum(|entry| entry.duplicated), sum(|entry| entry.disagreeing));
        let matched = sum(|entry| entry.matched);
        let traces = own.iter().flat_map(|(_, entry)| entry.examples.iter().map(|example| example.trace_id)).collect();
        if own.is_empty() {
            continue;
        }
        let text = format!("every sampled request of {app} reaches A8 once, within 60 s, with the same figures");
        let claim = claim(phase, *app, format!("{}.telemetry.phase{phase}", app.lower()), text, "telemetry");
        let line = format!(
            "{matched} of {expected} sampled requests match; {lost} lost, {late} late, {doubled} twice, {differing} with other figures"
        );
        let verdict = match (Figures::counted("sampled requests", expected, bad), matched) {
            (Some(figures), _) if bad > 0 => Verdict::Fail { figures, traces },
            (Some(figures), 1..) => {
                let why = "it is the comparison of the two sources itself".to_owned();
                Verdict::Pass { figures, second: Confirmation::SingleSource { why } }
            }
            _ => Verdict::nothing_seen("sampled requests", "at least 1"),
        };
        let rerun = format!("cargo xtask suite {}", app.lower());
        run.record(Record::Ruled(Ruling::new(claim, verdict, line, rerun)))?;
    }
    Ok(())
}

fn claim(phase: u8, app: AppId, id: String, text: String, kind: &str) -> Claim {
    Claim { id, app, phase, text, kind: kind.to_owned(), gate: true, known_issue: None }
}
