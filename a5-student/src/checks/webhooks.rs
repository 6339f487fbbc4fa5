//! Deliveries that are not the payment provider's.

use common::check::{CheckContext, CheckError, Findings};
use common::clock;
use common::ids::AppId;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha2::Sha256;

use super::payment;

/// The webhook secret of the embedded ecosystem. What is signed with it elsewhere is forged, and refused as well.
const EMBEDDED_SECRET: &str = "whsec_embedded";

/// Forged, stale and unsigned deliveries get 400, are counted, and credit nothing.
pub(crate) async fn refuses(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let session = payment::buyer(&cx).await?;
    payment::choose(&session, "micro").await?;
    let record = payment::record(&cx, session.trace()).await?;
    let order = record.pointer("/orders/0/order_id").unwrap_or_default();
    findings.about(&record);
    findings.holds("POST /checkout made an order", order.is_string(), &order);
    let before = refused(&cx).await?;
    let body = event(&order).to_string();
    let now_s = clock::unix_ms() / 1_000;
    let forged = signature(&body, "whsec_of_somebody_else", now_s);
    let (stale, ahead) =
        (signature(&body, EMBEDDED_SECRET, now_s - 900), signature(&body, EMBEDDED_SECRET, now_s + 900));
    for (what, header) in
        [("forged", Some(forged)), ("stale", Some(stale)), ("dated ahead", Some(ahead)), ("unsigned", None)]
    {
        let mut request = cx.client.post(AppId::A5, "/webhooks/stripe").body(body.clone(), "application/json");
        if let Some(header) = header {
            request = request.header("stripe-signature", &header);
        }
        let reply = request.send().await?;
        findings.status(&format!("POST /webhooks/stripe, {what}"), 400, &reply);
    }
    findings.holds("GET /api/webhooks counts them", refused(&cx).await? >= before + 4, "too few");
    let after = payment::record(&cx, session.trace()).await?;
    findings.json_at("the order after deliveries that were refused", &after, "/orders/0/state", &json!("open"));
    payment::balance_is(&mut findings, &session, "after deliveries that were refused", 5).await?;
    Ok(findings)
}

async fn refused(cx: &CheckContext) -> Result<i64, CheckError> {
    let totals = cx.client.get(AppId::A5, "/api/webhooks").send().await?;
    Ok(totals.pointer("/refused").and_then(|n| n.as_i64()).unwrap_or(0))
}

/// What would credit the order, were it believed.
fn event(order: &serde_json::Value) -> serde_json::Value {
    json!({
        "id": format!("evt_forged_{}", uuid::Uuid::now_v7().simple()), "object": "event",
        "type": "checkout.session.completed", "livemode": false,
        "data": { "object": {
            "id": "cs_test_forged", "object": "checkout.session", "client_reference_id": order,
            "payment_status": "paid", "amount_total": 50, "currency": "usd",
        } },
    })
}

fn signature(body: &str, secret: &str, at_s: i64) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return String::new() };
    mac.update(format!("{at_s}.{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at_s},v1={hex}")
}
