//! The effects of one intent: how often, what they say, and when.

use super::{Case, EXCERPT, Found, Standing, can_be_found, says};
use crate::history::{Anomaly, AnomalyKind, Expected, History, Line, Lookup, Operation, Outcome, Seen};

/// Every anomaly of the effects of one intent.
pub(super) fn of_case<'a>(history: &History, case: &Case<'a>, found: &Found<'a>) -> Vec<Anomaly> {
    let mut anomalies = Vec::new();
    for expected in &case.intent.effects {
        if !can_be_found(expected, case.standing) {
            continue;
        }
        let seen = found.get(case.intent, expected);
        let wrong_number = number(history, case, expected, seen);
        if wrong_number.is_none() {
            anomalies.extend(identity(case, expected, seen));
        }
        anomalies.extend(wrong_number);
        anomalies.extend(seen.iter().filter_map(|one| content(case, expected, one)));
        anomalies.extend(seen.iter().filter_map(|one| arrival(history, case, expected, one)));
    }
    anomalies.extend(torn(history, case, found));
    anomalies
}

/// Too few or too many.
fn number(history: &History, case: &Case<'_>, expected: &Expected, seen: &[&Seen]) -> Option<Anomaly> {
    let n = super::count(seen.len());
    let place = &expected.place;
    let (kind, lines, story) = match (case.standing, n) {
        (Standing::Refused, n) if n > 0 => {
            (AnomalyKind::RefusedEffect, case.lines(|_| true), "was refused every time".to_owned())
        }
        (_, n) if n > expected.times => {
            let kind = if place.is_telemetry() { AnomalyKind::DoubleEvent } else { AnomalyKind::DoubleEffect };
            let attempts = case.lines(|outcome| !matches!(outcome, Outcome::Fail { .. }));
            (kind, attempts, format!("was asked for in {} attempts", case.attempts.len()))
        }
        (Standing::Acknowledged, n) if n < expected.times => {
            let kind = if place.is_telemetry() { AnomalyKind::LostEvent } else { AnomalyKind::LostEffect };
            let mut lines = case.lines(Outcome::is_ok);
            lines.truncate(1);
            lines.extend(crashes(history, case));
            (kind, lines, "was acknowledged".to_owned())
        }
        (Standing::Unknown, n) if n > 0 && n < expected.times => {
            (AnomalyKind::TornEffect, case.lines(Outcome::is_info), "has an unknown outcome".to_owned())
        }
        _ => return None,
    };
    let what = format!("{} {story}, and {place} has {n} of {}", case.name(), expected.times);
    Some(case.anomaly(kind, Some(place), what, with(lines, seen)))
}

/// Another id than the one that was answered.
fn identity(case: &Case<'_>, expected: &Expected, seen: &[&Seen]) -> Option<Anomaly> {
    let named = case.answered_ids();
    if expected.lookup == Lookup::ByTrace || named.is_empty() {
        return None;
    }
    let other = seen.iter().find(|one| !named.contains(one.id.as_str()))?;
    let answered = named.iter().copied().collect::<Vec<_>>().join(" and ");
    let what = format!("{} was answered as {answered}, and {} has {}", case.name(), expected.place, other.id);
    let lines = with(case.lines(Outcome::is_ok), &[other]);
    Some(case.anomaly(AnomalyKind::AlteredEffect, Some(&expected.place), what, lines))
}

/// Other content than was sent.
fn content(case: &Case<'_>, expected: &Expected, seen: &Seen) -> Option<Anomaly> {
    if says(&seen.value, &expected.value) {
        return None;
    }
    let (place, value) = (&expected.place, &seen.value);
    let what = format!("{}: {place} {} says {value} and must say {}", case.name(), seen.id, expected.value);
    let lines = with(case.lines(|outcome| !matches!(outcome, Outcome::Fail { .. })), &[seen]);
    Some(case.anomaly(AnomalyKind::AlteredEffect, Some(place), what, lines))
}

/// Later than the limit after the acknowledgement, or after the last recovery that came later.
fn arrival(history: &History, case: &Case<'_>, expected: &Expected, seen: &Seen) -> Option<Anomaly> {
    let at_ms = seen.at_ms.filter(|_| expected.place.is_telemetry())?;
    let known = case.attempts.iter().filter(|one| !matches!(one.outcome, Outcome::Fail { .. }));
    let known_ms = known.map(|one| one.completed_ms).min()?;
    let recovered = history.crashes.iter().filter(|crash| crash.up_ms >= known_ms && crash.killed_ms <= at_ms);
    let since_ms = recovered.map(|crash| crash.up_ms).max().unwrap_or(known_ms).max(known_ms);
    let took_ms = at_ms - since_ms;
    if took_ms <= history.arrival_limit_ms {
        return None;
    }
    let limit = history.arrival_limit_ms;
    let what = format!("{}: {} came {took_ms} ms after it could, {limit} ms at most", case.name(), expected.place);
    let mut lines = case.lines(Outcome::is_ok);
    lines.extend(crashes(history, case));
    Some(case.anomaly(AnomalyKind::LateEvent, Some(&expected.place), what, with(lines, &[seen])))
}

/// Some effects of an atomic intent whose outcome is unknown happened, and others did not.
fn torn<'a>(history: &History, case: &Case<'a>, found: &Found<'a>) -> Option<Anomaly> {
    if case.standing != Standing::Unknown || !case.intent.atomic {
        return None;
    }
    let findable = case.intent.effects.iter().filter(|expected| can_be_found(expected, case.standing));
    let (there, missing): (Vec<&'a Expected>, Vec<&'a Expected>) =
        findable.partition(|expected| !found.get(case.intent, expected).is_empty());
    let (first, other) = (there.first()?, missing.first()?);
    let what = format!("{} has an unknown outcome: {} has it and {} has not", case.name(), first.place, other.place);
    let mut lines = case.lines(Outcome::is_info);
    lines.extend(crashes(history, case));
    let seen = found.get(case.intent, first);
    Some(case.anomaly(AnomalyKind::TornEffect, Some(&other.place), what, with(lines, seen)))
}

/// The crash that the attempts met, or the first one after them.
fn crashes(history: &History, case: &Case<'_>) -> Vec<Line> {
    let began_ms = case.attempts.iter().map(|one: &&Operation| one.invoked_ms).min().unwrap_or(0);
    let after = history.crashes.iter().find(|crash| crash.up_ms >= began_ms);
    after.map(|crash| Line::Crash(crash.clone())).into_iter().collect()
}

fn with(mut lines: Vec<Line>, seen: &[&Seen]) -> Vec<Line> {
    lines.extend(seen.iter().take(EXCERPT).map(|one| Line::Seen((*one).clone())));
    lines
}
