//! Settlements: once for a key, balanced, and seen by A8 and A2.

use std::collections::BTreeSet;

use common::check::{CheckContext, CheckError, Findings};
use common::client::{Reply, Request};
use common::ids::{AppId, TraceId};
use common::telemetry::EventName;
use serde_json::{Value, json};

use super::journey;

/// A sale of 1,000.00 USD with AI work that cost 10.00 USD, ready to be settled.
struct Sale {
    trace: TraceId,
    key: String,
    body: Value,
}

impl Sale {
    async fn ready(cx: &CheckContext) -> Result<Self, CheckError> {
        let trace = TraceId::fresh();
        let provider = journey::provider(cx, trace).await?;
        let listing = journey::listing(cx, trace, &provider).await?;
        let body = json!({
            "provider_id": provider, "listing_id": listing, "gross_minor": 100_000, "ai_cost_minor": 1_000
        });
        Ok(Self { trace, key: uuid::Uuid::now_v7().to_string(), body })
    }

    fn settle(&self, cx: &CheckContext) -> Request {
        let request = cx.client.post(AppId::A6, "/api/billing/settle");
        request.trace(self.trace).idempotency_key(&self.key).json(&self.body)
    }
}

/// A settlement is booked once, and its entries balance.
pub(crate) async fn settle_once(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let sale = Sale::ready(&cx).await?;
    let raced = journey::at_once(8, || sale.settle(&cx)).await?;
    let fits = raced.iter().all(|reply| matches!(reply.status, 201 | 409));
    findings.holds("racers get the settlement or 409", fits, statuses(&raced));
    let last = sale.settle(&cx).send().await?;
    findings.status("a retry after the race", 201, &last);
    findings.holds("the retry is marked as replayed", last.is_replayed(), "no `idempotency-replayed: true`");
    let ids: BTreeSet<_> = raced
        .iter()
        .chain([&last])
        .filter_map(|reply| reply.pointer("/revenue_event_id")?.as_str().map(str::to_owned))
        .collect();
    findings.equal("settlements booked for one key", &1, &ids.len());
    findings.json_at("the fee", &last, "/fee_minor", &json!(3_000));
    findings.json_at("the AI price", &last, "/ai_price_minor", &json!(4_000));
    findings.json_at("the total", &last, "/total_minor", &json!(107_000));
    let path = format!("/api/settlements/{}", journey::text_at(&last, "/revenue_event_id")?);
    let stored = cx.client.get(AppId::A6, &path).send().await?;
    findings.status("the settlement", 200, &stored);
    findings.json_at("its trace", &stored, "/trace_id", &json!(sale.trace.to_string()));
    let entries = json!([
        { "account": "provider_receivable", "debit_minor": 107_000, "credit_minor": 0 },
        { "account": "award_payable", "debit_minor": 0, "credit_minor": 100_000 },
        { "account": "platform_fee", "debit_minor": 0, "credit_minor": 3_000 },
        { "account": "ai_cost_payable", "debit_minor": 0, "credit_minor": 1_000 },
        { "account": "ai_margin", "debit_minor": 0, "credit_minor": 3_000 },
    ]);
    findings.json_at("its entries", &stored, "/entries", &entries);
    let orphan = json!({ "provider_id": "prv_unknown", "gross_minor": 1, "ai_cost_minor": 0 });
    let reply = cx.client.post(AppId::A6, "/api/billing/settle").json(&orphan).send().await?;
    findings.status("a settlement of a stranger", 422, &reply);
    Ok(findings)
}

/// A8 tells of the settlement: the event once, with its cents, and the finance tile of its trace.
pub(crate) async fn in_a8(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A8)?;
    let mut findings = Findings::new();
    let sale = Sale::ready(&cx).await?;
    let settled = sale.settle(&cx).send().await?;
    findings.status("the settlement", 201, &settled);
    let repeated = sale.settle(&cx).send().await?;
    findings.equal(
        "the same settlement, repeated",
        &settled.pointer("/revenue_event_id"),
        &repeated.pointer("/revenue_event_id"),
    );
    let Some(event) = cx.event_in_a8(sale.trace, EventName::RevenueSettled).await? else {
        findings.holds("A8's lineage has `revenue_settled`", false, "nothing within the arrival limit");
        return Ok(findings);
    };
    findings.equal("the revenue event", &settled.pointer("/revenue_event_id"), &event.get("revenue_event_id").cloned());
    findings.equal("the key of the event", &Some(json!(sale.key)), &event.get("idempotency_key").cloned());
    for (field, cents) in
        [("gross_minor", 100_000), ("fee_minor", 3_000), ("ai_cost_minor", 1_000), ("ai_price_minor", 4_000)]
    {
        let seen = event.pointer(&format!("/finance_metrics/{field}")).and_then(Value::as_i64);
        findings.equal(&format!("{field} of the event"), &Some(cents), &seen);
    }
    let namespace = event.get("namespace").and_then(Value::as_str).unwrap_or_default();
    let path = format!("/api/tiles/finance?trace_id={}&namespace={namespace}", sale.trace);
    let tile = cx
        .eventually(|| async {
            let tile = cx.client.get(AppId::A8, &path).send().await?;
            Ok((tile.pointer("/gross_minor") == Some(json!(100_000))).then_some(tile))
        })
        .await?;
    let Some(tile) = tile else {
        findings.holds("the finance tile of the trace shows 100000 cents", false, "another sum");
        return Ok(findings);
    };
    findings.json_at("the fee on the tile", &tile, "/fee_minor", &json!(3_000));
    findings.json_at("the AI price on the tile", &tile, "/ai_price_minor", &json!(4_000));
    findings.json_at("the settlements on the tile", &tile, "/settlements", &json!(1));
    for name in [EventName::ProviderRegistered, EventName::ProviderListingPublished] {
        let seen = cx.event_in_a8(sale.trace, name).await?;
        findings.holds(&format!("A8's lineage has `{name}`"), seen.is_some(), "nothing within the arrival limit");
    }
    Ok(findings)
}

/// A2's lineage of the trace holds the settlement, once.
pub(crate) async fn in_a2(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A2)?;
    let mut findings = Findings::new();
    let sale = Sale::ready(&cx).await?;
    let settled = sale.settle(&cx).send().await?;
    let id = journey::text_at(&settled, "/revenue_event_id")?;
    let path = format!("/api/settlements/{id}");
    let sent = cx
        .eventually(|| async {
            let stored = cx.client.get(AppId::A6, &path).send().await?;
            Ok((stored.pointer("/sent_to_a2") == Some(json!("delivered"))).then_some(()))
        })
        .await?;
    findings.holds("A6 says that A2 has it", sent.is_some(), "not delivered within the arrival limit");
    let lineage = cx.client.get(AppId::A2, &format!("/api/v1/lineage/{}", sale.trace)).send().await?;
    findings.status("A2's lineage of the trace", 200, &lineage);
    let events = lineage.pointer("/events").and_then(|events| events.as_array().cloned()).unwrap_or_default();
    let of_sale = events.iter().filter(|event| event.get("subject") == Some(&json!(id))).count();
    findings.equal("events of the settlement in A2", &1, &of_sale);
    Ok(findings)
}

fn statuses(replies: &[Reply]) -> String {
    let statuses: Vec<_> = replies.iter().map(|reply| reply.status.to_string()).collect();
    statuses.join(", ")
}
