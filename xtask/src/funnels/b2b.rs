//! B2B: a visitor of A7 becomes a provider at A6, publishes a listing and is billed; A2 keeps the event, A8 shows the money.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use common::check::Finding;
use common::clock;
use common::ids::{AppId, TraceId};
use common::load::Journey;
use common::verdict::{Agreement, Claim, Confirmation, Figures, Ruling, Verdict};
use serde_json::Value;

use super::journeys;
use super::walks::{Through, Walks};
use crate::record::{Funnel, Hop, MoneyLine, Record};
use crate::run::{Run, RunError};

const PHASE: u8 = 3;
/// The share of providers that must come through.
const TARGET: f64 = 0.9;
/// Amounts of every sale, in cents, as literals: the fee on 1,000.00 is 30.00, 10.00 of AI cost are sold for 40.00.
const SALE: [(&str, &str, i64); 4] = [
    ("gross of the sale", "gross_minor", 100_000),
    ("platform fee of 3 %", "fee_minor", 3_000),
    ("cost of AI services", "ai_cost_minor", 1_000),
    ("price of AI services at 4x", "ai_price_minor", 4_000),
];
/// Events that A8's lineage of a walk must hold.
const EVENTS: [&str; 3] = ["provider_registered", "provider_listing_published", "revenue_settled"];

/// Walks the funnel as often as the profile asks, and rules on it.
pub(crate) async fn run(run: &mut Run) -> Result<(), RunError> {
    let Some(missing) = [AppId::A7, AppId::A6, AppId::A2, AppId::A8].into_iter().find(|app| !run.context.has(*app))
    else {
        return walk_all(run).await;
    };
    let reason = format!("the target has no {missing}: add it to targets.yaml");
    let verdict = Verdict::Skipped { reason: reason.clone() };
    let claim = claim(AppId::A6, "signup", "90 % of providers come through the B2B funnel");
    run.record(Record::Ruled(Ruling::new(claim, verdict, format!("not tried: {reason}"), RERUN)))
}

const RERUN: &str = "cargo xtask suite b2b";

/// A provider starts out every so often.
const PACE: Duration = Duration::from_millis(100);

async fn walk_all(run: &mut Run) -> Result<(), RunError> {
    let times = run.plan.walks();
    let (_, result) = journeys::walk(run, AppId::A6, "a6_provider_funnel", times, PACE).await?;
    run.mourn(PHASE)?;
    run.go_on()?;
    let walks = Walks::of(result, AppId::A6);
    let deadline = clock::monotonic() + run.context.patience;
    let mut findings = Vec::new();
    let mut shown = None;
    for walk in &walks.completed {
        let seen = look(run, walk.trace_id, deadline).await?;
        findings.extend(findings_of(walk.trace_id, &seen));
        shown.get_or_insert(seen);
    }
    record(run, &walks, worth_showing(&walks.completed, &findings), shown)?;
    signup_ruling(run, &walks)?;
    money_ruling(run, &walks.completed, &findings)
}

/// What the other apps know of one walk.
struct Seen {
    /// Names of the events in A8's lineage, with how often each is there.
    events: BTreeMap<String, u64>,
    /// Events of the trace that A2 keeps.
    ingested: u64,
    /// Settlements of the trace in A6's own transaction log.
    booked: Vec<Value>,
    /// A8's finance tile for this trace.
    finance: Value,
    /// Milliseconds from asking first until all was there.
    after_ms: Option<i64>,
}

/// Asks A8 and A2 until everything is there or the arrival limit, which begins for all walks at the end of the last, has
/// passed.
async fn look(run: &Run, trace: TraceId, deadline: Instant) -> Result<Seen, RunError> {
    let cx = &run.context;
    let began = clock::monotonic();
    let mut last = None;
    loop {
        run.go_on()?;
        let events = lineage_events(run, trace).await;
        let ingested = cx.client.get(AppId::A2, &format!("/api/v1/lineage/{trace}")).send().await.ok();
        let ingested = ingested.and_then(|reply| Some(reply.pointer("/events")?.as_array()?.len() as u64)).unwrap_or(0);
        let booked = booked(run, trace).await;
        let finance = finance_tile(run, trace).await;
        let complete = EVENTS.iter().all(|name| events.contains_key(*name)) && ingested > 0;
        let settled = finance.get("settlements").and_then(Value::as_u64).is_some_and(|n| n > 0);
        let waited = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
        let after_ms = (complete && settled).then_some(waited);
        let seen = Seen { events, ingested, booked, finance, after_ms };
        let dead = run.is_dead(AppId::A8) || run.is_dead(AppId::A2) || run.is_dead(AppId::A6);
        if after_ms.is_some() || dead || clock::monotonic() > deadline {
            return Ok(seen);
        }
        last.get_or_insert_with(|| tokio::time::interval(Duration::from_millis(60))).tick().await;
    }
}

async fn lineage_events(run: &Run, trace: TraceId) -> BTreeMap<String, u64> {
    let mut events = BTreeMap::new();
    let Ok(reply) = run.context.client.get(AppId::A8, &format!("/api/lineage/{trace}")).send().await else {
        return events;
    };
    let list = reply.pointer("/events").and_then(|list| list.as_array().cloned()).unwrap_or_default();
    for name in list.iter().filter_map(|seen| seen.pointer("/event/event")?.as_str()) {
        *events.entry(name.to_owned()).or_default() += 1;
    }
    events
}

async fn booked(run: &Run, trace: TraceId) -> Vec<Value> {
    let reply = run.context.client.get(AppId::A6, &format!("/api/transactions/{trace}")).send().await;
    let list = reply.ok().and_then(|reply| reply.pointer("/settlements"));
    list.and_then(|list| list.as_array().cloned()).unwrap_or_default()
}

async fn finance_tile(run: &Run, trace: TraceId) -> Value {
    let namespace = &run.guard.environment().labels().namespace;
    let path = format!("/api/tiles/finance?namespace={namespace}&trace_id={trace}");
    let reply = run.context.client.get(AppId::A8, &path).send().await;
    reply.ok().and_then(|reply| reply.json().ok()).unwrap_or_default()
}

fn findings_of(trace: TraceId, seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut push = |what: String, expected: String, saw: String| {
        let holds = expected == saw;
        findings.push(Finding { what, holds, expected, seen: saw, trace_id: Some(trace), capsule: None });
    };
    for name in EVENTS {
        let count = seen.events.get(name).copied().unwrap_or(0);
        push(format!("{name} events in A8's lineage"), "1".into(), count.to_string());
    }
    push(
        "settlements of the walk in A2's lineage".into(),
        "yes".into(),
        if seen.ingested > 0 { "yes" } else { "no" }.into(),
    );
    push("settlements in A6's transaction log".into(), "1".into(), seen.booked.len().to_string());
    for (what, field, cents) in SALE {
        let booked = seen.booked.first().and_then(|booked| booked.get(field));
        let booked = booked.map_or_else(|| "nothing".to_owned(), ToString::to_string);
        push(format!("{what}, in A6's transaction log, in cents"), cents.to_string(), booked);
        let saw = seen.finance.get(field).map_or_else(|| "nothing".to_owned(), ToString::to_string);
        push(format!("{what}, in A8's finance tile, in cents"), cents.to_string(), saw);
    }
    findings
}

/// All assertions about the first walk, and every broken one of the others.
fn worth_showing(completed: &[Journey], findings: &[Finding]) -> Vec<Finding> {
    let first = completed.first().map(|walk| walk.trace_id);
    findings.iter().filter(|finding| !finding.holds || finding.trace_id == first).cloned().collect()
}

fn record(run: &mut Run, walks: &Walks, findings: Vec<Finding>, shown: Option<Seen>) -> Result<(), RunError> {
    let example = walks.stumbled.first().or(walks.completed.first());
    let money = SALE.iter().map(|(what, field, cents)| MoneyLine {
        what: (*what).to_owned(),
        expected_minor: *cents,
        seen_minor: shown.as_ref().and_then(|seen| seen.finance.get(*field)?.as_i64()),
        currency: "USD".into(),
    });
    let hops: Vec<Hop> = example.map(journeys::hops).unwrap_or_default();
    run.record(Record::Funnel(Funnel {
        id: "b2b".into(),
        title: "A visitor becomes a provider, publishes and is billed".into(),
        path: "A7 → A6 → A2 → A8".into(),
        trace_id: example.map_or_else(TraceId::fresh, |walk| walk.trace_id),
        walks: walks.tried(),
        completed: walks.completed.len() as u64,
        hops,
        money: money.collect(),
        visible_after_ms: shown.and_then(|seen| seen.after_ms),
        findings,
    }))
}

fn claim(app: AppId, what: &str, text: &str) -> Claim {
    Claim {
        id: format!("{}.b2b.{what}", app.lower()),
        app,
        phase: PHASE,
        text: text.to_owned(),
        kind: "check".into(),
        gate: true,
        known_issue: None,
    }
}

/// "At least 90 % come through"; who stumbles names the hop.
fn signup_ruling(run: &mut Run, walks: &Walks) -> Result<(), RunError> {
    let culprit = walks.broke.as_ref().map_or(AppId::A6, |(app, _)| *app);
    let through = Through {
        claim: claim(culprit, "signup", "90 % of providers come through the B2B funnel"),
        target: TARGET,
        tried: walks.tried(),
        done: walks.completed.len() as u64,
        failed: walks.stumbled.iter().map(|walk| walk.trace_id).collect(),
        broke: walks.broke.as_ref().map(|(_, what)| what.clone()),
        second: Confirmation::SingleSource { why: "the walks' effects in A2 and A8 are ruled on apart".into() },
        rerun: RERUN,
    };
    run.record(Record::Ruled(through.ruled()))
}

/// "Each walk's money is in A8's finance tile and lineage, to the cent": the probe's literals against A8's figures.
fn money_ruling(run: &mut Run, completed: &[Journey], findings: &[Finding]) -> Result<(), RunError> {
    let text = "each sale reaches A2 and A8 once: 30.00 fee on 1,000.00 and 40.00 for 10.00 of AI cost";
    let broken: Vec<_> = findings.iter().filter(|finding| !finding.holds).collect();
    let claim = claim(AppId::A6, "money", text);
    let Some(figures) = Figures::counted("assertions", findings.len() as u64, broken.len() as u64) else {
        let verdict = Verdict::nothing_seen("sales", "at least 1 walk that came through");
        return run.record(Record::Ruled(Ruling::new(
            claim,
            verdict,
            "no walk came through, so no sale is there",
            RERUN,
        )));
    };
    let matched = std::num::NonZeroU64::new(completed.len() as u64);
    let (verdict, line) = match (broken.first(), matched) {
        (Some(first), _) => {
            let traces = broken.iter().filter_map(|finding| finding.trace_id).collect();
            (Verdict::Fail { figures, traces }, format!("{} broken; first: {}", broken.len(), first.line()))
        }
        (None, Some(matched)) => {
            let source = "A8's finance tile and lineage, A6's transaction log and A2's lineage".to_owned();
            let second = Confirmation::Agreed(Agreement { source, matched });
            (Verdict::Pass { figures, second }, format!("{matched} sales agree to the cent in A2 and A8"))
        }
        (None, None) => (Verdict::nothing_seen("sales", "at least 1"), "no sale was seen".into()),
    };
    run.record(Record::Ruled(Ruling::new(claim, verdict, line, RERUN)))
}
