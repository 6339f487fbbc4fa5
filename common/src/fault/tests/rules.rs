//! Rules as text: what can be said, and every mistake at once.

use proptest::prelude::*;
use serde_json::json;

use crate::fault::{Action, Answer, Part, Rule, Rules};

const EXAMPLE: &str = include_str!("../../../../tests/perf/config/faults.example.yaml");

#[test]
fn the_schema_is_as_committed() {
    insta::assert_json_snapshot!(Rules::schema());
}

#[test]
fn the_example_is_sound_and_shows_every_action() {
    let rules = Rules::parse("faults.example.yaml", EXAMPLE).unwrap();
    let schema = Rules::schema();
    let actions = schema["properties"]["rules"]["items"]["properties"]["do"]["items"]["oneOf"].as_array().unwrap();
    assert!(actions.len() > 20, "the schema lists the actions");
    for action in actions {
        let name = action["required"][0].as_str().unwrap();
        assert!(EXAMPLE.contains(&format!("- {name}:")), "the example lacks {name}");
    }
    assert!(rules.iter().any(|rule| rule.matches.share.is_some()));
}

#[test]
fn every_mistake_is_told_at_once_with_its_line() {
    let text = r"rules:
  - id: one
    match:
      metods: [POST]
      path: api
      every: 0
      share: 1.5
    do:
      - delay: { ms: soon }
      - explode: {}
      - status: { code: 99 }
  - id: two
    match: { methods: [post], from_ms: 10, until_ms: 5 }
    do:
      - set_header: { part: answr, name: x, value: y }
      - rewrite_text: { part: answer, find: '(', replace: '' }
      - reset: {}
        drop: {}
  - id: three
    match: { methods: [post], first: 0, from_ms: 10, until_ms: 5, path: 'a?b' }
    do:
      - status: { code: 500 }
      - reset: {}
      - scale_json: { part: answer, pointer: fee, factor: 2 }
      - set_header: { part: answer, name: 'no name', value: y }
  - id: three
    do: []
  - do:
      - delay_lognormal: { p50_ms: 0, p95_ms: 5 }
  - id: four
    do:
      - delay_lognormal: { p50_ms: 9, p95_ms: 5 }
      - stall: { every_ms: 10, for_ms: 10 }
  - id: three
    do: [{ delay: { ms: 1 } }]
";
    let errors = Rules::parse("faults.yaml", text).unwrap_err();
    insta::assert_snapshot!(errors);
}

#[test]
fn what_is_no_yaml_or_no_list_of_rules_says_so() {
    let broken = Rules::parse("f.yaml", "rules: [").unwrap_err().to_string();
    assert!(broken.contains("f.yaml:") && broken.contains("is not YAML"), "{broken}");
    let list = Rules::parse("f.yaml", "- id: a\n").unwrap_err().to_string();
    assert!(list.contains("is a list where a table is needed"), "{list}");
    let empty = Rules::parse("f.yaml", "rules: []\n").unwrap();
    assert!(empty.is_empty());
}

#[test]
fn rules_made_in_code_are_checked_too() {
    let errors = Rules::of(vec![Rule::new(""), Rule::new("a").at("x").does(Action::status(500))]).unwrap_err();
    let paths: Vec<_> = errors.errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["rules[0].id", "rules[0].do", "rules[1].match.path"]);
}

fn rules() -> impl Strategy<Value = Rule> {
    let action = prop_oneof![
        (0_u64..1_000).prop_map(Action::delay_ms),
        (200_u16..600).prop_map(Action::status),
        Just(Action::duplicate()),
        ("(/[a-z*]{1,3}){1,3}", -4.0_f64..4.0).prop_map(|(at, by)| Action::scale_json(Part::Answer, &at, by)),
        "(/[a-z*]{1,3}){1,3}".prop_map(|at| Action::remove_json(Part::Request, &at).wherever("/k", json!([1, null]))),
        "[a-z]{0,5}".prop_map(|find| Action::rewrite_text(Part::Answer, &find, "$0")),
        any::<u32>().prop_map(|after| Action::CommitThenFail(Answer::of(503).retry_after(after))),
    ];
    let matched = ("[A-Z]{1,5}", "/[a-z*/]{0,6}", prop::option::of(1_u64..9), prop::option::of(0.0_f64..1.0));
    ("[a-z_.]{1,8}", matched, action).prop_map(|(id, (method, path, every, share), action)| {
        let mut rule = Rule::new(&id).on(&method, &path).does(action);
        (rule.matches.every, rule.matches.share) = (every, share);
        rule
    })
}

proptest! {
    #[test]
    fn what_code_can_say_a_file_can_say_too(rule in rules()) {
        let text = json!({ "rules": [rule] }).to_string();
        let read = Rules::parse("generated.yaml", &text);
        prop_assert_eq!(read.map(|rules| rules.iter().next().cloned()), Ok(Some(rule)), "{}", text);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "[a-z0-9:{}\\[\\]\\- \n'/*]{0,80}") {
        drop(Rules::parse("f.yaml", &text));
        drop(Rules::parse("f.yaml", &format!("rules:\n  - id: a\n    do:\n      - {text}")));
    }
}
