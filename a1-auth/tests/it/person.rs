//! A person with a browser of her own, for tests that need to say who she is and when.

use common::client::{Reply, Session};
use common::ids::AppId;
use common::testkit::Ecosystem;

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The account that the embedded ecosystem always has, in a browser.
pub(crate) struct Person<'a> {
    eco: &'a Ecosystem,
    session: Session,
}

impl<'a> Person<'a> {
    pub(crate) fn new(eco: &'a Ecosystem) -> Self {
        Self { eco, session: Session::new(eco.client()) }
    }

    /// Asks for a code; `more` goes on with the query, as `&max_age=0`.
    pub(crate) async fn ask(&self, more: &str) -> Reply {
        let path = format!(
            "/oidc/auth?response_type=code&client_id=harness&redirect_uri=http%3A%2F%2F127.0.0.1%3A49321%2Fcallback\
             &scope=openid%20offline_access&state=s&nonce=n&code_challenge={CHALLENGE}&code_challenge_method=S256{more}"
        );
        self.session.get(AppId::A1, &path).header("accept", "text/html").send().await.unwrap()
    }

    /// Fills the form in and gives the answer, a redirect with a code.
    pub(crate) async fn log_in(&self) -> Reply {
        let page = self.ask("").await.text();
        let nonce = page.split("name=\"form_nonce\" value=\"").nth(1).unwrap().split('"').next().unwrap();
        let fields = [("form_nonce", nonce), ("username", "test_student_e2e_01"), ("password", "embedded-password-01")];
        let reply = self.session.post(AppId::A1, "/login").form(&fields).send().await.unwrap();
        assert_eq!(reply.status, 303, "{}", reply.text());
        reply
    }

    /// The answer of the token endpoint to the code of a redirect.
    pub(crate) async fn redeem(&self, redirect: &Reply) -> Reply {
        let location: url::Url = redirect.header("location").unwrap().parse().unwrap();
        let code = location.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned();
        self.token(&[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", "http://127.0.0.1:49321/callback"),
            ("code_verifier", VERIFIER),
        ])
        .await
    }

    /// The answer of the token endpoint to these fields of the client.
    pub(crate) async fn token(&self, fields: &[(&str, &str)]) -> Reply {
        let fields = [&[("client_id", "harness")], fields].concat();
        self.eco.client().post(AppId::A1, "/oidc/token").native_errors().form(&fields).send().await.unwrap()
    }

    /// The status of userinfo for an access token.
    pub(crate) async fn userinfo(&self, tokens: &Reply) -> u16 {
        let get = self.eco.client().get(AppId::A1, "/oidc/userinfo").bearer(&text(tokens, "/access_token"));
        get.native_errors().send().await.unwrap().status
    }

    /// The names of the published keys.
    pub(crate) async fn kids(&self) -> Vec<String> {
        let jwks = self.eco.client().get(AppId::A1, "/oidc/jwks").send().await.unwrap().json().unwrap();
        jwks["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    }
}

/// A text in a JSON answer.
pub(crate) fn text(reply: &Reply, pointer: &str) -> String {
    let found = reply.pointer(pointer).and_then(|value| value.as_str().map(str::to_owned));
    found.unwrap_or_else(|| panic!("no {pointer} in {}", reply.text()))
}
