//! A6: registrations and settlements, each settlement booked, handed over to A2 and told to A8.

use common::client::{Client, Request};
use common::history::{Account, Expected, History, Intent, Lookup, Place, Seen, Step};
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

use super::{World, command, items, kept, read, text};

/// Award, AI cost, and what must be charged for them: 3 % fee and 4 times the AI cost, half a cent rounded up.
const SUMS: [[i64; 4]; 7] = [
    [100_000, 1_000, 3_000, 4_000],
    [50, 1, 2, 4],
    [33, 0, 1, 0],
    [16, 25, 0, 100],
    [17, 3, 1, 12],
    [9_999, 333, 300, 1_332],
    [250_050, 7, 7_502, 28],
];

pub(crate) struct Provider {
    pub(crate) world: World,
    provider_id: String,
    /// The trace of its registration.
    pub(crate) prepared: TraceId,
}

fn registration() -> Place {
    Place::new(AppId::A6, "registration")
}

fn settlement() -> Place {
    Place::new(AppId::A6, "settlement")
}

pub(super) fn request(client: &Client, intent: &Intent) -> Request {
    let path = if intent.kind == "register" { "/register" } else { "/api/billing/settle" };
    client.post(AppId::A6, path).trace(intent.trace_id).idempotency_key(&intent.key).json(&intent.argument)
}

fn provider(name: &str) -> Value {
    json!({ "name": name, "email": "effects-fund@example.com", "country": "US" })
}

impl Provider {
    pub(super) async fn prepare(world: World) -> Result<Self, String> {
        let body = provider("Effects Fund");
        let reply = world.direct.post(AppId::A6, "/register").json(&body).send().await;
        let reply = reply.map_err(|error| error.to_string())?;
        let provider_id = super::super::client::text(&reply, "/provider_id");
        let provider_id = provider_id.ok_or_else(|| format!("{} answered {}", reply.request(), reply.status))?;
        Ok(Self { world, provider_id, prepared: reply.trace })
    }

    pub(super) fn intent(&self, step: &Step) -> Intent {
        let (argument, effects) = if step.kind == "register" { registered(step) } else { self.settled(step) };
        Intent {
            key: step.key.clone(),
            trace_id: step.trace_id,
            app: AppId::A6,
            kind: step.kind.to_owned(),
            argument,
            effects,
            atomic: true,
        }
    }

    fn settled(&self, step: &Step) -> (Value, Vec<Expected>) {
        let at = usize::try_from(step.draw % 7).unwrap_or(0);
        let [gross_minor, ai_cost_minor, fee_minor, ai_price_minor] = SUMS[at];
        let provider_id = &self.provider_id;
        let sums = json!({
            "gross_minor": gross_minor, "ai_cost_minor": ai_cost_minor, "fee_minor": fee_minor,
            "ai_price_minor": ai_price_minor, "currency": "USD",
        });
        let mut booked = sums.clone();
        booked["provider_id"] = json!(provider_id);
        let entry = |account: &str, debit_minor: i64, credit_minor: i64| json!({ "account": account, "debit_minor": debit_minor, "credit_minor": credit_minor });
        booked["entries"] = json!([
            entry("provider_receivable", gross_minor + fee_minor + ai_price_minor, 0),
            entry("award_payable", 0, gross_minor),
            entry("platform_fee", 0, fee_minor),
            entry("ai_cost_payable", 0, ai_cost_minor),
            entry("ai_margin", 0, ai_price_minor - ai_cost_minor),
        ]);
        let effects = vec![
            Expected::once(settlement()).saying(booked).found(Lookup::ByTraceAsAnswered),
            Expected::once(kept::place("revenue_settled")).saying(json!({ "payload": { "bill": sums } })),
            Expected::once(command::place(AppId::A6, "revenue_settled"))
                .saying(json!({ "idempotency_key": step.key, "finance_metrics": sums, "test_run": true })),
        ];
        let argument =
            json!({ "provider_id": provider_id, "gross_minor": gross_minor, "ai_cost_minor": ai_cost_minor });
        (argument, effects)
    }

    /// A2 has every settlement that A6 booked.
    pub(super) async fn is_settled(&self, history: &History) -> Result<bool, String> {
        for intent in history.intents.iter().filter(|intent| intent.kind == "settle") {
            for booked in self.booked(intent.trace_id).await? {
                if booked["sent_to_a2"] == "waiting" {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The settlements of a trace, each with its entries.
    async fn booked(&self, trace_id: TraceId) -> Result<Vec<Value>, String> {
        let log = read(&self.world.direct, AppId::A6, &format!("/api/transactions/{trace_id}")).await?;
        let mut booked = Vec::new();
        for listed in items(&log, "settlements") {
            let path = format!("/api/settlements/{}", text(listed, "revenue_event_id"));
            booked.push(read(&self.world.direct, AppId::A6, &path).await?);
        }
        Ok(booked)
    }

    pub(super) async fn read_back(&self, history: &mut History) -> Result<(), String> {
        let client = &self.world.direct;
        for intent in &history.intents {
            let trace_id = intent.trace_id;
            let seen = |place, id, value: &Value| Seen {
                place,
                name: String::new(),
                trace_id,
                id,
                value: value.clone(),
                at_ms: None,
            };
            let log = read(client, AppId::A6, &format!("/api/transactions/{trace_id}")).await?;
            for registered in items(&log, "registrations") {
                history.seen.push(seen(registration(), text(registered, "provider_id"), registered));
            }
            for booked in self.booked(trace_id).await? {
                history.accounts.push(account(&booked, trace_id));
                history.seen.push(seen(settlement(), text(&booked, "revenue_event_id"), &booked));
            }
            let name = |event: &Value| (kept::place(&text(event, "event_type")), String::new());
            history.seen.extend(kept::of_trace(client, trace_id, name).await?);
        }
        command::read_back(&self.world, history, |seen| seen.trace_id == self.prepared).await
    }
}

fn registered(step: &Step) -> (Value, Vec<Expected>) {
    let argument = provider(&format!("Effect {} Fund {:016x}", step.number, step.draw));
    let says = json!({ "name": argument["name"], "country": argument["country"] });
    let effects = vec![
        Expected::once(registration()).saying(says).found(Lookup::ByTraceAsAnswered),
        Expected::once(command::place(AppId::A6, "provider_registered"))
            .saying(json!({ "idempotency_key": step.key, "test_run": true })),
    ];
    (argument, effects)
}

/// The entries of a settlement: debits less credits, which sum to 0.
fn account(booked: &Value, trace_id: TraceId) -> Account {
    let minor = |entry: &Value, member: &str| entry[member].as_i64().unwrap_or(0);
    let entries = items(booked, "entries").map(|entry| minor(entry, "debit_minor") - minor(entry, "credit_minor"));
    Account {
        name: format!("A6 settlement {}", text(booked, "revenue_event_id")),
        trace_id: Some(trace_id),
        entries: entries.collect(),
        balance: 0,
        never_negative: false,
    }
}
