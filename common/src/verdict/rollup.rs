//! From many rulings to one word.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Outcome, Ruling, Verdict, scored};
use crate::ids::AppId;
use crate::slo::{self, Egrs, EgrsLimits, Grade, ScoredService, egrs};

/// Counts of verdicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// PASS.
    pub pass: u32,
    /// FAIL that decides.
    pub fail: u32,
    /// INCONCLUSIVE.
    pub inconclusive: u32,
    /// HELD.
    pub held: u32,
    /// SKIPPED.
    pub skipped: u32,
    /// FAIL of known issues and of claims that do not decide.
    pub known: u32,
}

/// The roll-up of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollup {
    /// The word.
    pub grade: Grade,
    /// How the process ends.
    pub outcome: Outcome,
    /// All verdicts.
    pub tally: Tally,
    /// The word on each app with its own counts.
    pub apps: BTreeMap<AppId, (Grade, Tally)>,
    /// What failed, by claim id.
    pub failed: Vec<String>,
    /// What is undecided, held or skipped, by claim id.
    pub undecided: Vec<String>,
    /// Known issues that showed again.
    pub known_issues: Vec<String>,
    /// The score of the ecosystem as an interval.
    pub egrs: Egrs,
    /// The scored apps, in the order of the score's.
    pub services: Vec<ScoredService>,
    /// How many claims that decide were judged together, each with a chance to look like a failure.
    pub judged_together: u64,
}

/// Rolls rulings up, by the rules of [`egrs`]: NOT READY if a claim that decides failed, nothing was ruled, or the score
/// cannot reach its least; READY if all that decide passed, the score is high enough at worst and no known issue showed;
/// else CONDITIONAL.
#[must_use]
pub fn roll_up(rulings: &[Ruling]) -> Rollup {
    let services = scored(rulings);
    let egrs = egrs(&services, EgrsLimits::default());
    let tally = tally(rulings.iter());
    let grade = word(&egrs, tally, rulings.iter());
    let apps = AppId::ALL.into_iter().filter_map(|app| {
        let service = services.iter().find(|service| service.name == app.lower())?;
        let rulings = || rulings.iter().filter(move |ruling| ruling.claim.app == app);
        let tally = self::tally(rulings());
        let own = slo::egrs(std::slice::from_ref(service), EgrsLimits::default());
        Some((app, (word(&own, tally, rulings()), tally)))
    });
    let failed: Vec<_> = rulings.iter().filter(|r| r.claim.gate && r.verdict.is_fail()).collect();
    let outcome = match grade {
        Grade::Ready => Outcome::Ready,
        Grade::Conditional => Outcome::Conditional,
        Grade::NotReady if rulings.is_empty() => Outcome::NothingRan,
        Grade::NotReady if failed.iter().any(|ruling| ruling.claim.kind != "slo") => Outcome::CheckFailed,
        Grade::NotReady => Outcome::SloBreached,
    };
    let ids = |wanted: &dyn Fn(&Ruling) -> bool| -> Vec<String> {
        rulings.iter().filter(|ruling| wanted(ruling)).map(|ruling| ruling.claim.id.clone()).collect()
    };
    let mut known_issues: Vec<_> = rulings
        .iter()
        .filter(|ruling| !ruling.claim.gate && ruling.verdict.is_fail())
        .filter_map(|ruling| ruling.claim.known_issue.clone())
        .collect();
    known_issues.sort();
    known_issues.dedup();
    Rollup {
        grade,
        outcome,
        tally,
        apps: apps.collect(),
        failed: failed.iter().map(|ruling| ruling.claim.id.clone()).collect(),
        undecided: ids(&|ruling| ruling.claim.gate && !ruling.verdict.is_pass() && !ruling.verdict.is_fail()),
        known_issues,
        egrs,
        services,
        judged_together: rulings.iter().filter(|ruling| ruling.gate_p().is_some()).count() as u64,
    }
}

/// The grade of a score. A known issue keeps it from being READY, and claims that do not decide make nothing ready.
fn word<'a>(egrs: &Egrs, tally: Tally, mut rulings: impl Iterator<Item = &'a Ruling>) -> Grade {
    match egrs.grade {
        Grade::Ready if !rulings.any(|ruling| ruling.claim.gate) => Grade::NotReady,
        Grade::Ready if tally.known > 0 => Grade::Conditional,
        grade => grade,
    }
}

fn tally<'a>(rulings: impl Iterator<Item = &'a Ruling>) -> Tally {
    let mut tally = Tally::default();
    for ruling in rulings {
        match ruling.verdict {
            Verdict::Pass { .. } => tally.pass += 1,
            Verdict::Fail { .. } if ruling.claim.gate => tally.fail += 1,
            Verdict::Fail { .. } => tally.known += 1,
            Verdict::Inconclusive { .. } => tally.inconclusive += 1,
            Verdict::Held { .. } => tally.held += 1,
            Verdict::Skipped { .. } => tally.skipped += 1,
        }
    }
    tally
}
