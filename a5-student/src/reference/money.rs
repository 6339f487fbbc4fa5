//! The money of the events that A5 reports, in cents.

use common::money::Currency;
use common::telemetry::FinanceMetrics;

/// What the AI of one action costs.
const AI_COST_MINOR: i64 = 1;
/// What it is sold for: four times its cost.
const AI_PRICE_MINOR: i64 = 4;

/// A sale to a student: no provider takes part, so there is no fee, and no AI was used yet.
pub(super) fn sale(gross_minor: i64) -> FinanceMetrics {
    FinanceMetrics { gross_minor, ..nothing() }
}

/// One AI action, paid by a credit that was sold before.
pub(super) fn ai_action() -> FinanceMetrics {
    FinanceMetrics { ai_cost_minor: AI_COST_MINOR, ai_price_minor: AI_PRICE_MINOR, ..nothing() }
}

/// The platform's fee and markup, and no money.
fn nothing() -> FinanceMetrics {
    FinanceMetrics {
        provider_fee_pct: 3.0,
        ai_markup_factor: 4.0,
        gross_minor: 0,
        fee_minor: 0,
        ai_cost_minor: 0,
        ai_price_minor: 0,
        currency: Currency::Usd,
    }
}
