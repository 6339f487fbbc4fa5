//! The criteria, each with the claims that it rests on.

use common::ids::{AppId, TraceId};

use super::needs::{self, Need, Sources, criterion};
use super::{Criterion, issue, leave};
use crate::record::RunView;
use crate::report::signal_path;
use Sources::{One, Two};

/// Students: the share that comes through is counted once, what they left is compared.
const B2C: [Need; 11] = [
    Need(".b2c.signup", One),
    Need(".browser.funnel", One),
    Need("a7.b2c.hops", One),
    Need("a1.b2c.hops", One),
    Need("a5.b2c.hops", One),
    Need("a7.b2c.events", Two),
    Need("a1.b2c.events", Two),
    Need("a5.b2c.events", Two),
    Need("a3.b2c.events", Two),
    Need("a3.b2c.hands_over", Two),
    Need("a3.attribution_keeps_the_arm", One),
];

/// Providers: the money of each sale is looked for in A6, A2 and A8.
const B2B: [Need; 2] = [Need(".b2b.signup", One), Need("a6.b2b.money", Two)];

/// The histories are themselves compared with what the apps keep.
const ONCE: [Need; 9] = [
    Need("a2.effects", One),
    Need("a3.effects", One),
    Need("a5.effects", One),
    Need("a6.effects", One),
    Need("a3.resilience.no_duplicate_effect", One),
    Need("a2.one_key_one_event", One),
    Need("a3.one_key_one_run", One),
    Need("a5.replayed_webhook_credits_once", One),
    Need("a6.settle_once", One),
];

const MONEY: [Need; 5] = [
    Need(".b2c.checkout", One),
    Need("a5.ledger_balances", One),
    Need("a5.b2c.money", Two),
    Need("a8.b2c.test_revenue", Two),
    Need("a6.b2b.money", Two),
];

const FIRST_VALUE: [Need; 2] = [Need(".b2c.activation", One), Need("a8.b2c.metrics", Two)];

/// All of them.
pub(super) fn all(view: &RunView) -> Vec<Criterion> {
    vec![
        smoke(view),
        criterion(
            view,
            "The funnel of students is at its target, with its events in A8 within 60 s",
            &B2C,
            &["b2c_funnel_results.json", "a8_data_lineage.md"],
            funnel(view, "b2c"),
        ),
        criterion(
            view,
            "The funnel of providers is at its target, with its events in A8 within 60 s",
            &B2B,
            &["b2b_funnel_results.json", "a8_data_lineage.md"],
            funnel(view, "b2b"),
        ),
        criterion(
            view,
            "No effect happens twice under retries",
            &ONCE,
            &["idempotency_validation.md", "a3_resiliency_report.md"],
            [repeated(view), asserted(view, &ONCE.map(|Need(id, _)| id))].concat(),
        ),
        criterion(
            view,
            "Checkout, ledger and lineage agree",
            &MONEY,
            &["b2c_checkout_results.json", "billing_logic_verification.md", "a8_data_lineage.md"],
            walks(view, "credits"),
        ),
        criterion(
            view,
            "The time to first value is below 5 minutes",
            &FIRST_VALUE,
            &["activation_results.json"],
            walks(view, "first_action"),
        ),
        learning(view),
        leave::logged(view),
        issue::mended(view),
    ]
}

fn smoke(view: &RunView) -> Criterion {
    let figures = view.figures.iter().filter(|figures| figures.phase == 1);
    Criterion {
        text: "Every smoke service level of A1 to A8 passes from two sources",
        rests: AppId::ALL.into_iter().flat_map(|app| needs::smoke(view, app)).collect(),
        files: vec!["ecosystem_slo_matrix.md", "verdicts.json"],
        traces: figures.filter_map(|figures| figures.slowest.first()).map(|exemplar| exemplar.trace_id).collect(),
    }
}

/// What A3 learns and corrects. Its breakers' changes are the part that A8 knows too.
fn learning(view: &RunView) -> Criterion {
    let traces = asserted(view, &signal_path::ids());
    let files = ["rl_signal_path.md", "error_correction_learning.md", "a3_resiliency_report.md"];
    criterion(view, "Learning and error correction are shown", &learned(), &files, traces)
}

/// A trace of each of these checks.
fn asserted(view: &RunView, ids: &[&str]) -> Vec<TraceId> {
    let checks = view.checks.iter().map(|(_, check)| check).filter(|check| ids.contains(&check.id.as_str()));
    checks.filter_map(|check| check.findings.iter().find_map(|finding| finding.trace_id)).collect()
}

fn learned() -> Vec<Need> {
    let corrected = [
        Need("a3.resilience.transitions_reported", Two),
        Need("a3.resilience.backoff", Two),
        Need("a3.resilience.recovers", One),
    ];
    signal_path::ids().into_iter().map(|id| Need(id, One)).chain(corrected).collect()
}

/// Every claim that a criterion names.
#[cfg(test)]
pub(super) fn named() -> Vec<Need> {
    [&B2C[..], &B2B, &ONCE, &MONEY, &FIRST_VALUE, &learned()].concat()
}

fn funnel(view: &RunView, id: &str) -> Vec<TraceId> {
    view.funnels.iter().filter(|funnel| funnel.id == id).map(|funnel| funnel.trace_id).collect()
}

/// Walks that passed a step.
fn walks(view: &RunView, step: &str) -> Vec<TraceId> {
    let walks = view.students.iter().flat_map(|students| &students.walks);
    walks.filter(|walk| walk.passed(step)).map(|walk| walk.trace_id).collect()
}

/// What happened twice, or not at all.
fn repeated(view: &RunView) -> Vec<TraceId> {
    let runs = view.resilience.iter().map(|seen| &seen.runs);
    let runs = runs.flat_map(|runs| [&runs.twice, &runs.without_effect, &runs.unfinished]).flatten().copied();
    let cells = view.effects.iter().flat_map(|report| &report.cells);
    let anomalies = cells.flat_map(|cell| &cell.checked.anomalies).filter_map(|anomaly| anomaly.trace_id);
    runs.chain(anomalies).collect()
}
