//! Money: integer minor units with a currency. No float ever touches it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An ISO 4217 currency code, `USD`. Only currencies with two decimals are supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Currency {
    /// United States dollar.
    Usd,
    /// Euro.
    Eur,
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Usd => "USD",
            Self::Eur => "EUR",
        })
    }
}

/// An amount in minor units (cents).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    /// Cents; negative for a debit.
    pub minor: i64,
    /// The currency.
    pub currency: Currency,
}

/// Why an amount could not be computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two currencies met.
    #[error("amounts in {0} and {1} cannot be added")]
    Currencies(Currency, Currency),
    /// The result leaves the range of 64-bit minor units.
    #[error("the amount does not fit into 64-bit minor units")]
    Overflow,
}

impl Money {
    /// `minor` cents of United States dollars.
    #[must_use]
    pub const fn usd(minor: i64) -> Self {
        Self { minor, currency: Currency::Usd }
    }

    /// Adds two amounts of one currency.
    ///
    /// # Errors
    /// When the currencies differ or the sum overflows.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::Currencies(self.currency, other.currency));
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// Multiplies by `num / den`, rounding half away from zero on the minor unit.
    ///
    /// # Errors
    /// When the product overflows or `den` is zero.
    pub fn times(self, num: i64, den: i64) -> Result<Self, MoneyError> {
        if den == 0 {
            return Err(MoneyError::Overflow);
        }
        let product = i128::from(self.minor) * i128::from(num);
        let den = i128::from(den);
        let (product, den) = if den < 0 { (-product, -den) } else { (product, den) };
        let rounded = if product >= 0 { (2 * product + den) / (2 * den) } else { (2 * product - den) / (2 * den) };
        let minor = i64::try_from(rounded).map_err(|_| MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.minor < 0 { "-" } else { "" };
        let cents = self.minor.unsigned_abs();
        write!(f, "{sign}{}.{:02} {}", cents / 100, cents % 100, self.currency)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_half_cent_rounds_away_from_zero() {
        assert_eq!(Money::usd(50).times(3, 100).unwrap().minor, 2);
        assert_eq!(Money::usd(49).times(3, 100).unwrap().minor, 1);
        assert_eq!(Money::usd(-50).times(3, 100).unwrap().minor, -2);
    }

    #[test]
    fn an_amount_reads_as_people_write_it() {
        assert_eq!(Money::usd(100_000).to_string(), "1000.00 USD");
        assert_eq!(Money::usd(-5).to_string(), "-0.05 USD");
    }

    proptest! {
        #[test]
        fn a_product_is_never_more_than_half_a_unit_off(minor in -1_000_000_000i64..1_000_000_000, num in 0i64..10_000, den in 1i64..10_000) {
            let got = i128::from(Money::usd(minor).times(num, den).unwrap().minor);
            let exact_times_den = i128::from(minor) * i128::from(num);
            prop_assert!((2 * (got * i128::from(den) - exact_times_den)).abs() <= i128::from(den));
        }
    }
}
