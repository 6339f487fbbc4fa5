//! Identities that nobody has, sent to every app: where one of them can be read later, an app wrote down what it must not.

use common::contract::{Body, Contract, Route};
use common::ids::{AppId, RunId};
use common::target::Policy;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::run::{Run, RunError};
use crate::suites;

/// What is sent to one app: an address, a name and a password that are found nowhere else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Canary {
    pub(super) app: AppId,
    pub(super) email: String,
    pub(super) name: String,
    pub(super) password: String,
}

impl Canary {
    /// The canary of an app in a run; the same for the same run, so that a run that goes on knows it again and no record
    /// has to hold it.
    pub(super) fn of(run: &RunId, app: AppId) -> Self {
        let digest = Sha256::digest(format!("canary of {run} at {app}"));
        let mark: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
        Self {
            app,
            email: format!("canary.{mark}@example.test"),
            name: format!("Canary Nobody-{mark}"),
            password: format!("canary-password-{mark}"),
        }
    }

    /// What to look for, each with what it is: the parts that stand alike in JSON, in forms and in addresses of pages.
    pub(super) fn needles(&self) -> [(String, String); 3] {
        let what = |part: &str| format!("{part} that was sent to {}", self.app);
        let before_at = self.email.split('@').next().unwrap_or(&self.email);
        let last_name = self.name.rsplit(' ').next().unwrap_or(&self.name);
        [
            (what("an e-mail address"), before_at.to_owned()),
            (what("a name"), last_name.to_owned()),
            (what("a password"), self.password.clone()),
        ]
    }

    /// The same document with the canary in place of every text.
    fn in_place(&self, body: &Value) -> Value {
        match body {
            Value::String(_) => Value::String(format!("{} {} {}", self.name, self.email, self.password)),
            Value::Array(items) => items.iter().map(|item| self.in_place(item)).collect(),
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), self.field(name, value))).collect()
            }
            other => other.clone(),
        }
    }

    /// A field of which the name tells what it holds gets that, so that the request has a chance to be taken.
    fn field(&self, name: &str, value: &Value) -> Value {
        match (name, value) {
            (name, Value::String(_)) if name.contains("email") => Value::String(self.email.clone()),
            (name, Value::String(_)) if name.contains("name") => Value::String(self.name.clone()),
            ("content" | "text" | "message", Value::String(_)) => Value::String(format!(
                "I am {}, {}, and my password is {}. How do I ask for a recommendation?",
                self.name, self.email, self.password
            )),
            // What decides how a request is read stays as it is.
            ("role" | "model" | "currency" | "event" | "schema_version" | "kind", value) => value.clone(),
            (_, value) => self.in_place(value),
        }
    }
}

/// Sends each app its canary, by every route that takes a body.
pub(super) async fn sow(run: &mut Run) -> Result<(), RunError> {
    let environment = run.guard.environment();
    if environment.policy() != Policy::ReadWrite {
        return run.note(
            super::PHASE,
            None,
            "the target is only to be looked at, so no identities were sent to be looked for",
        );
    }
    let Some(started) = run.view.started.clone() else { return Ok(()) };
    for app in run.plan.apps() {
        run.go_on()?;
        if run.context.has(app) && !run.is_dead(app) {
            sow_at(run, &Canary::of(&started.run_id, app), &suites::suite(app).contract).await;
        }
    }
    // What an app says to a strange request is judged by its own checks.
    drop(run.context.client.take_violations());
    Ok(())
}

/// Whatever the app answers is fine: only what it writes down counts. A page is published for everybody, so those routes get
/// no identity.
async fn sow_at(run: &Run, canary: &Canary, contract: &Contract) {
    let writing = contract.routes.iter().filter(|route| route.method == "POST" && !route.path.contains('{'));
    for route in writing.filter(|route| !publishes(route)) {
        let request = run.context.client.post(contract.app, &route.path).native_errors();
        let request = match &route.body {
            Body::Json { example, .. } => request.json(&canary.in_place(example)),
            Body::Form { example } => {
                let filled: Vec<_> =
                    example.iter().map(|(name, value)| (name.as_str(), canary.form_field(name, value))).collect();
                let fields: Vec<_> = filled.iter().map(|(name, value)| (*name, value.as_str())).collect();
                request.form(&fields)
            }
            // What a route takes that the contract does not show: a form of a page, an upload, somebody's webhook.
            Body::None => request.form(&[
                ("email", canary.email.as_str()),
                ("name", canary.name.as_str()),
                ("password", canary.password.as_str()),
            ]),
        };
        drop(request.send().await);
    }
}

impl Canary {
    fn form_field(&self, name: &str, value: &str) -> String {
        match name {
            name if name.contains("email") || name.contains("user") => self.email.clone(),
            name if name.contains("password") => self.password.clone(),
            name if name.contains("name") => self.name.clone(),
            _ => value.to_owned(),
        }
    }
}

fn publishes(route: &Route) -> bool {
    matches!(route.path.as_str(), "/api/pages" | "/orchestration/run" | "/api/listings")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run() -> RunId {
        RunId::at(1_700_000_000_000)
    }

    #[test]
    fn a_run_knows_its_canaries_again_and_no_two_apps_share_one() {
        let run = run();
        assert_eq!(Canary::of(&run, AppId::A6), Canary::of(&run, AppId::A6));
        assert_ne!(Canary::of(&run, AppId::A6).email, Canary::of(&run, AppId::A7).email);
    }

    #[test]
    fn a_canary_is_found_in_the_form_in_which_browsers_send_it() {
        let canary = Canary::of(&run(), AppId::A1);
        let form: String = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("user", &canary.email), ("name", &canary.name), ("password", &canary.password)])
            .finish();
        assert!(!form.contains(&canary.email) && canary.needles().iter().all(|(_, needle)| form.contains(needle)));
    }

    #[test]
    fn every_text_of_a_body_holds_the_canary_and_what_says_how_to_read_it_stays() {
        let canary = Canary::of(&run(), AppId::A4);
        let body = json!({ "model": "m", "messages": [{ "role": "user", "content": "Hi" }], "n": 1, "email": "a@b" });
        let filled = canary.in_place(&body);
        assert_eq!((&filled["model"], &filled["n"]), (&json!("m"), &json!(1)));
        assert_eq!(filled["email"], json!(canary.email));
        assert!(filled["messages"][0]["content"].as_str().unwrap().contains(&canary.password));
    }
}
