use proptest::prelude::*;
use serde_json::json;

use super::*;

fn quote() -> Scenario {
    Scenario::new("a6_quote", AppId::A6, "Quotes keep the 3 % fee")
        .constant_vus(10, Duration::from_secs(60), Duration::from_millis(500))
        .step(
            Step::post("quote", "/api/billing/quote")
                .json(json!({"gross_minor": 100_000, "note": "n {{uuid}}", "yes": "yes", "empty": null, "x": 1.5}))
                .hardened()
                .expect_status(&[200])
                .expect_json("/fee_minor", 3000)
                .extract_json("id", "/quote_id"),
        )
        .step(Step::get("read", "/api/billing/quotes/{{var.id}}").think(Duration::from_millis(5)).app(AppId::A8))
        .threshold("http_req_duration{name:quote}", "p(95)<150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "core")
}

#[test]
fn the_builder_makes_a_valid_scenario() {
    assert_eq!(quote().validate(), Ok(()));
    assert_eq!(quote().steps[0].route_name(), "POST /api/billing/quote");
    assert_eq!(quote().app_of(&quote().steps[1]), AppId::A8);
}

#[test]
fn a_scenario_reads_like_this() {
    insta::assert_snapshot!(quote().to_yaml().unwrap());
}

#[test]
fn a_scenario_survives_yaml_and_json() {
    let scenario = quote();
    assert_eq!(Scenario::from_yaml(&scenario.to_yaml().unwrap()).unwrap(), scenario);
    let json = serde_json::to_string(&scenario).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario);
}

#[test]
fn unknown_fields_are_refused() {
    let text = quote().to_yaml().unwrap();
    assert!(Scenario::from_yaml(&text.replacen("title:", "tytle:", 1)).is_err());
    assert!(Scenario::from_yaml(&format!("{text}\nextra: 1\n")).is_err());
    assert!(Scenario::from_yaml(&text.replacen("duration_ms:", "duration_s:", 1)).is_err());
}

#[test]
fn the_digest_depends_on_content_and_not_on_the_order_of_keys() {
    let reordered = quote().to_yaml().unwrap();
    assert_eq!(Scenario::from_yaml(&reordered).unwrap().digest(), quote().digest());
    let left = quote().step(Step::post("x", "/").json(json!({"a": 1, "b": 2})));
    let right = quote().step(Step::post("x", "/").json(json!({"b": 2, "a": 1})));
    assert_eq!(left.digest(), right.digest());
    assert_ne!(left.digest(), quote().digest());
    assert_eq!(left.digest().len(), 64);
}

#[test]
fn every_problem_is_told_at_once() {
    let broken = Scenario::new("a 6", AppId::A6, "")
        .step(Step::get("a", "no-slash?q={{nope}}").expect_status(&[]).expect_json("fee", 1))
        .step(Step::get("a", "/x/{{var.later}}").header("x-k", "{{data.name}}").extract_json("later", "/id"))
        .threshold("http_req_duration{name:zzz}", "p(95)<150")
        .threshold("latency", "p(95)<150")
        .threshold("http_req_failed", "p(95)<150");
    let error = broken.validate().unwrap_err().to_string();
    for expected in [
        "letters, digits",
        "`vus` is 0",
        "`duration_ms` is 0",
        "does not start with a slash",
        "unknown placeholder {{nope}}",
        "list of statuses is empty",
        "not a JSON pointer",
        "same name",
        "{{var.later}} is used before",
        "needs a feeder",
        "there is no step \"zzz\"",
        "unknown metric \"latency\"",
        "makes no sense",
    ] {
        assert!(error.contains(expected), "{expected:?} is missing in\n{error}");
    }
}

#[test]
fn every_extract_and_every_expectation_is_checked_in_the_same_go() {
    let broken = Scenario::new("a6_flow", AppId::A6, "")
        .constant_vus(1, Duration::from_secs(1), None)
        .step(
            Step::get("form", "/form")
                .extract("open", ExtractFrom::Regex("a(b".to_owned()))
                .extract("flat", ExtractFrom::Regex("ab+".to_owned()))
                .extract("empty", ExtractFrom::Cookie(String::new()))
                .extract("a b", ExtractFrom::FormField("csrf".to_owned()))
                .extract("head", ExtractFrom::Header("x y".to_owned()))
                .expect_body("{{var.open}}")
                .expect_json("/id", "{{uuid}}")
                .expect_json("/{{vu}}", 1)
                .expect_header("x-k", "{{nope}}"),
        )
        .step(Step::get("far", "/far").follow_redirects(21))
        .step(Step::get("stream", "/stream").sse().follow_redirects(1));
    let error = broken.validate().unwrap_err().to_string();
    for expected in [
        "step form, extract open: \"a(b\" is not a regular expression: unclosed group",
        "extract flat: \"ab+\" has no group",
        "extract empty: it names no",
        "extract a b: the name \"a b\" is not letters",
        "extract head: \"x y\" is not a header name",
        "{{var.open}} is used before a step extracts it",
        "other values in every place",
        "\"/{{vu}}\" says where to look",
        "unknown placeholder {{nope}}",
        "more than 20, at which browsers give up",
        "a stream is measured from its own request; name the place it redirects to",
    ] {
        assert!(error.contains(expected), "{expected:?} is missing in\n{error}");
    }
    assert_eq!(error.lines().count(), 12, "{error}");
}

#[test]
fn expectations_may_speak_of_the_values_of_the_request() {
    let scenario = Scenario::new("a6_flow", AppId::A6, "")
        .constant_vus(1, Duration::from_secs(1), None)
        .step(Step::get("one", "/one?c={{pkce.challenge}}&s={{iteration_id}}").extract_json("id", "/id"))
        .step(
            Step::get("two", "/two/{{var.id}}")
                .expect_json("/id", json!({"id": "{{var.id}}", "trace": "{{trace_id}}"}))
                .expect_header("x-state", "{{iteration_id}}*")
                .expect_body("{{idempotency_key}}"),
        )
        .keep_cookies();
    assert_eq!(scenario.validate(), Ok(()));
    assert!(Scenario::from_yaml(&scenario.to_yaml().unwrap()).unwrap().keep_cookies);
}

#[test]
fn what_would_look_into_the_body_of_a_stream_is_refused() {
    let stream = Scenario::new("a4_stream", AppId::A4, "")
        .constant_vus(1, Duration::from_secs(1), None)
        .step(Step::get("stream", "/stream").sse().expect_body("done").extract_json("id", "/id"));
    let error = stream.validate().unwrap_err().to_string();
    assert!(error.contains("is measured and not kept: expect status and headers"), "{error}");
    assert!(error.contains("is measured and not kept: extract from headers and cookies"), "{error}");
}

#[test]
fn a_scenario_without_steps_is_refused() {
    let empty = Scenario::new("empty", AppId::A1, "").constant_vus(1, Duration::from_secs(1), None);
    assert!(empty.validate().unwrap_err().to_string().contains("steps: there are none"));
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~äß\n\t]{0,20}",
        prop::sample::select(vec![
            "yes",
            "null",
            "~",
            "1e3",
            "0x1f",
            "- a",
            "a: b",
            "#c",
            "{{uuid}}",
            " ",
            "2026-01-01"
        ])
        .prop_map(str::to_owned),
    ]
}

prop_compose! {
    fn any_step(index: usize)(
        path in any_text(), header in any_text(), text in any_text(), number in any::<i64>(), eighths in -1_000_000_i32..1_000_000,
        status in 100_u16..600, body in 0..4, think in 0_u64..100,
    ) -> Step {
        let step = Step::post(&format!("s{index}"), &format!("/{path}"))
            .header("x-h", &header).expect_status(&[status]).expect_json("/a", number).expect_body(&text)
            .extract_header("v", "x-v").think(Duration::from_millis(think));
        match body {
            0 => step,
            1 => step.json(json!({"t": text, "n": number, "f": f64::from(eighths) / 8.0, "l": [null, true, {"deep": header}]})),
            2 => step.form(&[("a", &text), ("b", &header)]),
            _ => step.text(&text),
        }
    }
}

proptest! {
    #[test]
    fn no_scenario_loses_anything_in_yaml_or_json(
        first in any_step(0), second in any_step(1), title in any_text(), rate in 1_u32..1_000, scaled in any::<bool>(),
    ) {
        let mut scenario = Scenario::new("any", AppId::A3, &title)
            .constant_arrival_rate(rate, Duration::from_millis(u64::from(rate)), rate)
            .step(first).step(second).tag("k", &title)
            .feeder(Feeder { source: title.clone(), fields: vec![title.clone()], mode: FeederMode::Random { seed: 7 } });
        scenario.profile_scaled = scaled;
        let yaml = scenario.to_yaml().unwrap();
        let back = Scenario::from_yaml(&yaml);
        prop_assert!(back.is_ok(), "{yaml}\n{:?}", back);
        prop_assert_eq!(back.unwrap(), scenario.clone());
        let json = serde_json::to_string(&scenario).unwrap();
        prop_assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario);
    }
}

#[test]
fn the_example_of_the_documents_is_a_scenario() {
    let document = include_str!("../../../docs/load.md");
    let (_, after) = document.split_once("```yaml\n").unwrap();
    let (yaml, _) = after.split_once("```").unwrap();
    let scenario = Scenario::from_yaml(yaml).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(scenario.validate(), Ok(()));
}
