//! "Each request of the funnel has a 95th percentile of at most 150 ms", app by app; the worst request decides.

use std::collections::BTreeMap;
use std::time::Duration;

use common::ids::AppId;
use common::slo::{Decision, Judgement, Quantile, Reason, Terms, judge_latency, nearest_rank};
use common::units::Micros;
use common::verdict::{Confirmation, Figures, Ruling, Verdict};

use super::{RERUN, claim};
use crate::record::{Record, StudentWalks};
use crate::run::{Run, RunError};

/// The limit, in microseconds.
const LIMIT_US: u64 = 150_000;
/// Fewer walks than a sign-up rate needs decide nothing about a percentile either.
const ENOUGH: u64 = 35;
/// Requests that wait for somebody else: A4's tokens, the payment provider, a password's hash aside.
const WAITS: [&str; 3] = ["first action", "checkout", "pay"];

/// One kind of request over all walks.
pub(super) struct Hop {
    name: String,
    p95_us: u64,
    n: u64,
    over: u64,
    judgement: Judgement,
}

/// Rules for A7, A1 and A5.
pub(super) fn rule(run: &mut Run, walks: &StudentWalks) -> Result<(), RunError> {
    for app in [AppId::A7, AppId::A1, AppId::A5] {
        let hops = hops_of(app, walks);
        let text = format!("each request of the funnel at {app} has a P95 of at most 150 ms");
        let claim = claim(app, 3, "hops", &text);
        let (verdict, line) = verdict(&hops);
        run.record(Record::Ruled(Ruling::new(claim, verdict, line, RERUN)))?;
    }
    Ok(())
}

pub(super) fn hops_of(app: AppId, walks: &StudentWalks) -> Vec<Hop> {
    let mut by_name: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let own = walks.walks.iter().flat_map(|walk| &walk.hops).filter(|hop| hop.app == app && hop.status > 0);
    for hop in own.filter(|hop| !WAITS.contains(&hop.name.as_str())) {
        by_name.entry(&hop.name).or_default().push(Micros::from(Duration::from_secs_f64(hop.ms.max(0.0) / 1_000.0)).0);
    }
    by_name.into_iter().filter_map(|(name, samples)| hop(name, samples)).collect()
}

fn hop(name: &str, samples: Vec<u64>) -> Option<Hop> {
    let judgement = judge_latency(&samples, LIMIT_US, Quantile::P95, Terms { n_min: ENOUGH, ..Terms::default() });
    let over = samples.iter().filter(|us| **us > LIMIT_US).count() as u64;
    let n = samples.len() as u64;
    let mut sorted = samples;
    sorted.sort_unstable();
    let p95_us = nearest_rank(&sorted, Quantile::P95)?;
    Some(Hop { name: name.to_owned(), p95_us, n, over, judgement })
}

pub(super) fn verdict(hops: &[Hop]) -> (Verdict, String) {
    let worst = hops.iter().max_by_key(|hop| (hop.judgement.decision == Decision::Fail, hop.p95_us));
    let counted =
        |hop: &Hop| Some(Figures { judgement: Some(hop.judgement), ..Figures::counted("requests", hop.n, hop.over)? });
    let Some((worst, figures)) = worst.and_then(|hop| Some((hop, counted(hop)?))) else {
        return (Verdict::nothing_seen("requests", "at least 1 walk"), "no request was answered".to_owned());
    };
    let ms = Micros(worst.p95_us).as_ms();
    let line =
        format!("slowest of {} requests: {} with a P95 of {ms:.1} ms in {} walks", hops.len(), worst.name, worst.n);
    let all_pass = hops.iter().all(|hop| hop.judgement.decision == Decision::Pass);
    let verdict = match worst.judgement.decision {
        Decision::Fail => Verdict::Fail { figures, traces: Vec::new() },
        Decision::Pass if all_pass => {
            let why = "the same requests under load are compared with A8 in phase 2".to_owned();
            Verdict::Pass { figures, second: Confirmation::SingleSource { why } }
        }
        _ => {
            let more = hops.iter().filter_map(|hop| hop.judgement.samples_needed.map(|more| hop.n + more)).max();
            Verdict::Inconclusive {
                reason: Reason::TooFew,
                figures: Some(figures),
                observed: format!("observed {} walks", worst.n),
                required: more
                    .map_or_else(|| "required: a P95 away from 150 ms".into(), |n| format!("required {n} walks")),
            }
        }
    };
    (verdict, line)
}
