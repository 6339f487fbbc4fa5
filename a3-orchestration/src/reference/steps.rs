//! What each step of a run does, and how its effect is written down.

use common::args;
use common::ids::TraceParent;
use common::service::{DbError, Defect, Emit, RequestContext, Tx};
use common::telemetry::EventName;
use serde_json::{Value, json};

use super::Shared;
use super::bandit;
use super::favours;
use super::journal::{self, Actor};
use super::party::Party;
use super::plan::Step;
use super::run::Run;
use super::transport::{Body, Call};
use super::upstreams::{self, Failure};
use super::worker::side;

/// What a step brought about outside; written down in the transaction that marks the step as done.
#[derive(Debug)]
pub(crate) enum Effect {
    ArmChosen(String),
    PageBuilt { slug: String, url: String },
    CtaPlaced,
    EventRecorded(String),
    CycleClosed,
}

/// Does a step. Whatever leaves the app carries a key made of run and step, so that a repeat has no second effect.
pub(crate) async fn perform(shared: &Shared, run: &Run, step: Step, is_retry: bool) -> Result<Effect, Failure> {
    match step {
        Step::ChooseArm => Ok(Effect::ArmChosen(bandit::choose_for(shared, run).await?)),
        Step::BuildPage => build_page(shared, run, is_retry).await,
        Step::EmitCta => Ok(Effect::CtaPlaced),
        Step::RecordEvent => record_event(shared, run, is_retry).await,
        Step::CloseCycle => Ok(Effect::CycleClosed),
    }
}

async fn build_page(shared: &Shared, run: &Run, is_retry: bool) -> Result<Effect, Failure> {
    let call = |slug: &str, key: &str| Call {
        party: Party::A7,
        path: "/api/pages",
        idempotency_key: key.to_owned(),
        body: Body::Json(json!({ "slug": slug, "title": run.title, "summary": run.summary, "variant": run.arm })),
        bearer: favours::bearer(shared),
    };
    let key = format!("{}:build_page", run.run_id);
    let page = upstreams::call(shared, &run.context, call(&run.slug, &key), is_retry).await?;
    if shared.ctx.has(Defect::A3DuplicateEffect) {
        // As if the answer had been lost, and the retry knew nothing of the first attempt.
        let again = call(&format!("{}-again", run.slug), &format!("{key}:again"));
        upstreams::call(shared, &run.context, again, is_retry).await?;
    }
    Ok(Effect::PageBuilt { slug: text(&page, "slug", Party::A7)?, url: text(&page, "url", Party::A7)? })
}

async fn record_event(shared: &Shared, run: &Run, is_retry: bool) -> Result<Effect, Failure> {
    let call = Call {
        party: Party::ScholarshipApi,
        path: "/api/v1/events",
        idempotency_key: format!("{}:record_event", run.run_id),
        body: Body::Json(json!({
            "event_type": "orchestration_page_built",
            "subject": run.run_id,
            "payload": { "page_url": run.page_url, "arm": run.arm, "attributed_to": run.attributed_to },
        })),
        bearer: favours::bearer(shared),
    };
    let context = if shared.ctx.has(Defect::A3DropsTrace) {
        RequestContext { trace: TraceParent::fresh(), ..run.context.clone() }
    } else {
        run.context.clone()
    };
    let event = upstreams::call(shared, &context, call, is_retry).await?;
    Ok(Effect::EventRecorded(text(&event, "event_id", Party::ScholarshipApi)?))
}

/// Reads a member that the other party's contract promises.
fn text(answer: &Value, member: &str, party: Party) -> Result<String, Failure> {
    answer[member].as_str().map(str::to_owned).ok_or_else(|| Failure::Final {
        reason: format!("the answer of {} lacks {member:?}, against its contract", party.as_str()),
    })
}

/// Writes an effect down with its reports; tells what the step's record should say.
pub(crate) async fn write_down(
    shared: &Shared,
    tx: &mut Tx,
    run: &Run,
    effect: &Effect,
) -> Result<Option<String>, DbError> {
    let (ctx, id) = (&shared.ctx, &run.run_id);
    let report = |name, step: &str| Emit::new(name).key(format!("{id}:{step}"));
    match effect {
        Effect::ArmChosen(arm) => {
            tx.execute("UPDATE runs SET arm = $2 WHERE run_id = $1", args![id, arm]).await?;
            bandit::pulled(tx, run, arm).await?;
            Ok(Some(arm.clone()))
        }
        Effect::PageBuilt { slug, url } => {
            let sql = "UPDATE runs SET page_slug = $2, page_url = $3 WHERE run_id = $1";
            tx.execute(sql, args![id, slug, url]).await?;
            Ok(Some(url.clone()))
        }
        Effect::CtaPlaced => {
            ctx.telemetry.emit(tx, &run.context, report(EventName::CtaEmitted, "cta")).await?;
            for party in [Party::Email, Party::AutoComCenter] {
                side::leave(ctx, tx, id, party).await?;
            }
            Ok(run.arm.clone())
        }
        Effect::EventRecorded(event_id) => Ok(Some(event_id.clone())),
        Effect::CycleClosed => {
            let now = ctx.clock.unix_ms();
            tx.execute("UPDATE runs SET finished_ms = $2 WHERE run_id = $1", args![id, now]).await?;
            journal::write(tx, Actor::Agent, "cycle_complete", Some(id), Some(run.context.trace.trace), now).await?;
            let complete = report(EventName::OrchestrationCycleComplete, "complete");
            ctx.telemetry.emit(tx, &run.context, complete).await?;
            Ok(None)
        }
    }
}
