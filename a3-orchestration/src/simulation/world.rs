//! The other parties: they remember keys for fifteen minutes, count their effects, and fail by the plan.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use common::clock::Clock;
use common::service::RequestContext;
use common::telemetry::DEDUP_WINDOW_MS;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::timers::Timers;
use super::weather::{Forecast, Trouble};
use crate::reference::party::Party;
use crate::reference::transport::{Answer, Body, Broken, CALL_TIMEOUT, Call, Sending, Transport};

/// All parties in one. It outlives the processes of A3.
#[derive(Debug)]
pub(super) struct World {
    clock: Clock,
    began_ms: i64,
    timers: Arc<Timers>,
    forecast: Forecast,
    state: Mutex<Past>,
}

/// What happened so far.
#[derive(Debug)]
pub(super) struct Past {
    rng: StdRng,
    /// When a key was used, and what it was answered.
    remembered: BTreeMap<(Party, String), (i64, Value)>,
    /// How often each thing was brought about, by what it is and not by its key.
    pub(super) effects: BTreeMap<(Party, String), u32>,
    pub(super) faults: BTreeMap<String, u64>,
    pub(super) calls: u64,
}

impl World {
    pub(super) fn new(seed: u64, forecast: Forecast, clock: Clock, timers: Arc<Timers>) -> Self {
        let past = Past {
            rng: StdRng::seed_from_u64(seed ^ 0x0077_021d),
            remembered: BTreeMap::new(),
            effects: BTreeMap::new(),
            faults: BTreeMap::new(),
            calls: 0,
        };
        Self { began_ms: clock.unix_ms(), clock, timers, forecast, state: Mutex::new(past) }
    }

    pub(super) fn past(&self) -> MutexGuard<'_, Past> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What happens to this call, how long it takes, and whether it has its effect if it times out.
    fn decide(&self, party: Party) -> (Option<Trouble>, Duration, bool) {
        let mut past = self.past();
        let at_ms = self.clock.unix_ms() - self.began_ms;
        let trouble = self.forecast.at(party, at_ms, &mut past.rng);
        let takes = Duration::from_millis(past.rng.random_range(10..200));
        let happens = past.rng.random::<bool>();
        past.calls += 1;
        if let Some(trouble) = trouble {
            *past.faults.entry(trouble.name().to_owned()).or_default() += 1;
        }
        (trouble, takes, happens)
    }

    async fn answer(&self, call: &Call) -> Result<Answer, Broken> {
        let (trouble, takes, happens) = self.decide(call.party);
        self.timers.wait(takes / 2).await;
        let unavailable = |retry_after| Ok(Answer { status: 503, retry_after, body: Value::Null });
        match trouble {
            None => {}
            Some(Trouble::Unavailable) => return unavailable(None),
            Some(Trouble::Later(seconds)) => return unavailable(Some(Duration::from_secs(seconds))),
            Some(Trouble::Reset) => return Err(Broken("the connection was reset".to_owned())),
            Some(Trouble::Slow(ms)) => self.timers.wait(Duration::from_millis(ms)).await,
            Some(Trouble::Timeout) => {
                if happens {
                    self.effect(call);
                }
                self.timers.wait(CALL_TIMEOUT).await;
                return Err(Broken("it took longer than 5 s".to_owned()));
            }
            Some(Trouble::LostAnswer) => {
                self.effect(call);
                self.timers.wait(takes / 2).await;
                return unavailable(None);
            }
        }
        let body = self.effect(call);
        self.timers.wait(takes / 2).await;
        Ok(Answer { status: 200, retry_after: None, body })
    }

    /// Does what is asked, unless its key was used within the time for which keys are remembered.
    fn effect(&self, call: &Call) -> Value {
        let now = self.clock.unix_ms();
        let mut past = self.past();
        let key = (call.party, call.idempotency_key.clone());
        if let Some((at_ms, body)) = past.remembered.get(&key)
            && now - at_ms < DEDUP_WINDOW_MS
        {
            return body.clone();
        }
        let (what, body) = happening(call);
        if let Some(what) = what {
            *past.effects.entry((call.party, what)).or_default() += 1;
        }
        past.remembered.insert(key, (now, body.clone()));
        body
    }
}

/// What a call brings about, if it is more than an answer, and the answer.
fn happening(call: &Call) -> (Option<String>, Value) {
    let sent = match &call.body {
        Body::Json(body) => body.clone(),
        Body::Form(_) => Value::Null,
    };
    let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
    match call.party {
        Party::A7 => {
            let slug = text("slug");
            (Some(text("title")), json!({ "url": format!("/p/{slug}"), "slug": slug }))
        }
        Party::ScholarshipApi => (Some(text("subject")), json!({ "event_id": call.idempotency_key })),
        Party::Email => (Some(text("subject")), json!({ "id": call.idempotency_key })),
        Party::AutoComCenter => (Some(text("text")), json!({ "message_id": call.idempotency_key })),
        Party::A4 => (None, json!({ "status": "analyzed" })),
        Party::S2sAuth => (None, json!({ "access_token": "simulated", "expires_in": 300 })),
    }
}

impl Transport for World {
    fn reaches(&self, _: Party) -> bool {
        true
    }

    fn send<'a>(&'a self, _: &'a RequestContext, call: &'a Call) -> Sending<'a> {
        Box::pin(self.answer(call))
    }
}
