//! One cell: one app under one fault, from the first request to the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use common::client::Client;
use common::clock;
use common::guard::Guard;
use common::history::{self, Crash, Fault, History, Kill, Plan, Workload, check};
use common::ids::{AppId, TraceId};
use common::service::Defect;

use super::apps::{self, Subject, World};
use super::client::Clients;
use super::wire::Way;
use super::{EffectsPlan, quiet};
use crate::embedded::{Embedded, EmbeddedError};
use crate::record::EffectsCell;

/// Crashes of a cell.
const KILLS: u32 = 3;
/// The most anomalies that are told with what shows them.
const TOLD: usize = 20;

/// What earlier cells left behind, which is not the next one's.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// The traces of their effects.
    pub(super) traces: BTreeSet<TraceId>,
    /// The last event of A8 that they read.
    pub(super) seq: i64,
}

/// Why a cell ended before its end.
#[derive(Debug)]
enum Broke {
    /// The app was not there again after a kill.
    NotStarted(String),
    /// Something that had to answer did not.
    Off(String),
}

impl From<String> for Broke {
    fn from(why: String) -> Self {
        Self::Off(why)
    }
}

/// Clients at a time: A3 is to serve twenty.
fn processes(app: AppId) -> u32 {
    if app == AppId::A3 { 20 } else { 6 }
}

/// Runs a cell. One that breaks off says why, and nothing is checked in it: what could not be read is not lost.
pub(super) async fn run(
    plan: &EffectsPlan,
    embedded: &mut Embedded,
    (app, fault): (AppId, Fault),
    earlier: &mut Earlier,
) -> (EffectsCell, History) {
    let mut cell = untried(plan, (app, fault));
    let mut history = History::default();
    match driven(plan, embedded, &mut cell, &mut history, earlier).await {
        Ok(()) => {
            let mut checked = check(&history);
            cell.by_kind = checked.by_kind();
            checked.anomalies.truncate(TOLD);
            cell.checked = checked;
        }
        Err(Broke::NotStarted(why)) => cell.not_started = Some(why),
        Err(Broke::Off(why)) => cell.broke_off = Some(why),
    }
    (cell, history)
}

/// A cell of which nothing is known.
pub(super) fn untried(plan: &EffectsPlan, (app, fault): (AppId, Fault)) -> EffectsCell {
    EffectsCell {
        app,
        fault,
        checked: check(&History::default()),
        by_kind: BTreeMap::new(),
        disturbed: BTreeMap::new(),
        rest_after_s: 0.0,
        came_to_rest: false,
        again: again(plan, app, fault),
        not_started: None,
        broke_off: None,
    }
}

async fn driven(
    plan: &EffectsPlan,
    embedded: &mut Embedded,
    cell: &mut EffectsCell,
    history: &mut History,
    earlier: &mut Earlier,
) -> Result<(), Broke> {
    let (app, fault) = (cell.app, cell.fault);
    let workload = Workload {
        app,
        fault,
        intents: plan.intents,
        processes: processes(app),
        kills: KILLS,
        kinds: apps::kinds(app).to_vec(),
    };
    let drawn = history::plan(plan.seed, &workload);
    let direct = Client::new(Arc::new(Guard::new(embedded.environment.clone()))).map_err(|error| error.to_string())?;
    let base = embedded.bases.get(&app).ok_or_else(|| format!("{app} was not started"))?;
    let way = Way::of(&embedded.environment, base, app, fault).await?;
    let world = World::new(way.client.clone(), direct, earlier);
    let subject = Arc::new(Subject::prepare(app, world, &drawn).await?);
    let steps: Vec<_> = drawn.steps.iter().map(|step| (step.clone(), subject.intent(step))).collect();
    history.intents = steps.iter().map(|(_, intent)| intent.clone()).collect();
    earlier.traces.extend(history.intents.iter().map(|intent| intent.trace_id).chain(subject.prepared()));
    let clients = Clients::new(Arc::clone(&subject), fault);
    let running = Arc::clone(&clients).run(steps);
    let (crashes, ()) = tokio::join!(crash(embedded, app, &drawn, &clients), running);
    let ended = clock::monotonic();
    cell.disturbed = way.end().await;
    history.operations = clients.operations();
    history.arrival_limit_ms = i64::try_from(plan.rest_within.as_millis()).unwrap_or(i64::MAX);
    history.crashes = crashes?;
    cell.came_to_rest = quiet::rest(&subject, history, plan.rest_within).await?;
    cell.rest_after_s = ended.elapsed().as_secs_f64();
    subject.read_back(history).await?;
    earlier.seq = subject.world().newest();
    Ok(())
}

/// The command that does the same again.
fn again(plan: &EffectsPlan, app: AppId, fault: Fault) -> String {
    let mut line = format!(
        "cargo xtask effects --app {} --fault {fault} --seed {} --ops {}",
        app.lower(),
        plan.seed,
        plan.intents
    );
    for (of, defect) in &plan.defects {
        line.push_str(&format!(" --defect {}:{}", of.lower(), name(*defect)));
    }
    line
}

/// A defect as the command line takes it.
fn name(defect: Defect) -> String {
    match serde_json::to_value(defect) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(serde_json::Value::Object(named)) => {
            named.iter().map(|(name, number)| format!("{name}={number}")).collect::<Vec<_>>().join(",")
        }
        _ => String::new(),
    }
}

/// Kills the app whenever the plan says so and starts it again; ends with the clients. Where the app does not come back,
/// the clients give up.
async fn crash(embedded: &mut Embedded, app: AppId, plan: &Plan, clients: &Clients) -> Result<Vec<Crash>, Broke> {
    let mut sent = clients.sent();
    let mut crashes = Vec::new();
    for Kill { after_requests, pause_us } in &plan.kills {
        let reached = *sent.wait_for(|n| n >= after_requests).await.map_err(|error| error.to_string())?;
        if reached == u64::MAX {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_micros(*pause_us)).await;
        let killed_ms = clock::unix_ms();
        let again = match embedded.kill(app).await {
            Ok(()) => embedded.restart(app).await,
            Err(error) => Err(error),
        };
        if let Err(error) = again {
            clients.give_up();
            return Err(broke(&error));
        }
        crashes.push(Crash { app, killed_ms, up_ms: clock::unix_ms() });
    }
    Ok(crashes)
}

/// A process that cannot be made is the machine's fault; one that does not serve is the app's.
fn broke(error: &EmbeddedError) -> Broke {
    match error {
        EmbeddedError::Refused(_) | EmbeddedError::Silent { .. } => Broke::NotStarted(error.to_string()),
        _ => Broke::Off(error.to_string()),
    }
}
