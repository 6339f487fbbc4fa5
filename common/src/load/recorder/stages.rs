//! The figures of one step apart for each kind of stage, for executors that have stages.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::load::latency::Latency;
use crate::load::report::{OverLimit, StageFigures};
use crate::scenario::{Executor, StageTag};

use super::Outcome;
use super::step::is_infinite;

/// Everything is made in advance, so that recording allocates nothing.
#[derive(Debug)]
pub(super) struct Stages {
    executor: Executor,
    warm_up: Duration,
    /// In the order of [`StageTag::ALL`]; `None` for a kind that no stage is of.
    figures: [Option<StageFigures>; 3],
}

impl Stages {
    /// `None` if the executor has no stages.
    pub(super) fn of(limits_us: &[u64], executor: &Executor, warm_up: Duration) -> Option<Self> {
        let tags = executor.stage_tags();
        let blank = || StageFigures {
            count: 0,
            ok: 0,
            errors: BTreeMap::new(),
            response: Latency::new(),
            over: limits_us.iter().map(|limit_us| OverLimit { limit_us: *limit_us, count: 0 }).collect(),
        };
        let figures = StageTag::ALL.map(|tag| tags.contains(&tag).then(blank));
        executor.has_stages().then(|| Self { executor: executor.clone(), warm_up, figures })
    }

    /// Adds a request to the stage that its intended start falls in.
    pub(super) fn record(&mut self, outcome: &Outcome) {
        let tag = self.executor.stage_at(outcome.intended_at.saturating_sub(self.warm_up));
        let Some(figures) = &mut self.figures[tag as usize] else { return };
        figures.count += 1;
        match &outcome.fault {
            None => figures.ok += 1,
            Some(fault) => *figures.errors.entry(fault.kind).or_default() += 1,
        }
        let infinite = is_infinite(outcome);
        if infinite {
            figures.response.record_infinite();
        } else if outcome.fault.is_none() {
            figures.response.record(outcome.response.0);
        } else {
            return;
        }
        for over in &mut figures.over {
            over.count += u64::from(infinite || outcome.response.0 > over.limit_us);
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        for (own, other) in self.figures.iter_mut().zip(other.figures) {
            let (Some(own), Some(other)) = (own, other) else { continue };
            own.count += other.count;
            own.ok += other.ok;
            other.errors.into_iter().for_each(|(kind, count)| *own.errors.entry(kind).or_default() += count);
            own.response.add(&other.response);
            own.over.iter_mut().zip(&other.over).for_each(|(own, other)| own.count += other.count);
        }
    }

    /// Kinds of stages without a request are in it too, with zeros.
    pub(super) fn figures(self) -> BTreeMap<StageTag, StageFigures> {
        StageTag::ALL.into_iter().zip(self.figures).filter_map(|(tag, figures)| Some((tag, figures?))).collect()
    }
}
