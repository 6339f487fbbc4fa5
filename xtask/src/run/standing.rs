//! What an app promises over more than one route or one run: room below its limits, uptime, an error budget that does not
//! burn. Judged at the end from what the run and earlier ones recorded; nothing is sent for it.

mod burn;
mod headroom;
mod regression;
mod uptime;

use common::ids::AppId;
use common::verdict::{Claim, Ruling, Verdict};

use super::{Run, RunError};
use crate::baseline::{Baseline, BaselineName};
use crate::record::Record;

/// Rules on what each judged app promises as a whole. Part of a suite says nothing about that.
pub(super) fn rule(run: &mut Run) -> Result<(), RunError> {
    let only = &run.plan.selection;
    if only.scenario.is_some() || only.check.is_some() || only.funnel.is_some() || only.phase.is_some() {
        return Ok(());
    }
    let baseline = Baseline::load(&run.baselines, &BaselineName::default());
    let compared = regression::compare(&run.view, baseline);
    for app in run.plan.apps() {
        if !run.context.has(app) {
            continue;
        }
        let (view, profile) = (&run.view, run.plan.profile);
        let rulings = [
            ruling(app, "headroom", "leaves a fifth of each latency limit free", headroom::judge(view, app)),
            ruling(app, "uptime", "answers 99.9 % of health probes", uptime::judge(view, app)),
            ruling(app, "regression", "is not slower than its baseline", regression::judge(&compared, app)),
            ruling(app, "burn", "burns no error budget: no alert fires", burn::judge(view, app, profile)),
        ];
        for ruling in rulings {
            run.record(Record::Ruled(ruling))?;
        }
    }
    Ok(())
}

fn ruling(app: AppId, kind: &str, text: &str, (verdict, line): (Verdict, String)) -> Ruling {
    let claim = Claim {
        id: format!("{}.{kind}", app.lower()),
        app,
        phase: 2,
        text: text.to_owned(),
        kind: kind.to_owned(),
        gate: true,
        known_issue: None,
    };
    Ruling::new(claim, verdict, line, format!("cargo xtask suite {}", app.lower()))
}
