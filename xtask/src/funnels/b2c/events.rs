//! What each walk leaves in A8's lineage and in A2: every event once, in the walk's own trace.

use std::num::NonZeroU64;

use common::check::Finding;
use common::ids::{AppId, TraceId};
use common::verdict::{Agreement, Confirmation, Figures, Ruling, Verdict};

use super::{ACTIVATED, PAID, PATH, RERUN, SIGNED_UP, claim};
use crate::record::{Funnel, MoneyLine, Record, StudentWalk, StudentWalks};
use crate::run::{Run, RunError};

/// The events of a whole walk: who tells which, how often, and the step from which on it is owed.
const EVENTS: [(AppId, &str, u64, &str); 11] = [
    (AppId::A7, "cta_impression", 2, SIGNED_UP),
    (AppId::A1, "identity_ok", 1, SIGNED_UP),
    (AppId::A7, "page_build_requested", 1, SIGNED_UP),
    (AppId::A7, "page_published", 1, SIGNED_UP),
    (AppId::A3, "cta_emitted", 1, SIGNED_UP),
    (AppId::A3, "orchestration_cycle_complete", 1, SIGNED_UP),
    (AppId::A5, "activation_first_use", 1, ACTIVATED),
    (AppId::A5, "credit_decrement", 1, ACTIVATED),
    (AppId::A5, "checkout_started", 1, PAID),
    (AppId::A5, "checkout_completed", 1, PAID),
    (AppId::A5, "revenue_settled", 1, PAID),
];

/// The events that a walk owes, as far as it got: `A5 checkout_completed`, and how often.
pub(super) fn expected(walk: &StudentWalk) -> impl Iterator<Item = (String, u64)> {
    let owed = EVENTS.iter().filter(|(_, _, _, from)| walk.passed(from));
    owed.map(|(app, name, times, _)| (format!("{app} {name}"), *times))
}

/// Rules, app by app, on whether all walks are told of once; and on the hand-over from A3 to A2.
pub(super) fn rule(run: &mut Run, walks: &StudentWalks) -> Result<(), RunError> {
    for app in [AppId::A7, AppId::A1, AppId::A5, AppId::A3] {
        let findings: Vec<_> = walks.walks.iter().flat_map(|walk| told_by(app, walk)).collect();
        let text = format!("every walk's events of {app} are in A8 once, within 60 s, in the walk's trace");
        judge(run, claim(app, 3, "events", &text), &findings, "A8's lineage against the walks")?;
    }
    let findings: Vec<_> = walks.walks.iter().filter_map(handed_over).collect();
    let text = "A3 hands the event of each sign-up to A2 in the trace of the walk";
    judge(run, claim(AppId::A3, 3, "hands_over", text), &findings, "A2's lineage against the walks")
}

pub(super) fn told_by(app: AppId, walk: &StudentWalk) -> Vec<Finding> {
    let Some(seen) = &walk.seen else { return Vec::new() };
    let own = expected(walk).filter(|(name, _)| name.starts_with(app.as_str()));
    own.map(|(name, times)| {
        let count = seen.events.get(&name).copied().unwrap_or(0);
        finding(format!("{name} events in A8's lineage"), times.to_string(), count.to_string(), walk.trace_id)
    })
    .collect()
}

pub(super) fn handed_over(walk: &StudentWalk) -> Option<Finding> {
    let seen = walk.seen.as_ref()?;
    let kept = match seen.kept_by_a2 {
        0 => {
            let done = seen.events.contains_key("A3 orchestration_cycle_complete");
            let why = if done {
                "nothing, though A3 says that it is done: the trace ends between A3 and A2"
            } else {
                "nothing"
            };
            why.to_owned()
        }
        n => n.to_string(),
    };
    Some(finding("events of the walk in A2's lineage".into(), "1".into(), kept, walk.trace_id))
}

pub(super) fn finding(what: String, expected: String, seen: String, trace: TraceId) -> Finding {
    let holds = expected == seen;
    Finding { what, holds, expected, seen, trace_id: Some(trace), capsule: None }
}

/// A failure if one assertion is broken, a pass if all hold in both sources.
pub(super) fn judge(
    run: &mut Run,
    claim: common::verdict::Claim,
    findings: &[Finding],
    source: &str,
) -> Result<(), RunError> {
    let broken: Vec<_> = findings.iter().filter(|finding| !finding.holds).collect();
    let Some(figures) = Figures::counted("assertions", findings.len() as u64, broken.len() as u64) else {
        let verdict = Verdict::nothing_seen("walks", "at least 1 walk that got so far");
        return run.record(Record::Ruled(Ruling::new(claim, verdict, "no walk got so far", RERUN)));
    };
    let traces = |list: &[&Finding]| {
        let mut traces: Vec<_> = list.iter().filter_map(|finding| finding.trace_id).collect();
        traces.dedup();
        traces
    };
    let all: Vec<_> = findings.iter().collect();
    let (verdict, line) = match (broken.first(), NonZeroU64::new(traces(&all).len() as u64)) {
        (Some(first), _) => {
            let line = format!("{} of {} broken; first: {}", broken.len(), findings.len(), first.line());
            (Verdict::Fail { figures, traces: traces(&broken) }, line)
        }
        (None, Some(matched)) => {
            let second = Confirmation::Agreed(Agreement { source: source.to_owned(), matched });
            (Verdict::Pass { figures, second }, format!("{} assertions on {matched} walks hold", findings.len()))
        }
        (None, None) => (Verdict::nothing_seen("walks", "at least 1"), "no walk has a trace".to_owned()),
    };
    run.record(Record::Ruled(Ruling::new(claim, verdict, line, RERUN)))
}

/// The funnel as reports show it: the first walk that broke, or the last of all, which A8 had the least time to tell of.
pub(super) fn shown(walks: &StudentWalks) -> Funnel {
    let example = walks.walks.iter().find(|walk| !walk.passed(PAID)).or(walks.walks.last());
    let seen = example.and_then(|walk| walk.seen.as_ref());
    let assertions = |walk: &StudentWalk| {
        let events = [AppId::A7, AppId::A1, AppId::A5, AppId::A3].into_iter().flat_map(|app| told_by(app, walk));
        events.chain(handed_over(walk)).collect::<Vec<_>>()
    };
    Funnel {
        id: "b2c".into(),
        title: "A visitor becomes a student, asks the assistant and buys credits".into(),
        path: PATH.into(),
        trace_id: example.map_or_else(TraceId::fresh, |walk| walk.trace_id),
        walks: walks.walks.len() as u64,
        completed: super::count(walks, PAID),
        hops: example.map(|walk| walk.hops.clone()).unwrap_or_default(),
        findings: example.map(assertions).unwrap_or_default(),
        visible_after_ms: seen.and_then(|seen| seen.after_ms),
        money: vec![MoneyLine {
            what: "price of the micro pack".into(),
            expected_minor: 50,
            seen_minor: seen.and_then(|seen| seen.finance.get("gross_minor")?.as_i64()),
            currency: "USD".into(),
        }],
    }
}
