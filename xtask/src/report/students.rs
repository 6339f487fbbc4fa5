//! What students did: `b2c_funnel_results.json`, `b2c_checkout_results.json`, `activation_results.json`.

use common::ids::TraceId;
use common::verdict::Ruling;
use serde::Serialize;
use serde_json::Value;

use super::{Artifact, Head, json};
use crate::record::{BrowserCase, Funnel, RunView, StudentWalk, StudentWalks};

#[derive(Serialize)]
struct Results<'a, T> {
    schema: &'static str,
    #[serde(flatten)]
    head: Head,
    /// Absent if nobody walked the funnel in this run.
    #[serde(skip_serializing_if = "Option::is_none")]
    scenario: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<&'a str>,
    /// Why not a single request came to an end.
    #[serde(skip_serializing_if = "Option::is_none")]
    unreached: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    funnels: Vec<&'a Funnel>,
    rulings: Vec<&'a Ruling>,
    walks: Vec<T>,
    browser: Vec<&'a BrowserCase>,
}

/// A walk as a whole.
#[derive(Serialize)]
struct Walk<'a> {
    trace_id: TraceId,
    /// The last step that gave what was expected.
    reached: Option<&'a str>,
    /// The first request that did not.
    broke: Option<String>,
    /// Events in A8's lineage, by app and name.
    events: Option<&'a std::collections::BTreeMap<String, u64>>,
    kept_by_a2: Option<u64>,
    visible_after_ms: Option<i64>,
}

/// The money of a walk.
#[derive(Serialize)]
struct Paid<'a> {
    trace_id: TraceId,
    orders: &'a Value,
    ledger: &'a Value,
    webhooks: &'a Value,
    gross_minor_in_a8: &'a Value,
    settlements_in_a8: &'a Value,
    live_settlements_in_a8: Option<u64>,
}

/// The first use of a walk.
#[derive(Serialize)]
struct Activated<'a> {
    trace_id: TraceId,
    activations: &'a Value,
    documents: &'a Value,
    credit_decrements_in_a8: u64,
    first_uses_in_a8: u64,
}

/// The three files.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let funnels: Vec<_> = view.funnels.iter().filter(|funnel| funnel.id == "b2c").collect();
    let about = |ruling: &&Ruling| [".b2c.", ".browser."].iter().any(|part| ruling.claim.id.contains(part));
    let funnel = results(view, 3, "handshake-b2c-funnel/1", about, walk);
    let checkout = results(view, 4, "handshake-b2c-checkout/1", |_| true, paid);
    let activation = results(view, 5, "handshake-activation/1", about_activation, activated);
    vec![
        Artifact::report("b2c_funnel_results.json", json(&Results { funnels, ..funnel })),
        Artifact::report("b2c_checkout_results.json", json(&checkout)),
        Artifact::report("activation_results.json", json(&activation)),
    ]
}

/// Phase 5 is about growth too, which has a file of its own.
fn about_activation(ruling: &&Ruling) -> bool {
    ruling.claim.id.starts_with("a5.") || ruling.claim.id.ends_with(".activation")
}

fn results<'a, T>(
    view: &'a RunView,
    phase: u8,
    schema: &'static str,
    about: impl Fn(&&Ruling) -> bool,
    show: impl Fn(&'a StudentWalk) -> T,
) -> Results<'a, T> {
    let students = view.students.as_ref();
    let of_phase = |case: &&BrowserCase| case.phase == phase;
    Results {
        schema,
        head: Head::of(view),
        scenario: students.map(|walks| walks.scenario.as_str()),
        started_at: students.map(|walks| walks.started_at.as_str()),
        unreached: students.and_then(|walks| walks.unreached.as_deref()),
        funnels: Vec::new(),
        rulings: view.rulings.iter().filter(|ruling| ruling.claim.phase == phase).filter(about).collect(),
        walks: walks(students).iter().map(show).collect(),
        browser: view.browser.iter().flat_map(|run| &run.cases).filter(of_phase).collect(),
    }
}

fn walks(students: Option<&StudentWalks>) -> &[StudentWalk] {
    students.map_or(&[], |walks| &walks.walks)
}

fn walk(walk: &StudentWalk) -> Walk<'_> {
    let seen = walk.seen.as_ref();
    Walk {
        trace_id: walk.trace_id,
        reached: walk.passed.last().map(String::as_str),
        broke: walk.broke().map(|hop| format!("{} {}: {}", hop.app, hop.request, hop.error.as_deref().unwrap_or("-"))),
        events: seen.map(|seen| &seen.events),
        kept_by_a2: seen.map(|seen| seen.kept_by_a2),
        visible_after_ms: seen.and_then(|seen| seen.after_ms),
    }
}

fn paid(walk: &StudentWalk) -> Paid<'_> {
    Paid {
        trace_id: walk.trace_id,
        orders: logged(walk, "orders"),
        ledger: logged(walk, "ledger"),
        webhooks: logged(walk, "webhooks"),
        gross_minor_in_a8: shown(walk, "gross_minor"),
        settlements_in_a8: shown(walk, "settlements"),
        live_settlements_in_a8: walk.seen.as_ref().and_then(|seen| seen.live_settlements),
    }
}

fn activated(walk: &StudentWalk) -> Activated<'_> {
    let told = |name: &str| walk.seen.as_ref().and_then(|seen| seen.events.get(name).copied()).unwrap_or(0);
    Activated {
        trace_id: walk.trace_id,
        activations: logged(walk, "activations"),
        documents: logged(walk, "documents"),
        credit_decrements_in_a8: told("A5 credit_decrement"),
        first_uses_in_a8: told("A5 activation_first_use"),
    }
}

fn logged<'a>(walk: &'a StudentWalk, part: &str) -> &'a Value {
    walk.seen.as_ref().and_then(|seen| seen.log.get(part)).unwrap_or(&Value::Null)
}

fn shown<'a>(walk: &'a StudentWalk, part: &str) -> &'a Value {
    walk.seen.as_ref().and_then(|seen| seen.finance.get(part)).unwrap_or(&Value::Null)
}
