//! Figures of an earlier load that relative thresholds are compared with.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::load::report::LoadReport;
use crate::scenario::{Aggregate, Scenario, ThresholdExpression, ThresholdMetric};

use super::Seen;

/// Values by metric and aggregate: `http_req_duration{name:quote}` to `p(95)` to milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Baseline(BTreeMap<String, BTreeMap<String, f64>>);

impl Baseline {
    /// What an earlier load of the same scenario came to, for each of its relative thresholds. Values that are infinite
    /// or missing are left out: nothing can be compared with them.
    #[must_use]
    pub fn of(scenario: &Scenario, report: &LoadReport) -> Self {
        let seen = Seen::of(&report.steps, &report.iterations, report.measured_s);
        let mut baseline = Self::default();
        for (name, thresholds) in &scenario.thresholds {
            let Ok(metric) = ThresholdMetric::parse(name) else { continue };
            for threshold in thresholds {
                let expression = ThresholdExpression::parse(threshold.expression());
                let Some(expression) = expression.ok().filter(|expression| expression.relative) else { continue };
                let value = seen.value(&metric, expression.aggregate).filter(|value| value.is_finite());
                if let Some(value) = value {
                    baseline = baseline.with(name, expression.aggregate, value);
                }
            }
        }
        baseline
    }

    /// Adds a value: milliseconds for durations, a share for rates, a count.
    #[must_use]
    pub fn with(mut self, metric: &str, aggregate: Aggregate, value: f64) -> Self {
        self.0.entry(metric.to_owned()).or_default().insert(aggregate.to_string(), value);
        self
    }

    /// The value of an aggregate of a metric as it is written in the scenario.
    #[must_use]
    pub fn get(&self, metric: &str, aggregate: Aggregate) -> Option<f64> {
        self.0.get(metric)?.get(&aggregate.to_string()).copied()
    }
}
