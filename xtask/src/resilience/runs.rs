//! What all runs left behind: one page and one event each, however often anything was tried.

use common::ids::AppId;
use serde_json::Value;

use super::ask::{Asked, Run};
use super::told;
use crate::record::RunsSeen;

/// Looks for every run in A3, A8 and A2.
pub(super) async fn look(asked: &Asked) -> Result<RunsSeen, String> {
    let mut seen = RunsSeen { asked: asked.runs.len() as u64, ..RunsSeen::default() };
    for run in &asked.runs {
        let completed =
            asked.ended(std::slice::from_ref(run)).await?.first().is_some_and(|run| run["state"] == "completed");
        seen.completed += u64::from(completed);
        let found = || async {
            let counts = counts(asked, run).await;
            Ok((!completed || (counts.0 > 0 && counts.1 > 0)).then_some(counts))
        };
        let (pages, events) = match asked.context.eventually(found).await.map_err(told)? {
            Some(counts) => counts,
            None => counts(asked, run).await,
        };
        if pages > 1 || events > 1 {
            seen.twice.push(run.trace);
        }
        if completed && (pages == 0 || events == 0) {
            seen.without_effect.push(run.trace);
        }
    }
    Ok(seen)
}

/// Pages that A7 says it published, by A8's account, and events that A2 keeps of the run.
async fn counts(asked: &Asked, run: &Run) -> (usize, usize) {
    let published = list(asked, AppId::A8, &format!("/api/lineage/{}", run.trace)).await;
    let pages = published.iter().filter(|seen| seen["event"]["event"] == "page_published").count();
    let kept = list(asked, AppId::A2, &format!("/api/v1/lineage/{}", run.trace)).await;
    (pages, kept.iter().filter(|event| event["subject"] == run.id.as_str()).count())
}

async fn list(asked: &Asked, app: AppId, path: &str) -> Vec<Value> {
    let Ok(reply) = asked.context.client.get(app, path).send().await else { return Vec::new() };
    reply.pointer("/events").and_then(|events| events.as_array().cloned()).unwrap_or_default()
}
