//! Fee and markup: the two rates as fractions of integers, and the parts of a bill.

use common::money::{Currency, Money, MoneyError};
use common::service::{Ctx, Defect, Problem};
use serde::Serialize;

/// The largest amount taken, in cents: ten billion dollars.
pub(crate) const MAX_MINOR: i64 = 1_000_000_000_000;

/// The rates of a bill, each `(numerator, denominator)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rates {
    fee: (i64, i64),
    markup: (i64, i64),
}

/// A bill. `total = gross + fee + ai_price`, and `ai_price = ai_cost + ai_margin`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Bill {
    pub(crate) currency: Currency,
    pub(crate) gross_minor: i64,
    pub(crate) fee_minor: i64,
    pub(crate) ai_cost_minor: i64,
    pub(crate) ai_margin_minor: i64,
    pub(crate) ai_price_minor: i64,
    pub(crate) total_minor: i64,
}

impl Rates {
    /// 3 % and 4x, unless a defect says otherwise.
    pub(crate) fn of(ctx: &Ctx) -> Self {
        Self {
            fee: if ctx.has(Defect::A6FeeTwoPointNine) { (29, 1_000) } else { (3, 100) },
            markup: if ctx.has(Defect::A6MarkupThreePointNine) { (39, 10) } else { (4, 1) },
        }
    }

    /// The bill for an award of `gross_minor` cents and AI work that cost `ai_cost_minor` cents.
    pub(crate) fn bill(self, gross_minor: i64, ai_cost_minor: i64) -> Result<Bill, Problem> {
        for (pointer, amount) in [("/gross_minor", gross_minor), ("/ai_cost_minor", ai_cost_minor)] {
            if !(0..=MAX_MINOR).contains(&amount) {
                return Err(Problem::invalid(pointer, format!("an amount is 0 to {MAX_MINOR} cents")));
            }
        }
        self.add_up(Money::usd(gross_minor), Money::usd(ai_cost_minor))
            .map_err(|error| Problem::invalid("", error.to_string()))
    }

    fn add_up(self, gross: Money, ai_cost: Money) -> Result<Bill, MoneyError> {
        let fee = gross.times(self.fee.0, self.fee.1)?;
        let ai_price = ai_cost.times(self.markup.0, self.markup.1)?;
        let total = gross.plus(fee)?.plus(ai_price)?;
        Ok(Bill {
            currency: gross.currency,
            gross_minor: gross.minor,
            fee_minor: fee.minor,
            ai_cost_minor: ai_cost.minor,
            ai_margin_minor: ai_price.minor - ai_cost.minor,
            ai_price_minor: ai_price.minor,
            total_minor: total.minor,
        })
    }
}
