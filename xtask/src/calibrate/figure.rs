//! One rerun rate beside the published one.

use common::slo::golden::Unusable;
use serde_json::Value;

/// How much computation a rerun may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// Every cell, each simulated as often as the published one was, up to eight thousand times.
    Full,
    /// Samples up to 2,000, each simulated five hundred times.
    Short,
}

impl Effort {
    /// How often a cell is simulated at most.
    pub(super) fn runs(self) -> usize {
        match self {
            Self::Full => 8_000,
            Self::Short => 500,
        }
    }

    /// The largest sample that is simulated.
    pub(super) fn largest(self) -> usize {
        match self {
            Self::Full => usize::MAX,
            Self::Short => 2_000,
        }
    }
}

/// How far a rerun figure may be from the published one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Allowed {
    /// Computed without chance: 1e-6.
    Exact,
    /// A rate from so many published runs and so many of our own: four standard errors and 0.004.
    Rate { published: f64, own: f64 },
    /// A mean or median: this share of the published one, or four standard errors of our own where that is more.
    Mean { share: f64, standard_error: f64 },
}

/// A figure of a cell: what is published and what came out.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Figure {
    /// Which one, `adj.PASS`.
    pub(super) name: String,
    /// What is published; `None` where it does not exist.
    pub(super) published: Option<f64>,
    /// What came out.
    pub(super) got: Option<f64>,
    /// How far it may be off.
    pub(super) within: f64,
}

impl Figure {
    /// A figure beside the published one, which must be a number or `null`.
    pub(super) fn beside(
        name: &str,
        published: &Value,
        got: impl Into<Option<f64>>,
        allowed: Allowed,
    ) -> Result<Self, Unusable> {
        if !published.is_number() && !published.is_null() {
            return Err(Unusable::new(format!("no number `{name}`")));
        }
        let expected = published.as_f64();
        let q = expected.unwrap_or(0.0);
        let within = match allowed {
            Allowed::Exact => 1e-6,
            Allowed::Rate { published, own } => {
                4.0 * (q * (1.0 - q) * (published.recip() + own.recip())).sqrt() + 0.004
            }
            Allowed::Mean { share, standard_error } => (share * q.abs()).max(4.0 * standard_error),
        };
        Ok(Self { name: name.to_owned(), published: expected, got: got.into(), within })
    }

    /// True if the two are as near as they must be.
    pub(super) fn agrees(&self) -> bool {
        match (self.published, self.got) {
            (Some(published), Some(got)) => (got - published).abs() <= self.within,
            (None, None) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn beside(published: &Value, got: Option<f64>, allowed: Allowed) -> bool {
        Figure::beside("f", published, got, allowed).unwrap().agrees()
    }

    #[test]
    fn a_rate_may_be_off_by_four_standard_errors_and_a_little() {
        let rate = Allowed::Rate { published: 2_000.0, own: 2_000.0 };
        assert!(beside(&json!(0.5), Some(0.5 + 0.067), rate));
        assert!(!beside(&json!(0.5), Some(0.5 + 0.068), rate));
        assert!(beside(&json!(0.0), Some(0.004), rate) && !beside(&json!(0.0), Some(0.005), rate));
    }

    #[test]
    fn what_does_not_exist_agrees_with_nothing_else() {
        assert!(beside(&Value::Null, None, Allowed::Exact));
        assert!(!beside(&Value::Null, Some(0.0), Allowed::Exact));
        assert!(!beside(&json!(0.0), None, Allowed::Exact));
        assert!(!beside(&json!(0.0), Some(f64::NAN), Allowed::Exact));
        assert!(Figure::beside("f", &json!("0"), None, Allowed::Exact).is_err());
    }
}
