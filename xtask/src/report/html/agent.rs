//! The sections about A3's learning, its outages, and what was asked of people.

use common::verdict::Ruling;
use serde_json::Value;

use super::bars;
use super::{Site, badge, state_badge};
use crate::record::{Learning, PartyOutage, Resilience};
use crate::report::decisions::{self, Answer, Asked};
use crate::report::state::State;
use crate::report::{claims, resiliency, signal_path, text};

/// What A3 learns.
pub(super) struct Learned {
    pub(super) claims: Vec<ClaimLine>,
    pub(super) arms: Vec<Arm>,
    pub(super) facts: Vec<(&'static str, String)>,
    /// All of them simulated.
    pub(super) simulated: Vec<(&'static str, String)>,
    pub(super) replay: Option<String>,
}

/// A claim with its word and a way to it.
pub(super) struct ClaimLine {
    pub(super) badge: String,
    pub(super) anchor: String,
    pub(super) id: String,
    pub(super) text: String,
}

/// One arm of the bandit.
pub(super) struct Arm {
    pub(super) name: String,
    pub(super) bar: String,
    /// Weight, mean, alpha, beta, pulls, failures.
    pub(super) cells: Vec<String>,
}

/// What came of outages.
pub(super) struct Outages {
    pub(super) claims: Vec<ClaimLine>,
    /// False where no outage was made.
    pub(super) made: bool,
    pub(super) parties: Vec<Party>,
    pub(super) facts: Vec<(&'static str, String)>,
}

/// Outages of one party.
pub(super) struct Party {
    pub(super) name: String,
    pub(super) route: String,
    pub(super) told: String,
    pub(super) plot: String,
}

/// One request to people.
pub(super) struct Leave {
    pub(super) badge: String,
    pub(super) action: &'static str,
    pub(super) scope: String,
    pub(super) phase: u8,
    pub(super) at: String,
    pub(super) answer: String,
}

impl Site<'_> {
    /// Absent where neither A3 was asked nor a claim ruled on, and the run was not about it.
    pub(super) fn learned(&self) -> Option<Learned> {
        let ids: Vec<&str> = signal_path::ids().into_iter().chain(["a3.autonomy.simulated"]).collect();
        let own = claims::named(self.view, &ids);
        let learning = self.view.learning.as_ref();
        if own.is_empty() && learning.is_none() && !self.planned(6) {
            return None;
        }
        let simulated = learning.and_then(|learning| learning.simulation.as_ref());
        Some(Learned {
            claims: self.lines(&own),
            arms: learning.map(arms).unwrap_or_default(),
            facts: learning.map(facts).unwrap_or_default(),
            simulated: simulated.map(signal_path::facts).unwrap_or_default(),
            replay: simulated.map(|played| played.replay.clone()),
        })
    }

    /// Absent where nothing was ruled on, and the run was not about it.
    pub(super) fn outages(&self) -> Option<Outages> {
        let own = resiliency::about(self.view);
        let seen = self.view.resilience.as_ref();
        if own.is_empty() && seen.is_none() && !self.planned(7) {
            return None;
        }
        let top = seen.map_or(0.0, |seen| bars::longest(&seen.parties));
        Some(Outages {
            claims: self.lines(&own),
            made: seen.is_some(),
            parties: seen.iter().flat_map(|seen| &seen.parties).map(|outage| party(outage, top)).collect(),
            facts: seen.map(around).unwrap_or_default(),
        })
    }

    /// Claims about identities, keys, headers and the policy of the assistant.
    pub(super) fn safety(&self) -> Vec<ClaimLine> {
        let about = |id: &str| {
            let endings = [".security_headers", ".keys_wanted", ".integrity"];
            id.contains(".safety.") || endings.iter().any(|ending| id.ends_with(ending))
        };
        let own: Vec<&Ruling> = self.view.rulings.iter().filter(|ruling| about(&ruling.claim.id)).collect();
        self.lines(&own)
    }

    pub(super) fn leaves(&self) -> Vec<Leave> {
        decisions::asked(self.view).iter().map(leave).collect()
    }

    fn planned(&self, phase: u8) -> bool {
        let mut phases = self.view.started.iter().flat_map(|run| &run.phases);
        phases.any(|planned| planned.phase == phase)
    }

    fn lines(&self, rulings: &[&Ruling]) -> Vec<ClaimLine> {
        let line = |ruling: &&Ruling| ClaimLine {
            badge: state_badge(State::of(ruling)),
            anchor: self.anchor(ruling),
            id: ruling.claim.id.clone(),
            text: ruling.claim.text.clone(),
        };
        rulings.iter().map(line).collect()
    }
}

fn arms(learning: &Learning) -> Vec<Arm> {
    let floor = learning.bandit["floor"].as_f64();
    let listed = learning.bandit["arms"].as_array().map(Vec::as_slice).unwrap_or_default();
    let arm = |arm: &Value| {
        let name = arm["arm"].as_str().unwrap_or("unknown").to_owned();
        let figure = |key: &str, digits: usize| {
            arm[key].as_f64().map_or_else(|| "–".to_owned(), |value| format!("{value:.digits$}"))
        };
        let title = format!("{name}: weight {}, floor {}", figure("weight", 3), floor.map_or(0.0, |floor| floor));
        let cells = [("weight", 3), ("mean", 3), ("alpha", 2), ("beta", 2), ("pulls", 0), ("failures", 0)];
        Arm {
            bar: bars::weight(arm["weight"].as_f64().unwrap_or(0.0), floor, &title),
            name,
            cells: cells.map(|(key, digits)| figure(key, digits)).into(),
        }
    };
    listed.iter().map(arm).collect()
}

fn facts(learning: &Learning) -> Vec<(&'static str, String)> {
    let percent = |key: &str| {
        learning.bandit[key]
            .as_f64()
            .map_or_else(|| "unknown".to_owned(), |share| format!("{} %", text::pct(share * 100.0)))
    };
    let autonomy = &learning.progress["autonomy"];
    let minutes = autonomy["minutes_since_human"].as_f64();
    vec![
        ("floor of each arm", percent("floor")),
        ("exploration rate", percent("exploration_rate")),
        ("choices", learning.bandit["choices"].as_u64().map_or_else(|| "unknown".to_owned(), text::count)),
        (
            "frozen",
            learning.bandit["frozen"].as_bool().map_or("unknown", |yes| if yes { "yes" } else { "no" }).to_owned(),
        ),
        (
            "minutes without a person",
            minutes.map_or_else(|| "unknown".to_owned(), |m| format!("{m:.1} of more than 200")),
        ),
        ("last action of a person", autonomy["last_human_action"].as_str().unwrap_or("unknown").to_owned()),
    ]
}

fn party(outage: &PartyOutage, top: f64) -> Party {
    let ms = |value: Option<u64>| value.map_or_else(|| "none".to_owned(), text::count);
    let found = &outage.recovery;
    let told = format!("median {} ms, 95 % interval {} to {} ms", ms(found.value), ms(found.lower), ms(found.upper));
    Party {
        name: outage.party.clone(),
        route: format!("{} {}", outage.app, outage.route),
        plot: bars::recovery(outage, top, &format!("Recovery after each outage of {}: {told}", outage.party)),
        told,
    }
}

fn around(seen: &Resilience) -> Vec<(&'static str, String)> {
    let (own, crash, runs) = (&seen.own, &seen.crash, &seen.runs);
    vec![
        ("requests taken after 503 of A3", format!("{} of {}", own.taken, own.asked)),
        ("runs completed after the kill", format!("{} of {}", crash.completed, crash.acknowledged)),
        ("runs of the outages completed", format!("{} of {}", runs.completed, runs.asked)),
        ("effects twice, or none", format!("{}, {}", runs.twice.len(), runs.without_effect.len())),
        ("pauses looked at", text::count(seen.backoff.pauses)),
        ("an open breaker stays open", format!("{} ms", text::count(seen.breaker_open_ms))),
    ]
}

fn leave(asked: &Asked<'_>) -> Leave {
    let class = match asked.answer {
        Answer::Waits { .. } => "held",
        Answer::Granted { .. } | Answer::Used { .. } => "pass",
        Answer::Refused { .. } => "skipped",
    };
    Leave {
        badge: badge(class, asked.answer.word()),
        action: asked.request.action.in_words(),
        scope: asked.request.scope.to_string(),
        phase: asked.phase,
        at: text::moment(asked.at),
        answer: asked.answer.in_words(),
    }
}
