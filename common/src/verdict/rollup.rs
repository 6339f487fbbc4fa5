//! From many rulings to one word.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Outcome, Ruling, Verdict};
use crate::ids::AppId;
use crate::slo::Grade;

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
}

/// Rolls rulings up. NOT READY if one that decides failed or there are none; READY if all that decide passed and no
/// known issue showed; else CONDITIONAL.
#[must_use]
pub fn roll_up(rulings: &[Ruling]) -> Rollup {
    let (grade, tally) = grade_of(rulings.iter());
    let apps = AppId::ALL.into_iter().filter_map(|app| {
        let own: Vec<_> = rulings.iter().filter(|ruling| ruling.claim.app == app).collect();
        (!own.is_empty()).then(|| (app, grade_of(own.into_iter())))
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
    }
}

fn grade_of<'a>(rulings: impl Iterator<Item = &'a Ruling>) -> (Grade, Tally) {
    let mut tally = Tally::default();
    let mut undecided = false;
    let mut passed = false;
    for ruling in rulings {
        let gate = ruling.claim.gate;
        match ruling.verdict {
            Verdict::Pass { .. } => {
                tally.pass += 1;
                passed |= gate;
            }
            Verdict::Fail { .. } if gate => tally.fail += 1,
            Verdict::Fail { .. } => {
                tally.known += 1;
                undecided = true;
            }
            Verdict::Inconclusive { .. } => {
                tally.inconclusive += 1;
                undecided |= gate;
            }
            Verdict::Held { .. } => {
                tally.held += 1;
                undecided |= gate;
            }
            Verdict::Skipped { .. } => {
                tally.skipped += 1;
                undecided |= gate;
            }
        }
    }
    let grade = match () {
        () if tally.fail > 0 => Grade::NotReady,
        () if undecided => Grade::Conditional,
        () if passed => Grade::Ready,
        () => Grade::NotReady,
    };
    (grade, tally)
}
