//! Webhook deliveries: signed, at least once, retried with back-off from the database until they are answered.

use std::time::Duration;

use common::args;
use common::service::{DbError, Tx};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::call;
use super::endpoints::{self, Target};
use super::events::EVENT;
use super::sessions;
use super::state::{StandIn, fresh_id};
use super::store;

/// How long a paying customer, or whoever asks for a repetition, waits for the first attempt.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The worker looks for something to do at least this often.
const IDLE: Duration = Duration::from_secs(1);
/// After so long a delivery that is under way is taken for lost.
const LEASE_MS: i64 = 60_000;
/// The first pause after a failed attempt, before jitter.
const FIRST_PAUSE_MS: i64 = 500;
/// The longest pause, before jitter.
const LONGEST_PAUSE_MS: i64 = 5 * 60 * 1_000;
/// After so many attempts nobody tries again.
const MOST_ATTEMPTS: i64 = 16;

/// Plans one delivery in the transaction of its event.
pub(super) async fn plan(
    tx: &mut Tx,
    event_id: &str,
    endpoint_id: &str,
    due_ms: i64,
    is_awaited: bool,
) -> Result<(), DbError> {
    let sql = "INSERT INTO standin_deliveries (delivery_id, event_id, endpoint_id, state, attempts, awaited, due_ms)
               VALUES ($1, $2, $3, 'waiting', 0, $4, $5)";
    tx.execute(sql, args![fresh_id("whd"), event_id, endpoint_id, is_awaited, due_ms]).await.map(drop)
}

/// How many deliveries of an event are still to be made.
pub(super) async fn pending(app: &StandIn, event_id: &str) -> Result<i64, DbError> {
    count(app, event_id, "state IN ('waiting', 'sending')").await
}

/// Ends when every delivery that somebody waits for was attempted once, or after ten seconds.
pub(super) async fn attempted(app: &StandIn, event_id: &str) {
    let mut attempts = app.attempts();
    let all = async {
        while count(app, event_id, "attempts = 0 AND awaited = 1").await.is_ok_and(|open| open > 0) {
            if attempts.changed().await.is_err() {
                return;
            }
        }
    };
    drop(tokio::time::timeout(LONGEST_WAIT, all).await);
}

async fn count(app: &StandIn, event_id: &str, which: &str) -> Result<i64, DbError> {
    let sql = format!("SELECT COUNT(*) AS n FROM standin_deliveries WHERE event_id = $1 AND {which}");
    app.db().query_one(&sql, args![event_id]).await?.map_or(Ok(0), |row| row.int("n"))
}

/// Starts the worker that delivers, lets sessions expire and forgets old keys.
pub(super) fn start(app: &StandIn) {
    let worker = app.clone();
    app.ctx().tasks.spawn(|_| async move { work(&worker).await });
}

async fn work(app: &StandIn) {
    let stop = app.ctx().tasks.token();
    // What was under way when the app ended may not have arrived: it is due at once, and not when its lease would end.
    let again = "UPDATE standin_deliveries SET state = 'waiting', due_ms = $1 WHERE state = 'sending'";
    warn(app.db().execute(again, args![app.now_ms()]).await.map(drop));
    warn(call::forget_keys(app).await);
    while !stop.is_cancelled() {
        warn(sessions::expire_due(app).await);
        warn(deliver_due(app).await);
        tokio::select! {
            () = stop.cancelled() => return,
            () = app.woken() => {}
            () = tokio::time::sleep(until_next(app).await) => {}
        }
    }
}

fn warn(done: Result<(), DbError>) {
    if let Err(error) = done {
        tracing::warn!(%error, "the stand-in's worker tries again");
    }
}

async fn until_next(app: &StandIn) -> Duration {
    let sql = "SELECT MIN(due_ms) AS due_ms FROM standin_deliveries WHERE state = 'waiting'";
    let row = app.db().query_one(sql, vec![]).await.ok().flatten();
    let Some(due_ms) = row.and_then(|row| row.opt_int("due_ms").ok().flatten()) else { return IDLE };
    let left_ms = u64::try_from(due_ms - app.now_ms()).unwrap_or(0);
    Duration::from_millis(left_ms.max(1)).min(IDLE)
}

/// One delivery that is under way.
struct Delivery {
    id: String,
    event_id: String,
    endpoint_id: String,
    attempts: i64,
}

/// Takes what is due, and delivers each in a task of its own.
async fn deliver_due(app: &StandIn) -> Result<(), DbError> {
    for delivery in take_due(app).await? {
        let worker = app.clone();
        app.ctx().tasks.spawn(|stop| async move {
            let done = stop.run_until_cancelled(deliver(&worker, &delivery)).await;
            warn(done.unwrap_or(Ok(())));
            worker.attempted();
        });
    }
    Ok(())
}

async fn take_due(app: &StandIn) -> Result<Vec<Delivery>, DbError> {
    let now_ms = app.now_ms();
    let is_due = "state IN ('waiting', 'sending') AND due_ms <= $1";
    let sql = format!("SELECT delivery_id FROM standin_deliveries WHERE {is_due} LIMIT 1");
    if app.db().query_one(&sql, args![now_ms]).await?.is_none() {
        return Ok(Vec::new());
    }
    let mut tx = app.db().begin().await?;
    let sql = format!(
        "SELECT delivery_id, event_id, endpoint_id, attempts FROM standin_deliveries WHERE {is_due} ORDER BY delivery_id"
    );
    let mut taken = Vec::new();
    for row in tx.query(&sql, args![now_ms]).await? {
        taken.push(Delivery {
            id: row.text("delivery_id")?,
            event_id: row.text("event_id")?,
            endpoint_id: row.text("endpoint_id")?,
            attempts: row.int("attempts")?,
        });
    }
    let sql = format!("UPDATE standin_deliveries SET state = 'sending', due_ms = $2 WHERE {is_due}");
    tx.execute(&sql, args![now_ms, now_ms + LEASE_MS]).await?;
    tx.commit().await?;
    Ok(taken)
}

async fn deliver(app: &StandIn, delivery: &Delivery) -> Result<(), DbError> {
    let event = store::find(app.db(), EVENT, &delivery.event_id).await?;
    let target = endpoints::target(app, &delivery.endpoint_id).await?;
    let attempts = delivery.attempts + 1;
    let (state, outcome) = match (event, target) {
        (Some(event), Some(target)) => match send(app, &target, &event.body).await {
            Ok(()) => ("delivered", None),
            Err(reason) if attempts >= MOST_ATTEMPTS => ("given_up", Some(reason)),
            Err(reason) => ("waiting", Some(reason)),
        },
        _ => ("given_up", Some("the endpoint is not there any more".to_owned())),
    };
    if let Some(reason) = &outcome {
        tracing::debug!(event_id = delivery.event_id, attempts, reason, "a webhook was not accepted");
    }
    let due_ms = app.now_ms() + pause_ms(attempts, rand::random());
    let sql = "UPDATE standin_deliveries SET state = $2, attempts = $3, due_ms = $4, last_outcome = $5
               WHERE delivery_id = $1";
    app.db().execute(sql, args![&delivery.id, state, attempts, due_ms, outcome]).await.map(drop)
}

/// Sends an event; the error says why it did not arrive.
async fn send(app: &StandIn, target: &Target, event: &Value) -> Result<(), String> {
    let body = serde_json::to_string_pretty(event).map_err(|error| error.to_string())?;
    let request = app.ctx().upstream.client().post(&target.url);
    let request = request
        .header("content-type", "application/json; charset=utf-8")
        .header("user-agent", "Stripe/1.0 (+https://stripe.com/docs/webhooks)")
        .header("stripe-signature", signature(&target.secret, app.now_s(), &body));
    let answer = request.body(body).send().await.map_err(|error| error.to_string())?;
    let status = answer.status();
    if status.is_success() { Ok(()) } else { Err(format!("the endpoint answered {status}")) }
}

/// `t=1700000000,v1=…`: HMAC-SHA256 with the endpoint's secret over the time, a dot and the body.
fn signature(secret: &str, at_s: i64, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(format!("{at_s}.{body}").as_bytes());
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={at_s},v1={hex}")
}

/// Milliseconds until the next attempt: doubled each time up to five minutes, of which `draw` (0 to 1) leaves half to
/// all.
fn pause_ms(attempts: i64, draw: f64) -> i64 {
    let doublings = u32::try_from(attempts - 1).unwrap_or(0).min(20);
    let whole_ms = (FIRST_PAUSE_MS << doublings).min(LONGEST_PAUSE_MS);
    #[expect(clippy::cast_possible_truncation, reason = "half of at most five minutes")]
    let drawn_ms = (whole_ms as f64 / 2.0 * draw.clamp(0.0, 1.0)) as i64;
    whole_ms / 2 + drawn_ms
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_pause_is_half_to_all_of_its_doubling(attempts in 1..1_000_i64, draw in 0.0..=1.0) {
            let (least, most) = (pause_ms(attempts, 0.0), pause_ms(attempts, 1.0));
            prop_assert!((least..=most).contains(&pause_ms(attempts, draw)));
            prop_assert!(least * 2 == most && most <= LONGEST_PAUSE_MS && least >= FIRST_PAUSE_MS / 2);
        }
    }

    #[test]
    fn a_signature_is_as_another_implementation_computes_it() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
        let expected = "t=1700000000,v1=38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789";
        assert_eq!(signature("whsec_test", 1_700_000_000, "{\"a\":1}"), expected);
    }

    #[test]
    fn pauses_double_up_to_a_limit_and_differ_by_the_draw() {
        assert_eq!((pause_ms(1, 0.0), pause_ms(1, 1.0)), (250, 500));
        assert_eq!((pause_ms(2, 0.0), pause_ms(2, 1.0)), (500, 1_000));
        assert_eq!((pause_ms(MOST_ATTEMPTS, 0.0), pause_ms(400, 1.0)), (150_000, 300_000));
        for attempts in 1..40 {
            assert!(pause_ms(attempts, 0.3) <= pause_ms(attempts + 1, 0.3));
        }
    }
}
