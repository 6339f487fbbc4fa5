//! The first use: how many students got their first answer, how soon, and whether A8's growth figures say the same.

use common::check::Finding;
use common::ids::{AppId, TraceId};
use common::verdict::{Confirmation, Ruling, Verdict};
use serde_json::Value;

use super::events::{finding, judge};
use super::{ACTIVATED, PAID, RERUN, SIGNED_UP, TARGET, claim, count, first_break, stuck, unasked};
use crate::funnels::walks::Through;
use crate::record::{Record, StudentWalk, StudentWalks};
use crate::run::{Run, RunError};

const PHASE: u8 = 5;
/// The first value must come within five minutes of the sign-up.
const SOON_MS: i64 = 5 * 60 * 1_000;

/// Rules on the walks of phase 3, if there were any.
pub(in crate::funnels) fn rule(run: &mut Run) -> Result<(), RunError> {
    let Some(walks) = run.view.students.clone() else { return Ok(()) };
    activated(run, &walks)?;
    let text = "A8 computes the walks' ctr, signup_rate, checkout_conv_rate and ttfv_min from their events";
    let whole =
        |walk: &&StudentWalk| walk.seen.as_ref().is_some_and(|seen| walk.passed(PAID) && seen.after_ms.is_some());
    let (all, through) = (walks.walks.len(), walks.walks.iter().filter(whole).count());
    if through < all {
        let part = all - through;
        let reason =
            format!("{part} of {all} walks broke or are not all in A8, so what it should compute is not known");
        let line = format!("not tried: {reason}");
        let claim = claim(AppId::A8, PHASE, "metrics", text);
        return run.record(Record::Ruled(Ruling::new(claim, Verdict::Skipped { reason }, line, RERUN)));
    }
    judge(run, claim(AppId::A8, PHASE, "metrics", text), &metrics(&walks), "A8's growth tile against the walks")
}

fn activated(run: &mut Run, walks: &StudentWalks) -> Result<(), RunError> {
    let text = "90 % of students get their first answer within 5 minutes of their sign-up";
    if unasked(run, PHASE, "activation", text)? {
        return Ok(());
    }
    let came = count(walks, SIGNED_UP);
    if came == 0 {
        let verdict = Verdict::nothing_seen("walks", "at least 35 that sign up");
        let claim = claim(AppId::A5, PHASE, "activation", text);
        return run.record(Record::Ruled(Ruling::new(claim, verdict, "no walk signed up", RERUN)));
    }
    let (soon, late): (Vec<_>, Vec<_>) = walks
        .walks
        .iter()
        .filter(|walk| walk.passed(ACTIVATED))
        .partition(|walk| ttfv_ms(walk).is_some_and(|ms| (0..SOON_MS).contains(&ms)));
    let lacks = |walk: &StudentWalk| match ttfv_ms(walk) {
        Some(ms) => format!("A5's log says {ms} ms"),
        None => "A5's log has no first use of the walk".to_owned(),
    };
    let broke = first_break(walks, Some(SIGNED_UP), ACTIVATED);
    let broke = broke.or_else(|| late.first().map(|walk| (AppId::A5, lacks(walk))));
    let mut failed = stuck(walks, Some(SIGNED_UP), ACTIVATED);
    failed.extend(late.iter().map(|walk| walk.trace_id));
    let through = Through {
        claim: claim(broke.as_ref().map_or(AppId::A5, |(app, _)| *app), PHASE, "activation", text),
        target: TARGET,
        tried: came,
        done: soon.len() as u64,
        failed,
        broke: broke.map(|(_, what)| what),
        second: Confirmation::SingleSource { why: "the events of each first use are ruled on apart".into() },
        rerun: RERUN,
    };
    run.record(Record::Ruled(through.ruled()))
}

/// Milliseconds from the sign-up to the first answer, by A5's transaction log.
fn ttfv_ms(walk: &StudentWalk) -> Option<i64> {
    walk.seen.as_ref()?.log.pointer("/activations/0/ttfv_ms")?.as_i64()
}

/// The ratios of the growth tile, numerator and denominator each, against the walks counted here.
pub(super) fn metrics(walks: &StudentWalks) -> Vec<Finding> {
    let Some(trace) = walks.walks.first().map(|walk| walk.trace_id) else { return Vec::new() };
    let counted = |step: &str| count(walks, step);
    let expected = [
        ("ctr", counted("click"), counted("impression")),
        ("signup_rate", counted("signup"), counted("impression")),
        ("checkout_conv_rate", counted(PAID), counted("checkout")),
    ];
    let mut findings: Vec<_> = expected
        .into_iter()
        .flat_map(|(name, above, below)| {
            [("numerator", above), ("denominator", below)].map(|(part, expected)| {
                let found = part_of(&walks.growth, name, part);
                finding(format!("{part} of {name} in A8's growth tile"), expected.to_string(), found, trace)
            })
        })
        .collect();
    findings.push(ttfv(walks, trace));
    findings
}

fn ttfv(walks: &StudentWalks, trace: TraceId) -> Finding {
    let value = walks.growth.pointer("/business_metrics/ttfv_min/value").and_then(Value::as_f64);
    let soon = value.is_some_and(|minutes| (0.0..5.0).contains(&minutes));
    let seen = match value {
        Some(_) if soon => "less than 5".to_owned(),
        Some(minutes) => minutes.to_string(),
        None => "nothing".to_owned(),
    };
    finding("ttfv_min in A8's growth tile, in minutes".into(), "less than 5".into(), seen, trace)
}

fn part_of(growth: &Value, metric: &str, part: &str) -> String {
    let found = growth.pointer(&format!("/business_metrics/{metric}/{part}")).and_then(Value::as_f64);
    found.map_or_else(|| "nothing".to_owned(), |count| count.to_string())
}
