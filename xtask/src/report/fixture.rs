//! One run as a ledger would tell it, with every kind of verdict in it. Fixed: no clock, no chance.

mod effects;
mod learning;
mod load;
mod resilience;
mod shapes;
mod students;

use std::collections::BTreeMap;

use common::check::{CheckReport, Finding};
use common::contract::{Contract, Route, Slo};
use common::ids::{AppId, TraceId};
use common::load::{Journey, JourneyHop};
use common::reconcile::{Arrival, Reconciliation};
use common::slo::Reason;
use common::units::Micros;
use common::verdict::{Claim, Ruling, SecondSource, Verdict, from_findings, roll_up};
use serde_json::Value;

use crate::record::{
    AuthHop, AuthTrace, Funnel, Hop, Inventory, InventoryApp, KnownIssue, Measurement, MoneyLine, PlannedPhase, Record,
    RunStarted, RunView, SecretPresence,
};
use load::Load;

/// The view of the run, after a journey through the ledger's JSON.
pub(crate) fn view() -> RunView {
    RunView::of(records().into_iter().chain(resilience::allowed()).map(|record| {
        let line = serde_json::to_value(record).unwrap();
        serde_json::from_value(rounded(line)).unwrap()
    }))
}

/// The same run without phase 6, and with a phase 7 that waits for a person.
pub(crate) fn held() -> RunView {
    let told = |record: &Record| !matches!(record, Record::Effects(_) | Record::Learning(_) | Record::Resilience(_));
    let of_phases = |record: &Record| match record {
        Record::Checked { phase, .. } => *phase < 6,
        Record::Ruled(ruling) => ruling.claim.phase < 6,
        Record::Approval(_) | Record::RolledUp { .. } | Record::RunFinished { .. } => false,
        _ => true,
    };
    let mut kept: Vec<Record> = records().into_iter().filter(|record| told(record) && of_phases(record)).collect();
    kept.extend(resilience::held());
    kept.extend(rolled_up(&kept));
    RunView::of(kept)
}

/// A record as another computer would write it: the last digits of a logarithm differ between them.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) if number.is_f64() => {
            let fraction = number.as_f64().unwrap();
            serde_json::json!((fraction * 1e6).round() / 1e6)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(rounded).collect()),
        Value::Object(fields) => Value::Object(fields.into_iter().map(|(key, item)| (key, rounded(item))).collect()),
        other => other,
    }
}

fn trace(n: u128) -> TraceId {
    TraceId::from_u128(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_0000 + n)
}

fn rerun(app: AppId, id: &str) -> String {
    format!("cargo xtask suite {} --only '{id}'", app.lower())
}

fn claim(id: &str, app: AppId, phase: u8, text: &str, kind: &str) -> Claim {
    Claim { id: id.into(), app, phase, text: text.into(), kind: kind.into(), gate: true, known_issue: None }
}

pub(crate) fn records() -> Vec<Record> {
    let mut records = vec![Record::RunStarted(started())];
    let phase = |phase: u8, title: &str, at: &str| Record::PhaseStarted { phase, title: title.into(), at: at.into() };
    let done = |phase: u8, at: &str, took_s: f64| Record::PhaseFinished { phase, at: at.into(), took_s };
    records.extend([phase(0, "inventory", "2026-11-21T10:15:00.412Z"), Record::Inventory(inventory())]);
    records
        .extend([done(0, "2026-11-21T10:15:02.001Z", 1.589), phase(1, "smoke and health", "2026-11-21T10:15:02.002Z")]);
    for load in load::smoke() {
        records.extend(load.records());
    }
    records.extend([done(1, "2026-11-21T10:15:24.100Z", 22.098), phase(2, "load", "2026-11-21T10:15:24.101Z")]);
    for load in load::baseline() {
        records.extend(load.records());
    }
    records.extend(checks());
    records.push(Record::KnownIssue(known_issue()));
    records.extend(shapes::records());
    records.extend(waiting());
    records.extend([done(2, "2026-11-21T10:17:20.700Z", 116.599), phase(3, "funnels", "2026-11-21T10:17:20.701Z")]);
    records.push(auth_trace());
    records.extend(funnel());
    records.extend(students::walked());
    records.extend([done(3, "2026-11-21T10:17:41.000Z", 20.299), phase(4, "monetization", "2026-11-21T10:17:41.001Z")]);
    records.extend(students::paid());
    records.extend([
        done(4, "2026-11-21T10:17:41.100Z", 0.099),
        phase(5, "activation and growth", "2026-11-21T10:17:41.101Z"),
    ]);
    records.extend(students::found());
    records.push(done(5, "2026-11-21T10:17:41.200Z", 0.099));
    records.push(phase(6, "learning, autonomy, safety", "2026-11-21T10:17:41.201Z"));
    records.extend(learning::learned());
    records.extend([done(6, "2026-11-21T10:17:41.290Z", 0.089), phase(7, "resiliency", "2026-11-21T10:17:41.291Z")]);
    records.extend(resilience::disturbed());
    records.push(effects::driven());
    records.push(done(7, "2026-11-21T10:18:27.291Z", 46.0));
    records.extend(rolled_up(&records));
    records
}

/// What a run ends with.
fn rolled_up(records: &[Record]) -> [Record; 2] {
    let rulings: Vec<Ruling> = records
        .iter()
        .filter_map(|record| match record {
            Record::Ruled(ruling) => Some(ruling.clone()),
            _ => None,
        })
        .collect();
    let missing_for_ready = vec![
        "2 claims failed: a6.slo.p95.POST /register, a6.check.billing_facts".into(),
        "5 claims are undecided; the longest needs 20 min of load (--profile standard)".into(),
        "A8-PERF-001 showed again: turn a8_tile_cache on and measure once more".into(),
    ];
    [
        Record::RolledUp { rollup: roll_up(&rulings), missing_for_ready, change: None },
        Record::RunFinished { at: "2026-11-21T10:18:27.310Z".into(), took_s: 206.898, exit_code: 100 },
    ]
}

fn started() -> RunStarted {
    let titles = [
        ("inventory", 2.0),
        ("smoke and health", 20.0),
        ("load", 115.0),
        ("funnels", 20.0),
        ("monetization", 8.0),
        ("activation and growth", 8.0),
        ("learning, autonomy, safety", 8.0),
        ("resiliency", 60.0),
    ];
    RunStarted {
        run_id: "20261121t101500-1a2b3c4d".parse().unwrap(),
        at: "2026-11-21T10:15:00.412Z".into(),
        command: "ecosystem".into(),
        target: "embedded".into(),
        profile: "quick".into(),
        scenario: None,
        check: None,
        version: "0.1.0".into(),
        cores: 2,
        apps: AppId::ALL.into_iter().map(|app| (app, base(app))).collect(),
        phases: (0u8..)
            .zip(titles)
            .map(|(phase, (title, planned_s))| PlannedPhase { phase, title: title.into(), planned_s })
            .collect(),
        defects: Vec::new(),
    }
}

fn base(app: AppId) -> String {
    format!("http://127.0.0.1:{}/", app.default_port())
}

fn inventory() -> Inventory {
    let owners = ["identity", "data", "agents", "sage", "student", "provider", "growth", "operations"];
    let apps = AppId::ALL.into_iter().zip(owners).map(|(app, owner)| {
        let mut contract = Contract::new(app, owner, &format!("The {} app of the ecosystem.", app.title()));
        if app == AppId::A6 {
            let register = Route::post("/register", "Registers a provider.").hardened().success(&[201]);
            let quote = Route::post("/api/billing/quote", "Tells fee and price of an award.").hardened();
            contract = contract
                .route(register.slo(Slo::p95(150)).tag("core"))
                .route(quote.slo(Slo::p95(150)).tag("core"))
                .flag("a6_warm_pool", "Warms the pools and keeps them alive.");
        }
        InventoryApp {
            contract,
            base_url: base(app),
            reachable: app != AppId::A4,
            release: (app != AppId::A4).then(|| "0.1.0".into()),
            scenarios: vec![format!("{}.baseline", app.lower())],
            checks: vec![format!("{}.protocol", app.lower())],
            faults: vec![format!("{}.slow", app.lower())],
            missing_routes: if app == AppId::A5 { vec!["GET /pricing".into()] } else { Vec::new() },
        }
    });
    let secret = |name: &str, needed_for: &str, present| SecretPresence {
        name: name.into(),
        needed_for: needed_for.into(),
        present,
    };
    let secrets = vec![
        secret("HANDSHAKE_TELEMETRY_KEY", "reading A8's events", true),
        secret("STRIPE_TEST_KEY", "checkout against Stripe instead of the stub", false),
    ];
    Inventory { apps: apps.collect(), secrets }
}

fn checks() -> Vec<Record> {
    let finding = |what: &str, expected: &str, seen: &str, n: u128| Finding {
        what: what.into(),
        holds: expected == seen,
        expected: expected.into(),
        seen: seen.into(),
        trace_id: Some(trace(n)),
        capsule: (expected != seen).then(|| {
            format!(
                "curl -X POST {}api/billing/quote -H 'x-trace-id: {}' -d '{{\"gross_minor\":100000}}'",
                base(AppId::A6),
                trace(n)
            )
        }),
    };
    let report = |id: &str, claim: &str, findings: Vec<Finding>, skipped: Option<&str>| CheckReport {
        id: id.into(),
        claim: claim.into(),
        app: id.split('.').next().unwrap().parse().unwrap(),
        findings,
        skipped: skipped.map(Into::into),
        took_us: Micros(48_200),
    };
    let reports = [
        report(
            "a6.billing_facts",
            "the fee is 3 % and AI work costs 4 times",
            vec![
                finding("the fee on 1,000.00 USD", "3000", "2900", 0x61),
                finding("the price of 10.00 USD of AI work", "4000", "4000", 0x62),
                finding("fee and net make the gross", "100000", "100000", 0x63),
            ],
            None,
        ),
        report(
            "a6.listing_once",
            "a listing sent five times with one key exists once",
            vec![finding("listings with this title", "1", "1", 0x64)],
            None,
        ),
        report(
            "a2.durable",
            "an acknowledged event is there after a restart",
            vec![finding("events read back", "200", "200", 0x21)],
            None,
        ),
        report(
            "a5.checkout",
            "a micro purchase credits once",
            Vec::new(),
            Some("the target has no Stripe: set STRIPE_TEST_KEY to check this"),
        ),
    ];
    let absent = SecondSource::Absent { why: "A8 does not see a refused request".into() };
    let records = reports.into_iter().flat_map(|report| {
        let (verdict, line) = from_findings(&report, &absent);
        let id = report.id.replacen('.', ".check.", 1);
        let claim = claim(&id, report.app, 2, &report.claim, "check");
        let ruling = Ruling::new(claim, verdict, line, rerun(report.app, &report.id));
        [Record::Checked { phase: 2, report }, Record::Ruled(ruling)]
    });
    records.collect()
}

fn known_issue() -> KnownIssue {
    let measured = |label: &str, note: &str, median_ms: f64, n: u32| {
        let load = Load::new(AppId::A8, "GET /api/executive/overview", 2, n).median(median_ms);
        Measurement {
            label: label.into(),
            note: note.into(),
            requests: u64::from(n),
            errors: 0,
            latency: load.figures().response,
            slowest: vec![trace(0x801), trace(0x802)],
        }
    };
    KnownIssue {
        id: "A8-PERF-001".into(),
        app: AppId::A8,
        title: "the overview aggregates raw events on every request".into(),
        proposal: "Serve the overview from incremental roll-ups: turn the flag a8_tile_cache on (PUT \
                   /flags/a8_tile_cache). It can be turned off again at once."
            .into(),
        measurements: vec![
            measured("cold", "the first requests after a start, with a seeded store", 812.0, 60),
            measured("warm", "20 VUs after a warm-up", 640.0, 400),
            measured("flag a8_tile_cache on", "the same load from roll-ups with ETag", 6.1, 1900),
        ],
    }
}

fn waiting() -> Vec<Record> {
    let spike = Verdict::Held {
        action: "more than 60 VUs on a6".into(),
        grant: "cargo xtask approve vus_over_60 --run 20261121t101500-1a2b3c4d --scope env=embedded,apps=a6,vus=100"
            .into(),
    };
    let silent = Verdict::nothing_seen("requests", "at least 381 requests");
    let unsteady = Verdict::Inconclusive {
        reason: Reason::Unstable,
        figures: None,
        observed: "8 s of load".into(),
        required: "a stable window of 15 min".into(),
    };
    let rule = |id: &str, app, text: &str, kind: &str, verdict, line: &str| {
        Record::Ruled(Ruling::new(claim(id, app, 2, text, kind), verdict, line, rerun(app, id)))
    };
    vec![
        rule(
            "a6.slo.p95.spike",
            AppId::A6,
            "95 % of POST /register within 150 ms in a spike of 100 VUs",
            "slo",
            spike,
            "100 VUs are more than the 60 that need no approval",
        ),
        rule(
            "a4.slo.errors.POST /v1/chat/completions",
            AppId::A4,
            "fewer than 1 % of POST /v1/chat/completions fail",
            "slo",
            silent,
            "no requests were seen; at least 381 requests needed: the app does not answer",
        ),
        rule(
            "a3.slo.uptime",
            AppId::A3,
            "the pace is kept over 15 min",
            "telemetry",
            unsteady,
            "8 s of load show nothing about 15 min: run --profile full",
        ),
        Record::Note { phase: 2, app: Some(AppId::A4), text: "A4 does not answer on 127.0.0.1:7104".into() },
    ]
}

fn funnel() -> Vec<Record> {
    let hop = |app, name: &str, request: &str, status, ms| Hop {
        app,
        name: name.into(),
        request: request.into(),
        status,
        ms,
        ok: true,
        error: None,
    };
    let line = |what: &str, expected_minor, seen_minor| MoneyLine {
        what: what.into(),
        expected_minor,
        seen_minor,
        currency: "USD".into(),
    };
    let finding = |what: &str, expected: &str| Finding {
        what: what.into(),
        holds: true,
        expected: expected.into(),
        seen: expected.into(),
        trace_id: Some(trace(0x3b2b)),
        capsule: None,
    };
    let funnel = Funnel {
        id: "b2b".into(),
        title: "a provider finds us, registers, lists and is billed".into(),
        path: "A7 → A6 → A2 → A8".into(),
        trace_id: trace(0x3b2b),
        walks: 40,
        completed: 39,
        hops: vec![
            hop(AppId::A7, "lands on the page", "GET /p/providers", 200, 14.2),
            hop(AppId::A7, "leaves a lead", "POST /api/leads", 202, 38.9),
            hop(AppId::A6, "registers", "POST /register", 201, 131.4),
            Hop {
                ok: false,
                error: Some("409 on the second try, mended by the third".into()),
                ..hop(AppId::A6, "publishes a listing", "POST /api/listings", 409, 52.0)
            },
            hop(AppId::A6, "is settled", "POST /api/billing/settle", 200, 44.8),
            hop(AppId::A8, "shows the money", "GET /api/tiles/finance", 200, 9.3),
        ],
        findings: vec![finding("events of this trace in A8", "6"), finding("settlements of this trace", "1")],
        visible_after_ms: Some(412),
        money: vec![
            line("provider fee on 1,000.00 USD", 3_000, Some(3_000)),
            line("AI price of 10.00 USD", 4_000, Some(4_000)),
            line("fee in A8's finance tile", 3_000, Some(3_000)),
        ],
    };
    let report = CheckReport {
        id: "a6.funnel_b2b".into(),
        claim: "a provider gets from a page to a settled bill with one trace".into(),
        app: AppId::A6,
        findings: funnel.findings.clone(),
        skipped: None,
        took_us: Micros(290_600),
    };
    let entry = Reconciliation {
        app: AppId::A6,
        route: "funnel b2b".into(),
        attempt: 1,
        expected: 39,
        matched: 39,
        lost: 0,
        duplicated: 0,
        late: 0,
        disagreeing: 0,
        arrival: Some(Arrival::of(&load::delays(39, 902), 60_000)),
        tile: None,
        log: None,
        examples: Vec::new(),
    };
    let (verdict, line) = from_findings(&report, &entry.second_source());
    let claim = claim("a6.check.funnel_b2b", AppId::A6, 3, &report.claim, "check");
    let ruling = Ruling::new(claim, verdict, line, "cargo xtask suite b2b");
    vec![
        Record::Funnel(funnel),
        Record::Reconciled { phase: 3, reconciliation: entry },
        Record::Checked { phase: 3, report },
        Record::Ruled(ruling),
    ]
}

/// Errors of one kind, as a recorder counts them.
fn one_kind(errors: u64) -> BTreeMap<String, u64> {
    if errors == 0 { BTreeMap::new() } else { BTreeMap::from([("status".into(), errors)]) }
}

/// Ten sign-ins, of which two are shown: one that came through and one that broke at the token.
fn auth_trace() -> Record {
    let hop = |step: &str, method: &str, path: &str, status: u16, offset_us: u64| JourneyHop {
        step: step.into(),
        app: AppId::A1,
        route: format!("{method} {path}"),
        method: method.into(),
        url: format!("http://127.0.0.1:7101{path}"),
        span_id: format!("00f067aa0ba9{:04x}", offset_us / 1_000),
        status: Some(status),
        offset_us,
        duration_us: 2_450,
        redirects_to: None,
        cookies: Vec::new(),
        error: None,
    };
    let journey = |n: u128, ok: bool, hops: Vec<JourneyHop>| Journey {
        trace_id: trace(0x700 + n),
        vu: 0,
        iteration: u64::try_from(n).unwrap(),
        started_at_unix_ms: 1_795_256_241_000,
        duration_us: 48_900,
        ok,
        hops,
    };
    let login = JourneyHop {
        redirects_to: Some("http://127.0.0.1:49321/callback?code=…&state=…&iss=…".into()),
        cookies: vec!["a1_session; Path=/; Max-Age=28800; Secure; HttpOnly; SameSite=None".into()],
        ..hop("login", "POST", "/login", 303, 4_000)
    };
    let refused = JourneyHop {
        error: Some("status 400, expected [200]".into()),
        ..hop("token", "POST", "/oidc/token", 400, 41_000)
    };
    let authorize = hop("authorize", "GET", "/oidc/auth", 200, 300);
    let good = vec![authorize.clone(), login.clone(), hop("token", "POST", "/oidc/token", 200, 41_000)];
    let figures = |step: &str, route: &str, errors| AuthHop {
        step: step.into(),
        app: AppId::A1,
        route: route.into(),
        requests: 10,
        errors,
        p50_ms: Some(2.4),
        p95_ms: Some(6.125),
        max_ms: Some(6.125),
        limit_ms: 150,
    };
    Record::AuthTrace(Box::new(AuthTrace {
        scenario: "a1_oidc_code_flow".into(),
        scenario_digest: "5f".repeat(32),
        started_at: "2026-11-21T10:17:21.000Z".into(),
        tried: 10,
        succeeded: 9,
        hops: vec![
            figures("authorize", "GET /oidc/auth", 0),
            figures("login", "POST /login", 0),
            figures("token", "POST /oidc/token", 1),
        ],
        journeys: vec![journey(1, true, good), journey(2, false, vec![authorize, login, refused])],
    }))
}
