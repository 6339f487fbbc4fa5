//! One fault in an ecosystem of its own, and the check that should notice.

use std::path::{Path, PathBuf};
use std::time::Duration;

use common::check::{Check, CheckContext, CheckReport};
use common::client::Client;
use common::fault::{Edge, FaultProxy, Rule, RuleErrors, Rules};
use common::guard::Guard;
use common::ids::AppId;
use common::service::Defect;
use common::suite::{Fault, FaultKind};

use super::catalogue::{By, Case};
use super::{Outcome, Seen, blame};
use crate::embedded::{Embedded, EmbeddedPlan};
use crate::run::RunError;
use crate::suites;

/// How long a check waits for an effect that a fault may have swallowed.
const PATIENCE: Duration = Duration::from_secs(4);

/// Starts the eight apps with the fault, runs the check, ends them.
pub(super) async fn tried(case: &Case, folder: &Path) -> Result<Outcome, RunError> {
    let mut plan = EmbeddedPlan::private(AppId::ALL.to_vec(), place(folder, &case.fault.id)?);
    seed(&mut plan.defects, &mut plan.proxies, &case.fault);
    let embedded = Embedded::start(&plan).await?;
    let proxy = disturb(&embedded, &case.fault)?;
    let context = context(&embedded)?;
    let outcome = looked_at(case, &context, proxy).await;
    embedded.stop().await;
    Ok(outcome)
}

/// A folder of its own below `folder` for what is called so, by whomever.
pub(super) fn place(folder: &Path, name: &str) -> Result<PathBuf, RunError> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' };
    let name: String = name.chars().take(60).map(plain).collect::<String>() + "-";
    let made = tempfile::Builder::new().prefix(name.trim_start_matches('.')).tempdir_in(folder);
    let made = made.map(tempfile::TempDir::keep);
    made.map_err(|error| RunError::Configuration(format!("no folder for a trial: {error}")))
}

/// Adds what the fault needs to a plan of embedded apps: its defect, or the place of its proxy.
pub(super) fn seed(defects: &mut Vec<(AppId, Defect)>, proxies: &mut Vec<Edge>, fault: &Fault) {
    match &fault.kind {
        FaultKind::Defect(defect) => defects.push((fault.blames, *defect)),
        FaultKind::Wire { at, from, .. } => proxies.push(Edge { at: *at, from: *from }),
    }
}

/// Gives the proxy of a fault on the wire its rules.
pub(super) fn disturb<'a>(embedded: &'a Embedded, fault: &Fault) -> Result<Option<&'a FaultProxy>, RunError> {
    let FaultKind::Wire { at, from, rules } = &fault.kind else { return Ok(None) };
    let rules = rules_of(fault, rules)?;
    let proxy = embedded.proxy(*at, *from);
    if let Some(proxy) = proxy {
        proxy.replace(rules);
    }
    Ok(proxy)
}

/// The rules of a fault, as its proxy takes them.
pub(super) fn rules_of(fault: &Fault, rules: &[Rule]) -> Result<Rules, RunError> {
    let wrong = |errors: RuleErrors| RunError::Configuration(format!("{}: {errors}", fault.id));
    Rules::of(rules.to_vec()).map_err(wrong)
}

/// What a check gets of these apps.
pub(super) fn context(embedded: &Embedded) -> Result<CheckContext, RunError> {
    let client = Client::new(std::sync::Arc::new(Guard::new(embedded.environment.clone())))?;
    let mut context = CheckContext::new(client);
    context.telemetry_key = Some(embedded.telemetry_key.clone());
    context.admin_key = Some(embedded.admin_key.clone());
    context.patience = PATIENCE;
    Ok(context)
}

/// The checks that may notice.
pub(super) fn checks(case: &Case) -> Vec<Check> {
    match case.by {
        By::AnyCheck => suites::suite(case.fault.at()).checks,
        _ => named(&case.fault.caught_by).into_iter().collect(),
    }
}

async fn looked_at(case: &Case, context: &CheckContext, proxy: Option<&FaultProxy>) -> Outcome {
    let checks = checks(case);
    let idle = || proxy.is_some_and(|proxy| proxy.counts().is_empty());
    let mut took_s = 0.0;
    let mut skipped = None;
    for check in &checks {
        let report = check.run(context.clone()).await;
        took_s += report.took_us.as_ms() / 1_000.0;
        if let Some(why) = &report.skipped {
            skipped = Some(why.clone());
        } else if !report.holds() && !idle() {
            return shown(case, context, check, &report, took_s).await;
        }
    }
    let seen = match skipped {
        Some(why) if checks.len() == 1 => Seen::NotTried { why },
        _ if checks.is_empty() => Seen::NotTried { why: format!("there is no check {}", case.fault.caught_by) },
        _ if idle() => Seen::NotTried { why: disturbed_nothing(case) },
        _ => Seen::Missed,
    };
    outcome(case, seen, String::new(), None)
}

/// Why a fault on the wire was not tried although what should notice it ran.
pub(super) fn disturbed_nothing(case: &Case) -> String {
    format!("its rules disturbed nothing while {} was looked at", case.fault.caught_by)
}

/// The check of this id, of whichever app.
pub(super) fn named(id: &str) -> Option<Check> {
    let app: AppId = id.split('.').next()?.parse().ok()?;
    suites::suite(app).check(id).cloned()
}

async fn shown(case: &Case, context: &CheckContext, check: &Check, report: &CheckReport, took_s: f64) -> Outcome {
    let blamed = blame::of(context, check).await;
    let seen = if blamed == case.fault.blames { Seen::Caught } else { Seen::WronglyBlamed { app: blamed } };
    let line = report.broken_lines().into_iter().next().unwrap_or_else(|| "nothing was asserted".to_owned());
    let alone = check.needs.iter().all(|app| *app == check.app);
    Outcome { alone, ..outcome(case, seen, line, Some(took_s)) }
}

pub(super) fn outcome(case: &Case, seen: Seen, shown_by: String, detected_after_s: Option<f64>) -> Outcome {
    let fault = &case.fault;
    Outcome {
        id: fault.id.clone(),
        breaks: fault.breaks.clone(),
        place: fault.place(),
        caught_by: fault.caught_by.clone(),
        blames: fault.blames,
        seen,
        alone: false,
        shown_by,
        detected_after_s,
    }
}
