//! Healthy ecosystems that are asked everything the catalogue asks: what does not hold there is a false alarm.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use common::check::{ARRIVAL_LIMIT, Check};
use common::clock;
use common::ids::AppId;
use tokio_util::sync::CancellationToken;

use super::{Case, Control, trial};
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
    let ids: BTreeSet<_> = cases.iter().map(|case| case.fault.caught_by.as_str()).collect();
    let checks: Vec<Check> = ids.into_iter().filter_map(trial::named).collect();
    let mut controls = Vec::new();
    for time in 1..=times {
        if stop.is_cancelled() {
            return Err(RunError::Interrupted);
        }
        let control = match one(&checks, &folder.join(format!("healthy-{time}"))).await {
            Ok(control) => control,
            Err(error) => nothing().with_alarm(format!("it could not be asked: {error}")),
        };
        let alarms = control.false_alarms.len();
        ui.note(&format!(
            "  healthy {time} of {times}: {} checks, {alarms} false alarms, {}",
            control.checks,
            duration(control.took_s)
        ));
        control.false_alarms.iter().for_each(|alarm| ui.note(&format!("    FALSE ALARM {alarm}")));
        controls.push(control);
    }
    Ok(controls)
}

async fn one(checks: &[Check], data: &Path) -> Result<Control, RunError> {
    let began = clock::monotonic();
    let apps = AppId::ALL.to_vec();
    let embedded = Embedded::start(&EmbeddedPlan::private(apps, data.to_owned())).await?;
    let mut context = trial::context(&embedded)?;
    context.patience = ARRIVAL_LIMIT;
    let mut control = nothing();
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

fn nothing() -> Control {
    Control { checks: 0, assertions: 0, skipped: Vec::new(), false_alarms: Vec::new(), took_s: 0.0 }
}

impl Control {
    fn with_alarm(mut self, alarm: String) -> Self {
        self.false_alarms.push(alarm);
        self
    }
}
