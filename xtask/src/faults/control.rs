//! Healthy ecosystems that are asked everything the catalogue asks: what does not hold there is a false alarm.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::check::Check;
use common::clock;
use common::ids::AppId;
use tokio_util::sync::CancellationToken;

use super::catalogue::By;
use super::{Case, Control, trial, walk};
use crate::embedded::{Embedded, EmbeddedPlan};
use crate::report::duration;
use crate::run::RunError;
use crate::ui::Ui;

/// Goes through so many healthy ecosystems, each with a data folder of its own.
pub(super) async fn healthy(
    times: u32,
    cases: &[Case],
    folder: &Path,
    ui: &Arc<Ui>,
    stop: &CancellationToken,
) -> Result<Vec<Control>, RunError> {
    let checks: BTreeMap<_, Check> = cases.iter().flat_map(trial::checks).map(|check| (check.id, check)).collect();
    let checks: Vec<Check> = checks.into_values().collect();
    let mut controls = Vec::new();
    for time in 1..=times {
        if stop.is_cancelled() {
            return Err(RunError::Interrupted);
        }
        if checks.is_empty() {
            break;
        }
        let control = asked(one(&checks, trial::place(folder, "healthy")?).await, "checks");
        tell(&control, &format!("healthy {time} of {times}"), ui);
        controls.push(control);
    }
    if times > 0 {
        for whole in distinct(cases) {
            if stop.is_cancelled() {
                return Err(RunError::Interrupted);
            }
            let control = asked(run(whole, folder, stop).await, &whole.seen_in());
            tell(&control, &format!("healthy {}", control.of), ui);
            controls.push(control);
        }
    }
    Ok(controls)
}

fn tell(control: &Control, which: &str, ui: &Ui) {
    let (alarms, took) = (control.false_alarms.len(), duration(control.took_s));
    ui.note(&format!("  {which}: asked {}, {alarms} false alarms, {took}", control.checks));
    control.false_alarms.iter().for_each(|alarm| ui.note(&format!("    FALSE ALARM {alarm}")));
}

/// One case of each run, so that each run is gone through once.
fn distinct(cases: &[Case]) -> Vec<&Case> {
    let mut whole: Vec<&Case> = Vec::new();
    for case in cases.iter().filter(|case| !matches!(case.by, By::Check | By::AnyCheck)) {
        let alike = |other: &&Case| {
            other.by == case.by && (!matches!(case.by, By::Effects { .. }) || other.fault.blames == case.fault.blames)
        };
        if !whole.iter().any(alike) {
            whole.push(case);
        }
    }
    whole
}

/// Goes through the run of a case without its fault: no claim that decides may fail.
async fn run(case: &Case, folder: &Path, stop: &CancellationToken) -> Result<Control, RunError> {
    let began = clock::monotonic();
    let seen = walk::gone_through(case, None, folder, stop).await?;
    let deciding = seen.rulings.iter().filter(|ruling| ruling.claim.gate);
    let failed = deciding.clone().filter(|ruling| ruling.verdict.is_fail());
    let failed = failed.map(|ruling| format!("{}: {}", ruling.claim.id, ruling.explanation));
    Ok(Control {
        checks: deciding.count() as u64,
        false_alarms: failed.chain(seen.broke_off.map(|why| format!("it broke off: {why}"))).collect(),
        took_s: began.elapsed().as_secs_f64(),
        ..nothing(&case.seen_in())
    })
}

/// A control that could not be asked is an alarm too.
fn asked(control: Result<Control, RunError>, of: &str) -> Control {
    control.unwrap_or_else(|error| {
        let alarm = format!("it could not be asked: {error}");
        Control { false_alarms: vec![alarm], ..nothing(of) }
    })
}

async fn one(checks: &[Check], data: PathBuf) -> Result<Control, RunError> {
    let began = clock::monotonic();
    let apps = AppId::ALL.to_vec();
    let embedded = Embedded::start(&EmbeddedPlan::private(apps, data)).await?;
    // As patient as a trial, so that what would be an alarm there is one here.
    let context = trial::context(&embedded)?;
    let mut control = nothing("checks");
    for check in checks {
        let report = check.run(context.clone()).await;
        if let Some(why) = &report.skipped {
            control.skipped.push(format!("{}: {why}", report.id));
            continue;
        }
        control.checks += 1;
        control.assertions += report.findings.len() as u64;
        if !report.holds() {
            let line = report.broken_lines().into_iter().next().unwrap_or_else(|| "nothing was asserted".to_owned());
            control.false_alarms.push(format!("{}: {line}", report.id));
        }
    }
    embedded.stop().await;
    control.took_s = began.elapsed().as_secs_f64();
    Ok(control)
}

fn nothing(of: &str) -> Control {
    Control { of: of.to_owned(), checks: 0, assertions: 0, skipped: Vec::new(), false_alarms: Vec::new(), took_s: 0.0 }
}
