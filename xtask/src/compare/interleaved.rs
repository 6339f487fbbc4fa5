//! Two targets that are both up, measured in one session: short blocks of the same load take turns, old new new old, so
//! that what disturbs one side disturbs the other (the duet of Bulej et al. 2020).

mod block;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use common::client::Client;
use common::guard::Guard;
use common::ids::{AppId, RunId};
use common::load::{self, LoadError, LoadOptions, LoadReport};
use common::scenario::{Executor, Record, Scenario};
use common::target::Environment;
use tokio_util::sync::CancellationToken;

use super::side::{Side, SideHead};
use crate::cli::Profile;
use crate::history::Conditions;
use crate::run::{Plan, Selection, groups, records};
use block::{Gathered, fault};

/// No block is longer.
const LONGEST_BLOCK: Duration = Duration::from_secs(30);
/// A side has at least so many blocks; an even number lets each side begin as often as the other.
const FEWEST_BLOCKS: u32 = 4;
/// Nothing in this time before a block counts.
const WARM_UP: Duration = Duration::from_millis(500);

const SIDES: [&str; 2] = ["before", "after"];

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
struct Workload {
    scenario: Scenario,
    records: Vec<Record>,
}

/// How long each side is loaded at a time, and how often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Blocks {
    length: Duration,
    /// Of each side.
    each: u32,
    /// Before each block; nothing in it counts.
    warm_up: Duration,
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
        Self { length, each, warm_up: WARM_UP }
    }

    /// Which side is next, 0 before and 1 after: `0 1 1 0 0 1 1 0`.
    fn turns(self) -> impl Iterator<Item = usize> {
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
    let mut before = side(&lanes[0], session, before);
    before.notes.splice(..0, notes);
    let after = side(&lanes[1], session, after);
    Ok(Some([asked(&lanes[0], session, before).await, asked(&lanes[1], session, after).await]))
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
///
/// A block in which the generator blames itself says nothing about either side, so it is made again, as often as a side
/// has blocks. What goes wrong after that stays in and speaks against a verdict.
async fn take_turns(
    lanes: &[Lane; 2],
    workloads: &[Workload],
    blocks: Blocks,
    stop: &CancellationToken,
    gathered: &mut [Gathered; 2],
    tell: &dyn Fn(&str),
) -> bool {
    let guards = lanes.each_ref().map(|lane| Guard::new(lane.environment.clone()));
    let mut again = blocks.each;
    for (number, side) in blocks.turns().enumerate() {
        let name = format!("block {} of {}: {} ({})", number + 1, blocks.each * 2, SIDES[side], lanes[side].label);
        loop {
            let reports = block(&guards[side], workloads, blocks, stop).await;
            if stop.is_cancelled() {
                return false;
            }
            if again > 0 && reports.iter().flatten().any(|report| fault(report).is_some()) {
                again -= 1;
                tell(&format!("  {name} again: the generator could not keep up"));
                continue;
            }
            for (workload, report) in workloads.iter().zip(reports) {
                gathered[side].take(&workload.scenario, report);
            }
            break;
        }
        tell(&format!("  {name}"));
    }
    true
}

/// One block of one side.
async fn block(
    guard: &Guard,
    workloads: &[Workload],
    blocks: Blocks,
    stop: &CancellationToken,
) -> Vec<Result<LoadReport, LoadError>> {
    let loads = workloads.iter().map(|workload| {
        let options = LoadOptions {
            warm_up: blocks.warm_up,
            records: workload.records.clone(),
            stop: stop.child_token(),
            ..LoadOptions::default()
        };
        load::run(&workload.scenario, guard, options)
    });
    futures_util::future::join_all(loads).await
}

fn side(lane: &Lane, session: &Session, gathered: Gathered) -> Side {
    let (endpoints, failed) = gathered.settled();
    let began = endpoints.iter().filter_map(|measured| Some(measured.spans.first()?.started_at.clone())).min();
    let conditions = Conditions {
        // Both sides are different targets on purpose: what they share is the session.
        target: "two targets".to_owned(),
        profile: session.profile.as_str().to_owned(),
        command: "compare".to_owned(),
        defects: Vec::new(),
    };
    let head = SideHead {
        label: lane.label.clone(),
        run: format!("{}@{}", lane.label, session.id),
        started_at: began.unwrap_or_else(|| "never".to_owned()),
        conditions,
        releases: BTreeMap::new(),
    };
    let notes = failed.into_iter().map(|why| format!("{}: {why}", lane.label)).collect();
    Side { head, endpoints, notes, keep_samples: true }
}

/// The side with what each app says it is; an app that does not answer says nothing.
async fn asked(lane: &Lane, session: &Session, mut side: Side) -> Side {
    let Ok(client) = Client::new(Arc::new(Guard::new(lane.environment.clone()))) else { return side };
    for app in &session.apps {
        let Ok(reply) = client.get(*app, "/health").send().await else { continue };
        let health = reply.json().ok();
        let release = health.as_ref().and_then(|health| health.get("release")?.as_str().map(str::to_owned));
        side.head.releases.extend(release.map(|release| (*app, release)));
    }
    side
}
