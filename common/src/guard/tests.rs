use proptest::prelude::*;

use super::*;
use crate::target::{Limits, Targets};

fn embedded() -> Guard {
    Guard::new(Environment::embedded(AppId::ALL.into_iter().map(|app| (app, app.default_port())).collect()))
}

fn committed(name: &str) -> Guard {
    let targets = Targets::parse("targets.yaml", include_str!("../../../tests/perf/config/targets.yaml")).unwrap();
    Guard::new(targets.get(name).unwrap().clone())
}

/// An environment whose apps lie behind a gateway's prefix.
fn prefixed() -> Guard {
    let text =
        include_str!("../../../tests/perf/config/targets.yaml").replace("staging.example.com", "gw.example.com/t1");
    let targets = Targets::parse("targets.yaml", &text).unwrap();
    Guard::new(targets.get("staging").unwrap().clone())
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

#[test]
fn a_permit_says_where_to_send_and_what_to_stamp() {
    let permit = embedded().permit(AppId::A6, &Method::POST, "/api/listings?draft=1").unwrap();
    assert_eq!(permit.url().as_str(), "http://127.0.0.1:7106/api/listings?draft=1");
    assert_eq!(permit.authority(), "127.0.0.1:7106");
    assert_eq!(permit.path_and_query(), "/api/listings?draft=1");
    assert_eq!((permit.app(), permit.method()), (AppId::A6, &Method::POST));
    assert_eq!(permit.labels().namespace, "perf_test");
}

#[test]
fn a_path_lies_below_the_base_path() {
    let permit = prefixed().permit(AppId::A2, &Method::GET, "/api/v1/events/7").unwrap();
    assert_eq!(permit.url().as_str(), "https://a2.gw.example.com/t1/api/v1/events/7");
    assert_eq!(prefixed().permit(AppId::A2, &Method::GET, "/").unwrap().path_and_query(), "/t1/");
}

#[test]
fn ordinary_paths_pass() {
    for path in
        ["/", "/a@b", "/a//b", "/x?next=https://evil.test/..&y=%2e%2e", "/p/%C3%A9t%C3%A9", "/a.b/..c/...", "/a:1"]
    {
        embedded().permit(AppId::A1, &Method::GET, path).unwrap_or_else(|refusal| panic!("{path}: {refusal}"));
    }
}

#[test]
fn paths_that_could_lead_elsewhere_are_refused() {
    for path in [
        "",
        "health",
        "@evil.test/",
        ":80@evil.test/",
        ".evil.test/",
        "http://evil.test/",
        "//evil.test/",
        "/\\evil.test/",
        "\\\\evil.test/",
        "/a\r\nHost: evil.test",
        "/a%0d%0aHost:%20evil.test",
        "/a b",
        "/a#b",
        "/../x",
        "/a/../../x",
        "/a/..",
        "/%2e%2e/x",
        "/.%2E/x",
        "/a%2f..%2fx",
        "/%252e%252e/x",
        "/..%5cx",
        "/a\tb",
        "/\u{2025}/x",
    ] {
        let refusal = prefixed().permit(AppId::A1, &Method::GET, path).unwrap_err();
        assert!(matches!(refusal, Refusal::Path { .. }), "{path:?}: {refusal}");
    }
}

#[test]
fn a_read_only_environment_refuses_every_mutation() {
    let guard = committed("prod_observe");
    for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND", "get"] {
        let refusal = guard.permit(AppId::A8, &method.parse().unwrap(), "/api/telemetry?key=s3cr3t").unwrap_err();
        assert!(matches!(refusal, Refusal::ReadOnly { .. }), "{method}: {refusal}");
        assert!(!refusal.to_string().contains("s3cr3t"), "{refusal}");
    }
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        guard.permit(AppId::A8, &method, "/").unwrap();
    }
}

#[test]
fn a_refusal_says_what_why_and_what_to_do() {
    let refusal = committed("prod_observe").permit(AppId::A8, &Method::POST, "/api/telemetry").unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "POST \"/api/telemetry\" to A8 changes something, and prod_observe is read_only; use GET, HEAD or OPTIONS, or run \
         this against another environment"
    );
}

#[test]
fn a_tunnel_is_refused_everywhere() {
    assert_eq!(embedded().permit(AppId::A1, &Method::CONNECT, "/").unwrap_err(), Refusal::Tunnel { app: AppId::A1 });
}

#[test]
fn an_app_that_the_environment_lacks_is_refused() {
    let guard = Guard::new(Environment::embedded([(AppId::A1, 7101)].into()));
    assert!(matches!(guard.permit(AppId::A2, &Method::GET, "/"), Err(Refusal::NoSuchApp { app: AppId::A2, .. })));
}

#[test]
fn a_redirect_to_another_app_is_permitted_as_that_app() {
    let permit = embedded().permit_url(&Method::GET, &url("http://127.0.0.1:7101/oidc/auth?x=1#top")).unwrap();
    assert_eq!(permit.app(), AppId::A1);
    assert_eq!(permit.url().as_str(), "http://127.0.0.1:7101/oidc/auth?x=1");
    let permit = prefixed().permit_url(&Method::GET, &url("https://a3.gw.example.com:443/t1/preflight")).unwrap();
    assert_eq!(permit.app(), AppId::A3);
}

#[test]
fn a_redirect_out_of_the_environment_is_refused() {
    for (guard, target) in [
        (embedded(), "http://127.0.0.1:7109/"),
        (embedded(), "http://127.0.0.2:7101/"),
        (embedded(), "http://localhost:7101/"),
        (embedded(), "https://127.0.0.1:7101/"),
        (embedded(), "http://127.0.0.1:7101@evil.test/"),
        (embedded(), "http://user@127.0.0.1:7101/"),
        (embedded(), "file:///etc/passwd"),
        (prefixed(), "https://a1.gw.example.com/"),
        (prefixed(), "https://a1.gw.example.com/t2/x"),
        (prefixed(), "https://a1.gw.example.com/t10/x"),
        (prefixed(), "https://a1.gw.example.com.evil.test/t1/x"),
        (prefixed(), "https://A1.gw.example.com.:443/t1/x"),
        (prefixed(), "http://a1.gw.example.com/t1/x"),
    ] {
        let refusal = guard.permit_url(&Method::GET, &url(target)).unwrap_err();
        assert!(matches!(refusal, Refusal::Host { .. }), "{target}: {refusal}");
    }
}

#[test]
fn a_refused_url_is_shown_without_what_may_be_secret() {
    let target = url("https://joe:s3cr3t@evil.test/cb?code=s3cr3t#s3cr3t");
    let shown = embedded().permit_url(&Method::GET, &target).unwrap_err().to_string();
    assert!(shown.contains("https://evil.test/cb") && !shown.contains("s3cr3t"), "{shown}");
}

#[test]
fn headers_that_change_the_request_are_refused() {
    let permit = embedded().permit(AppId::A1, &Method::GET, "/").unwrap();
    for name in ["Host", "X-HTTP-Method-Override", "Transfer-Encoding", "X-Forwarded-Host"] {
        assert!(permit.check_header(&name.parse().unwrap()).is_err(), "{name} was taken");
    }
    assert_eq!(permit.check_header(&http::header::ACCEPT), Ok(()));
}

#[test]
fn load_up_to_sixty_users_needs_nobody() {
    assert_eq!(embedded().permit_load(60, 100.0).unwrap().vus(), 60);
    let refusal = embedded().permit_load(61, 100.0).unwrap_err();
    assert_eq!(refusal, Refusal::NeedsApproval { asked: 61, free: 60, environment: "embedded".into() });
}

#[test]
fn an_approval_lifts_the_free_users_up_to_what_was_approved_and_no_hard_cap() {
    let approved = ApprovedVus::new(100);
    assert_eq!(embedded().permit_approved_load(100, 10.0, &approved).unwrap().vus(), 100);
    let more = embedded().permit_approved_load(101, 10.0, &approved).unwrap_err();
    assert!(matches!(more, Refusal::NeedsApproval { asked: 101, free: 100, .. }), "{more}");
    let beyond = embedded().permit_approved_load(201, 10.0, &ApprovedVus::new(1_000)).unwrap_err();
    assert!(matches!(beyond, Refusal::TooManyVus { max: 200, .. }), "{beyond}");
}

#[test]
fn load_beyond_the_caps_or_of_no_size_is_refused() {
    let guard = embedded();
    assert!(matches!(guard.permit_load(1, 2_000.1), Err(Refusal::TooFast { .. })));
    for (vus, rate) in [(0, 1.0), (1, 0.0), (1, -1.0), (1, f64::NAN), (1, f64::INFINITY)] {
        assert!(matches!(guard.permit_load(vus, rate), Err(Refusal::NoLoad { .. })), "{vus} {rate}");
    }
    let limits = Limits { max_vus: 5, max_rate_per_s: 1.0, vus_without_approval: 5 };
    let small = Guard::new(guard.environment().clone().limited(limits));
    assert!(matches!(small.permit_load(6, 1.0), Err(Refusal::TooManyVus { max: 5, .. })));
}

fn any_method() -> impl Strategy<Value = Method> {
    prop::sample::select(vec![
        "GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "TRACE", "gEt", "X",
    ])
    .prop_map(|name| name.parse().unwrap())
}

/// Paths made of pieces that have fooled URL parsers before.
fn any_path() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "/",
        "//",
        "\\",
        "..",
        ".",
        "@",
        ":",
        "?",
        "#",
        "%2e",
        "%2F",
        "%5c",
        "%00",
        "\r\n",
        "\t",
        " ",
        "evil.test",
        "http://",
        "https://",
        "127.0.0.1",
        "a1.example.com",
        "t1",
        "a",
        "é",
        "[::1]",
        ";",
        "&",
        "%",
    ]);
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn any_url() -> impl Strategy<Value = String> {
    let scheme =
        prop::sample::select(vec!["http://", "https://", "HTTPS://", "https:/", "https:\\\\", "ftp://", "//", ""]);
    let host = prop::sample::select(vec![
        "a1.example.com",
        "a8.example.com",
        "a8.example.com:443",
        "a8.example.com:444",
        "a8.example.com.",
        "evil.test",
        "user@a1.example.com",
        "a1.example.com@evil.test",
        "a1.example.com\\@evil.test",
        "127.0.0.1:7101",
        "a1。example。com",
    ]);
    (scheme, host, any_path()).prop_map(|(scheme, host, path)| format!("{scheme}{host}{path}"))
}

proptest! {
    #[test]
    fn nothing_is_changed_in_a_read_only_environment_and_no_other_host_is_reached(
        requests in prop::collection::vec((0..8_usize, any_method(), any_path(), any_url()), 1..20)
    ) {
        let guard = committed("prod_observe");
        let listed: Vec<_> = guard.environment().apps().values().map(Url::origin).collect();
        for (app, method, path, target) in requests {
            let permits = [
                guard.permit(AppId::ALL[app], &method, &path).ok(),
                Url::parse(&target).ok().and_then(|target| guard.permit_url(&method, &target).ok()),
            ];
            for permit in permits.into_iter().flatten() {
                prop_assert!(!is_mutation(&method) && !is_mutation(permit.method()), "{method} {path} {target}");
                prop_assert!(listed.contains(&permit.url().origin()), "{}", permit.url());
                prop_assert_eq!(guard.environment().base(permit.app()).unwrap().origin(), permit.url().origin());
                prop_assert!(permit.url().username().is_empty() && permit.url().password().is_none());
                prop_assert!(permit.path_and_query().bytes().all(|b| b.is_ascii_graphic()));
            }
        }
    }

    #[test]
    fn no_path_leaves_the_base_path(path in any_path()) {
        if let Ok(permit) = prefixed().permit(AppId::A1, &Method::GET, &path) {
            prop_assert!(permit.url().as_str().starts_with("https://a1.gw.example.com/t1/"), "{}", permit.url());
            // What a server sees must stay below, too, once it has undone the escapes.
            let shown = permit.url().path().to_ascii_lowercase();
            prop_assert!(!shown.contains("/../") && !shown.contains("%2e%2e"), "{}", permit.url());
        }
    }
}
