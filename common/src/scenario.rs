//! A workload as data: what is sent, how often, and what counts as a right answer. It serialises without loss.

mod executor;
mod expect;
mod feeder;
mod placeholder;
mod request;
mod shape;
mod step;
mod threshold;
mod validate;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::ids::AppId;

pub use executor::{Executor, Stage};
pub(crate) use expect::glob;
pub use expect::{Expect, Extract, ExtractFrom};
pub(crate) use feeder::scalar_text;
pub use feeder::{Feeder, FeederMode, Record, parse_records};
pub(crate) use placeholder::{Segment, Slot, parse as parse_placeholders};
pub use request::{BodyTemplate, RequestTemplate};
pub use shape::{Shape, TimeScale};
pub use step::{Step, StreamKind};
pub use threshold::{Aggregate, Comparison, METRICS, Threshold, ThresholdExpression, ThresholdMetric};
pub use validate::{Problem, ScenarioError};

/// A workload: steps in order, the executor that starts iterations of them, and the limits they are held to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// Unique within a suite, as `a6_quote`: letters, digits, `_` and `-`.
    pub id: String,
    /// The app that steps go to unless they name another.
    pub app: AppId,
    /// What it shows, for people.
    pub title: String,
    /// Who starts iterations, and when.
    pub executor: Executor,
    /// What one iteration does, in order.
    pub steps: Vec<Step>,
    /// Limits in k6's syntax: metric (`http_req_duration{name:quote}`) to expressions (`p(95)<150`).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub thresholds: BTreeMap<String, Vec<Threshold>>,
    /// Where `{{data.FIELD}}` comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feeder: Option<Feeder>,
    /// Marks that reports select by.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, String>,
    /// True if a shorter profile may shorten it.
    pub profile_scaled: bool,
}

impl Scenario {
    /// A scenario without steps whose executor is still to be chosen (as it stands it does not validate).
    #[must_use]
    pub fn new(id: &str, app: AppId, title: &str) -> Self {
        Self {
            id: id.to_owned(),
            app,
            title: title.to_owned(),
            executor: Executor::ConstantVus { vus: 0, duration_ms: 0, iteration_interval_ms: None },
            steps: Vec::new(),
            thresholds: BTreeMap::new(),
            feeder: None,
            tags: BTreeMap::new(),
            profile_scaled: true,
        }
    }

    /// `vus` virtual users, each of which starts an iteration every `interval` (whole milliseconds) on its own
    /// schedule; without an interval each starts again as soon as it has finished, which measures capacity, not latency.
    #[must_use]
    pub fn constant_vus(mut self, vus: u32, duration: Duration, interval: impl Into<Option<Duration>>) -> Self {
        self.executor = Executor::ConstantVus {
            vus,
            duration_ms: executor::whole_ms(duration),
            iteration_interval_ms: interval.into().map(executor::whole_ms),
        };
        self
    }

    /// `rate` iterations a second whatever the answers, carried by at most `max_vus` virtual users.
    #[must_use]
    pub fn constant_arrival_rate(mut self, rate: u32, duration: Duration, max_vus: u32) -> Self {
        self.executor = Executor::ConstantArrivalRate {
            rate,
            time_unit_ms: 1_000,
            duration_ms: executor::whole_ms(duration),
            pre_allocated_vus: max_vus.min(10),
            max_vus,
        };
        self
    }

    /// Sets the executor as data.
    #[must_use]
    pub fn executor(mut self, executor: Executor) -> Self {
        self.executor = executor;
        self
    }

    /// Adds a step.
    #[must_use]
    pub fn step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Adds a threshold, as `("http_req_duration{name:quote}", "p(95)<150")`.
    #[must_use]
    pub fn threshold(self, metric: &str, expression: &str) -> Self {
        self.limit(metric, Threshold::Reported(expression.to_owned()))
    }

    /// Adds a threshold that ends the load when it is crossed, from `delay` after its start.
    #[must_use]
    pub fn abort_on(self, metric: &str, expression: &str, delay: Duration) -> Self {
        let delay_abort_eval_ms = executor::whole_ms(delay);
        self.limit(
            metric,
            Threshold::Acting { threshold: expression.to_owned(), abort_on_fail: true, delay_abort_eval_ms },
        )
    }

    fn limit(mut self, metric: &str, threshold: Threshold) -> Self {
        self.thresholds.entry(metric.to_owned()).or_default().push(threshold);
        self
    }

    /// Sets where `{{data.FIELD}}` comes from.
    #[must_use]
    pub fn feeder(mut self, feeder: Feeder) -> Self {
        self.feeder = Some(feeder);
        self
    }

    /// Adds a mark.
    #[must_use]
    pub fn tag(mut self, name: &str, value: &str) -> Self {
        self.tags.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Keeps its length in every profile.
    #[must_use]
    pub fn unscaled(mut self) -> Self {
        self.profile_scaled = false;
        self
    }

    /// The app that a step goes to.
    #[must_use]
    pub fn app_of(&self, step: &Step) -> AppId {
        step.app.unwrap_or(self.app)
    }

    /// SHA-256 of the canonical JSON (keys sorted at every level, no white space), in lower-case hex.
    #[must_use]
    pub fn digest(&self) -> String {
        let value = serde_json::to_value(self).expect("a scenario has only string keys and finite numbers");
        let digest = Sha256::digest(canonical(&value).to_string().as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// YAML text.
    ///
    /// # Errors
    /// When the YAML writer refuses a value.
    pub fn to_yaml(&self) -> Result<String, serde_saphyr::ser::Error> {
        serde_saphyr::to_string(self)
    }

    /// Reads YAML text; unknown fields are errors. The result still has to be validated.
    ///
    /// # Errors
    /// When the text is not YAML or not a scenario.
    pub fn from_yaml(text: &str) -> Result<Self, serde_saphyr::Error> {
        serde_saphyr::from_str(text)
    }

    /// Checks everything that can be checked without a target.
    ///
    /// # Errors
    /// All problems at once.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        validate::validate(self)
    }
}

fn canonical(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<_, _> = fields.iter().map(|(key, field)| (key.clone(), canonical(field))).collect();
            Value::Object(sorted.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(canonical).collect()),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests;
