//! The autonomy clock, and what the agent did while it ran.

use std::time::Duration;

use common::clock::Clock;
use common::ids::{AppId, TraceId};
use common::testkit::Ecosystem;
use serde_json::{Value, json};

use super::asking;
use super::levers::live;

#[tokio::test]
async fn the_autonomy_clock_counts_from_the_day_the_agent_was_put_to_work() {
    let clock = Clock::manual(1_795_255_200_000);
    let eco = Ecosystem::start_with(vec![a3_orchestration::reference::app()], |config| {
        config.clock = clock.clone();
    })
    .await;
    let look = || async {
        let progress = eco.client().get(AppId::A3, "/orchestration/progress").send().await?.json()?;
        Ok(progress["autonomy"].is_object().then_some(progress))
    };
    let progress: Value = eco.context().eventually(look).await.unwrap().expect("the agent is commissioned");
    assert_eq!(progress["autonomy"]["last_human_action"], "commissioned");
    assert_eq!(progress["autonomy"]["minutes_since_human"], 0.0);
    clock.advance(Duration::from_secs(201 * 60));
    let later: Value = eco.client().get(AppId::A3, "/orchestration/progress").send().await.unwrap().json().unwrap();
    assert_eq!(later["autonomy"]["minutes_since_human"], 201.0);
    eco.stop().await;
}

#[tokio::test]
async fn runs_are_told_since_a_person_last_acted_and_one_that_should_have_ended_has_stalled() {
    let clock = Clock::manual(1_795_255_200_000);
    let eco = Ecosystem::start_with(vec![a3_orchestration::reference::app()], |config| {
        config.clock = clock.clone();
    })
    .await;
    let alone = || async {
        let reply = eco.client().get(AppId::A3, "/orchestration/progress").send().await.unwrap();
        reply.pointer("/autonomy/runs").unwrap_or_default()
    };
    // There is no A7: the run ends at its second step, at once.
    let id = asking::ask(&eco, TraceId::fresh()).await;
    assert_eq!(asking::ended(&eco, &id).await["state"], "failed");
    assert_eq!(alone().await, json!({ "completed": 0, "failed": 1, "stalled": 0, "under_way": 0 }));

    // As if no worker ever took it up.
    let sql = "UPDATE runs SET state = 'queued', due_ms = created_ms + 86400000, finished_ms = NULL";
    eco.app(AppId::A3).ctx.db.execute(sql, vec![]).await.unwrap();
    assert_eq!(alone().await, json!({ "completed": 0, "failed": 0, "stalled": 0, "under_way": 1 }));
    clock.advance(Duration::from_secs(11 * 60 + 1));
    assert_eq!(alone().await, json!({ "completed": 0, "failed": 0, "stalled": 1, "under_way": 0 }));

    let sql = "UPDATE runs SET state = 'completed', finished_ms = created_ms + 1000";
    eco.app(AppId::A3).ctx.db.execute(sql, vec![]).await.unwrap();
    assert_eq!(alone().await["completed"], 1);
    let (status, _) = live(&eco, "/bandit/levers", &json!({ "floor": 0.1 })).await;
    assert_eq!((status, alone().await["completed"].clone()), (200, json!(0)), "it ended before the person came");
    eco.stop().await;
}
