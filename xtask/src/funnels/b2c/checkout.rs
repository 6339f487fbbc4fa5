//! The checkout: how many of those who saw the plans paid, and whether every cent and credit is where it belongs, once.

use common::check::Finding;
use common::ids::AppId;
use common::verdict::{Confirmation, Ruling, Verdict};
use serde_json::Value;

use super::events::{finding, judge};
use super::{ACTIVATED, PAID, RERUN, TARGET, claim, count, first_break, stuck, unasked};
use crate::funnels::walks::Through;
use crate::record::{Record, StudentSeen, StudentWalk, StudentWalks};
use crate::run::{Run, RunError};

const PHASE: u8 = 4;
/// The micro pack: 50 cents for 10 credits, on top of 5 at sign-up and one less for the first question.
const PRICE_MINOR: i64 = 50;
const LEDGER: [(&str, i64); 3] = [("grant", 5), ("spend", 1), ("purchase", 10)];

/// Rules on the walks of phase 3, if there were any.
pub(in crate::funnels) fn rule(run: &mut Run) -> Result<(), RunError> {
    let Some(walks) = run.view.students.clone() else { return Ok(()) };
    converted(run, &walks)?;
    let paid: Vec<_> = walks.walks.iter().filter(|walk| walk.passed(PAID)).collect();
    let seen = |walk: &StudentWalk| walk.seen.clone().unwrap_or_default();
    let money: Vec<_> = paid.iter().flat_map(|walk| money_of(walk, &seen(walk))).collect();
    let text = "each micro checkout is 0.50 USD and 10 credits, once, in A5's ledger and A8's finance tile";
    if !unasked(run, PHASE, "money", text)? {
        judge(run, claim(AppId::A5, PHASE, "money", text), &money, "A8's finance tile against A5's transaction log")?;
    }
    let live: Vec<_> = paid.iter().map(|walk| kept_out(walk, &seen(walk))).collect();
    let text = "money of Stripe's test mode is in no live figure";
    judge(run, claim(AppId::A8, PHASE, "test_revenue", text), &live, "A8's live finance tile against the walks")
}

fn converted(run: &mut Run, walks: &StudentWalks) -> Result<(), RunError> {
    let text = "90 % of students who come to the plans pay for the micro pack";
    let came = count(walks, ACTIVATED);
    if came == 0 {
        let verdict = Verdict::nothing_seen("walks", "at least 35 that come to the plans");
        let claim = claim(AppId::A5, PHASE, "checkout", text);
        return run.record(Record::Ruled(Ruling::new(claim, verdict, "no walk came to the plans", RERUN)));
    }
    let broke = first_break(walks, Some(ACTIVATED), PAID);
    let through = Through {
        claim: claim(broke.as_ref().map_or(AppId::A5, |(app, _)| *app), PHASE, "checkout", text),
        target: TARGET,
        tried: came,
        done: count(walks, PAID),
        failed: stuck(walks, Some(ACTIVATED), PAID),
        broke: broke.map(|(_, what)| what),
        second: Confirmation::SingleSource { why: "the money of each checkout is ruled on apart".into() },
        rerun: RERUN,
    };
    run.record(Record::Ruled(through.ruled()))
}

pub(super) fn money_of(walk: &StudentWalk, seen: &StudentSeen) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut want = |what: &str, expected: String, found: Option<&Value>| {
        let found = found.map_or_else(|| "nothing".to_owned(), plain);
        findings.push(finding(what.to_owned(), expected, found, walk.trace_id));
    };
    let orders = list(&seen.log, "/orders");
    want("orders in A5's transaction log", "1".into(), Some(&Value::from(orders.len())));
    let order = orders.first();
    let of_order = |field: &str| order.and_then(|order| order.get(field));
    want("the order's state", "paid".into(), of_order("state"));
    want("the order's amount, in cents", PRICE_MINOR.to_string(), of_order("amount_minor"));
    want("the order's currency", "USD".into(), of_order("currency").map(upper).as_ref());
    for (kind, credits) in LEDGER {
        let own: Vec<_> = list(&seen.log, "/ledger").into_iter().filter(|entry| entry["kind"] == kind).collect();
        want(&format!("{kind} entries in A5's ledger"), "1".into(), Some(&Value::from(own.len())));
        want(&format!("credits of the {kind}"), credits.to_string(), own.first().map(|entry| &entry["credits"]));
    }
    for (what, field, expected) in [
        ("settlements in A8's finance tile", "settlements", 1),
        ("gross in A8's finance tile, in cents", "gross_minor", PRICE_MINOR),
        ("revenue counted twice in A8's finance tile", "repeated_revenue_event_ids", 0),
    ] {
        want(what, expected.to_string(), seen.finance.get(field));
    }
    findings
}

pub(super) fn kept_out(walk: &StudentWalk, seen: &StudentSeen) -> Finding {
    let found = seen.live_settlements.map_or_else(|| "no tile".to_owned(), |n| n.to_string());
    finding("settlements of the walk in A8's live finance tile".into(), "0".into(), found, walk.trace_id)
}

fn list(value: &Value, pointer: &str) -> Vec<Value> {
    value.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn upper(value: &Value) -> Value {
    Value::from(plain(value).to_uppercase())
}
