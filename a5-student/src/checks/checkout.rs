//! Buying, over HTTP through the hosted page: what is paid is credited, what is not is not.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::AppId;
use serde_json::{Value, json};

use super::payment::{self, DECLINED, PAYS, PAYS_TOLD_THRICE};
use super::{html, journey};

/// Each button leads to a payment page over the right amount.
pub(crate) async fn plan_buttons(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let session = payment::buyer(&cx).await?;
    for (plan, total) in [("starter", "$9.00"), ("scholar", "$19.00"), ("micro", "$0.50")] {
        let pricing = session.get(AppId::A5, "/pricing").send().await?;
        findings.status("GET /pricing, signed in", 200, &pricing);
        let page = pricing.text();
        let has_button = html::attributes(&page, "action").contains(&"/checkout")
            && page.contains(&format!("name=\"plan\" value=\"{plan}\""));
        if !findings.holds(
            &format!("the button of {plan} on GET /pricing sends a form to POST /checkout"),
            has_button,
            "no",
        ) {
            continue;
        }
        let checkout = payment::choose(&session, plan).await?;
        findings.status(&format!("POST /checkout for {plan}"), 303, &checkout);
        let location = checkout.header("location").unwrap_or_default().to_owned();
        let leads_on = !location.is_empty() && !location.contains("/pricing");
        findings.holds(&format!("the redirect of POST /checkout for {plan} leads to pay"), leads_on, &location);
        let hosted = payment::payment_page(&session, &checkout).await?;
        findings.status(&format!("the payment page of {plan}"), 200, &hosted);
        let shows = hosted.text().contains(total);
        findings.holds(&format!("the payment page of {plan} is over {total}"), shows, "another amount");
    }
    Ok(findings)
}

/// Ten credits for 50 cents, from the button to the balance.
pub(crate) async fn micro(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let session = payment::buyer(&cx).await?;
    payment::balance_is(&mut findings, &session, "after the sign-up", 5).await?;
    let paid = payment::buy_micro(&session, PAYS).await?;
    findings.status(&format!("{} with a card that pays", paid.request()), 303, &paid);
    let back = journey::settle(&session, paid).await?;
    findings.equal("the redirect from the payment page leads to", &"/checkout/return", &back.url().path());
    findings.status("GET /checkout/return after the payment", 200, &back);
    let record = payment::settled(&cx, session.trace(), is_paid).await?;
    findings.json_at("the order in GET /api/transactions", &record, "/orders/0/state", &json!("paid"));
    findings.json_at("its amount in cents", &record, "/orders/0/amount_minor", &json!(50));
    findings.json_at("its credits", &record, "/orders/0/credits", &json!(10));
    payment::balance_is(&mut findings, &session, "after the payment", 15).await?;
    let path = back.url().query().map_or_else(|| "/checkout/return".to_owned(), |q| format!("/checkout/return?{q}"));
    let page = session.get(AppId::A5, &path).send().await?.text();
    findings.holds("GET /checkout/return says paid", page.contains("data-field=\"payment\">paid"), "it does not");
    Ok(findings)
}

fn is_paid(record: &Value) -> bool {
    record["orders"][0]["state"] == "paid"
}

/// The webhook of a payment is delivered, believed and taken.
pub(crate) async fn webhook_accepted(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let session = payment::buyer(&cx).await?;
    let refused = |reply: &common::client::Reply| reply.pointer("/refused").and_then(|n| n.as_i64()).unwrap_or(-1);
    let before = cx.client.get(AppId::A5, "/api/webhooks").send().await?;
    findings.status("GET /api/webhooks", 200, &before);
    payment::buy_micro(&session, PAYS).await?;
    let record = payment::settled(&cx, session.trace(), is_paid).await?;
    let after = cx.client.get(AppId::A5, "/api/webhooks").send().await?;
    let why = after.pointer("/last_refusal").unwrap_or_default();
    findings.about(&after);
    findings.holds(
        "POST /webhooks/stripe refuses no delivery while a student pays",
        refused(&after) == refused(&before) && refused(&before) >= 0,
        format!("{} refused before, {} after: {why}", refused(&before), refused(&after)),
    );
    let what = "the order once POST /webhooks/stripe was told of its payment";
    findings.json_at(what, &record, "/orders/0/state", &json!("paid"));
    let taken = record.pointer("/webhooks/accepted").and_then(|n| n.as_i64()).unwrap_or(0);
    findings.holds("POST /webhooks/stripe took an event about the order", taken >= 1, format!("{taken} of its trace"));
    Ok(findings)
}

/// A webhook that comes three times credits once.
pub(crate) async fn replayed(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let session = payment::buyer(&cx).await?;
    payment::buy_micro(&session, PAYS_TOLD_THRICE).await?;
    let came_again = |record: &Value| record["webhooks"]["duplicates"].as_i64() >= Some(2);
    let record = payment::settled(&cx, session.trace(), came_again).await?;
    let body = record.json()?;
    findings.about(&record);
    let counts = body["webhooks"].to_string();
    findings.holds("POST /webhooks/stripe recognised the two deliveries that came again", came_again(&body), counts);
    let bought = purchases(&body);
    findings.equal("entries of the purchase after POST /webhooks/stripe three times", &1, &bought);
    payment::balance_is(&mut findings, &session, "after a webhook that came three times", 15).await?;
    Ok(findings)
}

fn purchases(record: &Value) -> usize {
    record["ledger"].as_array().map_or(0, |entries| entries.iter().filter(|e| e["kind"] == "purchase").count())
}

/// A card that does not pay leaves the order open and the balance as it was, and says why.
pub(crate) async fn declined(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let session = payment::buyer(&cx).await?;
    for card in DECLINED {
        let refused = payment::buy_micro(&session, card).await?;
        findings.status(&format!("{} with the card {card}", refused.request()), 402, &refused);
        let again = html::hidden(&refused.text(), "form_nonce").is_some();
        findings.holds("the payment page is there again", again, "no form");
    }
    let record = payment::record(&cx, session.trace()).await?;
    for order in 0..DECLINED.len() {
        findings.json_at("an unpaid order", &record, &format!("/orders/{order}/state"), &json!("open"));
    }
    findings.equal("entries of purchases", &0, &purchases(&record.json()?));
    payment::balance_is(&mut findings, &session, "after declined cards", 5).await?;
    Ok(findings)
}

/// Grant and purchase are double entries, and the balance is their sum.
pub(crate) async fn ledger(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let session = payment::buyer(&cx).await?;
    payment::buy_micro(&session, PAYS).await?;
    let record = payment::settled(&cx, session.trace(), is_paid).await?;
    let account = record.pointer("/ledger/0/credit_account").unwrap_or_default();
    for (at, kind, credits) in [(0, "grant", 5), (1, "purchase", 10)] {
        let part = |name: &str| format!("/ledger/{at}/{name}");
        findings.json_at("the kind of an entry", &record, &part("kind"), &json!(kind));
        findings.json_at(&format!("the credits of the {kind}"), &record, &part("credits"), &json!(credits));
        findings.json_at(&format!("the debit of the {kind}"), &record, &part("debit_account"), &json!("issued"));
        findings.json_at(&format!("the credit of the {kind}"), &record, &part("credit_account"), &account);
    }
    let is_hers = account.as_str().is_some_and(|account| account.starts_with("student:"));
    findings.holds("both are on the student's account", is_hers, &account);
    let entries = record.pointer("/ledger").and_then(|entries| entries.as_array().map(Vec::len));
    findings.equal("entries in GET /api/transactions", &Some(2), &entries);
    let credits = session.get(AppId::A5, "/api/credits").send().await?;
    let shown = credits.pointer("/entries").unwrap_or_default();
    let changes = shown.as_array().into_iter().flatten().filter_map(|entry| entry["credits"].as_i64());
    findings.about(&credits);
    findings.equal("the sum of the entries in GET /api/credits", &15, &changes.sum::<i64>());
    payment::balance_is(&mut findings, &session, "after grant and purchase", 15).await?;
    Ok(findings)
}
