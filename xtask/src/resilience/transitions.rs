//! A breaker's changes from two sources: A3's list, and the events that A8 was sent.

use common::ids::AppId;
use common::reconcile::{BreakerComparison, BreakerMove, BreakerRules, SeenEvent, compare_breaker, reported_moves};
use serde_json::Value;

use super::BREAKER_OPEN_MS;
use super::ask::Asked;

/// A3 lists so many changes of a breaker at most.
const KEPT: usize = 20;
/// The times of a change in A3 and in A8 are the same event's; what is allowed is rounding.
const TOLERANCE_MS: i64 = 250;
/// The most events of one page.
const PAGE: usize = 1_000;

/// Both lists joined, as soon as they agree or the time is over.
pub(super) async fn compared(asked: &Asked, party: &str) -> Result<BreakerComparison, String> {
    let rules = BreakerRules {
        tolerance_ms: TOLERANCE_MS,
        open_for_ms: i64::try_from(BREAKER_OPEN_MS).unwrap_or(i64::MAX),
        kept: KEPT,
    };
    let now = || async {
        let (listed, seen) = (listed(asked, party).await?, reported(asked).await?);
        Ok::<_, String>(compare_breaker(&listed, &reported_moves(AppId::A3, party, &seen), rules))
    };
    let agreed = asked.until(|| async { Ok(Some(now().await?).filter(BreakerComparison::agrees)) }).await?;
    match agreed {
        Some(compared) => Ok(compared),
        None => now().await,
    }
}

async fn listed(asked: &Asked, party: &str) -> Result<Vec<BreakerMove>, String> {
    let breakers = asked.breakers().await?;
    let breaker = breakers.iter().find(|one| one["name"] == party);
    let moves = breaker.and_then(|breaker| breaker["transitions"].as_array()).map(Vec::as_slice).unwrap_or_default();
    let state = |one: &Value, name: &str| serde_json::from_value(one[name].clone()).ok();
    let read = |one: &Value| {
        Some(BreakerMove { from: state(one, "from")?, to: state(one, "to")?, at_ms: one["at_ms"].as_i64()? })
    };
    Ok(moves.iter().filter_map(read).collect())
}

/// Every change that A8 was told of, in whichever trace: that of a token is not the run's.
async fn reported(asked: &Asked) -> Result<Vec<SeenEvent>, String> {
    let (mut seen, mut after) = (Vec::new(), 0);
    loop {
        let path = format!("/api/events?app_id=A3&event=breaker_transition&limit={PAGE}&after={after}");
        let Some(page) = asked.read(AppId::A8, &path).await? else { return Ok(seen) };
        seen.extend(serde_json::from_value::<Vec<SeenEvent>>(page["events"].clone()).unwrap_or_default());
        match page["next"].as_i64() {
            Some(next) => after = next,
            None => return Ok(seen),
        }
    }
}
