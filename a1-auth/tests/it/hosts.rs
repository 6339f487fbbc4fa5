//! Browsers may find the apps under other names than the apps find each other.

use common::ids::AppId;
use common::service::AppConfig;
use common::testkit::Ecosystem;
use url::Url;

use crate::person::Person;

async fn start(tweak: impl Fn(&mut AppConfig)) -> Ecosystem {
    Ecosystem::start_with(vec![a1_auth::reference::app()], tweak).await
}

fn option(config: &mut AppConfig, name: &str, value: &str) {
    config.options.insert(name.to_owned(), value.to_owned());
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_and_tokens_name_the_public_host_and_the_suite_still_holds() {
    let eco = start(|config| {
        let port = config.upstreams[&AppId::A1].port().unwrap();
        option(config, "public_base_url", &format!("http://a1.localhost:{port}/"));
    })
    .await;
    let port = eco.app(AppId::A1).address.port();
    let public = format!("http://a1.localhost:{port}");
    let found = eco.client().get(AppId::A1, "/.well-known/openid-configuration").send().await.unwrap().json().unwrap();
    assert_eq!(found["issuer"], public);
    for endpoint in ["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"] {
        let url = found[endpoint].as_str().unwrap();
        assert!(url.starts_with(&format!("{public}/oidc/")), "{endpoint}: {url}");
    }
    let suite = a1_auth::suite();
    for id in ["a1.discovery", "a1.code_flow", "a1.cookie"] {
        let report = eco.check(suite.check(id).unwrap()).await;
        assert!(report.holds(), "{id}: {:?}", report.broken_lines());
    }
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_go_back_to_the_student_app_where_browsers_find_it() {
    let (inner, outer) = ("http://127.0.0.1:49105/", "http://a5.localhost:49105/");
    let eco = start(|config| {
        config.upstreams.insert(AppId::A5, inner.parse().unwrap());
        option(config, "student_base_url", outer);
    })
    .await;
    for (base, status) in [(inner, 200), (outer, 200), ("http://a5.localhost:49106/", 400)] {
        let redirect = Url::parse(base).unwrap().join("/auth/callback").unwrap();
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("response_type", "code"),
                ("client_id", "a5-student"),
                ("redirect_uri", redirect.as_str()),
                ("scope", "openid"),
                ("code_challenge", "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
                ("code_challenge_method", "S256"),
            ])
            .finish();
        let get = eco.client().get(AppId::A1, &format!("/oidc/auth?{query}")).header("accept", "text/html");
        let reply = get.native_errors().send().await.unwrap();
        assert_eq!(reply.status, status, "{base}");
        if status == 200 {
            let policy = reply.header("content-security-policy").unwrap();
            assert!(policy.contains(&format!("form-action 'self' {}", base.trim_end_matches('/'))), "{policy}");
        }
    }
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_domain_is_the_session_cookies() {
    let eco = start(|config| option(config, "cookie_domain", "127.0.0.1")).await;
    let reply = Person::new(&eco).log_in().await;
    let line =
        reply.header_all("set-cookie").into_iter().find(|line| line.starts_with("a1_session=")).unwrap().to_owned();
    assert!(line.ends_with("; Path=/; Max-Age=28800; Secure; HttpOnly; SameSite=None; Domain=127.0.0.1"), "{line}");
    eco.stop().await;
}
