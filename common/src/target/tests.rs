use super::*;

const COMMITTED: &str = include_str!("../../../tests/perf/config/targets.yaml");

fn apps(host: impl Fn(AppId) -> String) -> String {
    AppId::ALL.into_iter().map(|app| format!("      {}: {}\n", app.lower(), host(app))).collect()
}

/// A file of one staging environment, valid until `edit` changes its text.
fn staging(edit: impl Fn(String) -> String) -> Result<Targets, ConfigErrors> {
    let text = format!(
        "environments:\n  staging:\n    policy: read_write\n    apps:\n{}    limits:\n      max_vus: 100\n      \
         max_rate_per_s: 50.5\n    labels:\n      namespace: perf_test\n      source: qa\n      tenant: t1\n    \
         secrets:\n      telemetry_key_env: HANDSHAKE_KEY\n",
        apps(|app| format!("https://{}.test", app.lower()))
    );
    Targets::parse("targets.yaml", &edit(text))
}

fn complaint(edit: impl Fn(String) -> String) -> String {
    staging(edit).unwrap_err().to_string()
}

#[test]
fn the_committed_file_is_valid() {
    let targets = Targets::parse("targets.yaml", COMMITTED).unwrap_or_else(|errors| panic!("{errors}"));
    let names: Vec<_> = targets.iter().map(Environment::name).collect();
    assert_eq!(names, ["embedded", "prod_observe", "staging"]);
    assert!(targets.get("embedded").unwrap().is_loopback());
    assert_eq!(targets.get("embedded").unwrap().base(AppId::A8).unwrap().port(), Some(7108));
    assert_eq!(targets.get("prod_observe").unwrap().policy(), Policy::ReadOnly);
    assert_eq!(targets.get("staging").unwrap().limits().vus_without_approval, 60);
}

#[test]
fn the_committed_embedded_environment_is_the_one_tests_build() {
    let targets = Targets::parse("targets.yaml", COMMITTED).unwrap();
    let ports = AppId::ALL.into_iter().map(|app| (app, app.default_port())).collect();
    assert_eq!(targets.get("embedded").unwrap(), &Environment::embedded(ports));
}

#[test]
fn an_unknown_environment_is_answered_with_those_there_are() {
    let targets = Targets::parse("targets.yaml", COMMITTED).unwrap();
    let message = targets.get("stagign").unwrap_err().to_string();
    assert_eq!(message, "no environment \"stagign\" in the target file; it has embedded, prod_observe, staging");
}

#[test]
fn a_missing_file_says_where_it_was_looked_for() {
    let message = Targets::load(Path::new("/nowhere/targets.yaml")).unwrap_err().to_string();
    assert!(message.contains("/nowhere/targets.yaml"), "{message}");
}

#[test]
fn left_out_options_have_their_defaults() {
    let targets = staging(|text| text).unwrap_or_else(|errors| panic!("{errors}"));
    let environment = targets.get("staging").unwrap();
    assert_eq!(environment.limits().vus_without_approval, 60);
    assert_eq!(environment.tls().ca_file, None);
    assert_eq!(environment.secrets().admin_key_env, None);
}

#[test]
fn the_protocol_of_loads_is_http1_unless_said_otherwise() {
    let of = |text: &str| {
        staging(|all| all.replace("    labels:", text)).map(|targets| targets.get("staging").unwrap().http())
    };
    assert_eq!(of("    labels:").unwrap(), HttpVersion::Http1);
    assert_eq!(of("    http: http2\n    labels:").unwrap(), HttpVersion::Http2);
    let message = of("    http: h2c\n    labels:").unwrap_err().to_string();
    assert!(message.contains("\"h2c\" is no protocol") && message.contains("http1 (HTTP/1.1"), "{message}");
}

#[test]
fn every_mistake_is_named_at_once_with_its_line() {
    let errors = complaint(|text| {
        text.replace("policy: read_write", "policy: sometimes")
            .replace("      a3: https://a3.test\n", "")
            .replace("https://a4.test", "ftp://a4.test")
            .replace("https://a5.test", "7105")
            .replace("https://a6.test", "https://a7.test")
            .replace("max_vus: 100", "max_vus: 0\n      max_vsu: 5")
            .replace("50.5", "fast")
            .replace("namespace: perf_test", "namespace: live")
            .replace("HANDSHAKE_KEY", "s3cr3t-value")
    });
    insta::assert_snapshot!(errors, @r#"
    targets.yaml:3: environments.staging.policy: "sometimes" is no policy; use read_write or read_only
    targets.yaml:4: environments.staging.apps.a3: is missing; add `a3:` here
    targets.yaml:7: environments.staging.apps.a4: "ftp://a4.test" is no http or https URL; write it as https://a1.example.com
    targets.yaml:8: environments.staging.apps.a5: is a whole number where text is needed; write text, in quotes if need be
    targets.yaml:10: environments.staging.apps.a7: a7.test:443 is already used by environments.staging.apps.a6 on line 9; give each app its own host and port
    targets.yaml:13: environments.staging.limits.max_vus: 0 is out of range; write a whole number, 1 or more
    targets.yaml:14: environments.staging.limits.max_vsu: is an unknown key; known here: max_vus, max_rate_per_s, vus_without_approval
    targets.yaml:15: environments.staging.limits.max_rate_per_s: is text where a number is needed; write how many a second, above 0
    targets.yaml:17: environments.staging.labels.namespace: "live" is no synthetic namespace; use perf_test or simulated_audit
    targets.yaml:21: environments.staging.secrets.telemetry_key_env: is not the name of an environment variable; name a variable that starts with HANDSHAKE_; never write a key into this file
    "#);
}

#[test]
fn what_may_be_a_secret_is_not_repeated() {
    assert!(!complaint(|text| text.replace("HANDSHAKE_KEY", "s3cr3t-value")).contains("s3cr3t"));
    assert!(!complaint(|text| text.replace("https://a1.test", "https://joe:s3cr3t@a1.test")).contains("s3cr3t"));
}

#[test]
fn production_is_never_writable() {
    for name in ["prod", "production_eu", "eu_prod_2", "live", "preprod"] {
        let message = complaint(|text| text.replace("  staging:", &format!("  {name}:")));
        assert!(message.contains("production must not be written to"), "{name}: {message}");
    }
}

#[test]
fn a_read_only_host_is_not_writable_under_another_name() {
    let message = complaint(|text| {
        let twin = text.replace("environments:\n  staging:", "  observe:").replace("read_write", "read_only");
        format!("{text}{twin}")
    });
    assert_eq!(message.lines().count(), 8, "{message}");
    assert!(message.contains("a1.test:443 has another policy as"), "{message}");
}

#[test]
fn embedded_apps_are_on_this_machine() {
    let message = complaint(|text| text.replace("  staging:", "  embedded:"));
    assert_eq!(message.lines().count(), 8, "{message}");
    assert!(message.contains("https://a1.test/ is not on this machine"), "{message}");
}

#[test]
fn base_urls_that_could_mislead_are_refused() {
    for bad in [
        "http://a1.test",
        "https://user@a1.test",
        "https://a1.test/?x=1",
        "https://a1.test/#x",
        "https://",
        "https://a1.test:0",
        "https://a1.test:99999",
        "//a1.test",
        "\"https://a1.test\\\\@evil.test\"",
        "\"https://a1.test\\r\\nx\"",
    ] {
        let message = complaint(|text| text.replace("https://a1.test", bad));
        assert!(message.starts_with("targets.yaml:5: environments.staging.apps.a1:"), "{bad}: {message}");
    }
}

#[test]
fn more_free_users_than_the_rule_allows_are_refused() {
    let message = complaint(|text| text.replace("max_vus: 100", "max_vus: 100\n      vus_without_approval: 61"));
    assert!(message.contains("61 is above 60"), "{message}");
}

#[test]
fn a_file_that_does_not_parse_is_one_error_with_its_line() {
    for (text, line) in [("environments:\n  a: [1\n", 3), ("a: 1\na: 2\n", 2)] {
        let errors = Targets::parse("targets.yaml", text).unwrap_err();
        assert_eq!(errors.errors.len(), 1, "{errors}");
        assert!(errors.errors[0].line.abs_diff(line) <= 1, "{errors}");
        assert!(errors.to_string().contains("is not YAML"), "{errors}");
    }
}

#[test]
fn a_file_of_another_shape_is_refused() {
    for text in ["", "[]", "environments: 7", "environments: {}", "environments: {x: }"] {
        assert!(Targets::parse("targets.yaml", text).is_err(), "{text:?} was taken");
    }
}

#[test]
fn an_environment_keeps_its_policy_behind_a_proxy() {
    let targets = Targets::parse("targets.yaml", COMMITTED).unwrap();
    let proxied = targets.get("prod_observe").unwrap().clone().through_proxy(AppId::A1, 4000);
    assert_eq!(proxied.policy(), Policy::ReadOnly);
    assert_eq!(proxied.base(AppId::A1).unwrap().as_str(), "http://127.0.0.1:4000/");
}

#[test]
fn limits_can_only_be_lowered() {
    let environment = Environment::embedded(BTreeMap::new()).limited(Limits {
        max_vus: 5,
        max_rate_per_s: 1e9,
        vus_without_approval: 500,
    });
    let expected = Limits { max_vus: 5, max_rate_per_s: 2_000.0, vus_without_approval: 60 };
    assert_eq!(environment.limits(), expected);
}
