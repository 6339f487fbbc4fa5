//! Functional checks, and the completeness of telemetry.

use common::check::Check;
use common::ids::AppId;
use common::reconcile::Reconciliation;
use common::slo::{Decision, Reason, Terms};
use common::verdict::{Claim, Confirmation, Figures, Ruling, SecondSource, Verdict, from_findings};

use super::{Run, RunError};
use crate::record::{Record, StudentWalks};

/// So much must be shown to be reported before it is a pass; a single one that is not is a failure.
const COMPLETE: common::slo::Claim = common::slo::Claim::SuccessAtLeast { target: 0.95 };

/// Carries out the selected checks of a phase and rules on each.
pub(crate) async fn checks(run: &mut Run, phase: u8, wanted: impl Fn(&Check) -> bool) -> Result<(), RunError> {
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
    let nobody = run.view.students.as_ref().is_some_and(StudentWalks::nobody_signed_up);
    if nobody && check.phase > 3 && check.app == AppId::A5 {
        return Some("nobody came through the sign-up, which it begins with: mend that first".to_owned());
    }
    let dead = std::iter::once(&check.app).chain(check.needs).find(|app| run.is_dead(**app))?;
    Some(format!("{dead} is dead"))
}

/// Rules, app by app, on whether what should have reached A8 in this phase did.
pub(super) fn telemetry(run: &mut Run, phase: u8, apps: &[AppId]) -> Result<(), RunError> {
    for app in apps {
        let of_app = run.view.reconciliations.iter().filter(|(of, entry)| *of == phase && entry.app == *app);
        let own: Vec<_> = of_app.map(|(_, entry)| entry).collect();
        if own.is_empty() {
            continue;
        }
        let (verdict, line) = completeness(&own);
        let text = format!("every sampled request of {app} reaches A8 once, within 60 s, with the same figures");
        let claim = claim(phase, *app, format!("{}.telemetry.phase{phase}", app.lower()), text, "telemetry");
        let rerun = format!("cargo xtask suite {}", app.lower());
        run.record(Record::Ruled(Ruling::new(claim, verdict, line, rerun)))?;
    }
    Ok(())
}

/// Judges what A8 knows of one app's requests. What differed once and not in the fresh measurement is set aside: it is
/// neither shown nor cleared.
fn completeness(own: &[&Reconciliation]) -> (Verdict, String) {
    let again = |entry: &Reconciliation| {
        let fresh = |other: &&&Reconciliation| other.attempt > entry.attempt && other.route == entry.route;
        own.iter().find(fresh).copied()
    };
    let set_aside =
        |entry: &&&Reconciliation| entry.anomalies() > 0 && again(entry).is_some_and(|f| f.anomalies() == 0);
    let aside: Vec<_> = own.iter().filter(set_aside).map(|entry| entry.route.as_str()).collect();
    let counted: Vec<_> = own.iter().filter(|entry| !set_aside(entry)).collect();
    let sum = |part: fn(&Reconciliation) -> u64| counted.iter().map(|entry| part(entry)).sum::<u64>();
    let (expected, bad, matched) = (sum(|e| e.expected), sum(Reconciliation::anomalies), sum(|e| e.matched));
    let traces = counted.iter().flat_map(|entry| entry.examples.iter().map(|example| example.trace_id)).collect();
    let judgement = COMPLETE.judge(matched.min(expected), expected, Terms::default());
    let share = |share: f64| share * 100.0;
    let line = format!(
        "{matched} of {expected} sampled requests match, so {:.1} % to {:.1} % of all are reported; {} lost, {} late, {} twice, \
         {} with other figures",
        share(judgement.interval.lower),
        share(judgement.interval.upper),
        sum(|e| e.lost),
        sum(|e| e.late),
        sum(|e| e.duplicated),
        sum(|e| e.disagreeing)
    );
    let Some(figures) = Figures::counted("sampled requests", expected, bad) else {
        return (Verdict::nothing_seen("sampled requests", "at least 1"), line);
    };
    let figures = Figures { judgement: Some(judgement), ..figures };
    let undecided = |reason, figures, observed: String, required: &str| {
        let required = required.to_owned();
        Verdict::Inconclusive { reason, figures: Some(figures), observed, required }
    };
    if bad > 0 {
        return (Verdict::Fail { figures, traces }, line);
    }
    if !aside.is_empty() {
        let observed = format!("{} differed once and not when measured again", aside.join(", "));
        let line = format!("{line}; set aside: {observed}");
        return (undecided(Reason::Unconfirmed, figures, observed, "two measurements that agree"), line);
    }
    match judgement.decision {
        Decision::Pass => {
            let why = "it is the comparison of the two sources itself".to_owned();
            (Verdict::Pass { figures, second: Confirmation::SingleSource { why } }, line)
        }
        _ => {
            let needed =
                judgement.samples_needed.map_or_else(|| "more".to_owned(), |more| (expected + more).to_string());
            let observed = format!("{expected} sampled requests");
            (undecided(Reason::TooFew, figures, observed, &format!("{needed} that match")), line)
        }
    }
}

fn claim(phase: u8, app: AppId, id: String, text: String, kind: &str) -> Claim {
    Claim { id, app, phase, text, kind: kind.to_owned(), gate: true, known_issue: None }
}
