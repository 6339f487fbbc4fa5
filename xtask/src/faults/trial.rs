//! One fault in an ecosystem of its own, and the check that should notice.

use std::path::Path;
use std::time::Duration;

use common::check::{Check, CheckContext, CheckReport};
use common::client::Client;
use common::guard::Guard;
use common::ids::AppId;
use common::suite::FaultKind;

use super::catalogue::{By, Case};
use super::{Outcome, Seen, blame};
use crate::embedded::{Embedded, EmbeddedPlan};
use crate::run::RunError;
use crate::suites;

/// How long a check waits for an effect that a fault may have swallowed.
const PATIENCE: Duration = Duration::from_secs(4);

/// Starts the eight apps with the fault, runs the check, ends them.
pub(super) async fn tried(case: &Case, folder: &Path) -> Result<Outcome, RunError> {
    let embedded = started(case, folder).await?;
    let context = context(&embedded)?;
    let outcome = looked_at(case, &context).await;
    embedded.stop().await;
    Ok(outcome)
}

/// The eight apps, with the fault of this case.
pub(super) async fn started(case: &Case, folder: &Path) -> Result<Embedded, RunError> {
    let data = folder.join(&case.fault.id);
    let mut plan =
        EmbeddedPlan { apps: AppId::ALL.to_vec(), base_port: 0, data, defects: Vec::new(), hosts_apart: false };
    match &case.fault.kind {
        FaultKind::Defect(defect) => plan.defects.push((case.fault.blames, *defect)),
    }
    Ok(Embedded::start(&plan).await?)
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

async fn looked_at(case: &Case, context: &CheckContext) -> Outcome {
    let checks: Vec<Check> = match case.by {
        By::AnyCheck => suites::suite(case.fault.blames).checks,
        _ => named(&case.fault.caught_by).into_iter().collect(),
    };
    let mut took_s = 0.0;
    let mut skipped = None;
    for check in &checks {
        let report = check.run(context.clone()).await;
        took_s += report.took_us.as_ms() / 1_000.0;
        if let Some(why) = &report.skipped {
            skipped = Some(why.clone());
        } else if !report.holds() {
            return shown(case, context, check, &report, took_s).await;
        }
    }
    let seen = match skipped {
        Some(why) if checks.len() == 1 => Seen::NotTried { why },
        _ if checks.is_empty() => Seen::NotTried { why: format!("there is no check {}", case.fault.caught_by) },
        _ => Seen::Missed,
    };
    outcome(case, seen, String::new(), None)
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
    outcome(case, seen, line, Some(took_s))
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
        shown_by,
        detected_after_s,
    }
}
