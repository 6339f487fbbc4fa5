//! The ecosystem's score as an interval: what is undecided may turn out either way, so it spans a range and hides nothing.
//!
//! Points of an objective: PASS its weight, WARN half of it, FAIL none, INCONCLUSIVE anything from none to all. The score
//! of a service is 100 times points over weights; the ecosystem's is the mean of its services by their weights. From
//! Keptn's lighthouse come weights, half points for a warning, and a gate that beats any score. Unlike there, nothing
//! missing passes: no service, no scored objective or no weight is an error of the configuration.

mod change;

use serde::{Deserialize, Serialize};

pub use change::{Delta, Direction, Transition, delta, transitions};

/// Scores closer than this are equal but for rounding.
const TIE: f64 = 1e-9;

/// The word on an ecosystem or an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Grade {
    /// Everything that decides was shown.
    Ready,
    /// Nothing failed; something is not shown.
    Conditional,
    /// Something failed, or nothing was tried.
    NotReady,
}

impl Grade {
    /// In words: `READY`, `CONDITIONAL`, `NOT READY`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "READY",
            Self::Conditional => "CONDITIONAL",
            Self::NotReady => "NOT READY",
        }
    }
}

/// How an objective stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// Shown to hold: all points.
    Pass,
    /// Holds, with something to look at: half the points.
    Warn,
    /// Shown to be broken: no points.
    Fail,
    /// Neither was shown: anything from no points to all.
    Inconclusive,
    /// Not scored.
    Info,
}

/// One thing that is asked of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Unique in its service.
    pub name: String,
    /// How it stands.
    #[serde(rename = "verdict")]
    pub standing: Standing,
    /// How much it counts, above 0 unless it is not scored.
    pub weight: f64,
    /// True if its failure alone makes the ecosystem NOT READY.
    pub gate: bool,
    /// How many further samples would decide it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples_needed: Option<u64>,
}

/// A service and what is asked of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoredService {
    /// Unique in its ecosystem.
    pub name: String,
    /// How much it counts among the services, above 0.
    pub weight: f64,
    /// What is asked of it, in the order it is shown.
    pub objectives: Vec<Objective>,
}

/// Which scores are good enough, in points of 100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EgrsLimits {
    /// READY needs at least this for the ecosystem, at worst.
    pub ready: f64,
    /// READY needs at least this for every service, at worst; an ecosystem that cannot reach it is NOT READY.
    pub conditional: f64,
}

impl Default for EgrsLimits {
    fn default() -> Self {
        Self { ready: 90.0, conditional: 75.0 }
    }
}

/// What a score can be at worst and at best, in points of 100.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// If all that is undecided fails.
    pub low: f64,
    /// If all that is undecided passes.
    pub high: f64,
}

/// Why a grade is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GradeReason {
    /// READY.
    Ok,
    /// NOT READY: there is nothing to score, or a weight is not above 0.
    Config,
    /// NOT READY: a gate failed.
    Gate,
    /// NOT READY: even at best the score is too low.
    Score,
    /// CONDITIONAL: a gate is undecided, or the score is too low at worst.
    UndecidedOrLow,
}

/// An objective that is not decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndecidedObjective {
    /// Service and objective, `a6/p95`.
    pub objective: String,
    /// How many further samples would decide it, if that is known.
    pub samples_needed: Option<u64>,
}

/// The score of an ecosystem and what it is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Egrs {
    /// The word.
    pub grade: Grade,
    /// Why.
    pub reason: GradeReason,
    /// The ecosystem's score; 0 where the weights of services make no mean.
    #[serde(flatten)]
    pub score: Score,
    /// The score of each service, in the order given; 0 for one without a scored objective. Empty where the weights of
    /// services make no mean.
    pub services: Vec<Score>,
    /// The gates that failed, as `service/objective`.
    pub failed_gates: Vec<String>,
    /// What is undecided, whether it is a gate or not.
    pub undecided: Vec<UndecidedObjective>,
}

/// Scores an ecosystem.
///
/// NOT READY iff the configuration cannot be scored, a gate is FAIL, or the score at best is below
/// `limits.conditional`; the first of these is the reason. READY iff all gates are PASS or WARN, the score at worst is
/// at least `limits.ready` and that of every service at least `limits.conditional`. Else CONDITIONAL.
#[must_use]
pub fn egrs(services: &[ScoredService], limits: EgrsLimits) -> Egrs {
    let by_service: Vec<Option<Score>> = services.iter().map(service_score).collect();
    let scorable = !services.is_empty() && services.iter().all(|service| is_weight(service.weight));
    let scores: Vec<Score> = by_service.iter().map(|score| score.unwrap_or_default()).collect();
    let score = if scorable { mean(services, &scores) } else { Score::default() };
    let failed_gates = named(services, |objective| objective.gate && objective.standing == Standing::Fail);
    let open_gate =
        |objective: &Objective| objective.gate && !matches!(objective.standing, Standing::Pass | Standing::Warn);
    let all_shown = !services.iter().flat_map(|service| &service.objectives).any(open_gate);
    let good = at_least(score.low, limits.ready) && scores.iter().all(|score| at_least(score.low, limits.conditional));
    let (grade, reason) = match () {
        () if !scorable || by_service.contains(&None) => (Grade::NotReady, GradeReason::Config),
        () if !failed_gates.is_empty() => (Grade::NotReady, GradeReason::Gate),
        () if !at_least(score.high, limits.conditional) => (Grade::NotReady, GradeReason::Score),
        () if all_shown && good => (Grade::Ready, GradeReason::Ok),
        () => (Grade::Conditional, GradeReason::UndecidedOrLow),
    };
    let by_service = if scorable { scores } else { Vec::new() };
    Egrs { grade, reason, score, services: by_service, failed_gates, undecided: undecided(services) }
}

/// The score of a service; `None` without a scored objective, or where a weight is not above 0.
fn service_score(service: &ScoredService) -> Option<Score> {
    let scored: Vec<_> = service.objectives.iter().filter(|objective| objective.standing != Standing::Info).collect();
    if scored.is_empty() || !scored.iter().all(|objective| is_weight(objective.weight)) {
        return None;
    }
    let (mut low, mut high, mut all) = (0.0, 0.0, 0.0);
    for Objective { standing, weight, .. } in scored {
        let (at_worst, at_best) = match standing {
            Standing::Pass => (1.0, 1.0),
            Standing::Warn => (0.5, 0.5),
            Standing::Inconclusive => (0.0, 1.0),
            Standing::Fail | Standing::Info => (0.0, 0.0),
        };
        low += at_worst * weight;
        high += at_best * weight;
        all += weight;
    }
    Some(Score { low: 100.0 * low / all, high: 100.0 * high / all })
}

/// The mean of the services' scores by their weights.
fn mean(services: &[ScoredService], scores: &[Score]) -> Score {
    let all: f64 = services.iter().map(|service| service.weight).sum();
    let of = |side: fn(&Score) -> f64| {
        services.iter().zip(scores).map(|(service, score)| service.weight * side(score)).sum::<f64>() / all
    };
    Score { low: of(|score| score.low), high: of(|score| score.high) }
}

fn is_weight(weight: f64) -> bool {
    weight > 0.0 && weight.is_finite()
}

fn at_least(score: f64, limit: f64) -> bool {
    score >= limit - TIE
}

fn named(services: &[ScoredService], wanted: impl Fn(&Objective) -> bool) -> Vec<String> {
    let all = services.iter().flat_map(|service| service.objectives.iter().map(move |objective| (service, objective)));
    all.filter(|(_, objective)| wanted(objective)).map(|(service, objective)| path(service, objective)).collect()
}

fn undecided(services: &[ScoredService]) -> Vec<UndecidedObjective> {
    let of = |service: &ScoredService| -> Vec<UndecidedObjective> {
        let open = service.objectives.iter().filter(|objective| objective.standing == Standing::Inconclusive);
        open.map(|objective| UndecidedObjective {
            objective: path(service, objective),
            samples_needed: objective.samples_needed,
        })
        .collect()
    };
    services.iter().flat_map(of).collect()
}

fn path(service: &ScoredService, objective: &Objective) -> String {
    format!("{}/{}", service.name, objective.name)
}

#[cfg(test)]
mod tests;
