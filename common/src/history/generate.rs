//! What clients will do, and when the app is killed meanwhile: all of it drawn from a seed.

use std::fmt;
use std::str::FromStr;

use rand::rngs::StdRng;
use rand::{Rng, RngExt as _, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::ids::{AppId, TraceId};

/// What disturbs the clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Nothing.
    None,
    /// The app is killed by SIGKILL in the middle of operations, and started again on its data.
    Kill,
    /// Requests arrive twice, at once and again later.
    Duplicate,
    /// Answers take longer than clients wait.
    Delay,
    /// The app does what was asked, and the client gets a 503.
    #[serde(rename = "commit_then_503")]
    CommitThen503,
    /// The app is killed, requests arrive twice and acknowledgements are lost, all in one history.
    Together,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::None, Self::Kill, Self::Duplicate, Self::Delay, Self::CommitThen503, Self::Together];

    /// The name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Kill => "kill",
            Self::Duplicate => "duplicate",
            Self::Delay => "delay",
            Self::CommitThen503 => "commit_then_503",
            Self::Together => "together",
        }
    }

    /// True if the app is killed.
    #[must_use]
    pub fn kills(self) -> bool {
        matches!(self, Self::Kill | Self::Together)
    }

    /// True if requests arrive twice.
    #[must_use]
    pub fn duplicates(self) -> bool {
        matches!(self, Self::Duplicate | Self::Together)
    }

    /// True if what was done is answered as if it had failed.
    #[must_use]
    pub fn loses_answers(self) -> bool {
        matches!(self, Self::CommitThen503 | Self::Together)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Fault {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|fault| fault.as_str() == text);
        known.ok_or_else(|| format!("`{text}` is none of {}", Self::ALL.map(Self::as_str).join(", ")))
    }
}

/// What is to be done to one app.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Who is asked.
    pub app: AppId,
    /// What disturbs it.
    pub fault: Fault,
    /// How many intents.
    pub intents: u32,
    /// How many clients.
    pub processes: u32,
    /// How often the app is killed, if the fault kills.
    pub kills: u32,
    /// The kinds of intents and their weights.
    pub kinds: Vec<(&'static str, u32)>,
}

/// One intent to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its number, from 0.
    pub number: u32,
    /// The client that has it.
    pub process: u32,
    /// Its kind.
    pub kind: &'static str,
    /// Its key.
    pub key: String,
    /// Its trace.
    pub trace_id: TraceId,
    /// What its argument is made from.
    pub draw: u64,
    /// How many requests leave at once, at least 1.
    pub copies: u32,
    /// True if it is sent once more after everything else.
    pub again: bool,
    /// True if the client does not ask again after an unknown outcome.
    pub gives_up: bool,
}

/// A crash to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kill {
    /// After so many requests were sent in all.
    pub after_requests: u64,
    /// So many microseconds later, 0 to 20,000.
    pub pause_us: u64,
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The intents in order of their numbers.
    pub steps: Vec<Step>,
    /// The crashes in order.
    pub kills: Vec<Kill>,
}

/// Draws a plan: the same seed and workload give the same one.
#[must_use]
pub fn plan(seed: u64, workload: &Workload) -> Plan {
    // Each app and fault has draws of its own, so that one alone repeats what it did among all.
    let salt = u64::from(workload.app.number()) << 8 | workload.fault as u64;
    let mut rng = StdRng::seed_from_u64(seed ^ salt.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let steps = (0..workload.intents).map(|number| step(&mut rng, workload, number)).collect();
    let kills = if workload.fault.kills() { kills(&mut rng, workload) } else { Vec::new() };
    Plan { steps, kills }
}

fn step(rng: &mut StdRng, workload: &Workload, number: u32) -> Step {
    let kind = kind(rng, &workload.kinds);
    let duplicates = workload.fault.duplicates();
    // All draws are made whatever the fault, so that plans of different faults differ in their faults alone.
    let (copies, again, gives_up) = (rng.random_range(2..=3), rng.random_bool(0.5), rng.random_bool(0.15));
    Step {
        number,
        process: number % workload.processes.max(1),
        kind,
        key: format!("effect-{:016x}", rng.next_u64()),
        trace_id: TraceId::from_u128(u128::from(rng.next_u64()) << 64 | u128::from(rng.next_u64())),
        draw: rng.next_u64(),
        copies: if duplicates { copies } else { 1 },
        again: duplicates && again,
        gives_up: gives_up && !matches!(workload.fault, Fault::None | Fault::Duplicate),
    }
}

fn kind(rng: &mut StdRng, kinds: &[(&'static str, u32)]) -> &'static str {
    let all: u32 = kinds.iter().map(|(_, weight)| weight).sum();
    let mut left = rng.random_range(0..all.max(1));
    for (kind, weight) in kinds {
        if left < *weight {
            return kind;
        }
        left -= weight;
    }
    kinds.first().map_or("", |(kind, _)| kind)
}

/// Crashes spread over the requests: one in each of as many equal parts, so that all of them come about.
fn kills(rng: &mut StdRng, workload: &Workload) -> Vec<Kill> {
    let part = (u64::from(workload.intents) / u64::from(workload.kills.max(1))).max(1);
    let within = |rng: &mut StdRng, kill: u32| Kill {
        after_requests: (u64::from(kill) * part + rng.random_range(0..part)).max(1),
        pause_us: rng.random_range(0..=20_000),
    };
    (0..workload.kills).map(|kill| within(rng, kill)).collect()
}
