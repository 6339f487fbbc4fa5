//! One rerun rate beside the published one.

use common::slo::golden::Unusable;
use serde_json::Value;

/// How much computation a rerun may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effort {
    /// Every cell, each simulated as often as the published one was, up to eight thousand times.
    Full,
    /// Half of the cells with samples up to 2,000, each simulated up to 250 times.
    Short,
}

impl Effort {
    /// How often a cell is simulated at most.
    ///
    /// With 250 runs, what is published as never may still be seen once.
    pub(super) fn runs(self) -> usize {
        match self {
            Self::Full => 8_000,
            Self::Short => 250,
        }
    }

    /// True if the simulated cell at this place, of samples of this size, is rerun.
    ///
    /// Two of four neighbours are, as tables that alternate between two quantiles would lose one of them otherwise.
    pub(super) fn takes(self, at: usize, n: u64) -> bool {
        self == Self::Full || (n <= 2_000 && at % 4 < 2)
    }
}

/// What two doubles up to one may be off by themselves: 0.996 is not quite within 0.004 of 1.
const ROUNDING: f64 = 1e-15;

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
            (Some(published), Some(got)) => (got - published).abs() <= self.within + ROUNDING,
            (None, None) => true,
            _ => false,
        }
    }
}

/// What is published for each of several true values: the value as it is written, the value, and the figures.
pub(super) fn by_truth(published: &Value) -> Result<Vec<(&str, f64, &Value)>, Unusable> {
    let published = published.as_object().ok_or_else(|| Unusable::new("no figures by true value"))?;
    let parsed: Option<Vec<_>> =
        published.iter().map(|(truth, figures)| Some((truth.as_str(), truth.parse().ok()?, figures))).collect();
    parsed.ok_or_else(|| Unusable::new("a true value that is no number"))
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
        assert!(beside(&json!(1.0), Some(0.996), rate) && !beside(&json!(1.0), Some(0.995), rate));
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
