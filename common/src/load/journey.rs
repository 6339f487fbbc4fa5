//! Whole journeys, request by request: the first ones and those that failed, up to a bound.

use serde::{Deserialize, Serialize};

use crate::ids::{AppId, TraceId};

/// Failed journeys that are kept beyond those.
const FAILED: usize = 20;
/// Requests that are kept of one journey.
const MAX_HOPS: usize = 64;

/// One iteration of a scenario with several requests. Values of cookies and of queries are not in here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Journey {
    /// The trace that all its requests share.
    pub trace_id: TraceId,
    /// The virtual user, from 0.
    pub vu: u32,
    /// The iteration, from 0.
    pub iteration: u64,
    /// When it was meant to start, wall clock.
    pub started_at_unix_ms: i64,
    /// From the intended start to the end of the last answer, in microseconds, pauses included.
    pub duration_us: u64,
    /// True if every step was gone through and gave the expected answer.
    pub ok: bool,
    /// Its requests, in order.
    pub hops: Vec<JourneyHop>,
}

/// One request of a journey: a step, or a redirect that a step followed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JourneyHop {
    /// The step it belongs to.
    pub step: String,
    /// The app that was asked.
    pub app: AppId,
    /// The contract's route, or method and path where a redirect led.
    pub route: String,
    /// The method.
    pub method: String,
    /// The address without the query.
    pub url: String,
    /// The span of the request, 16 hex digits.
    pub span_id: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// From the journey's intended start to the sending, in microseconds.
    pub offset_us: u64,
    /// From the sending to the last byte, in microseconds.
    pub duration_us: u64,
    /// Where the answer redirects, without the values of the query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirects_to: Option<String>,
    /// Cookies that the answer sets: names and attributes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookies: Vec<String>,
    /// What was wrong, if something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The journeys that are kept.
#[derive(Debug)]
pub(crate) struct JourneyLog {
    /// How many are kept whatever became of them.
    most: usize,
    first: Vec<Journey>,
    failed: Vec<Journey>,
}

impl JourneyLog {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, first: Vec::new(), failed: Vec::new() }
    }

    /// True if a journey that ended so would be kept.
    pub(crate) fn wants(&self, ok: bool) -> bool {
        self.first.len() < self.most || (!ok && self.failed.len() < FAILED)
    }

    /// Keeps a journey as far as there is room.
    pub(crate) fn push(&mut self, mut journey: Journey) {
        journey.hops.truncate(MAX_HOPS);
        if self.first.len() < self.most {
            self.first.push(journey);
        } else if !journey.ok && self.failed.len() < FAILED {
            self.failed.push(journey);
        }
    }

    /// Adds the log of another thread.
    pub(crate) fn add(&mut self, other: Self) {
        let mut first = std::mem::take(&mut self.first);
        first.extend(other.first);
        first.sort_by_key(|journey| (journey.started_at_unix_ms, journey.iteration));
        let rest = first.split_off(first.len().min(self.most));
        self.first = first;
        self.failed.extend(other.failed);
        self.failed.extend(rest.into_iter().filter(|journey| !journey.ok));
        self.failed.sort_by_key(|journey| (journey.started_at_unix_ms, journey.iteration));
        self.failed.truncate(FAILED);
    }

    /// All that were kept, by their start.
    pub(crate) fn into_journeys(self) -> Vec<Journey> {
        let mut all = self.first;
        all.extend(self.failed);
        all.sort_by_key(|journey| (journey.started_at_unix_ms, journey.iteration));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journey(iteration: u64, ok: bool) -> Journey {
        let started_at_unix_ms = i64::try_from(iteration).unwrap();
        let trace_id = TraceId::from_u128(1);
        Journey { trace_id, vu: 0, iteration, started_at_unix_ms, duration_us: 1, ok, hops: Vec::new() }
    }

    #[test]
    fn the_first_are_kept_and_then_only_failed_ones_up_to_a_bound() {
        let mut log = JourneyLog::new(20);
        (0..1_000).for_each(|n| log.push(journey(n, n % 2 == 0)));
        assert!(!log.wants(true) && !log.wants(false));
        let kept: Vec<_> = log.into_journeys().iter().map(|journey| journey.iteration).collect();
        let expected: Vec<_> = (0..20).chain((20..60).filter(|n| n % 2 == 1)).collect();
        assert_eq!(kept, expected);
    }

    #[test]
    fn logs_of_two_threads_are_merged_by_time_without_losing_failed_ones() {
        let (mut even, mut odd) = (JourneyLog::new(20), JourneyLog::new(20));
        (0..40).for_each(|n| if n % 2 == 0 { even.push(journey(n, true)) } else { odd.push(journey(n, false)) });
        even.add(odd);
        let kept: Vec<_> = even.into_journeys().iter().map(|journey| journey.iteration).collect();
        let expected: Vec<_> = (0..20).chain((20..40).filter(|n| n % 2 == 1)).collect();
        assert_eq!(kept, expected);
    }
}
