//! The same journeys in a real browser: what each spec found, with the request, cookie or redirect to blame.

use common::clock;
use common::ids::AppId;
use common::settings::{Secret, Settings};
use common::target::Policy;
use common::verdict::{Claim, Confirmation, Figures, Ruling, Verdict};

use crate::browser::{self, BrowserError, Case, CaseOutcome, Quiet, Readiness, Target};
use crate::cli::Profile;
use crate::record::{BrowserCase, BrowserRun, Record};
use crate::run::{Run, RunError};

/// The specs of a run: file, phase, the app that answers for it, what it claims, and the name of the claim.
const SPECS: [(&str, u8, AppId, &str, &str); 6] = [
    ("b2c_funnel.spec.ts", 3, AppId::A5, "a visitor becomes a paying student in a browser", "funnel"),
    ("a5_signup_oidc_crm.spec.ts", 3, AppId::A5, "a sign-up lasts in a browser, and the CRM knows of it", "signup"),
    (
        "checkout.spec.ts",
        4,
        AppId::A5,
        "the checkout takes, declines and delays cards rightly in a browser",
        "checkout",
    ),
    ("a5_doc_a4_outcomes.spec.ts", 5, AppId::A5, "a document is uploaded and its outcome is shown", "documents"),
    ("a7_pages_cta.spec.ts", 5, AppId::A7, "a page counts its call to action seen and clicked", "cta"),
    ("a8_dashboard.spec.ts", 5, AppId::A8, "the dashboard is complete, live and accessible", "dashboard"),
];

/// Runs the specs, if the machine has a browser and the target may be written to.
pub(super) async fn run(run: &mut Run) -> Result<(), RunError> {
    run.go_on()?;
    let began = clock::monotonic();
    run.ui.note("the journeys in a browser begin");
    let outcome = cases(run).await;
    let took_s = began.elapsed().as_secs_f64();
    let record = match outcome {
        Ok(cases) => BrowserRun { cases: cases.into_iter().map(recorded).collect(), missing: None, took_s },
        Err(missing) => BrowserRun { cases: Vec::new(), missing: Some(missing), took_s },
    };
    run.mourn(3)?;
    run.record(Record::Browser(Box::new(record)))
}

/// What the specs found, or why they could not be run.
async fn cases(run: &Run) -> Result<Vec<Case>, String> {
    if run.plan.trial {
        return Err("a trial leaves the browser out".to_owned());
    }
    let environment = run.guard.environment();
    if environment.policy() != Policy::ReadWrite {
        return Err(format!("{} is only to be looked at, and the journeys write", environment.name()));
    }
    let root = browser::root();
    let told = |error: BrowserError| error.to_string();
    let browser = match browser::prepare(&root, &Settings::process()).await.map_err(told)? {
        Readiness::Ready(browser) => browser,
        Readiness::Missing { reason, enable } => return Err(format!("{reason}; to enable: {enable}")),
    };
    let key = |key: &Option<Secret>| key.clone().unwrap_or_else(|| Secret::new(String::new()));
    let target = Target {
        bases: environment.apps().clone(),
        telemetry_key: key(&run.context.telemetry_key),
        admin_key: key(&run.context.admin_key),
    };
    let files: Vec<&str> = SPECS.iter().map(|(file, ..)| *file).collect();
    let stop = run.stop.clone();
    // A quick run goes each way once; the refusals and the other ways are for longer ones and for `cargo xtask test`.
    let tag = (run.plan.profile == Profile::Quick).then_some("@quick");
    let quiet = Quiet { keep: run.browser_folder(), tag };
    tokio::select! {
        report = browser.run(&target, &files, Some(&quiet)) => Ok(report.map_err(told)?.cases),
        () = stop.cancelled() => Err("interrupted".to_owned()),
    }
}

fn recorded(case: Case) -> BrowserCase {
    let (outcome, why) = match case.outcome {
        CaseOutcome::Passed => ("passed", None),
        CaseOutcome::Failed(why) => ("failed", Some(why)),
        CaseOutcome::Skipped(why) => ("skipped", Some(why)),
    };
    let blames = case.cause.as_deref().and_then(|cause| cause.split_whitespace().next()?.parse().ok());
    BrowserCase {
        phase: SPECS.iter().find(|(file, ..)| *file == case.file).map_or(3, |(_, phase, ..)| *phase),
        file: case.file,
        title: case.title,
        outcome: outcome.to_owned(),
        why,
        took_ms: case.took_ms,
        trace_id: case.trace_id,
        hops: case.hops,
        cause: case.cause,
        blames,
        evidence: case.evidence,
    }
}

/// Rules on the specs of a phase: all their tests must pass, and there must be some.
pub(super) fn rule(run: &mut Run, phase: u8) -> Result<(), RunError> {
    let Some(browser) = run.view.browser.clone() else { return Ok(()) };
    for (file, _, app, text, name) in SPECS.into_iter().filter(|(_, of, ..)| *of == phase) {
        let own: Vec<_> = browser.cases.iter().filter(|case| case.file == file).collect();
        let failed: Vec<_> = own.iter().filter(|case| case.outcome == "failed").copied().collect();
        let culprit = failed.iter().find_map(|case| case.blames).unwrap_or(app);
        let claim = Claim {
            id: format!("{}.browser.{name}", culprit.lower()),
            app: culprit,
            phase,
            text: text.to_owned(),
            kind: "check".into(),
            gate: true,
            known_issue: None,
        };
        let (verdict, line) = verdict(&browser, &own, &failed);
        run.record(Record::Ruled(Ruling::new(claim, verdict, line, "cargo xtask suite b2c")))?;
    }
    Ok(())
}

fn verdict(browser: &BrowserRun, own: &[&BrowserCase], failed: &[&BrowserCase]) -> (Verdict, String) {
    let missing = browser.missing.clone().or_else(|| {
        let skipped = own.iter().find(|case| case.outcome == "skipped")?;
        Some(format!("{}: {}", skipped.title, skipped.why.as_deref().unwrap_or("skipped")))
    });
    let counted = Figures::counted("browser tests", own.len() as u64, failed.len() as u64);
    match (failed.first(), missing, counted) {
        (Some(first), _, Some(figures)) => {
            let why = first.cause.as_deref().or(first.why.as_deref()).unwrap_or("no reason");
            let line = format!("{} of {} broken; first: {}: {}", failed.len(), own.len(), first.title, first_line(why));
            let traces = failed.iter().filter_map(|case| case.trace_id).collect();
            (Verdict::Fail { figures, traces }, line)
        }
        (_, Some(reason), _) => {
            let line = format!("not tried: {reason}");
            (Verdict::Skipped { reason }, line)
        }
        (None, None, Some(figures)) => {
            let why = "what the journeys left in A8 is asked for by the specs themselves".to_owned();
            let second = Confirmation::SingleSource { why };
            (Verdict::Pass { figures, second }, format!("{} tests in a browser passed", own.len()))
        }
        (_, None, None) => {
            let line = "no test of this spec ran".to_owned();
            (Verdict::nothing_seen("browser tests", "at least 1"), line)
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or(text)
}
