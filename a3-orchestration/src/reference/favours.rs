//! What each party that a run can do without is asked for.

use std::sync::{Arc, Mutex, PoisonError};

use common::ids::TraceParent;
use common::service::RequestContext;
use serde_json::json;

use super::Shared;
use super::party::Party;
use super::run::Run;
use super::transport::{Body, Call};
use super::upstreams::{self, Failure};

/// The token that A1 gave A3 last, kept in memory alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct ServiceToken(Arc<Mutex<Option<(String, i64)>>>);

impl ServiceToken {
    /// The token, while it is good.
    pub(crate) fn get(&self, now_ms: i64) -> Option<String> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|(_, until_ms)| now_ms < *until_ms).map(|(token, _)| token.clone())
    }

    fn keep(&self, token: &str, until_ms: i64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((token.to_owned(), until_ms));
    }
}

/// Asks a party for what a run would like of it; tells what came of it.
pub(crate) async fn ask(
    shared: &Shared,
    run: &Run,
    context: &RequestContext,
    party: Party,
    is_retry: bool,
) -> Result<String, Failure> {
    let call = |path, body| Call {
        party,
        path,
        idempotency_key: format!("{}:{}", run.run_id, party.as_str()),
        body,
        bearer: shared.token.get(shared.ctx.clock.unix_ms()),
    };
    let link = run.page_url.as_deref().unwrap_or(&run.slug);
    match party {
        Party::S2sAuth => token(shared, context, call("/oidc/token", credentials(shared)), is_retry).await,
        Party::A4 => {
            let body = json!({ "title": run.title, "text": run.summary });
            let answer =
                upstreams::call(shared, context, call("/documents/analyze", Body::Json(body)), is_retry).await?;
            Ok(format!("A4 read the text: {}", answer["status"].as_str().unwrap_or("without a status")))
        }
        Party::Email => {
            let call = Call {
                bearer: Some(option(shared, "email_api_key", "re_test_embedded")),
                ..call("/emails", mail(shared, run, link))
            };
            let answer = upstreams::call(shared, context, call, is_retry).await?;
            Ok(format!("mail {}", answer["id"].as_str().unwrap_or("without an id")))
        }
        Party::AutoComCenter => {
            let body = json!({ "campaign": run.arm, "text": run.title, "link": link });
            let answer =
                upstreams::call(shared, context, call("/auto-com/v1/messages", Body::Json(body)), is_retry).await?;
            Ok(format!("message {}", answer["message_id"].as_str().unwrap_or("without an id")))
        }
        Party::ScholarshipApi | Party::A7 => {
            Err(Failure::Final { reason: format!("{} is part of the plan itself", party.as_str()) })
        }
    }
}

fn option(shared: &Shared, name: &str, otherwise: &str) -> String {
    shared.ctx.config.options.get(name).cloned().unwrap_or_else(|| otherwise.to_owned())
}

fn credentials(shared: &Shared) -> Body {
    Body::Form(vec![
        ("grant_type", "client_credentials".to_owned()),
        ("client_id", option(shared, "client_id", "a3")),
        ("client_secret", option(shared, "client_secret", "embedded-secret-a3")),
    ])
}

fn mail(shared: &Shared, run: &Run, link: &str) -> Body {
    Body::Json(json!({
        "from": option(shared, "email_from", "agent@scholar.invalid"),
        "to": [option(shared, "email_to", "owner@scholar.invalid")],
        "subject": format!("Published: {}", run.title),
        "text": format!("The page is at {link}"),
    }))
}

/// Gets a token in a trace of its own: it belongs to A3, not to whoever asked for the run.
async fn token(shared: &Shared, context: &RequestContext, call: Call, is_retry: bool) -> Result<String, Failure> {
    let own = RequestContext { trace: TraceParent::fresh(), ..context.clone() };
    let call = Call { bearer: None, ..call };
    let answer = upstreams::call(shared, &own, call, is_retry).await?;
    let lives_s = answer["expires_in"].as_i64().unwrap_or(0);
    let Some(token) = answer["access_token"].as_str() else {
        return Err(Failure::Final { reason: "A1's answer has no access_token".to_owned() });
    };
    // Half a minute less than it lives, so that no call leaves with one that ends on its way.
    shared.token.keep(token, shared.ctx.clock.unix_ms() + (lives_s - 30).max(0) * 1_000);
    Ok(format!("a token for {lives_s} s"))
}

/// The header of calls to apps that take a service's token, where A3 has one.
pub(crate) fn bearer(shared: &Shared) -> Option<String> {
    shared.token.get(shared.ctx.clock.unix_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_given_out_until_its_time_is_over() {
        let token = ServiceToken::default();
        assert_eq!(token.get(0), None);
        token.keep("t", 1_000);
        assert_eq!((token.get(999).as_deref(), token.get(1_000)), (Some("t"), None));
    }
}
