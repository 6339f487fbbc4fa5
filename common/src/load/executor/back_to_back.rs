//! A user that starts again as soon as it has finished.

use std::time::Duration;

use crate::clock;
use crate::load::schedule::{Span, Start};
use crate::load::vu::Vu;
use crate::load::worker::Shared;

use super::wait_until;

/// How long a user that is not paced waits after it could not reach the target.
const UNREACHABLE_PAUSE: Duration = Duration::from_millis(20);

/// Starts iterations one after the other within `span`, at most as often as the guard permits, for as long as `next`
/// gives them numbers. It is asked with the offset of the start.
pub(super) async fn back_to_back(
    shared: &Shared,
    user: &mut Vu,
    span: Span,
    mut next: impl FnMut(Duration) -> Option<u64>,
) {
    let (mut at, end) = (shared.started_at() + span.begin, shared.started_at() + span.end);
    let mut now = clock::monotonic();
    while at < end {
        if at > now || shared.stop.is_cancelled() {
            if !wait_until(shared, at).await {
                break;
            }
            now = clock::monotonic();
        }
        let began = now.max(at);
        let offset = began.saturating_duration_since(shared.started_at());
        if began >= end {
            break;
        }
        let Some(iteration) = next(offset) else { break };
        let (reached, ended) = user.iterate(Start { iteration, offset }, began, began).await;
        now = ended;
        at = now.max(began + shared.plan.least_interval);
        if !reached {
            at += UNREACHABLE_PAUSE;
        }
    }
}
