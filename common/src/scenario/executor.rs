//! Who starts iterations, and when. Names and meaning are k6's.

mod problems;

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Starts iterations of a scenario.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Executor {
    /// A fixed number of virtual users.
    #[serde(rename_all = "snake_case")]
    ConstantVus {
        /// How many, at least 1.
        vus: u32,
        /// How long iterations are started, in milliseconds, without warm-up.
        duration_ms: u64,
        /// Each user starts an iteration this often, late ones as soon as it can; without it, users never pause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        iteration_interval_ms: Option<u64>,
    },
    /// A number of virtual users that rises and falls in straight lines.
    #[serde(rename_all = "snake_case")]
    RampingVus {
        /// How many there are at the start.
        #[serde(default)]
        start_vus: u32,
        /// One after the other; the target of each is a number of users.
        stages: Vec<Stage>,
        /// Each user starts an iteration this often, late ones as soon as it can; without it, users never pause.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        iteration_interval_ms: Option<u64>,
    },
    /// A number of iterations that users take from one pile.
    #[serde(rename_all = "snake_case")]
    SharedIterations {
        /// How many users, at least 1.
        vus: u32,
        /// How many iterations all together.
        iterations: u64,
        /// When iterations are no longer started, in milliseconds.
        max_duration_ms: u64,
    },
    /// A number of iterations for each user.
    #[serde(rename_all = "snake_case")]
    PerVuIterations {
        /// How many users, at least 1.
        vus: u32,
        /// How many iterations each of them does.
        iterations: u64,
        /// When iterations are no longer started, in milliseconds.
        max_duration_ms: u64,
    },
    /// Iterations start at a fixed rate, whatever the answers.
    #[serde(rename_all = "snake_case")]
    ConstantArrivalRate {
        /// Iterations per time unit, at least 1.
        rate: u32,
        /// The time unit in milliseconds.
        #[serde(default = "one_second_ms")]
        time_unit_ms: u64,
        /// How long iterations are started, in milliseconds, without warm-up.
        duration_ms: u64,
        /// Virtual users (and connections) that stand ready before the first iteration.
        pre_allocated_vus: u32,
        /// The most virtual users; arrivals that find none free wait with their intended start.
        max_vus: u32,
    },
    /// Iterations start at a rate that rises and falls in straight lines, whatever the answers.
    #[serde(rename_all = "snake_case")]
    RampingArrivalRate {
        /// Iterations per time unit at the start.
        #[serde(default)]
        start_rate: u32,
        /// The time unit in milliseconds.
        #[serde(default = "one_second_ms")]
        time_unit_ms: u64,
        /// One after the other; the target of each is a rate per time unit.
        stages: Vec<Stage>,
        /// Virtual users (and connections) that stand ready before the first iteration.
        pre_allocated_vus: u32,
        /// The most virtual users; arrivals that find none free wait with their intended start.
        max_vus: u32,
    },
}

/// A straight line from where the stage before it ended to its own target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// How long it takes, in milliseconds; 0 is a jump.
    pub duration_ms: u64,
    /// Users, or iterations per time unit, at its end.
    pub target: u32,
}

/// What a load does at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageTag {
    /// Users or the rate rise.
    RampUp,
    /// They stay the same; so do those of an executor without stages.
    #[default]
    Steady,
    /// They fall.
    RampDown,
}

impl StageTag {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RampUp, Self::Steady, Self::RampDown];

    fn between(from: u32, to: u32) -> Self {
        match from.cmp(&to) {
            std::cmp::Ordering::Less => Self::RampUp,
            std::cmp::Ordering::Equal => Self::Steady,
            std::cmp::Ordering::Greater => Self::RampDown,
        }
    }
}

impl std::fmt::Display for StageTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::RampUp => "ramp_up",
            Self::Steady => "steady",
            Self::RampDown => "ramp_down",
        })
    }
}

fn one_second_ms() -> u64 {
    1_000
}

pub(crate) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Stage {
    /// A stage of whole milliseconds.
    #[must_use]
    pub fn new(duration: Duration, target: u32) -> Self {
        Self { duration_ms: whole_ms(duration), target }
    }
}

impl Executor {
    /// k6's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConstantVus { .. } => "constant-vus",
            Self::RampingVus { .. } => "ramping-vus",
            Self::SharedIterations { .. } => "shared-iterations",
            Self::PerVuIterations { .. } => "per-vu-iterations",
            Self::ConstantArrivalRate { .. } => "constant-arrival-rate",
            Self::RampingArrivalRate { .. } => "ramping-arrival-rate",
        }
    }

    /// How long iterations are started at most, without warm-up.
    #[must_use]
    pub fn duration(&self) -> Duration {
        Duration::from_millis(match self {
            Self::ConstantVus { duration_ms, .. } | Self::ConstantArrivalRate { duration_ms, .. } => *duration_ms,
            Self::SharedIterations { max_duration_ms, .. } | Self::PerVuIterations { max_duration_ms, .. } => {
                *max_duration_ms
            }
            Self::RampingVus { stages, .. } | Self::RampingArrivalRate { stages, .. } => {
                stages.iter().map(|stage| stage.duration_ms).fold(0, u64::saturating_add)
            }
        })
    }

    /// The most virtual users at once.
    #[must_use]
    pub fn max_vus(&self) -> u32 {
        match self {
            Self::ConstantVus { vus, .. } | Self::SharedIterations { vus, .. } | Self::PerVuIterations { vus, .. } => {
                *vus
            }
            Self::RampingVus { start_vus, stages, .. } => {
                stages.iter().map(|stage| stage.target).fold(*start_vus, u32::max)
            }
            Self::ConstantArrivalRate { max_vus, .. } | Self::RampingArrivalRate { max_vus, .. } => *max_vus,
        }
    }

    /// True if every iteration has an intended start of its own, so that its latency can be judged.
    #[must_use]
    pub fn is_open_model(&self) -> bool {
        match self {
            Self::ConstantVus { iteration_interval_ms, .. } | Self::RampingVus { iteration_interval_ms, .. } => {
                iteration_interval_ms.is_some()
            }
            Self::SharedIterations { .. } | Self::PerVuIterations { .. } => false,
            Self::ConstantArrivalRate { .. } | Self::RampingArrivalRate { .. } => true,
        }
    }

    /// Iterations a second that are intended, at the busiest moment; `None` where the answers decide.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "intervals are far below 2^53 ms")]
    pub fn rate_per_s(&self) -> Option<f64> {
        let each = |count: u32, unit_ms: u64| f64::from(count) * 1_000.0 / unit_ms.max(1) as f64;
        match self {
            Self::ConstantVus { iteration_interval_ms, .. } | Self::RampingVus { iteration_interval_ms, .. } => {
                iteration_interval_ms.map(|interval| each(self.max_vus(), interval))
            }
            Self::SharedIterations { .. } | Self::PerVuIterations { .. } => None,
            Self::ConstantArrivalRate { rate, time_unit_ms, .. } => Some(each(*rate, *time_unit_ms)),
            Self::RampingArrivalRate { start_rate, time_unit_ms, stages, .. } => {
                let most = stages.iter().map(|stage| stage.target).fold(*start_rate, u32::max);
                Some(each(most, *time_unit_ms))
            }
        }
    }

    /// The stages and the value before them, for executors that have any.
    fn ramp(&self) -> Option<(u32, &[Stage])> {
        match self {
            Self::RampingVus { start_vus: start, stages, .. }
            | Self::RampingArrivalRate { start_rate: start, stages, .. } => Some((*start, stages)),
            Self::ConstantVus { .. }
            | Self::SharedIterations { .. }
            | Self::PerVuIterations { .. }
            | Self::ConstantArrivalRate { .. } => None,
        }
    }

    /// True if users or the rate rise and fall, so that figures are kept for each kind of stage.
    #[must_use]
    pub fn has_stages(&self) -> bool {
        self.ramp().is_some()
    }

    /// The kinds of its stages, as [`Executor::stage_at`] may give them.
    #[must_use]
    pub fn stage_tags(&self) -> BTreeSet<StageTag> {
        let Some((mut value, stages)) = self.ramp() else { return BTreeSet::from([StageTag::Steady]) };
        let mut tags = BTreeSet::new();
        for stage in stages {
            if stage.duration_ms > 0 {
                tags.insert(StageTag::between(value, stage.target));
            }
            value = stage.target;
        }
        tags
    }

    /// What the load does at `offset` from the end of the warm-up: the kind of the stage that this falls in. After the
    /// last stage it is that of the last one; without stages a load is steady.
    #[must_use]
    pub fn stage_at(&self, offset: Duration) -> StageTag {
        let (mut value, stages) = self.ramp().unwrap_or((0, &[]));
        let (mut end, mut tag) = (Duration::ZERO, StageTag::Steady);
        for stage in stages.iter() {
            if stage.duration_ms > 0 {
                tag = StageTag::between(value, stage.target);
            }
            end = end.saturating_add(Duration::from_millis(stage.duration_ms));
            value = stage.target;
            if offset < end {
                break;
            }
        }
        tag
    }

    /// What is wrong with it, every problem in one go; empty if nothing is.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        problems::of(self)
    }
}

#[cfg(test)]
mod tests;
