//! Who starts iterations, and when. Names and meaning are k6's.

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
}

fn one_second_ms() -> u64 {
    1_000
}

pub(crate) fn whole_ms(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl Executor {
    /// k6's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::ConstantVus { .. } => "constant-vus",
            Self::ConstantArrivalRate { .. } => "constant-arrival-rate",
        }
    }

    /// How long iterations are started, without warm-up.
    #[must_use]
    pub fn duration(&self) -> Duration {
        match self {
            Self::ConstantVus { duration_ms, .. } | Self::ConstantArrivalRate { duration_ms, .. } => {
                Duration::from_millis(*duration_ms)
            }
        }
    }

    /// The most virtual users at once.
    #[must_use]
    pub fn max_vus(&self) -> u32 {
        match self {
            Self::ConstantVus { vus, .. } => *vus,
            Self::ConstantArrivalRate { max_vus, .. } => *max_vus,
        }
    }

    /// True if every iteration has an intended start of its own, so that its latency can be judged.
    #[must_use]
    pub fn is_open_model(&self) -> bool {
        !matches!(self, Self::ConstantVus { iteration_interval_ms: None, .. })
    }

    /// Iterations a second that are intended; `None` where the answers decide.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "intervals are far below 2^53 ms")]
    pub fn rate_per_s(&self) -> Option<f64> {
        match self {
            Self::ConstantVus { vus, iteration_interval_ms, .. } => {
                iteration_interval_ms.map(|interval| f64::from(*vus) * 1_000.0 / interval.max(1) as f64)
            }
            Self::ConstantArrivalRate { rate, time_unit_ms, .. } => {
                Some(f64::from(*rate) * 1_000.0 / (*time_unit_ms).max(1) as f64)
            }
        }
    }

    /// What is wrong with it, every problem in one go; empty if nothing is.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut positive = |name: &str, value: u64| {
            if value == 0 {
                problems.push(format!("`{name}` is 0; it must be at least 1"));
            }
        };
        match self {
            Self::ConstantVus { vus, duration_ms, iteration_interval_ms } => {
                positive("vus", u64::from(*vus));
                positive("duration_ms", *duration_ms);
                positive("iteration_interval_ms", iteration_interval_ms.unwrap_or(1));
            }
            Self::ConstantArrivalRate { rate, time_unit_ms, duration_ms, pre_allocated_vus, max_vus } => {
                positive("rate", u64::from(*rate));
                positive("time_unit_ms", *time_unit_ms);
                positive("duration_ms", *duration_ms);
                positive("max_vus", u64::from(*max_vus));
                if pre_allocated_vus > max_vus {
                    problems
                        .push(format!("`pre_allocated_vus` ({pre_allocated_vus}) is more than `max_vus` ({max_vus})"));
                }
            }
        }
        problems
    }
}
