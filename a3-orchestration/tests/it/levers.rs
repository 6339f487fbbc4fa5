//! What people may do to a bandit, what tests may not, and what makes no sense.

use common::contract::header;
use common::ids::{AppId, TraceId};
use common::testkit::Ecosystem;
use serde_json::{Value, json};

/// Sends as live traffic does: the guarded client marks everything as a test.
pub(crate) async fn live(eco: &Ecosystem, path: &str, body: &Value) -> (u16, Value) {
    let app = eco.app(AppId::A3);
    let request = app.ctx.upstream.client().post(format!("http://{}{path}", app.address)).json(body);
    let request = request.header(header::IDEMPOTENCY_KEY, TraceId::fresh().to_string());
    let request = request.header(header::TRACE_ID, TraceId::fresh().to_string());
    let reply = request.header(header::ADMIN_KEY, &app.ctx.config.admin_key).send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap())
}

async fn start() -> Ecosystem {
    Ecosystem::start(vec![a3_orchestration::reference::app()]).await
}

#[tokio::test]
async fn a_lever_of_a_person_is_an_intervention_and_moves_the_live_bandit() {
    let eco = start().await;
    let (status, bandit) = live(&eco, "/bandit/levers", &json!({ "freeze": true, "floor": 0.2 })).await;
    assert_eq!((status, &bandit["frozen"], &bandit["floor"]), (200, &json!(true), &json!(0.2)));
    let (_, rewarded) =
        live(&eco, "/bandit/reward", &json!({ "arm": "apply_now", "session_id": "s", "checkout": true })).await;
    assert_eq!(rewarded["counted"], true);
    let after: Value = eco.client().get(AppId::A3, "/bandit").send().await.unwrap().json().unwrap();
    for (before, after) in bandit["arms"].as_array().unwrap().iter().zip(after["arms"].as_array().unwrap()) {
        assert_eq!(before["weight"], after["weight"], "a frozen bandit keeps its weights");
    }
    assert_eq!(after["arms"][0]["alpha"], json!(1.65), "and learns all the same");
    let progress: Value = eco.client().get(AppId::A3, "/orchestration/progress").send().await.unwrap().json().unwrap();
    assert_eq!(progress["autonomy"]["last_human_action"], "bandit_levers");
    eco.stop().await;
}

#[tokio::test]
async fn tests_move_no_live_bandit_and_live_traffic_makes_no_experiment() {
    let eco = start().await;
    let key = eco.app(AppId::A3).ctx.config.admin_key.clone();
    let request = eco.client().post(AppId::A3, "/bandit/levers").header(header::ADMIN_KEY, &key);
    let reply = request.json(&json!({ "reset": true })).send().await.unwrap();
    assert_eq!(reply.status, 403, "{}", reply.text());
    let (status, _) = live(&eco, "/bandit/experiments", &json!({ "arms": ["a", "b"] })).await;
    assert_eq!(status, 403);
    eco.stop().await;
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_with_a_pointer() {
    let eco = start().await;
    let cases = [
        ("/bandit/experiments", "/arms", json!({ "arms": ["a"] })),
        ("/bandit/experiments", "/arms", json!({ "arms": ["a", "a"] })),
        ("/bandit/experiments", "", json!({ "arms": ["a", "b"], "seed": -1 })),
        ("/bandit/reward", "/arm", json!({ "lead": true })),
        ("/bandit/reward", "/arm", json!({ "arm": "apply_now", "choice_id": "c" })),
        ("/bandit/reward", "/session_id", json!({ "arm": "apply_now", "lead": true })),
        ("/bandit/reward", "/choice_id", json!({ "choice_id": "nobody's" })),
        ("/bandit/reward", "/slug", json!({ "slug": "of-nobody", "session_id": "s" })),
        ("/bandit/reward", "/experiment", json!({ "arm": "a", "experiment": "exp_0", "session_id": "s" })),
        ("/bandit/reward", "/status", json!({ "arm": "apply_now", "session_id": "s", "status": 503, "lead": true })),
    ];
    for (path, pointer, body) in cases {
        let reply = eco.client().post(AppId::A3, path).json(&body).send().await.unwrap();
        assert_eq!((reply.status, reply.pointer("/pointer")), (422, Some(json!(pointer))), "{path} {body}");
    }
    for levers in [json!({}), json!({ "floor": 0.4 }), json!({ "floor": -0.1 })] {
        assert_eq!(live(&eco, "/bandit/levers", &levers).await.0, 422, "{levers}");
    }
    assert_eq!(live(&eco, "/bandit/levers", &json!({ "experiment": "exp_0", "reset": true })).await.0, 404);
    eco.stop().await;
}

#[tokio::test]
async fn a_seed_repeats_its_choices_and_the_oldest_experiment_goes_for_a_new_one() {
    let eco = start().await;
    let make = || async {
        let body = json!({ "arms": ["a", "b", "c"], "seed": 9 });
        let reply = eco.client().post(AppId::A3, "/bandit/experiments").json(&body).send().await.unwrap();
        assert_eq!(reply.status, 201, "{}", reply.text());
        reply.pointer("/experiment_id").unwrap().as_str().unwrap().to_owned()
    };
    let mut stories = Vec::new();
    for _ in 0..2 {
        let path = format!("/bandit/experiments/{}/choose", make().await);
        let mut story = Vec::new();
        for _ in 0..12 {
            story.push(eco.client().post(AppId::A3, &path).send().await.unwrap().pointer("/arm").unwrap());
        }
        stories.push(story);
    }
    assert_eq!(stories[0], stories[1]);
    let first = make().await;
    let shown = |id: String| {
        let client = eco.client().clone();
        async move { client.get(AppId::A3, &format!("/bandit?experiment={id}")).send().await.unwrap().status }
    };
    assert_eq!(shown(first.clone()).await, 200);
    for _ in 0..100 {
        make().await;
    }
    assert_eq!(shown(first).await, 404);
    eco.stop().await;
}
