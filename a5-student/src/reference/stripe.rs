//! Stripe as its client sees it: prices by lookup key, checkout sessions. Form-encoded requests, a secret key, and an
//! idempotency key for whatever is made.

use std::time::Duration;

use common::service::{Ctx, RequestContext};
use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::outside::{OutsideError, Party, answer};
use super::plans::Plan;

/// How often a price is looked for and made before we give up, and how often a request that is in flight elsewhere is
/// repeated.
const TRIES: u32 = 5;
/// The pause between those.
const PAUSE: Duration = Duration::from_millis(150);

/// Stripe, or its stand-in.
#[derive(Debug)]
pub(super) struct Stripe {
    party: Party,
    secret_key: String,
}

/// A price as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
struct Price {
    id: String,
    unit_amount: Option<i64>,
    currency: String,
}

#[derive(Debug, Deserialize)]
struct Prices {
    data: Vec<Price>,
}

/// A checkout session: its id, and the page where it is paid.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct CheckoutSession {
    pub(super) id: String,
    pub(super) url: String,
}

/// What a checkout session is made of.
#[derive(Debug)]
pub(super) struct NewSession<'a> {
    pub(super) order_id: &'a str,
    pub(super) plan: &'a Plan,
    pub(super) success_url: &'a str,
    pub(super) cancel_url: &'a str,
}

impl Stripe {
    pub(super) fn of(ctx: &Ctx, own_base: &str) -> Self {
        let key = ctx.config.options.get("stripe_secret_key");
        let secret_key = key.cloned().unwrap_or_else(|| "sk_test_embedded".to_owned());
        Self { party: Party::of(ctx, "stripe_base_url", own_base), secret_key }
    }

    /// The id of the plan's price: found by its lookup key, or made. Whoever loses the race to make it finds it.
    pub(super) async fn price(&self, context: &RequestContext, plan: &Plan) -> Result<String, OutsideError> {
        let lookup_key = plan.lookup_key.unwrap_or_default();
        let mut failure = None;
        for _ in 0..TRIES {
            if let Some(found) = self.find_price(context, lookup_key).await? {
                return fitting(found, plan);
            }
            match self.make_price(context, lookup_key, plan).await {
                Ok(made) => return fitting(made, plan),
                // Made elsewhere at the same time: 409 while that is in flight, 400 once the lookup key is taken.
                Err(error) if matches!(error.status(), Some(400 | 409)) => failure = Some(error),
                Err(error) => return Err(error),
            }
            tokio::time::sleep(PAUSE).await;
        }
        Err(failure
            .unwrap_or_else(|| OutsideError::strange("/v1/prices", "a price that is neither there nor can be made")))
    }

    async fn find_price(&self, context: &RequestContext, lookup_key: &str) -> Result<Option<Price>, OutsideError> {
        let query = [("lookup_keys[]", lookup_key), ("active", "true"), ("limit", "1")];
        let request = self.party.request(context, Method::GET, "/v1/prices")?.bearer_auth(&self.secret_key);
        let prices: Prices = answer(request.query(&query).send().await?, "GET /v1/prices").await?;
        Ok(prices.data.into_iter().next())
    }

    async fn make_price(&self, context: &RequestContext, lookup_key: &str, plan: &Plan) -> Result<Price, OutsideError> {
        let amount = plan.price_minor.to_string();
        let name = format!("Scholar {}", plan.title);
        let form = [
            ("unit_amount", amount.as_str()),
            ("currency", "usd"),
            ("lookup_key", lookup_key),
            ("product_data[name]", &name),
        ];
        self.make(context, "/v1/prices", &form, &format!("a5-price-{lookup_key}-{amount}")).await
    }

    /// Makes the checkout session of an order; the same order gets the same session.
    pub(super) async fn check_out(
        &self,
        context: &RequestContext,
        asked: &NewSession<'_>,
    ) -> Result<CheckoutSession, OutsideError> {
        let price = self.price(context, asked.plan).await?;
        let trace_id = context.trace.trace.to_string();
        let form = [
            ("mode", "payment"),
            ("line_items[0][price]", &price),
            ("line_items[0][quantity]", "1"),
            ("success_url", asked.success_url),
            ("cancel_url", asked.cancel_url),
            ("client_reference_id", asked.order_id),
            ("metadata[order_id]", asked.order_id),
            ("metadata[plan]", asked.plan.id),
            ("metadata[trace_id]", &trace_id),
        ];
        let key = format!("a5-checkout-{}", asked.order_id);
        let mut tries = 1;
        loop {
            match self.make(context, "/v1/checkout/sessions", &form, &key).await {
                Err(error) if error.status() == Some(409) && tries < TRIES => tries += 1,
                done => return done,
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn make<T: DeserializeOwned>(
        &self,
        context: &RequestContext,
        path: &str,
        form: &[(&str, &str)],
        idempotency_key: &str,
    ) -> Result<T, OutsideError> {
        let request = self.party.request(context, Method::POST, path)?.bearer_auth(&self.secret_key);
        let response = request.header("Idempotency-Key", idempotency_key).form(form).send().await?;
        answer(response, &format!("POST {path}")).await
    }
}

/// A student pays what she was shown, or nothing.
fn fitting(price: Price, plan: &Plan) -> Result<String, OutsideError> {
    if price.unit_amount == Some(plan.price_minor) && price.currency == "usd" {
        return Ok(price.id);
    }
    let said = format!("a price of {:?} {}, not {} usd", price.unit_amount, price.currency, plan.price_minor);
    Err(OutsideError::strange("GET /v1/prices", &said))
}
