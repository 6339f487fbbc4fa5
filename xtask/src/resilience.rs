//! Outages on purpose: 503 from those whom A3 calls, 503 in front of A3, and a kill, in an ecosystem of their own.

mod ask;
mod judge;
mod outage;
mod own;
mod runs;

use std::path::PathBuf;
use std::time::Duration;

use common::check::CheckContext;
use common::client::Client;
use common::clock;
use common::fault::Edge;
use common::guard::Guard;
use common::ids::AppId;
use common::service::Defect;
use common::slo::{BackoffFindings, BackoffRule};

use crate::embedded::{Embedded, EmbeddedPlan};
use crate::record::Resilience;
use ask::Asked;
pub(crate) use judge::rulings;

/// How long a breaker stays open, for more outages in the same time; A3's usual five seconds show nothing more.
const BREAKER_OPEN_MS: u64 = 700;
/// What A3 promises of its pauses: up to 100 ms after the first failure, doubling to 5 s.
const PAUSES: BackoffRule = BackoffRule { base_ms: 100, cap_ms: 5_000 };
/// How long anything may take, in a run, before it counts as not happening.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);
/// Those whom every run needs: the breaker's name, the app, what of it answers 503.
const PARTIES: [(&str, AppId, &str); 2] =
    [("a7", AppId::A7, "POST /api/pages"), ("scholarship_api", AppId::A2, "POST /api/v1/events")];

/// What is to be driven.
#[derive(Debug, Clone)]
pub(crate) struct ResiliencePlan {
    /// Outages of each party; six are the fewest whose shortest and longest recovery hold the median at 95 %.
    pub(crate) cycles: u32,
    /// Requests after the last outage; 381 without an error are the fewest that show less than 1 %.
    pub(crate) after: u32,
    pub(crate) defects: Vec<(AppId, Defect)>,
    /// How long anything may take before it counts as not happening.
    pub(crate) within: Duration,
    /// Where the ecosystem keeps its data.
    pub(crate) data: PathBuf,
}

/// Drives all outages, one after the other. `say` hears of each when it is over.
pub(crate) async fn drive(plan: &ResiliencePlan, say: &(dyn Fn(&str) + Sync)) -> Result<Resilience, String> {
    let (began, started_at) = (clock::monotonic(), clock::rfc3339(clock::unix_ms()));
    let mut apart = EmbeddedPlan::private(AppId::ALL.to_vec(), plan.data.clone());
    apart.defects.clone_from(&plan.defects);
    apart.proxies = PARTIES.iter().map(|(_, at, _)| Edge { at: *at, from: Some(AppId::A3) }).collect();
    apart.proxies.push(Edge { at: AppId::A3, from: None });
    apart.options.push((AppId::A3, "breaker_open_ms".to_owned(), BREAKER_OPEN_MS.to_string()));
    let mut embedded = Embedded::start(&apart).await.map_err(|error| error.to_string())?;
    let driven = all(plan, &mut embedded, say).await;
    embedded.stop().await;
    let mut driven = driven?;
    driven.started_at = started_at;
    driven.took_s = began.elapsed().as_secs_f64();
    Ok(driven)
}

async fn all(
    plan: &ResiliencePlan,
    embedded: &mut Embedded,
    say: &(dyn Fn(&str) + Sync),
) -> Result<Resilience, String> {
    let client = Client::new(std::sync::Arc::new(Guard::new(embedded.environment.clone()))).map_err(told)?;
    let context = CheckContext { patience: plan.within, ..CheckContext::new(client) };
    let mut asked = Asked::new(context);
    let mut parties = Vec::new();
    for (party, app, route) in PARTIES {
        let outage = outage::drive(&mut asked, embedded, (party, app, route), plan).await?;
        say(&format!("{party}: {} outages of {route}, {} recovered", outage.cycles.len(), outage.recovery.n));
        parties.push(outage);
    }
    let backoff = BackoffFindings::of(PAUSES, &asked.failed_attempts().await?);
    let heard = outage::with_retry_after(&mut asked, embedded).await?;
    let retry_after = BackoffFindings::of(PAUSES, &heard);
    say(&format!("{} pauses between attempts, {} that were asked for", backoff.pauses, retry_after.asked));
    let own = own::drive(&mut asked, embedded, plan.after).await?;
    say(&format!("A3 itself: {} answers of 503, {} of {} requests taken", own.answered_503, own.taken, own.asked));
    let crash = own::kill(&mut asked, embedded).await?;
    say(&format!("A3 killed: {} of {} runs went on", crash.completed, crash.acknowledged));
    let runs = runs::look(&asked).await?;
    Ok(Resilience {
        started_at: String::new(),
        took_s: 0.0,
        breaker_open_ms: BREAKER_OPEN_MS,
        defects: plan.defects.iter().map(|(app, defect)| format!("{app} {defect:?}")).collect(),
        parties,
        backoff,
        retry_after,
        own,
        crash,
        runs,
    })
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}
