//! One cell: one app under one fault, from the first request to the verdict.

use std::collections::BTreeSet;
use std::sync::Arc;

use common::client::Client;
use common::clock;
use common::guard::Guard;
use common::history::{self, Crash, Fault, History, Intent, Kill, Plan, Workload, check};
use common::ids::{AppId, TraceId};
use common::service::Defect;

use super::apps::{self, Subject, World};
use super::client::Clients;
use super::wire::Way;
use super::{EffectsPlan, quiet};
use crate::embedded::Embedded;
use crate::record::EffectsCell;

/// Clients at a time.
const PROCESSES: u32 = 6;
/// Crashes of a cell.
const KILLS: u32 = 3;
/// The most anomalies that are told with what shows them.
const TOLD: usize = 20;

/// Runs a cell. `earlier` holds the traces of the cells before it, whose effects are not its own.
pub(super) async fn run(
    plan: &EffectsPlan,
    embedded: &mut Embedded,
    (app, fault): (AppId, Fault),
    earlier: &mut BTreeSet<TraceId>,
) -> Result<(EffectsCell, History), String> {
    let workload = Workload {
        app,
        fault,
        intents: plan.intents,
        processes: PROCESSES,
        kills: KILLS,
        kinds: apps::kinds(app).to_vec(),
    };
    let drawn = history::plan(plan.seed, &workload);
    let direct = Client::new(Arc::new(Guard::new(embedded.environment.clone()))).map_err(|error| error.to_string())?;
    let base = embedded.bases.get(&app).ok_or_else(|| format!("{app} was not started"))?;
    let way = Way::of(&embedded.environment, base, app, fault).await?;
    let world = World { asked: way.client.clone(), direct, earlier: earlier.clone() };
    let subject = Arc::new(Subject::prepare(app, world, &drawn).await?);
    let steps: Vec<_> = drawn.steps.iter().map(|step| (step.clone(), subject.intent(step))).collect();
    let intents: Vec<Intent> = steps.iter().map(|(_, intent)| intent.clone()).collect();
    let clients = Clients::new(Arc::clone(&subject), fault);
    let running = Arc::clone(&clients).run(steps);
    let (crashes, ()) = tokio::join!(crash(embedded, app, &drawn, &clients), running);
    let ended = clock::monotonic();
    let disturbed = way.end().await;
    let mut history = History {
        intents,
        operations: clients.operations(),
        crashes: crashes?,
        arrival_limit_ms: i64::try_from(plan.rest_within.as_millis()).unwrap_or(i64::MAX),
        ..History::default()
    };
    let came_to_rest = quiet::rest(&subject, &history, plan.rest_within).await?;
    let rest_after_s = ended.elapsed().as_secs_f64();
    subject.read_back(&mut history).await?;
    earlier.extend(history.intents.iter().map(|intent| intent.trace_id).chain(subject.prepared()));
    let mut checked = check(&history);
    let by_kind = checked.by_kind();
    checked.anomalies.truncate(TOLD);
    let again = again(plan, app, fault);
    let cell = EffectsCell { app, fault, checked, by_kind, disturbed, rest_after_s, came_to_rest, again };
    Ok((cell, history))
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

/// Kills the app whenever the plan says so and starts it again; ends with the clients.
async fn crash(embedded: &mut Embedded, app: AppId, plan: &Plan, clients: &Clients) -> Result<Vec<Crash>, String> {
    let mut sent = clients.sent();
    let mut crashes = Vec::new();
    for Kill { after_requests, pause_us } in &plan.kills {
        let reached = *sent.wait_for(|n| n >= after_requests).await.map_err(|error| error.to_string())?;
        if reached == u64::MAX {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_micros(*pause_us)).await;
        let killed_ms = clock::unix_ms();
        embedded.kill(app).await.map_err(|error| error.to_string())?;
        embedded.restart(app).await.map_err(|error| error.to_string())?;
        crashes.push(Crash { app, killed_ms, up_ms: clock::unix_ms() });
    }
    Ok(crashes)
}
