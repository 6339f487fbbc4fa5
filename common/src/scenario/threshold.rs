//! Thresholds in k6's syntax: a metric, perhaps of one step, and an expression on it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The metrics that a threshold can name.
pub const METRICS: [&str; 6] =
    ["http_req_duration", "http_req_waiting", "http_req_failed", "http_reqs", "iterations", "dropped_iterations"];

/// A limit on a metric, and what follows when it is crossed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Threshold {
    /// `p(95)<150`: it is reported.
    Reported(String),
    /// It may end the load.
    Acting {
        /// `p(95)<150`.
        threshold: String,
        /// True if crossing it ends the load.
        #[serde(default)]
        abort_on_fail: bool,
        /// From how long after the start it may do so, in milliseconds.
        #[serde(default)]
        delay_abort_eval_ms: u64,
    },
}

impl Threshold {
    /// The expression, `p(95)<150`.
    #[must_use]
    pub fn expression(&self) -> &str {
        match self {
            Self::Reported(expression) | Self::Acting { threshold: expression, .. } => expression,
        }
    }
}

/// A metric, perhaps narrowed to a step: `http_req_duration{name:quote}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ThresholdMetric {
    /// One of [`METRICS`].
    pub metric: String,
    /// The step it is narrowed to.
    pub step: Option<String>,
}

/// `p(95)<150`: an aggregate, a comparison, a limit (milliseconds for durations, a share for rates), or
/// `p(95)<=+20%`: a limit that is so much above or below a baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ThresholdExpression {
    /// What is computed.
    pub aggregate: Aggregate,
    /// How it is compared.
    pub comparison: Comparison,
    /// With what.
    pub limit: f64,
    /// True if `limit` is percent above (or, below 0, under) what a baseline came to. k6 has no such limits.
    pub relative: bool,
}

/// What is computed of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregate {
    /// A percentile, 0 to 100.
    Percentile(f64),
    /// The arithmetic mean.
    Avg,
    /// The median.
    Med,
    /// The least.
    Min,
    /// The greatest.
    Max,
    /// The share of true ones, or events a second of a counter.
    Rate,
    /// How many.
    Count,
}

/// How an aggregate is compared with its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl ThresholdMetric {
    /// Reads `http_req_duration` or `http_req_duration{name:quote}`.
    ///
    /// # Errors
    /// When the metric is unknown or the selector is not `{name:STEP}`.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (metric, step) = match text.split_once('{') {
            None => (text, None),
            Some((metric, selector)) => {
                let name = selector.strip_suffix('}').and_then(|inside| inside.strip_prefix("name:"));
                let name = name.ok_or_else(|| format!("selector of {text:?} is not `{{name:STEP}}`"))?;
                (metric, Some(name.trim().to_owned()))
            }
        };
        if METRICS.contains(&metric) {
            Ok(Self { metric: metric.to_owned(), step })
        } else {
            Err(format!("unknown metric {metric:?}; there are {}", METRICS.join(", ")))
        }
    }

    /// Tells whether an aggregate makes sense for the metric.
    #[must_use]
    pub fn takes(&self, aggregate: Aggregate) -> bool {
        match self.metric.as_str() {
            "http_req_duration" | "http_req_waiting" => !matches!(aggregate, Aggregate::Rate | Aggregate::Count),
            "http_req_failed" => aggregate == Aggregate::Rate,
            _ => matches!(aggregate, Aggregate::Rate | Aggregate::Count),
        }
    }
}

impl ThresholdExpression {
    /// Reads `p(95)<150`, `rate<0.01`, `avg<=80`, `p(95)<=+20%`.
    ///
    /// # Errors
    /// When it is not an aggregate, a comparison and a number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let compact: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        let at = compact.find(['<', '>']).ok_or_else(|| format!("{text:?} compares nothing; write `p(95)<150`"))?;
        let (aggregate, rest) = compact.split_at(at);
        let operators = [
            ("<=", Comparison::AtMost),
            (">=", Comparison::AtLeast),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        let (comparison, number) = operators
            .iter()
            .find_map(|(sign, comparison)| rest.strip_prefix(sign).map(|number| (*comparison, number)))
            .ok_or_else(|| format!("{text:?} has no comparison"))?;
        let percent = number.strip_suffix('%');
        if percent.is_some_and(|percent| !percent.starts_with(['+', '-'])) {
            return Err(format!(
                "limit {number:?} of {text:?} is relative to nothing; write `+20%` for a fifth above the baseline"
            ));
        }
        let number = percent.unwrap_or(number);
        let limit = number.parse::<f64>().ok().filter(|limit| limit.is_finite());
        let limit = limit.ok_or_else(|| format!("limit {number:?} of {text:?} is not a number"))?;
        Ok(Self { aggregate: Aggregate::parse(aggregate)?, comparison, limit, relative: percent.is_some() })
    }
}

impl fmt::Display for Aggregate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percent) => write!(f, "p({percent})"),
            Self::Avg => f.write_str("avg"),
            Self::Med => f.write_str("med"),
            Self::Min => f.write_str("min"),
            Self::Max => f.write_str("max"),
            Self::Rate => f.write_str("rate"),
            Self::Count => f.write_str("count"),
        }
    }
}

impl Aggregate {
    fn parse(text: &str) -> Result<Self, String> {
        let unknown = || format!("unknown aggregate {text:?}; there are p(N), avg, med, min, max, rate, count");
        Ok(match text {
            "avg" => Self::Avg,
            "med" => Self::Med,
            "min" => Self::Min,
            "max" => Self::Max,
            "rate" => Self::Rate,
            "count" => Self::Count,
            other => {
                let inside = other.strip_prefix("p(").and_then(|rest| rest.strip_suffix(')')).ok_or_else(unknown)?;
                let percent = inside.parse::<f64>().ok().filter(|percent| (0.0..=100.0).contains(percent));
                Self::Percentile(percent.ok_or_else(unknown)?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_syntax_of_k6_is_read() {
        let metric = ThresholdMetric::parse("http_req_duration{name:quote}").unwrap();
        assert_eq!(metric, ThresholdMetric { metric: "http_req_duration".to_owned(), step: Some("quote".to_owned()) });
        let expression = ThresholdExpression::parse("p(99.9) <= 150").unwrap();
        let expected = ThresholdExpression {
            aggregate: Aggregate::Percentile(99.9),
            comparison: Comparison::AtMost,
            limit: 150.0,
            relative: false,
        };
        assert_eq!(expression, expected);
        assert_eq!(expression.aggregate.to_string(), "p(99.9)");
    }

    #[test]
    fn a_limit_may_be_relative_to_a_baseline_if_it_has_a_sign() {
        let above = ThresholdExpression::parse("p(95)<=+20%").unwrap();
        assert_eq!((above.limit, above.relative), (20.0, true));
        let below = ThresholdExpression::parse("rate>=-10%").unwrap();
        assert_eq!((below.limit, below.relative), (-10.0, true));
        assert!(ThresholdExpression::parse("p(95)<=20%").unwrap_err().contains("write `+20%`"));
    }

    #[test]
    fn what_cannot_be_decided_is_refused() {
        for bad in ["p(101)<1", "p95<150", "rate", "rate<", "rate<abc", "rate<NaN", "speed<3"] {
            assert!(ThresholdExpression::parse(bad).is_err(), "{bad} was taken");
        }
        for bad in ["http_req_dura", "http_req_duration{step:x}", "http_req_duration{name:x"] {
            assert!(ThresholdMetric::parse(bad).is_err(), "{bad} was taken");
        }
    }
}
