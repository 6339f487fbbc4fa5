//! The autonomy clock, and what live rewards teach.

use std::time::Duration;

use common::clock::Clock;
use common::ids::AppId;
use common::testkit::Ecosystem;
use serde_json::{Value, json};

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
async fn a_live_reward_moves_the_belief_by_its_value() {
    let eco = Ecosystem::start(vec![a3_orchestration::reference::app()]).await;
    let ctx = &eco.app(AppId::A3).ctx;
    // The guarded client marks everything as test traffic; a live reward has to come from elsewhere.
    let request = ctx.upstream.client().post(format!("http://{}/bandit/reward", eco.app(AppId::A3).address));
    let request =
        request.header("x-idempotency-key", "live-1").header("x-trace-id", "4bf92f3577b34da6a3ce929d0e0e4736");
    let reply = request.json(&json!({ "arm": "apply_now", "checkout": true })).send().await.unwrap();
    assert_eq!(reply.json::<Value>().await.unwrap()["counted"], true);
    let bandit: Value = eco.client().get(AppId::A3, "/bandit").send().await.unwrap().json().unwrap();
    let arm = &bandit["arms"][0];
    assert_eq!(
        (&arm["arm"], &arm["alpha"], &arm["beta"], &arm["rewards"]),
        (&json!("apply_now"), &json!(1.65), &json!(1.35), &json!(1))
    );
    eco.stop().await;
}
