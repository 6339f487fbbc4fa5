//! Amounts as people read them, and currencies as the API takes them.

use super::params::Params;
use super::refusal::Refusal;

/// Currencies that the stand-in knows, all with two decimal places.
const CURRENCIES: [&str; 3] = ["usd", "eur", "gbp"];
/// The least that can be charged.
pub(super) const LEAST_MINOR: i64 = 50;
/// The most that can be charged.
const MOST_MINOR: i64 = 99_999_999;

/// `$0.50`, `9.00 EUR`.
pub(super) fn shown(amount_minor: i64, currency: &str) -> String {
    let amount = format!("{}.{:02}", amount_minor / 100, amount_minor % 100);
    if currency == "usd" { format!("${amount}") } else { format!("{amount} {}", currency.to_uppercase()) }
}

/// Reads the currency.
pub(super) fn currency(params: &mut Params) -> Result<String, Refusal> {
    let currency = params.need("currency")?.to_lowercase();
    if CURRENCIES.contains(&currency.as_str()) {
        return Ok(currency);
    }
    let message = format!("Invalid currency: {currency}. The stand-in knows {}.", CURRENCIES.join(", "));
    Err(Refusal::senseless(message, params.name("currency")))
}

/// Reads an amount in minor units.
pub(super) fn amount(params: &mut Params, name: &str) -> Result<i64, Refusal> {
    let amount_minor = params.int(name)?.ok_or_else(|| params.missing(name))?;
    if (0..=MOST_MINOR).contains(&amount_minor) {
        return Ok(amount_minor);
    }
    let message = format!("Invalid amount: {amount_minor}. It must be from 0 to {MOST_MINOR}.");
    Err(Refusal::invalid("parameter_invalid_integer", message, params.name(name)))
}

/// Refuses to charge less than the least, or more than the most.
pub(super) fn chargeable(amount_minor: i64, currency: &str, param: &str) -> Result<(), Refusal> {
    if amount_minor < LEAST_MINOR {
        let message = format!("The total amount must be at least {}.", shown(LEAST_MINOR, currency));
        return Err(Refusal::invalid("amount_too_small", message, param));
    }
    if amount_minor > MOST_MINOR {
        let message = format!("The total amount must be no more than {}.", shown(MOST_MINOR, currency));
        return Err(Refusal::invalid("amount_too_large", message, param));
    }
    Ok(())
}

#[test]
fn amounts_are_shown_with_their_currency() {
    assert_eq!(shown(50, "usd"), "$0.50");
    assert_eq!(shown(190_005, "eur"), "1900.05 EUR");
}

#[test]
fn the_micro_charge_is_the_least() {
    assert!(chargeable(50, "usd", "amount").is_ok());
    assert_eq!(chargeable(49, "usd", "amount").unwrap_err().error()["code"], "amount_too_small");
}
