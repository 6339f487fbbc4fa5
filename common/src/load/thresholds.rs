//! Thresholds in k6's syntax, evaluated each second on all figures so far and once more on the final ones.
//!
//! Differences from k6, on purpose: durations count from the intended start, percentiles are nearest ranks of an HDR
//! histogram, a timeout is an infinite duration, and what was never seen is not evaluated instead of passed.

mod baseline;
mod figures;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::scenario::{Comparison, Scenario, Threshold, ThresholdExpression, ThresholdMetric};

use super::live::LiveWindow;

pub use baseline::Baseline;
pub(crate) use figures::{Seen, StepSeen};

/// What became of a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdResult {
    /// `http_req_duration{name:quote}`.
    pub metric: String,
    /// `p(95)<150`.
    pub expression: String,
    /// The value: milliseconds for durations, a share for rates, a count; `None` if there is none or it is infinite.
    pub observed: Option<f64>,
    /// True if the limit was crossed; `None` if it was not evaluated.
    pub crossed: Option<bool>,
    /// True if that ended the load; the value is the one at that moment.
    pub aborted: bool,
    /// Why there is no value, or what the limit came to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl ThresholdResult {
    /// `threshold http_req_failed: rate<0.01 was crossed: 0.5`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let outcome = match (self.crossed, self.observed) {
            (Some(true), Some(observed)) => format!("was crossed: {observed:.4}"),
            (Some(true), None) => "was crossed: without end".to_owned(),
            (Some(false), observed) => format!("held: {:.4}", observed.unwrap_or_default()),
            (None, _) => "was not evaluated".to_owned(),
        };
        let note = self.note.as_ref().map_or_else(String::new, |note| format!(" ({note})"));
        format!("threshold {}: {} {outcome}{note}", self.metric, self.expression)
    }
}

struct Entry {
    metric: ThresholdMetric,
    name: String,
    text: String,
    expression: ThresholdExpression,
    aborts_from: Option<Duration>,
    aborted: Option<ThresholdResult>,
}

/// The thresholds of one load and the figures they are about.
pub(crate) struct Thresholds {
    entries: Vec<Entry>,
    baseline: Baseline,
    warm_up: Duration,
    seen: Seen,
}

impl Thresholds {
    /// Takes those of a valid scenario; what does not parse has been refused before.
    pub(crate) fn new(scenario: &Scenario, baseline: Baseline, warm_up: Duration) -> Self {
        let mut entries = Vec::new();
        for (name, thresholds) in &scenario.thresholds {
            let Ok(metric) = ThresholdMetric::parse(name) else { continue };
            for threshold in thresholds {
                let Ok(expression) = ThresholdExpression::parse(threshold.expression()) else { continue };
                entries.push(Entry {
                    metric: metric.clone(),
                    name: name.clone(),
                    text: threshold.expression().to_owned(),
                    expression,
                    aborts_from: match threshold {
                        Threshold::Acting { abort_on_fail: true, delay_abort_eval_ms, .. } => {
                            Some(Duration::from_millis(*delay_abort_eval_ms))
                        }
                        _ => None,
                    },
                    aborted: None,
                });
            }
        }
        let steps = scenario.steps.iter().map(|step| StepSeen::new(&step.name));
        Self { entries, baseline, warm_up, seen: Seen { steps: steps.collect(), ..Seen::default() } }
    }

    /// Adds a second and gives the threshold that ends the load now, if one does. Nothing of the warm-up counts, and
    /// `delay_abort_eval` counts from its end.
    pub(crate) fn take(&mut self, window: &LiveWindow) -> Option<ThresholdResult> {
        if window.warm_up {
            return None;
        }
        let measured = Duration::from_secs(window.elapsed_s).saturating_sub(self.warm_up);
        self.seen.add(window, measured);
        for entry in &mut self.entries {
            if entry.aborted.is_some() || entry.aborts_from.is_none_or(|from| measured < from) {
                continue;
            }
            let result = entry.evaluate(&self.seen, &self.baseline);
            if result.crossed == Some(true) {
                let result = ThresholdResult { aborted: true, ..result };
                entry.aborted = Some(result.clone());
                return Some(result);
            }
        }
        None
    }

    /// The results on the final figures.
    pub(crate) fn results(self, seen: &Seen) -> Vec<ThresholdResult> {
        let result = |entry: Entry| {
            let last = entry.evaluate(seen, &self.baseline);
            entry.aborted.unwrap_or(last)
        };
        self.entries.into_iter().map(result).collect()
    }
}

impl Entry {
    fn evaluate(&self, seen: &Seen, baseline: &Baseline) -> ThresholdResult {
        let mut result = ThresholdResult {
            metric: self.name.clone(),
            expression: self.text.clone(),
            observed: None,
            crossed: None,
            aborted: false,
            note: None,
        };
        let Some(value) = seen.value(&self.metric, self.expression.aggregate) else {
            result.note = Some("not evaluated: nothing was seen".to_owned());
            return result;
        };
        result.observed = Some(value).filter(|value| value.is_finite());
        let limit = if self.expression.relative {
            let Some(before) = baseline.get(&self.name, self.expression.aggregate) else {
                result.note = Some("not evaluated: no baseline".to_owned());
                return result;
            };
            let limit = before * (1.0 + self.expression.limit / 100.0);
            result.note = Some(format!("the baseline is {before:.4}, so the limit is {limit:.4}"));
            limit
        } else {
            self.expression.limit
        };
        result.crossed = Some(!self.expression.comparison.holds(value, limit));
        result
    }
}

impl Comparison {
    fn holds(self, value: f64, limit: f64) -> bool {
        match self {
            Self::Less => value < limit,
            Self::AtMost => value <= limit,
            Self::Greater => value > limit,
            Self::AtLeast => value >= limit,
        }
    }
}

#[cfg(test)]
mod tests;
