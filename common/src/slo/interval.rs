//! What an interval is: of a share, and of ranks in a sorted sample.

use serde::{Deserialize, Serialize};

/// A two-sided confidence interval of a share, both ends in `0..=1`, `lower <= upper`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The lower end, a share.
    pub lower: f64,
    /// The upper end, a share.
    pub upper: f64,
}

impl Interval {
    /// The interval that says nothing, `[0, 1]`: what zero samples are worth.
    pub const VACUOUS: Self = Self { lower: 0.0, upper: 1.0 };

    /// Says whether `share` lies in the interval, ends included.
    #[must_use]
    pub fn contains(self, share: f64) -> bool {
        self.lower <= share && share <= self.upper
    }

    /// The smallest interval that holds both.
    #[must_use]
    pub fn hull(self, other: Self) -> Self {
        Self { lower: self.lower.min(other.lower), upper: self.upper.max(other.upper) }
    }
}

/// A confidence interval of a quantile, as ranks (from 1) in the sorted sample.
///
/// `None` is a bound that does not exist at this sample size; it is shown as "none", never as 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RankInterval {
    /// The rank of the lower limit, `1..=n`.
    pub lower: Option<u64>,
    /// The rank of the upper limit, `1..=n`.
    pub upper: Option<u64>,
    /// The probability that the interval holds the quantile, for a sample without ties; a missing bound counts as
    /// unbounded.
    pub coverage: f64,
}

impl RankInterval {
    /// Says whether both limits exist.
    #[must_use]
    pub fn is_two_sided(self) -> bool {
        self.lower.is_some() && self.upper.is_some()
    }
}
