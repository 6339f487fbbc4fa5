//! The part of the summary about learning, outages, people and completion.

use schemars::JsonSchema;
use serde::Serialize;

use crate::record::{PartyOutage, RunView};
use crate::report::completion::{self, Standing};

/// What A3 showed of its learning.
#[derive(Serialize, JsonSchema)]
pub(super) struct Learning {
    /// Arms of the live bandit.
    arms: u64,
    /// The least weight of an arm; absent if A3 does not tell.
    floor: Option<f64>,
    exploration_rate: Option<f64>,
    /// Minutes of real time since a person acted last, by A3's own log.
    minutes_without_a_person: Option<f64>,
    /// Absent where nothing was simulated.
    simulated: Option<Simulated>,
}

/// A simulation: no network, no other app and no real time took part.
#[derive(Serialize, JsonSchema)]
struct Simulated {
    /// Always true.
    simulated: bool,
    minutes: u32,
    runs: u64,
    completed: u64,
    faults: u64,
    kills: u64,
    effects_twice: u64,
    interventions: u64,
    /// What must not be.
    problems: u64,
}

/// What came of outages.
#[derive(Serialize, JsonSchema)]
pub(super) struct Resiliency {
    parties: Vec<Party>,
    /// Requests that A3 took after answers of 503 in its place, of those that were sent.
    taken_again: [u64; 2],
    /// Runs that were completed after A3 was killed, of those that it had acknowledged.
    survived: [u64; 2],
    /// Runs that left something twice.
    effects_twice: u64,
    /// Runs that left nothing.
    without_effect: u64,
}

/// Outages of one party.
#[derive(Serialize, JsonSchema)]
struct Party {
    party: String,
    outages: u64,
    /// Those after which the breaker was closed again.
    recovered: u64,
    /// The median time until then, in milliseconds, with its 95 % interval.
    recovery_ms: Option<u64>,
    recovery_lower_ms: Option<u64>,
    recovery_upper_ms: Option<u64>,
    /// True if A3's list of the breaker's changes and A8's events tell the same.
    sources_agree: bool,
    requests_after: u64,
    errors_after: u64,
}

/// The second confirmation.
#[derive(Serialize, JsonSchema)]
pub(super) struct Completion {
    /// True only if every criterion is met and the run is READY.
    ready: bool,
    criteria: u32,
    met: u32,
    not_met: u32,
    undecided: u32,
    held: u32,
    not_tried: u32,
}

/// Absent if A3 was not asked.
pub(super) fn learning(view: &RunView) -> Option<Learning> {
    let learning = view.learning.as_ref()?;
    let bandit = &learning.bandit;
    Some(Learning {
        arms: bandit["arms"].as_array().map_or(0, |arms| arms.len() as u64),
        floor: bandit["floor"].as_f64(),
        exploration_rate: bandit["exploration_rate"].as_f64(),
        minutes_without_a_person: learning.progress["autonomy"]["minutes_since_human"].as_f64(),
        simulated: learning.simulation.as_ref().map(|played| Simulated {
            simulated: played.simulated,
            minutes: played.virtual_minutes,
            runs: played.runs,
            completed: played.completed,
            faults: played.faults.values().sum(),
            kills: played.crashes,
            effects_twice: played.duplicates,
            interventions: played.interventions,
            problems: played.problems.len() as u64,
        }),
    })
}

/// Absent if no outage was made.
pub(super) fn resiliency(view: &RunView) -> Option<Resiliency> {
    let seen = view.resilience.as_ref()?;
    let party = |outage: &PartyOutage| Party {
        party: outage.party.clone(),
        outages: outage.cycles.len() as u64,
        recovered: outage.recovery.n,
        recovery_ms: outage.recovery.value,
        recovery_lower_ms: outage.recovery.lower,
        recovery_upper_ms: outage.recovery.upper,
        sources_agree: outage.compared.agrees(),
        requests_after: outage.after.requests,
        errors_after: outage.after.errors,
    };
    Some(Resiliency {
        parties: seen.parties.iter().map(party).collect(),
        taken_again: [seen.own.taken, seen.own.asked],
        survived: [seen.crash.completed, seen.crash.acknowledged],
        effects_twice: seen.runs.twice.len() as u64,
        without_effect: seen.runs.without_effect.len() as u64,
    })
}

/// How many criteria stand how.
pub(super) fn completion(view: &RunView) -> Completion {
    let criteria = completion::of(view);
    let of = |wanted: Standing| criteria.iter().filter(|criterion| criterion.standing() == wanted).count();
    let count = |wanted| u32::try_from(of(wanted)).unwrap_or(u32::MAX);
    Completion {
        ready: completion::is_complete(view, &criteria),
        criteria: u32::try_from(criteria.len()).unwrap_or(u32::MAX),
        met: count(Standing::Met),
        not_met: count(Standing::NotMet),
        undecided: count(Standing::Undecided),
        held: count(Standing::Held),
        not_tried: count(Standing::NotTried),
    }
}
