//! What A8 was told since the cell began: every event, of whichever name and app, whoever asked for it.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;

use common::history::{History, Place, Seen};
use common::ids::{AppId, TraceId};
use common::telemetry::EventName;
use serde_json::Value;

use super::{World, items, read, text};

/// The most events of one page.
const PAGE: usize = 1_000;
/// What apps tell of themselves, whatever is asked of them: no effect of any intent. Everything else must be explained.
const BACKGROUND: [EventName; 3] =
    [EventName::RequestCompleted, EventName::RouteSnapshot, EventName::BreakerTransition];

/// True for what is no effect of any intent. A3 gets itself a token at A1, in a trace of its own.
fn is_background(app: &str, name: &str) -> bool {
    BACKGROUND.iter().any(|own| own.as_str() == name)
        || app == AppId::A1.as_str() && name == EventName::IdentityOk.as_str()
}

/// Where A8 keeps an app's events of a name.
pub(super) fn place(app: AppId, event: &str) -> Place {
    Place::new(AppId::A8, &of(app.as_str(), event))
}

fn of(app: &str, event: &str) -> String {
    format!("{event} of {app}")
}

/// Adds every event since the last one that is known. Those of earlier cells, those that apps tell of themselves, and those
/// that `is_left_out` names are not part of this history; everything else must be explained by it.
pub(super) async fn read_back(
    world: &World,
    history: &mut History,
    is_left_out: impl Fn(&Seen) -> bool,
) -> Result<(), String> {
    loop {
        let after = world.newest();
        let page = read(&world.direct, AppId::A8, &format!("/api/events?limit={PAGE}&after={after}")).await?;
        let last = items(&page, "events").filter_map(|event| event["seq"].as_i64()).max();
        world.seq.store(last.unwrap_or(after), Ordering::Relaxed);
        history.seen.extend(told(items(&page, "events"), &world.earlier).filter(|seen| !is_left_out(seen)));
        if page["next"].is_null() {
            return Ok(());
        }
    }
}

/// True for this event of an app.
pub(super) fn is(seen: &Seen, app: AppId, event: EventName) -> bool {
    seen.place == place(app, event.as_str())
}

/// The events that a history must explain. One without a trace has one that no intent has.
fn told<'a>(events: impl Iterator<Item = &'a Value>, earlier: &BTreeSet<TraceId>) -> impl Iterator<Item = Seen> {
    let read = |event: &Value| {
        let told = &event["event"];
        let (app, name) = (text(told, "app_id"), text(told, "event"));
        let trace_id = text(told, "trace_id").parse().unwrap_or(TraceId::from_u128(u128::MAX));
        (!is_background(&app, &name) && !earlier.contains(&trace_id)).then(|| Seen {
            place: Place::new(AppId::A8, &of(&app, &name)),
            name: String::new(),
            trace_id,
            id: text(told, "event_id"),
            value: told.clone(),
            at_ms: event["received_at_ms"].as_i64(),
        })
    };
    events.filter_map(read)
}

#[cfg(test)]
mod tests {
    use common::history::{AnomalyKind, Expected, Intent, check};
    use serde_json::json;

    use super::*;

    fn event(app: &str, name: &str, trace: u128) -> Value {
        let trace_id = TraceId::from_u128(trace).to_string();
        json!({ "seq": 1, "received_at_ms": 5,
                "event": { "event": name, "app_id": app, "trace_id": trace_id, "event_id": format!("{name}-{trace}") } })
    }

    /// Nobody asked for anything but one registration at A6, in trace 1.
    fn checked(events: &[Value]) -> Vec<(AnomalyKind, String)> {
        let effects = vec![Expected::once(place(AppId::A6, "provider_registered"))];
        let (key, trace_id) = ("k".to_owned(), TraceId::from_u128(1));
        let kind = "register".to_owned();
        let intent = Intent { key, trace_id, app: AppId::A6, kind, argument: json!({}), effects, atomic: true };
        let earlier = BTreeSet::from([TraceId::from_u128(9)]);
        let seen = told(events.iter(), &earlier).collect();
        let history = History { intents: vec![intent], seen, arrival_limit_ms: 1_000, ..History::default() };
        let phantoms = check(&history).anomalies.into_iter().filter(|one| one.kind == AnomalyKind::PhantomEffect);
        phantoms.map(|one| (one.kind, one.place.unwrap().what)).collect()
    }

    #[test]
    fn a_phantom_is_seen_under_whichever_name_and_app_it_comes() {
        for (app, name, trace) in [
            ("A6", "provider_listing_published", 1),
            ("A6", "revenue_settled", 2),
            ("A2", "revenue_settled", 1),
            ("A5", "checkout_completed", 3),
            ("A6", "identity_ok", 4),
        ] {
            assert_eq!(
                checked(&[event("A6", "provider_registered", 1), event(app, name, trace)]),
                [(AnomalyKind::PhantomEffect, format!("{name} of {app}"))]
            );
        }
        let mut lost = event("A6", "provider_registered", 1);
        lost["event"]["trace_id"] = Value::Null;
        assert_eq!(checked(&[lost]).len(), 1, "an event without a trace is nobody's");
    }

    #[test]
    fn what_apps_tell_of_themselves_and_what_was_before_is_no_phantom() {
        let own = ["request_completed", "route_snapshot", "breaker_transition"];
        let mut events: Vec<_> = own.iter().map(|name| event("A2", name, 4)).collect();
        events.push(event("A1", "identity_ok", 4));
        events.push(event("A6", "revenue_settled", 9));
        assert_eq!(checked(&events), []);
    }
}
