//! A5: students who begin checkouts, pay for them, and spend credits on questions. Forms carry no idempotency key; their
//! nonce is one.

use std::collections::{BTreeMap, BTreeSet};

use common::check::html::Page;
use common::client::{Client, Reply, Request, Session};
use common::history::{Account, Expected, History, Intent, Place, Plan, Seen, Step};
use common::ids::{AppId, TraceId};
use common::telemetry::EventName;
use serde_json::{Value, json};
use url::Url;

use super::{World, command, items, read, text};

/// A card that pays, and one whose webhook comes three times.
const CARDS: [&str; 2] = ["4242424242424242", "4000000000000341"];
/// The cookie of A5's session.
const COOKIE: &str = "a5_session";
/// The most redirects of a sign-up.
const REDIRECTS: usize = 10;

/// Students, one for each client, and what each step needs.
pub(crate) struct Student {
    pub(crate) world: World,
    /// The cookie of each.
    cookies: Vec<String>,
    /// What each step sends, by its number.
    forms: BTreeMap<u32, Value>,
    /// The traces of their sign-ups.
    pub(crate) prepared: Vec<TraceId>,
}

fn order() -> Place {
    Place::new(AppId::A5, "order")
}

fn paid_order() -> Place {
    Place::new(AppId::A5, "paid order")
}

fn spend() -> Place {
    Place::new(AppId::A5, "spend")
}

fn purchase() -> Place {
    Place::new(AppId::A5, "purchase")
}

impl Student {
    /// Signs a student up for each client, and opens what the steps need: a form for each checkout, an order for each
    /// payment.
    pub(super) async fn prepare(world: World, plan: &Plan) -> Result<Self, String> {
        let students = plan.steps.iter().map(|step| step.process + 1).max().unwrap_or(0);
        let mut sessions = Vec::new();
        for number in 0..students {
            let session = Session::new(&world.direct);
            sign_up(&session, number).await?;
            sessions.push(session);
        }
        let mut forms = BTreeMap::new();
        for step in &plan.steps {
            let session = at(&sessions, step.process)?;
            forms.insert(step.number, form(session, step).await?);
        }
        let cookie =
            |session: &Session| session.cookie(AppId::A5, "/", COOKIE).map(|value| format!("{COOKIE}={value}"));
        let cookies = sessions.iter().map(cookie).collect::<Option<Vec<_>>>();
        let cookies = cookies.ok_or_else(|| format!("A5 set no cookie {COOKIE} at the sign-up"))?;
        let prepared = sessions.iter().map(Session::trace).collect();
        Ok(Self { world, cookies, forms, prepared })
    }

    pub(super) fn intent(&self, step: &Step) -> Intent {
        let argument = self.forms.get(&step.number).cloned().unwrap_or_default();
        let effects = match step.kind {
            "checkout" => begun(),
            "ask" => spent(&text(&argument["fields"], "form_nonce")),
            _ => paid(),
        };
        Intent {
            key: step.key.clone(),
            trace_id: step.trace_id,
            app: AppId::A5,
            kind: step.kind.to_owned(),
            argument,
            effects,
            // A checkout that breaks off before its session is made goes on when its form is sent again.
            atomic: step.kind != "checkout",
        }
    }

    pub(super) fn request(&self, process: u32, intent: &Intent) -> Request {
        let fields = intent.argument["fields"].as_object().into_iter().flatten();
        let fields: Vec<_> =
            fields.filter_map(|(name, value)| Some((name.as_str(), sent(name, value.as_str()?)))).collect();
        let cookie = usize::try_from(process).ok().and_then(|at| self.cookies.get(at)).map_or("", String::as_str);
        let request = self.world.asked.post(AppId::A5, &text(&intent.argument, "at")).trace(intent.trace_id);
        request.header("cookie", cookie).form(&fields).native_errors()
    }

    /// Every payment that was acknowledged has arrived, as often as it is told of.
    pub(super) async fn is_settled(&self, history: &History) -> Result<bool, String> {
        let acknowledged: BTreeSet<&str> =
            history.operations.iter().filter(|one| one.outcome.is_ok()).map(|one| one.key.as_str()).collect();
        let payments = history.intents.iter().filter(|intent| is_payment(intent));
        for intent in payments.filter(|intent| acknowledged.contains(intent.key.as_str())) {
            let log = self.log(intent.trace_id).await?;
            let count = |name: &str| log["webhooks"][name].as_u64().unwrap_or(0);
            let told = if intent.kind == "pay_told_thrice" { 3 } else { 1 };
            if log["orders"][0]["state"] != "paid" || count("accepted") + count("duplicates") < told {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn log(&self, trace_id: TraceId) -> Result<Value, String> {
        read(&self.world.direct, AppId::A5, &format!("/api/transactions/{trace_id}")).await
    }

    pub(super) async fn read_back(&self, history: &mut History) -> Result<(), String> {
        let mut payments = BTreeSet::new();
        for intent in &history.intents {
            let log = self.log(intent.trace_id).await?;
            let seen = |place, id, value: &Value| Seen {
                place,
                name: String::new(),
                trace_id: intent.trace_id,
                id,
                value: value.clone(),
                at_ms: None,
            };
            let is_checkout = intent.kind == "checkout";
            for made in items(&log, "orders") {
                let id = text(made, "order_id");
                if is_checkout {
                    history.seen.push(seen(order(), id, made));
                } else if made["state"] == "paid" {
                    history.seen.push(seen(paid_order(), id, made));
                }
            }
            for entry in items(&log, "ledger") {
                let place = if entry["kind"] == "spend" { spend() } else { purchase() };
                history.seen.push(seen(place, text(entry, "entry_id"), entry));
            }
            if is_payment(intent) {
                payments.insert(intent.trace_id);
            }
        }
        for (number, cookie) in self.cookies.iter().enumerate() {
            history.accounts.push(account(&self.world.direct, number, cookie).await?);
        }
        let left_out = |seen: &Seen| {
            let is = |event| command::is(seen, AppId::A5, event);
            // Students signed up and were welcomed by a page, and the orders that are paid were opened, before.
            self.prepared.contains(&seen.trace_id)
                || is(EventName::CheckoutStarted) && payments.contains(&seen.trace_id)
                // Once for each student, at whichever of her questions comes first.
                || is(EventName::ActivationFirstUse)
        };
        command::read_back(&self.world, history, left_out).await
    }
}

fn is_payment(intent: &Intent) -> bool {
    intent.kind.starts_with("pay")
}

/// What a step sends and where; its fields are those of the form that A5 shows.
async fn form(session: &Session, step: &Step) -> Result<Value, String> {
    let shown = if step.kind == "ask" { "/onboarding" } else { "/pricing" };
    let form_nonce = nonce(&open(session.get(AppId::A5, shown)).await?)?;
    Ok(match step.kind {
        "ask" => json!({ "at": shown, "fields": { "form_nonce": form_nonce, "goal": "next_step" } }),
        "checkout" => json!({ "at": "/checkout", "fields": { "form_nonce": form_nonce, "plan": "micro" } }),
        kind => {
            let card = CARDS[usize::from(kind == "pay_told_thrice")];
            let at = order_of(session, step, &form_nonce).await?;
            json!({ "at": at, "fields": { "form_nonce": step.key, "card": last_four(card) } })
        }
    })
}

/// What a history says of a card: test cards are nobody's, and their numbers stay out of it all the same.
fn last_four(card: &str) -> &str {
    card.get(card.len().saturating_sub(4)..).unwrap_or_default()
}

/// The value of a field as it is sent.
fn sent<'a>(field: &str, value: &'a str) -> &'a str {
    let card = CARDS.into_iter().find(|card| field == "card" && last_four(card) == value);
    card.unwrap_or(value)
}

fn begun() -> Vec<Expected> {
    let told = Expected::once(command::place(AppId::A5, "checkout_started"));
    vec![Expected::once(order()).saying(pack()), told]
}

fn paid() -> Vec<Expected> {
    let told = |event, value| Expected::once(command::place(AppId::A5, event)).saying(value);
    let sum = json!({ "gross_minor": 50, "fee_minor": 0, "currency": "USD" });
    vec![
        Expected::once(paid_order()).saying(pack()),
        Expected::once(purchase()).saying(json!({ "credits": 10, "debit_account": "issued" })),
        told("checkout_completed", json!({ "finance_metrics": sum, "test_run": true })),
        told("revenue_settled", json!({ "finance_metrics": sum, "stripe_mode": "test" })),
    ]
}

fn spent(form_nonce: &str) -> Vec<Expected> {
    let sum = json!({ "ai_cost_minor": 1, "ai_price_minor": 4, "currency": "USD" });
    let told = Expected::once(command::place(AppId::A5, "credit_decrement"));
    vec![
        Expected::once(spend()).saying(json!({ "credits": 1, "credit_account": "spent" })),
        told.saying(json!({ "idempotency_key": form_nonce, "finance_metrics": sum, "test_run": true })),
    ]
}

fn pack() -> Value {
    json!({ "plan": "micro", "amount_minor": 50, "currency": "usd", "credits": 10 })
}

/// A student's account: its entries, oldest first, and the balance that A5 shows.
async fn account(client: &Client, number: usize, cookie: &str) -> Result<Account, String> {
    let request = client.get(AppId::A5, "/api/credits").header("cookie", cookie);
    let reply = request.send().await.map_err(|error| error.to_string())?;
    let shown = reply.json().map_err(|error| error.to_string())?;
    let mut entries: Vec<i64> = items(&shown, "entries").filter_map(|entry| entry["credits"].as_i64()).collect();
    entries.reverse();
    let balance = shown["balance"].as_i64().ok_or_else(|| format!("{} shows no balance", reply.request()))?;
    let name = format!("A5 account of client {number}");
    Ok(Account { name, trace_id: None, entries, balance, never_negative: true })
}

fn at(sessions: &[Session], process: u32) -> Result<&Session, String> {
    let session = usize::try_from(process).ok().and_then(|at| sessions.get(at));
    session.ok_or_else(|| format!("client {process} has no student"))
}

/// Opens an order in the step's trace; gives the path of its payment page.
async fn order_of(session: &Session, step: &Step, form_nonce: &str) -> Result<String, String> {
    let form = [("form_nonce", form_nonce), ("plan", "micro")];
    let request = session.post(AppId::A5, "/checkout").trace(step.trace_id).form(&form).native_errors();
    let reply = request.send().await.map_err(|error| error.to_string())?;
    let location = reply.header("location").filter(|_| reply.status == 303);
    let location = location.and_then(|location| location.parse::<Url>().ok());
    location.map(|url| url.path().to_owned()).ok_or_else(|| format!("{} answered {}", reply.request(), reply.status))
}

async fn sign_up(session: &Session, number: u32) -> Result<(), String> {
    let form = settle(session, open(session.get(AppId::A5, "/signup")).await?).await?;
    // No password of this file opens anything: the student is made up, and so is the ecosystem.
    let (form_nonce, id) = (nonce(&form)?, session.trace().to_string());
    let (name, email) = (format!("Test Student {number}"), format!("test_student_{id}@example.test"));
    let fields = [("form_nonce", form_nonce.as_str()), ("name", &name), ("email", &email), ("password", &id)];
    let page = settle(session, open(session.post(AppId::A1, "/signup").form(&fields)).await?).await?;
    if page.status == 200 && page.url().path() == "/dashboard" {
        return Ok(());
    }
    Err(format!("a sign-up ended at {} with {}, not on the dashboard", page.request(), page.status))
}

async fn open(request: Request) -> Result<Reply, String> {
    request.header("accept", "text/html").native_errors().send().await.map_err(|error| error.to_string())
}

/// Follows redirects to the page at their end.
async fn settle(session: &Session, mut reply: Reply) -> Result<Reply, String> {
    for _ in 0..REDIRECTS {
        if !matches!(reply.status, 301..=308) {
            return Ok(reply);
        }
        reply = open(session.follow(&reply).map_err(|error| error.to_string())?).await?;
    }
    Err(format!("{} is one redirect too many", reply.request()))
}

fn nonce(page: &Reply) -> Result<String, String> {
    let forms = Page::read(&page.text()).forms();
    let nonce = forms.iter().find_map(|form| form.value("form_nonce").map(str::to_owned));
    nonce.ok_or_else(|| format!("{} answered {} without a form", page.request(), page.status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_written_down_by_its_last_four_digits_and_sent_in_full() {
        for card in CARDS {
            assert_eq!(last_four(card).len(), 4);
            assert_eq!(sent("card", last_four(card)), card);
            assert_eq!(sent("form_nonce", last_four(card)), last_four(card), "only a card is a card");
        }
    }
}
