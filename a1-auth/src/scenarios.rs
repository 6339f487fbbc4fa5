//! How A1 is loaded.

use std::time::Duration;

use common::ids::AppId;
use common::scenario::{Scenario, Step};

/// A baseline lasts this long at full size.
const BASELINE: Duration = Duration::from_secs(15 * 60);

/// All workloads.
pub(crate) fn all() -> Vec<Scenario> {
    vec![discovery(), service_token()]
}

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
