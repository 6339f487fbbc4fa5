//! Handles by which `common/benches` reaches what a request costs inside; for nothing else.

pub mod generator;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::guard::Guard;
use crate::ids::AppId;
use crate::scenario::{Scenario, Step};
use crate::target::Environment;
use crate::units::Micros;

use super::LoadOptions;
use super::constants::Constants;
use super::plan::Plan;
use super::random::Ids;
use super::recorder::{Exchange, Outcome, Recorder};
use super::schedule::Even;
use super::template::Values;

/// Goes through the schedule of `rate` arrivals a second for an hour; the last offset.
#[must_use]
pub fn last_start(rate: u32) -> Option<Duration> {
    let hour = Duration::from_secs(3_600);
    Even::arrivals(rate, Duration::from_secs(1), hour, 0, 1).last().map(|start| start.offset)
}

/// One planned step, its requests and its record, without a network.
#[derive(Debug)]
pub struct Bench {
    plan: Plan,
    recorder: Recorder,
    ids: Ids,
    variables: BTreeMap<String, String>,
    constants: Constants,
    room: Vec<u8>,
    request: Vec<u8>,
    count: u64,
}

impl Bench {
    /// Plans one step.
    ///
    /// # Panics
    /// When the step cannot be planned.
    #[must_use]
    pub fn new(step: Step) -> Self {
        let guard = Guard::new(Environment::embedded(BTreeMap::from([(AppId::A6, 1)])));
        let second = Duration::from_secs(1);
        let scenario = Scenario::new("bench", AppId::A6, "A step").step(step).constant_vus(1, second, second);
        let plan = Plan::new(&scenario, &guard, &LoadOptions::default()).expect("the bench gives a step that is valid");
        Self {
            recorder: Recorder::new(&plan),
            plan,
            ids: Ids::fresh(),
            variables: BTreeMap::new(),
            constants: Constants::default(),
            room: Vec::new(),
            request: Vec::new(),
            count: 0,
        }
    }

    /// Fills in one request; its bytes.
    ///
    /// # Panics
    /// When a placeholder has no value.
    pub fn render(&mut self) -> &[u8] {
        self.count += 1;
        let trace = self.ids.trace();
        let (parent, key) = (self.ids.span_of(trace), self.ids.uuid());
        let mut values = Values {
            parent,
            key,
            vu: 7,
            iteration: self.count,
            record: None,
            variables: &self.variables,
            constants: &self.constants,
            ids: &mut self.ids,
        };
        let wire = &self.plan.steps[0].wire;
        let rendered = wire.render(&self.plan.guard, &mut values, None, &mut self.room, &mut self.request);
        rendered.expect("the bench gives a step without data");
        &self.request
    }

    /// Records one expected answer that took so long.
    pub fn record(&mut self, us: u64) {
        self.count += 1;
        let outcome = Outcome {
            step: 0,
            measured: true,
            trace: self.ids.trace(),
            iteration: self.count,
            intended_at: Duration::from_micros(self.count),
            sent_at: Duration::from_micros(self.count),
            service: Micros(us),
            response: Micros(us + 3),
            first_byte: Some(Micros(us)),
            status: Some(200),
            body_bytes: 17,
            app_us: None,
            fault: None,
            at_unix_ms: 0,
            legs: Vec::new(),
        };
        let exchange = Exchange { origin: 0, request: Some(&self.request), answer: b"{}" };
        self.recorder.record(&outcome, exchange);
    }
}
