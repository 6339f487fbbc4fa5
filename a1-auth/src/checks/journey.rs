//! A sign-in as a browser and a client library walk it together.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::check::{CheckContext, CheckError};
use common::client::{ClientError, Reply, Session};
use common::ids::AppId;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

/// The client that is registered for the harness.
pub(super) const CLIENT: &str = "harness";
/// Its address, at whatever port.
pub(super) const REDIRECT: &str = "http://127.0.0.1:49321/callback";

/// A synthetic person with an address and password of her own.
#[derive(Debug, Clone)]
pub(super) struct Person {
    pub(super) email: String,
    pub(super) password: String,
}

/// One sign-in on its way.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) session: Session,
    pub(super) verifier: String,
    pub(super) nonce: String,
    pub(super) state: String,
    pub(super) scope: &'static str,
}

/// What came back to the client's address.
#[derive(Debug)]
pub(super) struct Returned {
    pub(super) code: String,
    pub(super) state: Option<String>,
    pub(super) iss: Option<String>,
    /// The answer to the form.
    pub(super) reply: Reply,
}

pub(super) fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

impl Person {
    pub(super) fn new() -> Self {
        let email = format!("test_student_{}@example.test", uuid::Uuid::now_v7().simple());
        Self { email, password: random() }
    }
}

impl Walk {
    pub(super) fn new(cx: &CheckContext) -> Self {
        let session = Session::new(&cx.client);
        Self { session, verifier: random(), nonce: random(), state: random(), scope: "openid profile email" }
    }

    /// The challenge of the verifier (RFC 7636, 4.2).
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(&self.verifier))
    }

    /// The path of a right authorization request, each field changed by `change` (`None` leaves it out).
    pub(super) fn auth_path(&self, change: impl Fn(&str, String) -> Option<String>) -> String {
        let fields = [
            ("response_type", "code".to_owned()),
            ("client_id", CLIENT.to_owned()),
            ("redirect_uri", REDIRECT.to_owned()),
            ("scope", self.scope.to_owned()),
            ("state", self.state.clone()),
            ("nonce", self.nonce.clone()),
            ("code_challenge", self.challenge()),
            ("code_challenge_method", "S256".to_owned()),
        ];
        let fields = fields.into_iter().filter_map(|(name, value)| change(name, value).map(|value| (name, value)));
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        format!("/oidc/auth?{query}")
    }

    /// Asks to be signed in; the answer is a form, or a redirect if the session lasts.
    pub(super) async fn ask(&self) -> Result<Reply, ClientError> {
        let path = self.auth_path(|_, value| Some(value));
        self.session.get(AppId::A1, &path).header("accept", "text/html").send().await
    }

    /// Signs a new person up and comes back with a code.
    pub(super) async fn sign_up(&self, person: &Person) -> Result<Returned, CheckError> {
        let nonce = form_nonce(&self.ask().await?)?;
        let fields = [
            ("form_nonce", nonce.as_str()),
            ("name", "Test Student"),
            ("email", &person.email),
            ("password", &person.password),
        ];
        returned(self.session.post(AppId::A1, "/signup").form(&fields).native_errors().send().await?)
    }

    /// Logs a known person in and comes back with a code.
    pub(super) async fn log_in(&self, person: &Person) -> Result<Returned, CheckError> {
        let nonce = form_nonce(&self.ask().await?)?;
        returned(self.send_login(&nonce, &person.email, &person.password).await?)
    }

    /// Sends the login form.
    pub(super) async fn send_login(&self, nonce: &str, username: &str, password: &str) -> Result<Reply, ClientError> {
        let fields = [("form_nonce", nonce), ("username", username), ("password", password)];
        self.session.post(AppId::A1, "/login").form(&fields).native_errors().send().await
    }

    /// Redeems a code with this verifier.
    pub(super) async fn redeem(&self, cx: &CheckContext, code: &str, verifier: &str) -> Result<Reply, ClientError> {
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", CLIENT),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
        ];
        cx.client.post(AppId::A1, "/oidc/token").trace(self.session.trace()).form(&fields).native_errors().send().await
    }
}

/// Skips the check, for this reason, unless the target runs on this machine.
pub(super) fn embedded_only(cx: &CheckContext, reason: &str) -> Result<(), CheckError> {
    let base = cx.client.guard().environment().base(AppId::A1);
    let here = base.and_then(Url::host_str) == Some("127.0.0.1");
    if here { Ok(()) } else { Err(CheckError::Skip(reason.to_owned())) }
}

/// The hidden field of a form.
pub(super) fn form_nonce(page: &Reply) -> Result<String, CheckError> {
    let text = page.text();
    let found = text.split_once("name=\"form_nonce\" value=\"").and_then(|(_, rest)| rest.split_once('"'));
    let lacking = || CheckError::Broken(format!("{} answered {} without a form", page.request(), page.status));
    found.map(|(value, _)| value.to_owned()).ok_or_else(lacking)
}

/// Reads the redirect back to the client.
pub(super) fn returned(reply: Reply) -> Result<Returned, CheckError> {
    let lacking = |what: &str| CheckError::Broken(format!("{} answered {} {what}", reply.request(), reply.status));
    let location = reply.header("location").ok_or_else(|| lacking("without a location"))?;
    let url = Url::parse(location).map_err(|_| lacking("with a location that is no URL"))?;
    if !location.starts_with(REDIRECT) {
        return Err(lacking("with a location that is not the client's"));
    }
    let get = |name: &str| url.query_pairs().find(|(own, _)| own == name).map(|(_, value)| value.into_owned());
    let code = get("code").ok_or_else(|| lacking("with a location without a code"))?;
    Ok(Returned { code, state: get("state"), iss: get("iss"), reply })
}

/// A JSON answer of the provider.
pub(super) async fn document(cx: &CheckContext, path: &str) -> Result<Value, CheckError> {
    Ok(cx.client.get(AppId::A1, path).send().await?.json()?)
}

/// A text in a JSON answer.
pub(super) fn text_at(reply: &Reply, pointer: &str) -> Result<String, CheckError> {
    let found = reply.pointer(pointer).and_then(|value| value.as_str().map(str::to_owned));
    found.ok_or_else(|| CheckError::Broken(format!("{} answered {} without {pointer}", reply.request(), reply.status)))
}
