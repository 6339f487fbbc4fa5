//! What sessions teach: over real sockets, from a visitor at A7 to the belief of A3.

use std::time::Duration;

use common::clock::Clock;
use common::contract::header;
use common::ids::{AppId, TraceId};
use common::testkit::Ecosystem;
use serde_json::{Value, json};

use super::asking::ended;
use super::levers::live;

async fn bandit(eco: &Ecosystem) -> Value {
    eco.client().get(AppId::A3, "/bandit").send().await.unwrap().json().unwrap()
}

fn arm<'a>(bandit: &'a Value, name: &str) -> &'a Value {
    bandit["arms"].as_array().unwrap().iter().find(|arm| arm["arm"] == name).unwrap()
}

#[tokio::test]
async fn a_session_is_one_reward_however_often_and_in_whatever_pieces_it_is_told() {
    let eco = Ecosystem::start(vec![a3_orchestration::reference::app()]).await;
    let told = |more: Value| {
        let mut body = json!({ "arm": "apply_now", "session_id": "visit-1" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (more, value) in [
        (json!({ "page_view": true }), 0.05),
        (json!({ "page_view": true }), 0.05),
        (json!({ "lead": true }), 0.35),
        (json!({ "page_view": true, "lead": true }), 0.35),
        (json!({ "complaint": true }), -0.05),
    ] {
        let (status, answer) = live(&eco, "/bandit/reward", &told(more.clone())).await;
        assert_eq!((status, &answer["counted"], &answer["because"]), (200, &json!(true), &json!("live")), "{answer}");
        assert!((answer["value"].as_f64().unwrap() - value).abs() < 1e-9, "{more} {answer}");
    }
    let shown = bandit(&eco).await;
    let arm = arm(&shown, "apply_now");
    let belief = (arm["alpha"].as_f64().unwrap(), arm["beta"].as_f64().unwrap());
    assert!((belief.0 - 1.0).abs() < 1e-9 && (belief.1 - 2.05).abs() < 1e-9, "{belief:?}");
    let counts = ["sessions", "rewards", "failures", "page_views", "leads", "checkouts", "complaints"];
    assert_eq!(counts.map(|name| arm[name].as_i64().unwrap()), [1, 1, 0, 1, 1, 0, 1]);
    eco.stop().await;
}

#[tokio::test]
async fn what_comes_after_the_window_of_a_session_or_after_a_reset_does_not_count() {
    let clock = Clock::manual(1_795_255_200_000);
    let eco = Ecosystem::start_with(vec![a3_orchestration::reference::app()], |config| {
        config.clock = clock.clone();
    })
    .await;
    let tell = async |what: &str| {
        let body = json!({ "arm": "apply_now", "session_id": "visit-1", what: true });
        let answer = live(&eco, "/bandit/reward", &body).await.1;
        (answer["counted"].as_bool().unwrap(), answer["because"].as_str().unwrap().to_owned())
    };
    assert_eq!(tell("page_view").await, (true, "live".into()));
    clock.advance(Duration::from_secs(30 * 60));
    assert_eq!(tell("lead").await, (true, "live".into()), "the last moment of the window");
    clock.advance(Duration::from_secs(1));
    assert_eq!(tell("checkout").await, (false, "late".into()));
    assert_eq!(arm(&bandit(&eco).await, "apply_now")["alpha"], json!(1.35));
    clock.advance(Duration::from_secs(60));
    let body = json!({ "arm": "save_for_later", "session_id": "visit-2", "page_view": true });
    assert_eq!(live(&eco, "/bandit/reward", &body).await.1["counted"], true);
    assert_eq!(live(&eco, "/bandit/levers", &json!({ "reset": true })).await.0, 200);
    let body = json!({ "arm": "save_for_later", "session_id": "visit-2", "lead": true });
    let answer = live(&eco, "/bandit/reward", &body).await.1;
    assert_eq!((&answer["counted"], &answer["because"]), (&json!(false), &json!("forgotten")));
    assert_eq!(arm(&bandit(&eco).await, "save_for_later")["alpha"], json!(1.0));
    eco.stop().await;
}

/// Sends as a visitor's browser does, without any label of a test.
async fn visit(eco: &Ecosystem, app: AppId, path: &str, trace: TraceId, key: &str, body: &Value) -> (u16, Value) {
    let at = eco.app(app);
    let request = at.ctx.upstream.client().post(format!("http://{}{path}", at.address)).json(body);
    let request = request.header(header::IDEMPOTENCY_KEY, key).header(header::TRACE_ID, trace.to_string());
    let reply = request.send().await.unwrap();
    (reply.status().as_u16(), reply.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_does_on_a_page_moves_the_live_belief_of_its_arm_once() {
    let eco = Ecosystem::start(super::apps()).await;
    let asked = json!({ "title": "A page of the agent", "summary": "Its arm is to be learned of." });
    let (status, run) = visit(&eco, AppId::A3, "/orchestration/run", TraceId::fresh(), "the-run", &asked).await;
    assert_eq!(status, 202, "{run}");
    let run = ended(&eco, run["run_id"].as_str().unwrap()).await;
    let (chosen, slug) = (run["arm"].as_str().unwrap(), run["page_slug"].as_str().unwrap());
    let page = eco.client().get(AppId::A7, &format!("/p/{slug}")).send().await.unwrap();
    assert!(page.text().contains(&format!("data-variant=\"{chosen}\"")), "{}", page.text());

    let trace = TraceId::fresh();
    let lead = json!({ "email": "test_student_e2e_01@example.com", "slug": slug });
    for again in 0..3 {
        // The same requests under the same keys, and once more under others.
        let key = |what: &str| format!("{what}-{}", again / 2);
        let seen = json!({ "slug": slug, "kind": "impression" });
        assert_eq!(visit(&eco, AppId::A7, "/api/cta", trace, &key("seen"), &seen).await.0, 201);
        assert_eq!(visit(&eco, AppId::A7, "/api/leads", trace, &key("lead"), &lead).await.0, 201);
    }
    let another = json!({ "slug": slug, "kind": "impression" });
    assert_eq!(visit(&eco, AppId::A7, "/api/cta", TraceId::fresh(), "another", &another).await.0, 201);
    let look = || async {
        let shown = bandit(&eco).await;
        Ok((arm(&shown, chosen)["sessions"] == 2 && arm(&shown, chosen)["leads"] == 1).then_some(shown))
    };
    let shown = eco.context().eventually(look).await.unwrap().expect("A3 hears of both visits");
    let belief = arm(&shown, chosen);
    let moved = (belief["alpha"].as_f64().unwrap(), belief["beta"].as_f64().unwrap());
    assert!((moved.0 - 1.4).abs() < 1e-9 && (moved.1 - 2.6).abs() < 1e-9, "0.35 and 0.05 of two sessions: {belief}");
    for other in shown["arms"].as_array().unwrap().iter().filter(|arm| arm["arm"] != chosen) {
        assert_eq!((&other["alpha"], &other["sessions"]), (&json!(1.0), &json!(0)));
    }

    // A test on a live page is kept and teaches nothing.
    let request = eco.client().post(AppId::A7, "/api/cta").json(&json!({ "slug": slug, "kind": "impression" }));
    assert_eq!(request.send().await.unwrap().status, 201);
    let kept = || async {
        let sql = "SELECT session_id FROM sessions WHERE counted = 0";
        let rows = eco.app(AppId::A3).ctx.db.query(sql, vec![]).await.unwrap();
        Ok((rows.len() == 1).then_some(()))
    };
    eco.context().eventually(kept).await.unwrap().expect("A3 hears of the test too");
    assert_eq!(bandit(&eco).await["arms"], shown["arms"]);
    let waiting = "SELECT visit FROM signals";
    let sent =
        || async { Ok(eco.app(AppId::A7).ctx.db.query(waiting, vec![]).await.unwrap().is_empty().then_some(())) };
    eco.context().eventually(sent).await.unwrap().expect("A7 has told all of it");
    eco.stop().await;
}
