//! How A1 is loaded.

use std::time::Duration;

use common::ids::AppId;
use common::scenario::{Expect, ExtractFrom, Feeder, FeederMode, Scenario, Step};

/// A baseline lasts this long at full size.
const BASELINE: Duration = Duration::from_secs(15 * 60);

/// All workloads.
pub(crate) fn all() -> Vec<Scenario> {
    vec![discovery(), service_token(), oidc_code_flow()]
}

/// Where the harness's client wants its codes; nobody listens there, as nobody follows.
const REDIRECT: &str = "http://127.0.0.1:49321/callback";
/// The account that the records of `data.jsonl` sign in with.
const FIELDS: [&str; 3] = ["username", "password", "email"];

/// What every client of the provider reads first.
fn discovery() -> Scenario {
    Scenario::new("a1_discovery", AppId::A1, "Ten virtual users read discovery and the keys")
        .constant_vus(10, BASELINE, Duration::from_millis(500))
        .step(
            Step::get("discovery", "/.well-known/openid-configuration")
                .expect_status(&[200])
                .expect_json_exists("/issuer")
                .expect_json("/code_challenge_methods_supported/0", "S256"),
        )
        .step(
            Step::get("jwks", "/oidc/jwks")
                .expect_status(&[200])
                .expect_json("/keys/0/kty", "EC")
                .expect_json_exists("/keys/0/kid"),
        )
        .threshold("http_req_duration{name:discovery}", "p(95)<=150")
        .threshold("http_req_duration{name:jwks}", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "core")
}

/// Services fetch tokens for each other.
fn service_token() -> Scenario {
    Scenario::new("a1_service_token", AppId::A1, "Ten virtual users fetch service tokens")
        .constant_vus(10, BASELINE, Duration::from_millis(500))
        .step(
            Step::post("token", "/oidc/token")
                .form(&[
                    ("grant_type", "client_credentials"),
                    ("client_id", "harness-service"),
                    ("client_secret", "embedded-secret-harness-service"),
                ])
                .expect_status(&[200])
                .expect_json("/token_type", "Bearer")
                .expect_json_exists("/access_token"),
        )
        .threshold("http_req_duration{name:token}", "p(95)<=150")
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "core")
}

/// A person signs in over the code flow with PKCE, the client redeems, asks who it is, renews, and signs out again.
///
/// One user after the other: a password is hashed for a few tens of milliseconds on purpose, so that several at a time would
/// measure how many cores there are. Right passwords are not slowed down, however often they come.
fn oidc_code_flow() -> Scenario {
    let flow = Scenario::new(
        "a1_oidc_code_flow",
        AppId::A1,
        "A person signs in over the OIDC code flow, renews and signs out",
    )
    .constant_vus(1, Duration::from_secs(6), Duration::from_millis(300))
    .feeder(Feeder {
        source: "data.jsonl".to_owned(),
        fields: FIELDS.map(str::to_owned).to_vec(),
        mode: FeederMode::Random { seed: 1 },
    })
    .step(authorize())
    .step(log_in())
    .step(redeem());
    let flow = flow.step(userinfo()).step(refresh()).step(log_out());
    ["authorize", "login", "token", "userinfo", "refresh", "logout"]
        .into_iter()
        .fold(flow, |flow, hop| flow.threshold(&format!("http_req_duration{{name:{hop}}}"), "p(95)<=150"))
        .threshold("http_req_failed", "rate<0.01")
        .tag("kind", "journey")
        .unscaled()
}

fn authorize() -> Step {
    let query = "response_type=code&client_id=harness&redirect_uri=http%3A%2F%2F127.0.0.1%3A49321%2Fcallback\
                 &scope=openid%20profile%20email%20offline_access&state={{iteration_id}}&nonce={{iteration_id}}\
                 &code_challenge={{pkce.challenge}}&code_challenge_method=S256";
    Step::get("authorize", &format!("/oidc/auth?{query}"))
        .header("accept", "text/html")
        .expect_status(&[200])
        .extract("form_nonce", ExtractFrom::FormField("form_nonce".to_owned()))
}

fn log_in() -> Step {
    let attributes = ["Secure", "HttpOnly", "SameSite=None", "Path=/"].map(str::to_owned).to_vec();
    Step::post("login", "/login")
        .form(&[
            ("form_nonce", "{{var.form_nonce}}"),
            ("username", "{{data.username}}"),
            ("password", "{{data.password}}"),
        ])
        .expect_status(&[303])
        .expect_header("location", &format!("{REDIRECT}?code=*&state={{{{iteration_id}}}}&iss=*"))
        .expect(Expect::Cookie { name: "a1_session".to_owned(), attributes })
        .extract("code", ExtractFrom::RedirectQuery("code".to_owned()))
}

fn redeem() -> Step {
    Step::post("token", "/oidc/token")
        .form(&[
            ("grant_type", "authorization_code"),
            ("client_id", "harness"),
            ("code", "{{var.code}}"),
            ("redirect_uri", REDIRECT),
            ("code_verifier", "{{pkce.verifier}}"),
        ])
        .expect_status(&[200])
        .expect_header("cache-control", "no-store")
        .expect_json("/token_type", "Bearer")
        .extract_json("access_token", "/access_token")
        .extract_json("id_token", "/id_token")
        .extract_json("refresh_token", "/refresh_token")
}

fn userinfo() -> Step {
    Step::get("userinfo", "/oidc/userinfo")
        .header("authorization", "Bearer {{var.access_token}}")
        .expect_status(&[200])
        .expect_json("/email", "{{data.email}}")
        .expect_json_exists("/sub")
}

fn refresh() -> Step {
    Step::post("refresh", "/oidc/token")
        .form(&[("grant_type", "refresh_token"), ("client_id", "harness"), ("refresh_token", "{{var.refresh_token}}")])
        .expect_status(&[200])
        .expect_json_exists("/access_token")
        .expect_json_exists("/refresh_token")
}

fn log_out() -> Step {
    Step::get("logout", "/oidc/logout?id_token_hint={{var.id_token}}")
        .header("accept", "text/html")
        .expect_status(&[200])
        .expect(Expect::Cookie { name: "a1_session".to_owned(), attributes: vec!["Max-Age=0".to_owned()] })
}
