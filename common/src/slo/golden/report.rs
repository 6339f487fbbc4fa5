//! What was compared and what differed.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::super::interval::{Interval, RankInterval};
use super::Unusable;

/// How far one number may be off: `|x - y| <= max(abs, rel |y|)`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tolerance {
    /// In the unit of the number.
    pub abs: f64,
    /// As a share of what is expected.
    pub rel: f64,
}

impl Tolerance {
    /// Nothing may differ.
    pub const EXACT: Self = Self { abs: 0.0, rel: 0.0 };

    /// The tolerance that a file states, `{"abs": …, "rel": …}`, either of them.
    ///
    /// # Errors
    /// When it states none.
    pub fn of(value: &Value) -> Result<Self, Unusable> {
        let part = |name: &str| value[name].as_f64().unwrap_or(0.0);
        let tolerance = Self { abs: part("abs"), rel: part("rel") };
        let stated = tolerance.abs > 0.0 || tolerance.rel > 0.0;
        stated.then_some(tolerance).ok_or_else(|| Unusable::new(format!("no tolerance in {value}")))
    }

    fn allows(self, got: f64, expected: f64) -> bool {
        (got - expected).abs() <= self.abs.max(self.rel * expected.abs())
    }
}

/// One value that did not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The case.
    pub case: String,
    /// The value in it.
    pub field: String,
    /// What was computed.
    pub got: String,
    /// What the file says.
    pub expected: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: got {}, expected {}", self.case, self.field, self.got, self.expected)
    }
}

/// The comparisons of a file so far, and whose case is being compared.
#[derive(Debug)]
pub struct Report<'a> {
    /// What the file says of tolerances.
    pub tolerance: &'a Value,
    /// How many values were compared.
    pub compared: usize,
    /// Those that did not agree.
    pub differences: Vec<Difference>,
    case: String,
}

impl<'a> Report<'a> {
    pub(super) fn new(tolerance: &'a Value) -> Self {
        Self { tolerance, compared: 0, differences: Vec::new(), case: String::new() }
    }

    pub(super) fn begin(&mut self, case: &str) {
        case.clone_into(&mut self.case);
    }

    /// Counts a comparison, and notes the values unless they agree.
    pub fn compare(&mut self, field: &str, agrees: bool, got: impl fmt::Display, expected: impl fmt::Display) {
        self.compared += 1;
        if !agrees {
            let (case, field) = (self.case.clone(), field.to_owned());
            self.differences.push(Difference { case, field, got: got.to_string(), expected: expected.to_string() });
        }
    }

    /// Compares what must be equal: a word, a rank, a count, `null`.
    pub fn same<T: Serialize>(&mut self, field: &str, got: T, expected: &Value) {
        let got = serde_json::to_value(got).unwrap_or_default();
        self.compare(field, got == *expected, &got, expected);
    }

    /// Compares numbers; one that does not exist agrees with `null` only.
    pub fn near(&mut self, field: &str, got: Option<f64>, expected: &Value, tolerance: Tolerance) {
        let agrees = match (got, expected.as_f64()) {
            (Some(got), Some(expected)) => tolerance.allows(got, expected),
            (None, None) => expected.is_null(),
            _ => false,
        };
        self.compare(field, agrees, got.map_or_else(|| "null".to_owned(), |got| got.to_string()), expected);
    }

    /// Compares lists of numbers, one by one; a list of another length is one difference.
    pub fn near_all(&mut self, field: &str, got: &[f64], expected: &Value, tolerance: Tolerance) {
        match expected.as_array().filter(|expected| expected.len() == got.len()) {
            None => self.compare(field, false, format!("{got:?}"), expected),
            Some(expected) => got.iter().zip(expected).enumerate().for_each(|(at, (got, expected))| {
                self.near(&format!("{field}[{at}]"), Some(*got), expected, tolerance);
            }),
        }
    }

    /// Compares the ends of an interval; one that is expected to be 0 or 1 must be exactly that.
    pub fn bounds(&mut self, field: &str, got: Interval, expected: &Value, tolerance: Tolerance) {
        for (side, got) in [got.lower, got.upper].into_iter().enumerate() {
            let strict = [0.0, 1.0].map(Value::from).contains(&expected[side]);
            let allowed = if strict { Tolerance::EXACT } else { tolerance };
            self.near(&format!("{field}[{side}]"), Some(got), &expected[side], allowed);
        }
    }

    /// Compares the ranks of an interval, which may be off by `slack`; one that does not exist agrees with `null` only.
    pub fn ranks(&mut self, got: RankInterval, expected: &Value, slack: u64) {
        for (field, got) in [("lower_rank", got.lower), ("upper_rank", got.upper)] {
            let agrees = match (got, expected[field].as_u64()) {
                (Some(got), Some(expected)) => got.abs_diff(expected) <= slack,
                (None, None) => expected[field].is_null(),
                _ => false,
            };
            self.compare(field, agrees, format!("{got:?}"), &expected[field]);
        }
    }
}
