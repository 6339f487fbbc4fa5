//! A3: runs, each of which publishes one page at A7, leaves one event at A2, and tells A8 of each step.

use std::collections::BTreeSet;

use common::client::{Client, Request};
use common::history::{Expected, History, Intent, Lookup, Outcome, Place, Seen, Step, Tally};
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

use super::{World, command, kept, read, text};

/// Steps of a run, each of which A8 hears of.
const STEPS: u64 = 5;

pub(crate) struct Orchestration {
    pub(crate) world: World,
    /// Runs of earlier cells.
    before: u64,
}

fn run() -> Place {
    Place::new(AppId::A3, "run")
}

fn page() -> Place {
    Place::new(AppId::A7, "page")
}

pub(super) fn intent(step: &Step) -> Intent {
    let title = format!("Effect {} of {:016x}", step.number, step.draw);
    let told = |app, event| Expected::once(command::place(app, event));
    Intent {
        key: step.key.clone(),
        trace_id: step.trace_id,
        app: AppId::A3,
        kind: step.kind.to_owned(),
        argument: json!({ "title": title, "summary": "A page that is published once." }),
        effects: vec![
            Expected::once(run()).saying(json!({ "state": "completed", "title": title })).found(Lookup::ByAnswer),
            Expected::once(page()).found(Lookup::ByAnswer),
            Expected::once(kept::place("orchestration_page_built")),
            told(AppId::A7, "page_build_requested"),
            told(AppId::A7, "page_published"),
            told(AppId::A3, "cta_emitted"),
            told(AppId::A3, "run_progress").times(STEPS),
            told(AppId::A3, "orchestration_cycle_complete"),
        ],
        atomic: true,
    }
}

pub(super) fn request(client: &Client, intent: &Intent) -> Request {
    let request = client.post(AppId::A3, "/orchestration/run").trace(intent.trace_id);
    request.idempotency_key(&intent.key).json(&intent.argument)
}

impl Orchestration {
    pub(super) async fn prepare(world: World) -> Result<Self, String> {
        let before = total(&progress(&world).await?);
        Ok(Self { world, before })
    }

    /// No run waits and none is under way.
    pub(super) async fn is_settled(&self) -> Result<bool, String> {
        let progress = progress(&self.world).await?;
        Ok(["queued", "running"].iter().all(|state| progress["runs"][state] == 0))
    }

    pub(super) async fn read_back(&self, history: &mut History) -> Result<(), String> {
        let client = &self.world.direct;
        for (run_id, trace_id) in acknowledged(history) {
            let found = read(client, AppId::A3, &format!("/orchestration/runs/{run_id}")).await?;
            let slug = text(&found, "page_slug");
            let seen = |place, id, value| Seen { place, name: String::new(), trace_id, id, value, at_ms: None };
            history.seen.push(seen(run(), run_id.clone(), found));
            let path = format!("/p/{slug}");
            let shown = client.get(AppId::A7, &path).native_errors().send().await.map_err(|error| error.to_string())?;
            if shown.status == 200 && !slug.is_empty() {
                // A page goes by its slug, and ends in the mark of its run.
                history.seen.push(seen(page(), run_id, json!({ "slug": slug })));
            }
        }
        for intent in &history.intents {
            let name = |event: &Value| (kept::place(&text(event, "event_type")), String::new());
            history.seen.extend(kept::of_trace(client, intent.trace_id, name).await?);
        }
        let now = total(&progress(&self.world).await?);
        history.tallies.push(Tally { place: run(), n: now.saturating_sub(self.before) });
        command::read_back(&self.world, history, |_| false).await
    }
}

/// The runs that answers named.
fn acknowledged(history: &History) -> BTreeSet<(String, TraceId)> {
    let run = |outcome: &Outcome| match outcome {
        Outcome::Ok { id, .. } => id.clone(),
        _ => None,
    };
    history.operations.iter().filter_map(|one| Some((run(&one.outcome)?, one.trace_id))).collect()
}

async fn progress(world: &World) -> Result<Value, String> {
    read(&world.direct, AppId::A3, "/orchestration/progress").await
}

fn total(progress: &Value) -> u64 {
    progress["total"].as_u64().unwrap_or(0)
}
