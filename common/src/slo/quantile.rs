//! Quantiles as exact ratios, and the two estimators: nearest rank for verdicts, type 7 for comparison.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A quantile as an exact ratio in `0..=1` (0 excluded): ranks come from integers, never from a rounded product.
///
/// Written and serialised as a decimal, `"0.95"`; shown as `P95`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Quantile {
    /// Parts per [`Quantile::SCALE`].
    parts: u64,
}

/// Why a text is no quantile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a quantile: write a decimal above 0 and at most 1 with up to nine places, such as 0.95")]
pub struct ParseQuantileError(String);

impl Quantile {
    /// The median.
    pub const P50: Self = Self::of_parts(500_000_000);
    /// The 95th percentile.
    pub const P95: Self = Self::of_parts(950_000_000);
    /// The 99th percentile.
    pub const P99: Self = Self::of_parts(990_000_000);
    /// The 99.9th percentile.
    pub const P999: Self = Self::of_parts(999_000_000);

    const SCALE: u64 = 1_000_000_000;

    const fn of_parts(parts: u64) -> Self {
        Self { parts }
    }

    /// The numerator of the ratio in lowest terms, 19 for P95.
    #[must_use]
    pub fn num(self) -> u64 {
        self.parts / gcd(self.parts, Self::SCALE)
    }

    /// The denominator of the ratio in lowest terms, 20 for P95.
    #[must_use]
    pub fn den(self) -> u64 {
        Self::SCALE / gcd(self.parts, Self::SCALE)
    }

    /// The nearest rank in a sorted sample of `n`: `ceil(p n)`, from 1; `None` without samples.
    #[must_use]
    pub fn rank(self, n: u64) -> Option<u64> {
        let rank = (u128::from(self.parts) * u128::from(n)).div_ceil(u128::from(Self::SCALE));
        if n == 0 { None } else { u64::try_from(rank).ok() }
    }

    /// The quantile as the nearest double.
    #[must_use]
    pub fn as_f64(self) -> f64 {
        self.num() as f64 / self.den() as f64
    }

    /// The share that may lie above, `1 - p`, as the nearest double: 0.05 for P95.
    #[must_use]
    pub fn share_above(self) -> f64 {
        let above = Self::of_parts(Self::SCALE - self.parts);
        if above.parts == 0 { 0.0 } else { above.as_f64() }
    }

    /// The quantile as a decimal, `0.95`.
    #[must_use]
    pub fn to_decimal(self) -> String {
        decimal(self.parts, 9)
    }
}

/// `value / 10^places` without trailing zeros.
fn decimal(value: u64, places: u32) -> String {
    let scale = 10_u64.pow(places);
    let digits = format!("{:0width$}", value % scale, width = places as usize);
    let digits = digits.trim_end_matches('0');
    let whole = value / scale;
    if digits.is_empty() { whole.to_string() } else { format!("{whole}.{digits}") }
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}", decimal(self.parts, 7))
    }
}

impl FromStr for Quantile {
    type Err = ParseQuantileError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse_parts(text).map(Self::of_parts).ok_or_else(|| ParseQuantileError(text.to_owned()))
    }
}

fn parse_parts(text: &str) -> Option<u64> {
    let (whole, places) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(places) || places.len() > 9 || whole.len() > 1 {
        return None;
    }
    let parts = format!("{whole}{places:0<9}").parse().ok()?;
    (1..=Quantile::SCALE).contains(&parts).then_some(parts)
}

impl TryFrom<String> for Quantile {
    type Error = ParseQuantileError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Quantile> for String {
    fn from(quantile: Quantile) -> Self {
        quantile.to_decimal()
    }
}

/// The nearest-rank quantile of an ascending sample (Hyndman-Fan type 1): a value that was observed.
///
/// `None` without samples.
#[must_use]
pub fn nearest_rank<T: Copy>(sorted: &[T], quantile: Quantile) -> Option<T> {
    at_rank(sorted, quantile.rank(sorted.len() as u64))
}

/// The value at a rank (from 1) of an ascending sample.
pub(super) fn at_rank<T: Copy>(sorted: &[T], rank: Option<u64>) -> Option<T> {
    let index = usize::try_from(rank?.checked_sub(1)?).ok()?;
    sorted.get(index).copied()
}

/// The interpolated quantile of an ascending sample (Hyndman-Fan type 7, what k6 and numpy print).
///
/// For comparison with other tools only: it invents latencies nobody had. `None` without samples.
#[must_use]
pub fn hf7(sorted: &[u64], quantile: Quantile) -> Option<f64> {
    let last = (sorted.len() as u64).checked_sub(1)?;
    let scale = u128::from(Quantile::SCALE);
    let position = u128::from(quantile.parts) * u128::from(last);
    let below = at_rank(sorted, Some(u64::try_from(position / scale).ok()? + 1))? as f64;
    let fraction = (position % scale) as f64 / scale as f64;
    if fraction == 0.0 {
        return Some(below);
    }
    let above = at_rank(sorted, Some(u64::try_from(position / scale).ok()? + 2))? as f64;
    Some(below + (above - below) * fraction)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_come_from_integers() {
        assert_eq!(Quantile::P999.rank(1000), Some(999));
        assert_eq!("0.55".parse::<Quantile>().unwrap().rank(100), Some(55));
        assert_eq!(Quantile::P95.rank(20), Some(19));
        assert_eq!(Quantile::P95.rank(21), Some(20));
        assert_eq!(Quantile::P95.rank(0), None);
        assert_eq!(Quantile::P95.rank(u64::MAX), Some(17_524_406_870_024_074_035));
    }

    #[test]
    fn a_quantile_reads_and_writes_as_a_decimal() {
        for (text, shown, num, den) in
            [("0.95", "P95", 19, 20), ("0.999", "P99.9", 999, 1000), ("1", "P100", 1, 1), ("0.5", "P50", 1, 2)]
        {
            let quantile: Quantile = text.parse().unwrap();
            assert_eq!((quantile.to_string().as_str(), quantile.num(), quantile.den()), (shown, num, den));
            let json = serde_json::to_string(&quantile).unwrap();
            assert_eq!(json, format!("\"{text}\""));
            assert_eq!(serde_json::from_str::<Quantile>(&json).unwrap(), quantile);
        }
        assert_eq!(Quantile::P95.share_above(), 0.05);
    }

    #[test]
    fn a_text_that_is_no_quantile_is_refused() {
        for text in ["", "0", "0.0", "1.01", "95", "-0.5", "0.9999999999", ".5", "0.", "NaN", "1e-1", "P95"] {
            assert!(text.parse::<Quantile>().is_err(), "{text}");
        }
    }

    #[test]
    fn nearest_rank_returns_an_observed_value_where_type_7_invents_one() {
        let sorted: Vec<u64> = [vec![10; 19], vec![1000]].concat();
        assert_eq!(nearest_rank(&sorted, Quantile::P95), Some(10));
        assert_eq!(hf7(&sorted, Quantile::P95), Some(59.5));
        assert_eq!(nearest_rank::<u64>(&[], Quantile::P95), None);
        assert_eq!(hf7(&[], Quantile::P95), None);
    }
}
