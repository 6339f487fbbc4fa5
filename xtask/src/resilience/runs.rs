//! What all runs left behind: one page and one event each, however often anything was tried.

use std::time::{Duration, Instant};

use common::clock;
use common::ids::AppId;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use serde_json::Value;

use super::ask::{Asked, Run, is_completed, ticks};
use crate::record::RunsSeen;

/// How many runs are looked for at a time.
const AT_ONCE: usize = 8;
/// How often it is looked again.
const LOOK_EVERY: Duration = Duration::from_millis(80);

/// What was found of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Found {
    completed: bool,
    /// Pages that A7 says it published, by A8's account.
    pages: usize,
    /// Events that A2 keeps of it.
    events: usize,
}

/// Looks for every run in A3, A8 and A2. All of them together have the time that anything may take.
pub(super) async fn look(asked: &Asked) -> Result<RunsSeen, String> {
    let began = clock::monotonic();
    let found: Vec<_> = asked.runs.iter().map(|run| found(asked, run, began)).collect();
    let all: Vec<Found> = stream::iter(found).buffered(AT_ONCE).try_collect().await?;
    let mut seen = RunsSeen::default();
    asked.runs.iter().zip(all).for_each(|(run, found)| found.count(&mut seen, run));
    Ok(seen)
}

async fn found(asked: &Asked, run: &Run, began: Instant) -> Result<Found, String> {
    let mut look = ticks(LOOK_EVERY);
    loop {
        look.tick().await;
        let found = now(asked, run).await?;
        if found.is_whole() || began.elapsed() >= asked.within {
            return Ok(found);
        }
    }
}

async fn now(asked: &Asked, run: &Run) -> Result<Found, String> {
    let completed = asked.shown(run).await?.is_some_and(|shown| is_completed(&shown));
    let published = list(asked, AppId::A8, &format!("/api/lineage/{}", run.trace)).await?;
    let pages = published.iter().filter(|seen| seen["event"]["event"] == "page_published").count();
    let kept = list(asked, AppId::A2, &format!("/api/v1/lineage/{}", run.trace)).await?;
    let events = kept.iter().filter(|event| event["subject"] == run.id.as_str()).count();
    Ok(Found { completed, pages, events })
}

async fn list(asked: &Asked, app: AppId, path: &str) -> Result<Vec<Value>, String> {
    let shown = asked.read(app, path).await?.unwrap_or_default();
    Ok(shown["events"].as_array().cloned().unwrap_or_default())
}

impl Found {
    fn is_whole(self) -> bool {
        self.completed && self.pages > 0 && self.events > 0
    }

    fn count(self, seen: &mut RunsSeen, run: &Run) {
        seen.asked += 1;
        seen.completed += u64::from(self.completed);
        if self.pages > 1 || self.events > 1 {
            seen.twice.push(run.trace);
        }
        if !self.completed {
            seen.unfinished.push(run.trace);
        } else if !self.is_whole() {
            seen.without_effect.push(run.trace);
        }
    }
}

#[cfg(test)]
mod tests {
    use common::ids::TraceId;

    use super::*;

    fn counted(found: Found) -> RunsSeen {
        let mut seen = RunsSeen::default();
        found.count(&mut seen, &Run { trace: TraceId::from_u128(1), id: "r".into() });
        seen
    }

    #[test]
    fn a_run_is_whole_or_it_is_named_for_what_it_lacks() {
        let of = |completed, pages, events| {
            let seen = counted(Found { completed, pages, events });
            (seen.completed, seen.twice.len(), seen.without_effect.len(), seen.unfinished.len())
        };
        assert_eq!(of(true, 1, 1), (1, 0, 0, 0));
        assert_eq!(of(true, 2, 1), (1, 1, 0, 0));
        assert_eq!(of(true, 1, 0), (1, 0, 1, 0));
        assert_eq!(of(false, 0, 0), (0, 0, 0, 1));
        assert_eq!(of(false, 2, 0), (0, 1, 0, 1), "what happened twice is told even of a run that did not end");
    }
}
