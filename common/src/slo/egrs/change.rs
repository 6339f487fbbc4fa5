//! What changed between two scores, as far as it is proven, and which objectives stand differently.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Egrs, GradeReason, ScoredService, Standing, TIE};

/// Where a score went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// At worst it is now better than it was at best.
    Improved,
    /// At best it is now worse than it was at worst.
    Regressed,
    /// The two ranges meet.
    NoProvenChange,
}

impl Direction {
    /// In words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Improved => "improved",
            Self::Regressed => "regressed",
            Self::NoProvenChange => "no proven change",
        }
    }
}

/// The range of the change of a score, in points of 100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Delta {
    /// From the best before to the worst after.
    pub low: f64,
    /// From the worst before to the best after.
    pub high: f64,
    /// What that proves.
    pub direction: Direction,
}

/// The change from one score to another; `None` where either could not be scored, as nothing missing proves anything.
#[must_use]
pub fn delta(before: &Egrs, after: &Egrs) -> Option<Delta> {
    if [before, after].iter().any(|egrs| egrs.reason == GradeReason::Config) {
        return None;
    }
    let (low, high) = (after.score.low - before.score.high, after.score.high - before.score.low);
    let direction = match () {
        () if low > TIE => Direction::Improved,
        () if high < -TIE => Direction::Regressed,
        () => Direction::NoProvenChange,
    };
    Some(Delta { low, high, direction })
}

/// An objective that stands differently than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    /// The service.
    pub service: String,
    /// The objective.
    pub objective: String,
    /// How it stood; `None` if it is new.
    pub before: Option<Standing>,
    /// How it stands; `None` if it is gone.
    pub after: Option<Standing>,
}

/// The objectives that stand differently, are new or are gone, by name of service and objective.
///
/// Where a name is not unique, the last of them counts.
#[must_use]
pub fn transitions(before: &[ScoredService], after: &[ScoredService]) -> Vec<Transition> {
    let mut both: BTreeMap<(&str, &str), [Option<Standing>; 2]> = BTreeMap::new();
    for (side, services) in [before, after].into_iter().enumerate() {
        for service in services {
            for objective in &service.objectives {
                both.entry((&service.name, &objective.name)).or_default()[side] = Some(objective.standing);
            }
        }
    }
    let changed = both.into_iter().filter(|(_, [before, after])| before != after);
    let named = changed.map(|((service, objective), [before, after])| Transition {
        service: service.to_owned(),
        objective: objective.to_owned(),
        before,
        after,
    });
    named.collect()
}
