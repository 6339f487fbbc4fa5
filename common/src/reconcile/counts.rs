//! How many requests and errors the command center counts, beside all that the probe sent.
//!
//! The tile sees one success in ten and weighs it by ten, so its count is right only within what sampling allows; errors
//! are reported each, so theirs is exact.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{SeenEvent, Sent, TileRow};
use crate::ids::{AppId, TraceId};
use crate::load::StepReport;
use crate::slo::{binomial_tail_at_least, binomial_tail_at_most};
use crate::telemetry::{EventName, SUCCESS_SAMPLE_RATE};

/// Each end of the allowed counts is beyond what a correct count passes in one of 20,000 comparisons.
const TAIL: f64 = 0.000_05;

/// What the probe counted itself on one route of a load, the warm-up included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    /// How often each trace asked the route.
    traces: BTreeMap<TraceId, u64>,
    requests: u64,
    /// Answers of 400 and more, which are reported each.
    full: u64,
    /// Answers of 500 and more.
    errors: u64,
    /// Requests of which the probe cannot say how they were answered.
    unknown: u64,
    /// The most requests of one trace: they are sampled together.
    per_trace: u64,
}

impl Counted {
    /// Counts the requests; `None` where the load did not keep each of them or redirects led to the route.
    pub(super) fn of(sent: Sent<'_>, app: AppId, route: &str) -> Option<Self> {
        let steps: Vec<_> = sent.steps.iter().filter(|step| step.app == app && step.route == route).collect();
        let sum = |of: &dyn Fn(&StepReport) -> u64| steps.iter().map(|step| of(step)).sum::<u64>();
        let mut traces: BTreeMap<TraceId, u64> = BTreeMap::new();
        for told in steps.iter().flat_map(|step| step.acknowledged.iter().chain(&step.unacknowledged)) {
            *traces.entry(told.trace_id).or_default() += 1;
        }
        let mut recorded: BTreeMap<TraceId, u64> = BTreeMap::new();
        for record in sent.records.iter().filter(|record| record.app == app && record.route == route) {
            *recorded.entry(record.trace_id).or_default() += u64::from(record.status.is_some());
        }
        let redirected = recorded.iter().any(|(trace, n)| *n > traces.get(trace).copied().unwrap_or(0));
        if traces.is_empty() || redirected || sum(&|step| step.told_not_kept) > 0 {
            return None;
        }
        let told: u64 = traces.values().sum();
        let with_status = |from: u16| sum(&|step| step.statuses.range(from..).map(|(_, n)| n).sum());
        let (full, faults) = (with_status(400), sum(&|step| step.error_count()));
        let measured = sum(&|step| step.count);
        let warm_faults = sum(&|step| step.unacknowledged.len() as u64).saturating_sub(faults);
        let unanswered = measured.saturating_sub(with_status(0));
        let cut_off = sum(&|step| step.cut_off);
        // Where refusals are expected, those of the warm-up cannot be told from successes.
        let warm = if full > faults { told.saturating_sub(measured) } else { warm_faults };
        Some(Self {
            per_trace: traces.values().copied().max().unwrap_or(1),
            traces,
            requests: told + cut_off,
            full,
            errors: with_status(500),
            unknown: warm + unanswered + cut_off,
        })
    }

    /// The fewest and the most requests that a correct tile counts: `Bin(n, 0.1)` successes were sampled.
    fn allowed(&self) -> (u64, u64) {
        let most = self.requests.saturating_sub(self.full);
        let fewest = most.saturating_sub(self.unknown);
        let stands_for = |sampled: u64| sampled * self.per_trace * one_in();
        let lower = stands_for(fewest_sampled(fewest / self.per_trace));
        let upper = stands_for(most_sampled(most.div_ceil(self.per_trace)));
        (self.full + lower, self.full + self.unknown + upper)
    }
}

/// One success in so many is sampled.
fn one_in() -> u64 {
    (1..=1_000_u32).find(|n| f64::from(*n) * SUCCESS_SAMPLE_RATE > 1.0 - 1e-9).map_or(1, u64::from)
}

/// The smallest number of sampled ones that is not too unlikely among `n`.
fn fewest_sampled(n: u64) -> u64 {
    let too_few = |k: &u64| binomial_tail_at_most(*k, n, SUCCESS_SAMPLE_RATE) <= TAIL;
    partition(n, too_few)
}

/// The largest such number.
fn most_sampled(n: u64) -> u64 {
    let possible = |k: &u64| binomial_tail_at_least(*k + 1, n, SUCCESS_SAMPLE_RATE) > TAIL;
    partition(n, possible)
}

/// The first of `0..=n` for which `before` no longer holds.
fn partition(n: u64, before: impl Fn(&u64) -> bool) -> u64 {
    let (mut from, mut to) = (0, n);
    while from < to {
        let middle = from + (to - from) / 2;
        if before(&middle) { from = middle + 1 } else { to = middle }
    }
    from
}

/// Requests of the route that others than the probe sent, re-weighted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Others {
    requests: u64,
    errors: u64,
}

impl Others {
    /// Those among the events whose traces the probe did not send.
    pub(super) fn of(seen: &[SeenEvent], app: AppId, route: &str, own: &Counted) -> Self {
        let mut others = Self::default();
        for event in seen.iter().map(|seen| &seen.event) {
            let of_route = event.app_id == app
                && event.event == EventName::RequestCompleted
                && route.split_once(' ') == Some((&event.method, &event.route));
            if !of_route || own.traces.contains_key(&event.trace_id) {
                continue;
            }
            let weight = (1..=1_000_u32).find(|n| f64::from(*n) * event.sample_rate > 1.0 - 1e-9).map_or(1, u64::from);
            others.requests += weight;
            others.errors += if event.status >= 500 { weight } else { 0 };
        }
        others
    }
}

/// The counts of a tile beside those of the probe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountComparison {
    /// Requests that the tile counts; absent if it does not.
    pub tile_requests: Option<u64>,
    /// Requests that the probe sent.
    pub probe_requests: u64,
    /// Requests that others sent to the route at the same time, by A8's events.
    pub other_requests: u64,
    /// The fewest and the most that the tile may count, as far as sampling allows (99.99 %).
    pub allowed_requests: (u64, u64),
    /// Errors that the tile counts (status 500 and more); absent if it does not.
    pub tile_errors: Option<u64>,
    /// Errors that the probe and others got; two numbers where the probe does not know how some requests ended.
    pub allowed_errors: (u64, u64),
}

impl CountComparison {
    pub(super) fn of(own: &Counted, others: Others, row: &TileRow) -> Self {
        let (lower, upper) = own.allowed();
        let errors = own.errors + others.errors;
        Self {
            tile_requests: row.requests,
            probe_requests: own.requests,
            other_requests: others.requests,
            allowed_requests: (lower + others.requests, upper + others.requests),
            tile_errors: row.errors,
            allowed_errors: (errors, errors + own.unknown),
        }
    }

    /// `A8's tile counts 1910 requests and 0 errors; the probe sent 1900, so 1400 to 2420 and 0 are right`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let shown = |n: Option<u64>| n.map_or_else(|| "no".to_owned(), |n| n.to_string());
        let range = |(from, to): (u64, u64)| if from == to { from.to_string() } else { format!("{from} to {to}") };
        format!(
            "A8's tile counts {} requests and {} errors; the probe sent {}, so {} and {} are right",
            shown(self.tile_requests),
            shown(self.tile_errors),
            self.probe_requests,
            range(self.allowed_requests),
            range(self.allowed_errors)
        )
    }

    /// What differs, with both numbers; `None` if nothing does.
    #[must_use]
    pub fn disagreement(&self) -> Option<String> {
        let within = |n: Option<u64>, (from, to): (u64, u64)| n.is_some_and(|n| (from..=to).contains(&n));
        let shown = |n: Option<u64>| n.map_or_else(|| "no".to_owned(), |n| n.to_string());
        let mut differing = Vec::new();
        if !within(self.tile_requests, self.allowed_requests) {
            let (from, to) = self.allowed_requests;
            let others = match self.other_requests {
                0 => String::new(),
                n => format!(" and others {n}"),
            };
            differing.push(format!(
                "it counts {} requests where the probe sent {}{others}: sampling allows {from} to {to}",
                shown(self.tile_requests),
                self.probe_requests
            ));
        }
        if !within(self.tile_errors, self.allowed_errors) {
            let (from, to) = self.allowed_errors;
            let seen = if from == to { from.to_string() } else { format!("{from} to {to}") };
            differing.push(format!("it counts {} errors where the probe got {seen}", shown(self.tile_errors)));
        }
        (!differing.is_empty()).then(|| differing.join("; "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counted(requests: u64) -> Counted {
        Counted { traces: BTreeMap::new(), requests, full: 0, errors: 0, unknown: 0, per_trace: 1 }
    }

    fn compared(own: &Counted, others: Others, requests: u64, errors: u64) -> Option<String> {
        let row = TileRow {
            app_id: AppId::A6,
            method: "POST".into(),
            route: "/register".into(),
            samples: 0,
            requests: Some(requests),
            errors: Some(errors),
            p95_ms: 1.0,
        };
        CountComparison::of(own, others, &row).disagreement()
    }

    #[test]
    fn sampling_one_in_ten_allows_what_the_binomial_does() {
        // Bin(1900, 0.1): mean 190, standard deviation 13.1; 3.9 of them to each side.
        let (from, to) = counted(1_900).allowed();
        assert!((1_380..1_420).contains(&from) && (2_400..2_440).contains(&to), "{from} to {to}");
        for k in [from / 10, to / 10] {
            assert!(binomial_tail_at_most(k, 1_900, 0.1) > TAIL && binomial_tail_at_least(k, 1_900, 0.1) > TAIL);
        }
        assert!(binomial_tail_at_most(from / 10 - 1, 1_900, 0.1) <= TAIL);
        assert!(binomial_tail_at_least(to / 10 + 1, 1_900, 0.1) <= TAIL);
    }

    #[test]
    fn requests_of_one_trace_are_sampled_together_and_so_vary_more() {
        let (from, to) = counted(1_900).allowed();
        let (pair_from, pair_to) = Counted { per_trace: 2, ..counted(1_900) }.allowed();
        assert!(pair_from < from && pair_to > to);
    }

    #[test]
    fn half_and_double_the_count_are_told_with_both_numbers() {
        let own = counted(1_900);
        assert_eq!(compared(&own, Others::default(), 1_950, 0), None);
        for wrong in [950, 3_800] {
            let what = compared(&own, Others::default(), wrong, 0).unwrap();
            assert!(what.starts_with(&format!("it counts {wrong} requests where the probe sent 1900:")), "{what}");
        }
    }

    #[test]
    fn errors_are_exact() {
        let own = Counted { full: 5, errors: 5, ..counted(1_900) };
        assert_eq!(compared(&own, Others::default(), 1_905, 5), None);
        for wrong in [4, 6] {
            let what = compared(&own, Others::default(), 1_905, wrong).unwrap();
            assert_eq!(what, format!("it counts {wrong} errors where the probe got 5"));
        }
        let unanswered = Counted { unknown: 2, ..own };
        assert_eq!(compared(&unanswered, Others::default(), 1_905, 7), None);
        assert!(compared(&unanswered, Others::default(), 1_905, 8).unwrap().ends_with("got 5 to 7"));
    }

    #[test]
    fn what_others_sent_is_added_and_not_taken_for_a_wrong_count() {
        let others = Others { requests: 3_000, errors: 2 };
        assert_eq!(compared(&counted(1_900), others, 4_900, 2), None);
        assert!(compared(&counted(1_900), others, 1_900, 2).unwrap().contains("the probe sent 1900 and others 3000"));
    }

    #[test]
    fn a_tile_without_counts_does_not_agree() {
        let row = TileRow {
            app_id: AppId::A6,
            method: "POST".into(),
            route: "/register".into(),
            samples: 0,
            requests: None,
            errors: None,
            p95_ms: 1.0,
        };
        let what = CountComparison::of(&counted(10), Others::default(), &row).disagreement().unwrap();
        assert!(what.contains("counts no requests") && what.contains("counts no errors"), "{what}");
    }

    proptest! {
        #[test]
        fn the_true_count_is_always_allowed(n in 1_u64..50_000, per_trace in 1_u64..4) {
            let own = Counted { per_trace, ..counted(n) };
            let (from, to) = own.allowed();
            prop_assert!(from <= n && n <= to + 10 * per_trace, "{n} is not in {from} to {to}");
        }
    }
}
