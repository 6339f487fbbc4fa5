//! Templates, data and values that later steps take from earlier answers.

use serde_json::json;

use super::server::Server;
use super::*;
use crate::scenario::{Expect, Feeder, FeederMode, parse_records};

#[tokio::test]
async fn a_later_step_uses_what_an_earlier_one_extracted() {
    let server = Server::start().await;
    let journey = Scenario::new("journey", AppId::A6, "Create, then read")
        .step(Step::post("create", "/echo/new").hardened().extract_json("id", "/id").extract_header("next", "x-next"))
        .step(
            Step::post("read", "/echo/{{var.id}}?next={{var.next}}")
                .route("POST /echo/{id}")
                .json(json!({"id": "{{var.id}}", "n": "{{iteration}}"}))
                .expect_json("/path", "/echo/a%20b%2Fc?next=n-1")
                .expect_json("/type", "application/json")
                .expect_json("/tenant", "tenant_synthetic")
                .expect_json("/test_run", "true")
                .expect(Expect::JsonMatches {
                    pointer: "/body".to_owned(),
                    pattern: "{\"id\":\"a b/c\",\"n\":\"*\"}".to_owned(),
                })
                .expect(Expect::JsonMatches { pointer: "/count".to_owned(), pattern: "7".to_owned() })
                .expect(Expect::BodyBytesMin(50))
                .expect_header("content-type", "application/json*")
                .expect_body("\"count\":7"),
        )
        .constant_vus(2, Duration::from_millis(100), Duration::from_millis(20));
    let report = run(&journey, &guard(server.port), LoadOptions::default()).await.unwrap();
    for step in &report.steps {
        assert_eq!((step.count, step.ok), (10, 10), "{:?}", step.failed.first());
    }
    assert_eq!(report.steps[1].route, "POST /echo/{id}");
}

#[tokio::test]
async fn an_iteration_ends_where_a_value_for_later_steps_is_missing() {
    let server = Server::start().await;
    let journey = Scenario::new("journey", AppId::A6, "Create, then read")
        .step(Step::get("create", "/broken").extract_json("id", "/id"))
        .step(Step::get("read", "/echo/{{var.id}}"))
        .constant_vus(1, Duration::from_millis(50), Duration::from_millis(10));
    let report = run(&journey, &guard(server.port), LoadOptions::default()).await.unwrap();
    assert_eq!((report.steps[0].errors[&ErrorKind::Status], report.steps[1].count), (5, 0));
    assert_eq!((report.iterations.cut_short, report.iterations.completed), (5, 0));
}

#[tokio::test]
async fn unique_data_stops_the_load_when_it_runs_out() {
    let server = Server::start().await;
    let feeder =
        Feeder { source: "data.jsonl".to_owned(), fields: vec!["id".to_owned()], mode: FeederMode::UniquePerIteration };
    let step = Step::post("form", "/echo/form")
        .form(&[("who", "id={{data.id}}&x")])
        .expect(Expect::JsonMatches { pointer: "/body".to_owned(), pattern: "who=id%3Dz%26*%26x".to_owned() });
    let probe = paced(step, 20).feeder(feeder);
    let records = parse_records("{\"id\":\"z&1\"}\n{\"id\":\"z&2\"}\n{\"id\":\"z&3\"}").unwrap();
    let none = run(&probe, &guard(server.port), LoadOptions::default()).await.unwrap_err();
    assert!(none.to_string().contains("no records were given"), "{none}");
    let options = LoadOptions { records, ..LoadOptions::default() };
    let report = run(&probe, &guard(server.port), options).await.unwrap();
    assert_eq!((report.end, report.steps[0].ok), (End::OutOfData, 3));
}

#[tokio::test]
async fn a_value_from_an_answer_cannot_lead_out_of_the_apps_paths() {
    let server = Server::start().await;
    let feeder = Feeder { source: "data.jsonl".to_owned(), fields: vec!["id".to_owned()], mode: FeederMode::PerVu };
    let probe = paced(Step::get("x", "/echo/{{data.id}}"), 3).feeder(feeder);
    let options = LoadOptions { records: parse_records("{\"id\":\"..\"}").unwrap(), ..LoadOptions::default() };
    let report = run(&probe, &guard(server.port), options).await.unwrap();
    assert_eq!((report.steps[0].errors[&ErrorKind::Expectation], server.requests()), (3, 0));
    assert!(report.steps[0].failed[0].error.as_ref().unwrap().contains("dot segment"));
}
