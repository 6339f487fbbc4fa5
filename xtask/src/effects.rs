//! Effects checked as a database tester would: concurrent clients, an app that is killed and disturbed meanwhile, and at
//! the end a proof by reading that every acknowledged effect happened once, and nothing else did.

mod apps;
mod cell;
mod client;
mod files;
mod judge;
mod quiet;
mod text;
mod wire;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use common::clock;
use common::history::{Fault, History};
use common::ids::AppId;
use common::service::Defect;
use common::verdict::{Outcome, exit_code};

use crate::cli::{self, EffectsArgs};
use crate::commands::fail;
use crate::embedded::{Embedded, EmbeddedPlan};
pub(crate) use judge::{claim, rulings};

use cell::Earlier;

use crate::record::{EFFECT_APPS, EffectsCell, EffectsReport};

/// The folder of histories, beside the record of a run and in its bundle of evidence.
pub(crate) const FOLDER: &str = "effects";
/// How long a cell waits for everything to come to rest, and how long an event may take to arrive.
pub(crate) const REST_WITHIN: Duration = Duration::from_secs(20);

/// What is to be driven.
#[derive(Debug, Clone)]
pub(crate) struct EffectsPlan {
    pub(crate) seed: u64,
    /// Intents in each cell.
    pub(crate) intents: u32,
    /// Of A2, A3, A5 and A6.
    pub(crate) apps: Vec<AppId>,
    pub(crate) faults: Vec<Fault>,
    pub(crate) defects: Vec<(AppId, Defect)>,
    /// Where the private ecosystem keeps its data.
    pub(crate) data: PathBuf,
    /// Where histories are written, a file a cell; none if nowhere.
    pub(crate) histories: Option<PathBuf>,
    pub(crate) rest_within: Duration,
}

/// Drives every app under every fault in an ecosystem of its own. `say` hears of each cell when it is done. A cell in which
/// something does not answer says so and takes nothing from the others.
///
/// # Errors
/// When the ecosystem does not start.
pub(crate) async fn drive(plan: &EffectsPlan, say: &(dyn Fn(&str) + Sync)) -> Result<EffectsReport, String> {
    let (started, started_at) = (clock::monotonic(), clock::rfc3339(clock::unix_ms()));
    // With themselves, the apps need those that they call, and A8.
    let apps: BTreeSet<AppId> = plan.apps.iter().flat_map(|app| apps::needs(*app)).copied().collect();
    let embedded = EmbeddedPlan {
        apps: apps.into_iter().collect(),
        base_port: 0,
        data: plan.data.clone(),
        defects: plan.defects.clone(),
        options: Vec::new(),
        hosts_apart: false,
        proxies: Vec::new(),
    };
    let mut embedded = Embedded::start(&embedded).await.map_err(|error| error.to_string())?;
    let driven = cells(plan, &mut embedded, say).await;
    embedded.stop().await;
    Ok(EffectsReport {
        seed: plan.seed,
        intents: plan.intents,
        started_at,
        took_s: started.elapsed().as_secs_f64(),
        arrival_limit_s: plan.rest_within.as_secs_f64(),
        defects: plan.defects.iter().map(cli::as_flag).collect(),
        cells: driven,
    })
}

async fn cells(plan: &EffectsPlan, embedded: &mut Embedded, say: &(dyn Fn(&str) + Sync)) -> Vec<EffectsCell> {
    let mut cells = Vec::new();
    let mut earlier = Earlier::default();
    for app in &plan.apps {
        let mut is_gone = false;
        for fault in &plan.faults {
            let (mut cell, history) = if is_gone {
                let why = Some(format!("{app} was not there again after an earlier kill"));
                (EffectsCell { broke_off: why, ..cell::untried(plan, (*app, *fault)) }, History::default())
            } else {
                cell::run(plan, embedded, (*app, *fault), &mut earlier).await
            };
            if let Some(folder) = &plan.histories
                && let Err(why) = files::history(folder, plan.seed, &cell, &history)
            {
                cell.broke_off.get_or_insert(why);
            }
            is_gone |= cell.not_started.is_some();
            say(&text::line(&cell));
            cells.push(cell);
        }
    }
    cells
}

/// The command.
pub(crate) async fn run(args: EffectsArgs) -> u8 {
    let data = match tempfile::tempdir() {
        Ok(data) => data,
        Err(error) => return fail(format!("no temporary folder: {error}")),
    };
    let folder = args.output.join("effects");
    let plan = EffectsPlan {
        seed: args.seed.unwrap_or_else(|| clock::unix_ms().unsigned_abs() % 1_000_000),
        intents: args.ops,
        apps: if args.app.is_empty() { EFFECT_APPS.to_vec() } else { args.app },
        faults: if args.fault.is_empty() { Fault::ALL.to_vec() } else { args.fault },
        defects: args.defects,
        data: data.path().to_owned(),
        histories: Some(folder.clone()),
        rest_within: REST_WITHIN,
    };
    if let Some(app) = plan.apps.iter().find(|app| !EFFECT_APPS.contains(app)) {
        return fail(format!("--app {app}: effects are driven at {}", EFFECT_APPS.map(AppId::lower).join(", ")));
    }
    anstream::eprintln!("effects with seed {}: {} intents in each cell", plan.seed, plan.intents);
    let report = match drive(&plan, &|line| anstream::eprintln!("  {line}")).await {
        Ok(report) => report,
        Err(error) => return fail(error),
    };
    anstream::println!("{}", text::render(&report));
    match files::report(&folder, &report) {
        Ok(file) => anstream::println!("result: {}, with a history for each cell beside it", file.display()),
        Err(error) => return fail(error),
    }
    if report.holds() { 0 } else { exit_code(Outcome::CheckFailed, false) }
}
