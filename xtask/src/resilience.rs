//! Outages on purpose: 503 from those whom A3 calls, 503 in front of A3, and a kill, in an ecosystem of their own.

mod after;
mod ask;
mod attempts;
mod judge;
mod kill;
mod outage;
mod own;
mod party;
mod runs;
mod transitions;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use common::client::Client;
use common::clock;
use common::fault::Edge;
use common::guard::Guard;
use common::ids::AppId;
use common::service::Defect;
use common::slo::{BackoffFindings, BackoffRule};

use crate::cli;
use crate::embedded::{Embedded, EmbeddedPlan};
use crate::record::{AttemptsCompared, CrashOutage, OwnOutage, Resilience, RunsSeen};
use ask::Asked;
pub(crate) use judge::{claim, rulings};
use party::{FRONTS, Party};

/// How long a breaker stays open, for more outages in the same time; A3's usual five seconds show nothing more.
const BREAKER_OPEN_MS: u64 = 700;
/// How far apart the side jobs of one party begin, for more requests to it in the same time.
const SIDE_JOBS_APART_MS: u64 = 25;
/// What A3 promises of its pauses: up to 100 ms after the first failure, doubling to 5 s.
const PAUSES: BackoffRule = BackoffRule { base_ms: 100, cap_ms: 5_000 };
/// How long anything may take, in a run, before it counts as not happening.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);
/// Whom the outages disturb.
pub(crate) const DISTURBED: [AppId; 5] = [AppId::A1, AppId::A2, AppId::A3, AppId::A4, AppId::A7];

/// What is to be driven.
#[derive(Debug, Clone)]
pub(crate) struct ResiliencePlan {
    /// Outages of each party; six are the fewest whose shortest and longest recovery hold the median at 95 %.
    pub(crate) cycles: u32,
    /// Runs that are asked for after the outages; 381 without an error are the fewest that show less than 1 %.
    pub(crate) after: u32,
    pub(crate) defects: Vec<(AppId, Defect)>,
    /// How long anything may take before it counts as not happening.
    pub(crate) within: Duration,
    /// Where the ecosystem keeps its data.
    pub(crate) data: PathBuf,
}

/// Drives all outages. `say` hears of each when it is over. What an app does or does not do is in what was seen; where the
/// harness itself cannot go on, what was seen until then says why.
///
/// # Errors
/// When the ecosystem does not start.
pub(crate) async fn drive(plan: &ResiliencePlan, say: &(dyn Fn(&str) + Sync)) -> Result<Resilience, String> {
    let began = clock::monotonic();
    let mut seen = nothing(plan);
    let mut apart = EmbeddedPlan::private(AppId::ALL.to_vec(), plan.data.clone());
    apart.defects.clone_from(&plan.defects);
    apart.proxies = edges();
    for (option, ms) in [("breaker_open_ms", BREAKER_OPEN_MS), ("side_jobs_apart_ms", SIDE_JOBS_APART_MS)] {
        apart.options.push((AppId::A3, option.to_owned(), ms.to_string()));
    }
    let mut embedded = Embedded::start(&apart).await.map_err(|error| error.to_string())?;
    seen.broke_off = all(plan, &mut embedded, say, &mut seen).await.err();
    embedded.stop().await;
    seen.took_s = began.elapsed().as_secs_f64();
    Ok(seen)
}

/// A proxy between A3 and each party, and one in front of A3.
fn edges() -> Vec<Edge> {
    let mut edges = vec![Edge { at: AppId::A3, from: None }];
    for party in Party::all() {
        if !edges.contains(&party.edge()) {
            edges.push(party.edge());
        }
    }
    edges
}

/// Before the first outage.
fn nothing(plan: &ResiliencePlan) -> Resilience {
    Resilience {
        started_at: clock::rfc3339(clock::unix_ms()),
        took_s: 0.0,
        breaker_open_ms: BREAKER_OPEN_MS,
        defects: plan.defects.iter().map(cli::as_flag).collect(),
        parties: Vec::new(),
        backoff: BackoffFindings::of(PAUSES, &[]),
        attempts: AttemptsCompared::default(),
        retry_after: BackoffFindings::of(PAUSES, &[]),
        own: OwnOutage::default(),
        crash: CrashOutage::default(),
        runs: RunsSeen::default(),
        broke_off: None,
    }
}

async fn all(
    plan: &ResiliencePlan,
    embedded: &mut Embedded,
    say: &(dyn Fn(&str) + Sync),
    seen: &mut Resilience,
) -> Result<(), String> {
    let client = Client::new(Arc::new(Guard::new(embedded.environment.clone()))).map_err(told)?;
    let mut asked = Asked::new(client, plan.within);
    // One healthy run first: with it A3 gets the token that it shows to the others.
    asked.ask().await?;
    asked.settled(&asked.runs).await?;
    for front in FRONTS {
        for outage in outage::drive(&mut asked, embedded, &front, plan.cycles).await? {
            let (party, n) = (&outage.party, outage.cycles.len());
            say(&format!("{party}: {n} outages of {}, {} recovered", outage.route, outage.recovery.n));
            seen.parties.push(outage);
        }
    }
    let (attempts, failed) = attempts::compared(&asked, embedded).await?;
    seen.backoff = BackoffFindings::of(PAUSES, &failed);
    seen.attempts = attempts;
    seen.retry_after = BackoffFindings::of(PAUSES, &outage::with_retry_after(&mut asked, embedded).await?);
    let (pauses, waited) = (seen.backoff.pauses, seen.retry_after.asked);
    say(&format!("{pauses} pauses between attempts, {waited} that were asked for"));
    seen.own = own::drive(&mut asked, embedded).await?;
    let own = &seen.own;
    say(&format!("A3 itself: {} answers of 503, {} of {} requests taken", own.answered_503, own.taken, own.asked));
    after::drive(&mut asked, plan.after, seen).await?;
    let after = seen.own.after;
    say(&format!("afterwards: {} of {} runs failed", after.errors, after.requests));
    seen.crash = kill::drive(&mut asked, embedded).await?;
    say(&format!("A3 killed: {} of {} runs went on", seen.crash.completed, seen.crash.acknowledged));
    seen.runs = runs::look(&asked).await?;
    Ok(())
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
