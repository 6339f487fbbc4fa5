//! The test cards, and what happens to each.

use super::refusal::Refusal;

/// The cards that mean something here: their numbers, and what the page says of them.
pub(super) const TEST_CARDS: [(&str, &str); 5] = [
    ("4242424242424242", "pays"),
    ("4000000000000002", "is declined"),
    ("4000000000009995", "has insufficient funds"),
    ("4000000000000077", "pays, and the shop hears of it 2 seconds later"),
    ("4000000000000341", "pays, and the shop hears of it three times"),
];

/// How the shop is told of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Telling {
    /// How often.
    pub(super) times: u8,
    /// After how long. The customer waits only for what is told at once.
    pub(super) after_ms: i64,
}

/// Tells the shop once, at once.
pub(super) const AT_ONCE: Telling = Telling { times: 1, after_ms: 0 };

/// Charges a card, by its number as a person wrote it.
pub(super) fn charge(written: &str) -> Result<Telling, Refusal> {
    let number: String = written.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    match number.as_str() {
        "4242424242424242" => Ok(AT_ONCE),
        "4000000000000077" => Ok(Telling { after_ms: 2_000, ..AT_ONCE }),
        "4000000000000341" => Ok(Telling { times: 3, ..AT_ONCE }),
        "4000000000000002" => Err(declined("generic_decline", "Your card was declined.")),
        "4000000000009995" => Err(declined("insufficient_funds", "Your card has insufficient funds.")),
        number if !is_card_number(number) => {
            Err(Refusal::card("incorrect_number", None, "Your card number is incorrect."))
        }
        _ => Err(declined("test_mode_live_card", "Your card was declined: this is test mode, use a test card.")),
    }
}

/// Charges a payment method that the API names.
pub(super) fn charge_method(method: &str) -> Option<Result<Telling, Refusal>> {
    let number = match method {
        "pm_card_visa" => "4242424242424242",
        "pm_card_chargeDeclined" | "pm_card_visa_chargeDeclined" => "4000000000000002",
        "pm_card_chargeDeclinedInsufficientFunds" | "pm_card_visa_chargeDeclinedInsufficientFunds" => {
            "4000000000009995"
        }
        _ => return None,
    };
    Some(charge(number))
}

fn declined(decline_code: &'static str, message: &str) -> Refusal {
    Refusal::card("card_declined", Some(decline_code), message)
}

/// True for 12 to 19 digits whose last one is the check digit of the others (Luhn).
fn is_card_number(number: &str) -> bool {
    let digits: Option<Vec<u32>> = number.chars().map(|c| c.to_digit(10)).collect();
    let Some(digits) = digits.filter(|digits| (12..=19).contains(&digits.len())) else { return false };
    let weigh = |(at, digit): (usize, &u32)| match (at % 2, *digit) {
        (0, digit) => digit,
        (_, digit) if digit > 4 => digit * 2 - 9,
        (_, digit) => digit * 2,
    };
    digits.iter().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_card_is_a_card_number_and_does_what_the_page_says() {
        for (number, does) in TEST_CARDS {
            assert!(is_card_number(number), "{number}");
            assert_eq!(charge(number).is_ok(), does.starts_with("pays"), "{number} {does}");
        }
        assert_eq!(charge("4000 0000-0000 0341").unwrap().times, 3);
        assert_eq!(charge("4000000000000077").unwrap().after_ms, 2_000);
    }

    #[test]
    fn a_mistyped_number_and_a_real_card_are_told_apart() {
        assert_eq!(charge("4242424242424241").unwrap_err().error()["code"], "incorrect_number");
        assert_eq!(charge("").unwrap_err().error()["code"], "incorrect_number");
        assert_eq!(charge("5555555555554444").unwrap_err().error()["decline_code"], "test_mode_live_card");
    }

    #[test]
    fn methods_of_the_api_charge_the_cards_they_are_named_after() {
        assert!(charge_method("pm_card_visa").unwrap().is_ok());
        assert_eq!(charge_method("pm_card_chargeDeclined").unwrap().unwrap_err().error()["code"], "card_declined");
        assert!(charge_method("pm_unknown").is_none());
    }
}
