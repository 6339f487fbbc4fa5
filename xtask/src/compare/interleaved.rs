//! Two targets that are both up, measured in one session: short blocks of the same load take turns, old new new old, so
//! that what disturbs one side disturbs the other (the duet of Bulej et al. 2020).

mod block;

use std::path::PathBuf;
use std::time::Duration;

use common::clock;
use common::guard::Guard;
use common::ids::{AppId, RunId};
use common::load::{self, LoadOptions};
use common::scenario::{Executor, Record, Scenario};
use common::target::Environment;
use tokio_util::sync::CancellationToken;

use super::side::{Side, SideHead};
use crate::cli::Profile;
use crate::history::Conditions;
use crate::run::{Plan, Selection, groups, records};
use block::Gathered;

/// No block is longer.
const LONGEST_BLOCK: Duration = Duration::from_secs(30);
/// A side has at least so many blocks; an even number lets each side begin as often as the other.
const FEWEST_BLOCKS: u32 = 4;
/// Nothing in this time of a block counts.
const WARM_UP: Duration = Duration::from_millis(500);

/// One of the two targets.
pub(crate) struct Lane {
    pub(crate) environment: Environment,
    /// As it was asked for.
    pub(crate) label: String,
    /// True if the committed records may feed it.
    pub(crate) embedded: bool,
}

/// What is measured in turns.
pub(crate) struct Session {
    pub(crate) id: RunId,
    pub(crate) profile: Profile,
    pub(crate) apps: Vec<AppId>,
    /// Where the files of feeders lie.
    pub(crate) data: PathBuf,
    pub(crate) stop: CancellationToken,
}

/// A workload, cut to the length of a block.
pub(super) struct Workload {
    pub(super) scenario: Scenario,
    pub(super) records: Vec<Record>,
}

/// How long each side is loaded at a time, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Blocks {
    pub(super) length: Duration,
    /// Of each side.
    pub(super) each: u32,
}

impl Blocks {
    /// Blocks that together are as long as a baseline of the profile.
    fn of(profile: Profile) -> Self {
        let whole = profile.baseline();
        let length = LONGEST_BLOCK.min(whole / FEWEST_BLOCKS);
        let mut each = FEWEST_BLOCKS;
        while length * each < whole {
            each += 2;
        }
        Self { length, each }
    }

    /// Which side is next, 0 before and 1 after: `0 1 1 0 0 1 1 0`.
    pub(super) fn turns(self) -> impl Iterator<Item = usize> {
        (0..self.each).flat_map(|pair| if pair % 2 == 0 { [0, 1] } else { [1, 0] })
    }
}

/// Measures both sides in turns, `None` if somebody asked to stop. `tell` hears what goes on.
///
/// # Errors
/// When records cannot be read.
pub(crate) async fn interleave(
    lanes: &[Lane; 2],
    session: &Session,
    tell: &dyn Fn(&str),
) -> Result<Option<[Side; 2]>, String> {
    let most = lanes.iter().map(|lane| lane.environment.limits().vus_without_approval).min().unwrap_or(0);
    let blocks = Blocks::of(session.profile);
    let (scenarios, mut notes) = workloads(session, blocks);
    let mut gathered = [Gathered::default(), Gathered::default()];
    let groups = groups(scenarios, most);
    for (number, group) in groups.iter().enumerate() {
        let names = group.iter().map(|scenario| scenario.id.as_str()).collect::<Vec<_>>().join(", ");
        tell(&format!("group {} of {}: {names}", number + 1, groups.len()));
        let fed = group.iter().map(|scenario| {
            let embedded = lanes.iter().all(|lane| lane.embedded);
            Ok(Workload { scenario: scenario.clone(), records: records(&session.data, embedded, scenario)? })
        });
        let group = fed.collect::<Result<Vec<_>, String>>()?;
        if !take_turns(lanes, &group, blocks, &session.stop, &mut gathered, tell).await {
            return Ok(None);
        }
    }
    notes.push(format!("{} blocks of {:.1} s each side, in turns", blocks.each, blocks.length.as_secs_f64()));
    let [before, after] = gathered;
    let before = side(&lanes[0], session, before, notes);
    let after = side(&lanes[1], session, after, Vec::new());
    Ok(Some([before, after]))
}

/// The baseline workloads of the apps, each cut to a block; and those that cannot be cut, by name.
fn workloads(session: &Session, blocks: Blocks) -> (Vec<Scenario>, Vec<String>) {
    let plan = Plan::new("compare", "compare", session.profile, Selection::default());
    let suites = plan.suites().into_iter().filter(|suite| session.apps.contains(&suite.app()));
    let (mut cut, mut notes) = (Vec::new(), Vec::new());
    for scenario in suites.flat_map(|suite| plan.scenarios(&suite)) {
        match shortened(&scenario, blocks.length) {
            Some(short) => cut.push(short),
            None => notes.push(format!("{} is not compared: its load is not even", scenario.id)),
        }
    }
    (cut, notes)
}

/// The same load for as long as a block; `None` for one that changes over time.
fn shortened(scenario: &Scenario, length: Duration) -> Option<Scenario> {
    let length_ms = u64::try_from(length.as_millis()).ok()?;
    let mut short = scenario.clone();
    match &mut short.executor {
        Executor::ConstantVus { duration_ms, .. } | Executor::ConstantArrivalRate { duration_ms, .. } => {
            *duration_ms = length_ms;
        }
        _ => return None,
    }
    Some(short)
}

/// Loads one side after the other with all workloads side by side; false if somebody asked to stop.
pub(super) async fn take_turns(
    lanes: &[Lane; 2],
    workloads: &[Workload],
    blocks: Blocks,
    stop: &CancellationToken,
    gathered: &mut [Gathered; 2],
    tell: &dyn Fn(&str),
) -> bool {
    let guards = lanes.each_ref().map(|lane| Guard::new(lane.environment.clone()));
    for (number, side) in blocks.turns().enumerate() {
        let loads = workloads.iter().map(|workload| {
            let options = LoadOptions {
                warm_up: WARM_UP,
                records: workload.records.clone(),
                stop: stop.child_token(),
                ..LoadOptions::default()
            };
            load::run(&workload.scenario, &guards[side], options)
        });
        let reports = futures_util::future::join_all(loads).await;
        if stop.is_cancelled() {
            return false;
        }
        for (workload, report) in workloads.iter().zip(reports) {
            gathered[side].take(&workload.scenario, report);
        }
        let name = ["before", "after"][side];
        tell(&format!("  block {} of {}: {name} ({})", number + 1, blocks.each * 2, lanes[side].label));
    }
    true
}

fn side(lane: &Lane, session: &Session, gathered: Gathered, mut notes: Vec<String>) -> Side {
    let (endpoints, failed) = gathered.settled();
    notes.extend(failed.into_iter().map(|why| format!("{}: {why}", lane.label)));
    let conditions = Conditions {
        // Both sides are different targets on purpose: what they share is the session.
        target: "two targets".to_owned(),
        profile: session.profile.as_str().to_owned(),
        command: "compare".to_owned(),
    };
    let head = SideHead {
        label: lane.label.clone(),
        run: format!("{}@{}", lane.label, session.id),
        started_at: clock::rfc3339(clock::unix_ms()),
        conditions,
        releases: std::collections::BTreeMap::new(),
    };
    Side { head, endpoints, notes, keep_samples: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_side_begins_as_often_as_the_other() {
        for profile in [Profile::Quick, Profile::Standard, Profile::Full] {
            let blocks = Blocks::of(profile);
            let turns: Vec<_> = blocks.turns().collect();
            assert_eq!(turns.iter().filter(|side| **side == 0).count(), turns.len() / 2, "{profile:?}");
            let begins = turns.chunks(2).filter(|pair| pair[0] == 0).count();
            assert_eq!(begins * 4, turns.len(), "{profile:?}: {blocks:?}");
        }
        assert_eq!(Blocks { length: LONGEST_BLOCK, each: 4 }.turns().collect::<Vec<_>>(), [0, 1, 1, 0, 0, 1, 1, 0]);
    }

    #[test]
    fn a_full_session_has_the_blocks_of_the_method_and_is_as_long_as_a_baseline() {
        let blocks = Blocks::of(Profile::Full);
        assert_eq!((blocks.length, blocks.each), (Duration::from_secs(30), 30));
        let quick = Blocks::of(Profile::Quick);
        assert!(quick.length * quick.each >= Profile::Quick.baseline(), "{quick:?}");
    }

    #[test]
    fn every_baseline_is_compared_or_named() {
        let session = Session {
            id: RunId::at(0),
            profile: Profile::Quick,
            apps: AppId::ALL.to_vec(),
            data: PathBuf::new(),
            stop: CancellationToken::new(),
        };
        let (cut, notes) = workloads(&session, Blocks::of(Profile::Quick));
        assert!(cut.iter().any(|scenario| scenario.id == "a6_register"), "{} are cut", cut.len());
        assert!(notes.is_empty(), "{notes:?}");
        let apps = AppId::ALL.into_iter().filter(|app| cut.iter().any(|scenario| scenario.app == *app));
        assert_eq!(apps.count(), 8);
    }
}
