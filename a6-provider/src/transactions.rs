//! A6's transaction log as a second source: what a request must have left there.

use common::money::Money;
use common::reconcile::TransactionLog;
use serde_json::{Value, json};

/// Where A6 shows what a trace stored.
const PATH: &str = "/api/transactions/";
const NAME: &str = "A6's transaction log";

/// The log of what a route stores, `POST /register`; `None` for routes that have nothing to do with it. A quote must
/// leave nothing.
#[must_use]
pub fn transaction_log(route: &str) -> Option<TransactionLog> {
    let (list, records): (_, fn(&Value) -> Vec<Value>) = match route {
        "POST /register" => ("/registrations", registration),
        "POST /api/billing/quote" => ("/settlements", |_| Vec::new()),
        "POST /api/billing/settle" => ("/settlements", settlement),
        _ => return None,
    };
    Some(TransactionLog { name: NAME, path: PATH, list, empty_is_404: false, records })
}

/// The address stays inside; name and country are shown as they were sent.
fn registration(body: &Value) -> Vec<Value> {
    vec![json!({ "name": body["name"], "country": body["country"] })]
}

/// The amounts as they were sent, the fee of 3 % and the price of AI work at four times its cost.
fn settlement(body: &Value) -> Vec<Value> {
    let usd = |name: &str| Money::usd(body[name].as_i64().unwrap_or(0));
    let (gross, cost) = (usd("gross_minor"), usd("ai_cost_minor"));
    let minor = |money: Result<Money, _>| money.map(|money| money.minor).ok();
    vec![json!({
        "gross_minor": gross.minor,
        "fee_minor": minor(gross.times(3, 100)),
        "ai_cost_minor": cost.minor,
        "ai_price_minor": minor(cost.times(4, 1)),
        "currency": "USD",
    })]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_settlement_must_hold_the_golden_sums_to_the_cent() {
        let log = transaction_log("POST /api/billing/settle").unwrap();
        let expected = json!([{
            "gross_minor": 100_000, "fee_minor": 3_000, "ai_cost_minor": 1_000, "ai_price_minor": 4_000, "currency": "USD"
        }]);
        assert_eq!(json!((log.records)(&json!({ "gross_minor": 100_000, "ai_cost_minor": 1_000 }))), expected);
    }

    #[test]
    fn a_quote_must_leave_nothing_and_reads_are_not_looked_for() {
        let log = transaction_log("POST /api/billing/quote").unwrap();
        assert!((log.records)(&json!({ "gross_minor": 1 })).is_empty());
        assert!(transaction_log("GET /api/billing").is_none());
    }
}
