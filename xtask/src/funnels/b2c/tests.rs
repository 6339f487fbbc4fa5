//! What the rulings say of walks that are written down here.

use common::ids::TraceId;
use common::load::JourneyHop;
use serde_json::json;

use super::*;
use crate::record::{Hop, StudentSeen};

const STEPS: [&str; 5] = ["page", "impression", "click", "signup", "dashboard"];

fn journey_hop(step: &str, error: Option<&str>) -> JourneyHop {
    JourneyHop {
        step: step.into(),
        app: AppId::A5,
        route: "GET /".into(),
        method: "GET".into(),
        url: "http://127.0.0.1:7105/".into(),
        span_id: "00f067aa0ba902b7".into(),
        status: Some(200),
        offset_us: 0,
        duration_us: 2_000,
        redirects_to: None,
        cookies: Vec::new(),
        error: error.map(str::to_owned),
    }
}

fn journey(hops: Vec<JourneyHop>) -> Journey {
    let trace_id = TraceId::from_u128(0x5b2c);
    Journey { trace_id, vu: 0, iteration: 0, started_at_unix_ms: 0, duration_us: 9_000, ok: false, hops }
}

fn seen() -> StudentSeen {
    let events = [
        ("A7 cta_impression", 2),
        ("A1 identity_ok", 1),
        ("A7 page_build_requested", 1),
        ("A7 page_published", 1),
        ("A3 cta_emitted", 1),
        ("A3 orchestration_cycle_complete", 1),
        ("A5 activation_first_use", 1),
        ("A5 credit_decrement", 1),
        ("A5 checkout_started", 1),
        ("A5 checkout_completed", 1),
        ("A5 revenue_settled", 1),
    ];
    let entry = |kind: &str, credits: i64| json!({ "kind": kind, "credits": credits });
    StudentSeen {
        events: events.map(|(name, times)| (name.to_owned(), times)).into(),
        kept_by_a2: 1,
        log: json!({
            "orders": [{ "state": "paid", "amount_minor": 50, "currency": "usd" }],
            "ledger": [entry("grant", 5), entry("spend", 1), entry("purchase", 10)],
            "activations": [{ "ttfv_ms": 900 }],
        }),
        finance: json!({ "settlements": 1, "gross_minor": 50, "repeated_revenue_event_ids": 0 }),
        live_settlements: Some(0),
        after_ms: Some(10),
    }
}

fn whole() -> StudentWalk {
    let steps = ["page", "impression", "click", "signup", SIGNED_UP, ACTIVATED, "checkout", PAID];
    let passed = steps.map(str::to_owned).to_vec();
    StudentWalk { trace_id: TraceId::from_u128(0x5b2c), passed, hops: Vec::new(), seen: Some(seen()) }
}

fn broken(findings: impl IntoIterator<Item = common::check::Finding>) -> Vec<String> {
    findings.into_iter().filter(|finding| !finding.holds).map(|finding| finding.line()).collect()
}

#[test]
fn a_walk_passes_the_steps_before_the_first_broken_request() {
    let hops =
        vec![journey_hop("page", None), journey_hop("impression", None), journey_hop("click", Some("status 500"))];
    let walk = one(&journey(hops), &STEPS);
    assert_eq!(walk.passed, ["page", "impression"]);
    assert_eq!(walk.broke().unwrap().error.as_deref(), Some("status 500"));
}

#[test]
fn a_step_whose_second_request_broke_is_not_passed() {
    let hops = vec![journey_hop("page", None), journey_hop("impression", None), journey_hop("impression", Some("no"))];
    assert_eq!(one(&journey(hops), &STEPS).passed, ["page"]);
}

#[test]
fn a_whole_walk_that_is_seen_everywhere_once_breaks_nothing() {
    let walk = whole();
    for app in [AppId::A7, AppId::A1, AppId::A5, AppId::A3] {
        let findings = events::told_by(app, &walk);
        assert!(!findings.is_empty(), "{app} owes nothing");
        assert_eq!(broken(findings), Vec::<String>::new(), "{app}");
    }
    assert_eq!(broken(events::handed_over(&walk)), Vec::<String>::new());
    assert_eq!(broken(checkout::money_of(&walk, &seen())), Vec::<String>::new());
    assert!(checkout::kept_out(&walk, &seen()).holds);
}

#[test]
fn an_event_that_is_lost_or_doubled_is_its_own_apps() {
    let mut walk = whole();
    let events = &mut walk.seen.as_mut().unwrap().events;
    events.remove("A7 cta_impression");
    events.insert("A5 credit_decrement".into(), 2);
    assert!(
        broken(events::told_by(AppId::A7, &walk))[0]
            .starts_with("A7 cta_impression events in A8's lineage: expected 2, saw 0")
    );
    assert!(
        broken(events::told_by(AppId::A5, &walk))[0]
            .starts_with("A5 credit_decrement events in A8's lineage: expected 1, saw 2")
    );
    assert!(broken(events::told_by(AppId::A1, &walk)).is_empty());
}

#[test]
fn a_trace_that_a3_finished_and_a2_does_not_know_ends_between_the_two() {
    let mut walk = whole();
    walk.seen.as_mut().unwrap().kept_by_a2 = 0;
    assert!(broken(events::handed_over(&walk))[0].contains("the trace ends between A3 and A2"));
}

#[test]
fn a_purchase_credited_twice_or_not_at_all_is_a_broken_cent() {
    let walk = whole();
    let mut twice = seen();
    let ledger = twice.log["ledger"].as_array_mut().unwrap();
    ledger.push(json!({ "kind": "purchase", "credits": 10 }));
    assert!(
        broken(checkout::money_of(&walk, &twice))[0].starts_with("purchase entries in A5's ledger: expected 1, saw 2")
    );
    let nothing = StudentSeen::default();
    assert!(broken(checkout::money_of(&walk, &nothing)).len() > 8);
    assert!(!checkout::kept_out(&walk, &nothing).holds, "no tile is no proof");
}

#[test]
fn a8s_rates_are_compared_part_by_part() {
    let growth = json!({ "business_metrics": {
        "ctr": { "numerator": 1, "denominator": 1 },
        "signup_rate": { "numerator": 1, "denominator": 1 },
        "checkout_conv_rate": { "numerator": 0, "denominator": 1 },
        "ttfv_min": { "value": 0.015 },
    } });
    let walks = StudentWalks {
        scenario: SCENARIO.into(),
        scenario_digest: String::new(),
        started_at: String::new(),
        walks: vec![whole()],
        unreached: None,
        growth,
    };
    let broken = broken(activation::metrics(&walks));
    assert_eq!(broken.len(), 1);
    assert!(
        broken[0].starts_with("numerator of checkout_conv_rate in A8's growth tile: expected 1, saw 0"),
        "{broken:?}"
    );
}

#[test]
fn the_slowest_request_is_named_and_few_walks_decide_nothing() {
    let hop = |name: &str, ms: f64| Hop {
        app: AppId::A1,
        name: name.into(),
        request: "POST /signup".into(),
        status: 303,
        ms,
        ok: true,
        error: None,
    };
    let mut walk = whole();
    walk.hops = vec![hop("signup form", 3.0), hop("signup", 42.0)];
    let walks = |times: usize| StudentWalks {
        scenario: SCENARIO.into(),
        scenario_digest: String::new(),
        started_at: String::new(),
        walks: vec![walk.clone(); times],
        unreached: None,
        growth: serde_json::Value::Null,
    };
    let (verdict, line) = hops::verdict(&hops::hops_of(AppId::A1, &walks(20)));
    assert!(matches!(verdict, Verdict::Inconclusive { .. }), "{verdict:?}");
    assert!(line.contains("signup with a P95 of 42.0 ms"), "{line}");
    assert!(hops::verdict(&hops::hops_of(AppId::A7, &walks(20))).1.contains("no request"));
}
