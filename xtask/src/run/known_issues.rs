//! A8-PERF-001: the overview sums the whole store on every request. Measured cold, warm, and with the flag that mends it.

use std::time::Duration;

use common::clock;
use common::contract::header;
use common::ids::{AppId, TraceId};
use common::scenario::{Scenario, Step};
use common::target::Policy;
use serde_json::{Value, json};

use super::{Run, RunError, probe};
use crate::record::{KnownIssue, Measurement, Record, RouteFigures};

const PHASE: u8 = 2;
const ID: &str = "A8-PERF-001";
/// How the ids of its workloads begin.
pub(super) const OVERVIEW: &str = "a8_overview";
const FLAG: &str = "a8_tile_cache";
/// Events of one batch.
const BATCH: u64 = 1_000;
/// Seeded events are this old, so that no tile's window holds them.
const AGE_MS: i64 = 24 * 3_600 * 1_000;

/// Seeds A8's store within our own namespace, measures the overview, and puts the flag back.
pub(super) async fn overview(run: &mut Run) -> Result<(), RunError> {
    run.go_on()?;
    if run.is_dead(AppId::A8) || !run.context.has(AppId::A8) {
        return Ok(());
    }
    if run.guard.environment().policy() == Policy::ReadOnly || run.context.telemetry_key.is_none() {
        return run.note(
            PHASE,
            Some(AppId::A8),
            format!(
                "{ID}: the store is not seeded: the target is only to be looked at, or its telemetry key is not set"
            ),
        );
    }
    let seeded = seed(run).await?;
    let mut measurements = Vec::new();
    let reader = scenario("a8_overview_cold", 1, Duration::from_secs(3), Duration::from_secs(1));
    let cold = probe::run_all(run, PHASE, vec![reader]).await?;
    add(&mut measurements, "cold", &format!("{seeded} events just stored, one reader"), &cold);
    let warm = probe::run_all(run, PHASE, vec![warm_scenario(run, "a8_overview_warm")]).await?;
    add(&mut measurements, "warm", "the same store, four readers", &warm);
    if set_flag(run, true).await? {
        let cached = probe::run_all(run, PHASE, vec![warm_scenario(run, "a8_overview_cached")]).await;
        set_flag(run, false).await?;
        let cached = cached?;
        add(
            &mut measurements,
            &format!("flag {FLAG} on"),
            "the same store, four readers; the flag is off again",
            &cached,
        );
    }
    run.record(Record::KnownIssue(KnownIssue {
        id: ID.into(),
        app: AppId::A8,
        title: "the executive overview sums all raw events on every request".into(),
        proposal: format!("serve it from incremental roll-ups with a TTL and an ETag: flag `{FLAG}`"),
        measurements,
    }))
}

fn warm_scenario(run: &Run, id: &str) -> Scenario {
    let duration = run.plan.profile.baseline().min(Duration::from_secs(60));
    scenario(id, 4, duration, Duration::from_millis(2_500))
}

fn scenario(id: &str, vus: u32, duration: Duration, interval: Duration) -> Scenario {
    Scenario::new(id, AppId::A8, "The executive overview under readers").constant_vus(vus, duration, interval).step(
        Step::get("overview", "/api/executive/overview?namespace=perf_test")
            .route("GET /api/executive/overview")
            .expect_status(&[200])
            .expect_json_exists("/as_of"),
    )
}

fn add(measurements: &mut Vec<Measurement>, label: &str, note: &str, figures: &[RouteFigures]) {
    measurements.extend(figures.iter().map(|figures| Measurement {
        label: label.to_owned(),
        note: note.to_owned(),
        requests: figures.requests,
        errors: figures.errors,
        latency: figures.response.clone(),
        slowest: figures.slowest.iter().map(|exemplar| exemplar.trace_id).take(3).collect(),
    }));
}

/// Puts synthetic events of our own namespace into the store, and tells how many it took.
async fn seed(run: &mut Run) -> Result<u64, RunError> {
    let Some(key) = run.context.telemetry_key.clone() else { return Ok(0) };
    let mut stored = 0;
    for _ in 0..run.plan.profile.seeded_events() / BATCH {
        run.go_on()?;
        let at = clock::rfc3339(clock::unix_ms() - AGE_MS);
        let events: Vec<Value> = (0..BATCH).map(|at_in_batch| event(&at, at_in_batch)).collect();
        let request = run.context.client.post(AppId::A8, "/api/telemetry").header(header::TELEMETRY_KEY, key.expose());
        match request.json(&json!({ "events": events })).send().await {
            Ok(reply) => stored += reply.pointer("/accepted").and_then(|n| n.as_u64()).unwrap_or(0),
            Err(error) => {
                run.note(PHASE, Some(AppId::A8), format!("{ID}: seeding broke off: {error}"))?;
                break;
            }
        }
    }
    Ok(stored)
}

fn event(at: &str, n: u64) -> Value {
    let id = TraceId::fresh();
    let latency = 5.0 + f64::from(u32::try_from(n % 90).unwrap_or(0));
    json!({
        "schema_version": 1, "event_id": format!("seed-{id}"), "timestamp": at, "app_id": AppId::ALL[usize::try_from(n % 8).unwrap_or(0)],
        "env": "embedded", "namespace": "perf_test", "tenant_id": "tenant_synthetic", "release": "seed",
        "event": "request_completed", "route": "/seeded", "method": "GET", "status": if n.is_multiple_of(200) { 503 } else { 200 },
        "p50_ms": latency, "p95_ms": latency, "trace_id": id, "idempotency_key": format!("seed-{id}"),
        "test_run": true, "source": "qa", "sample_rate": 1.0
    })
}

/// Turns the flag on or off; false if it cannot be.
async fn set_flag(run: &mut Run, on: bool) -> Result<bool, RunError> {
    let Some(key) = run.context.admin_key.clone() else {
        run.note(
            PHASE,
            Some(AppId::A8),
            format!("{ID}: not measured with `{FLAG}`: the administrator's key is not set"),
        )?;
        return Ok(false);
    };
    let request = run.context.client.put(AppId::A8, &format!("/flags/{FLAG}")).header(header::ADMIN_KEY, key.expose());
    match request.json(&json!({ "enabled": on })).send().await {
        Ok(reply) if reply.is_success() => Ok(true),
        Ok(reply) => {
            run.note(PHASE, Some(AppId::A8), format!("{ID}: `{FLAG}` cannot be set to {on}: status {}", reply.status))?;
            Ok(false)
        }
        Err(error) => {
            run.note(PHASE, Some(AppId::A8), format!("{ID}: `{FLAG}` cannot be set to {on}: {error}"))?;
            Ok(false)
        }
    }
}
