//! What nobody may read in a log, a finding or a report, told by its form: keys, tokens, cards, addresses of made-up people.
//!
//! One list for both sides: what the harness writes goes through [`scrub`], and the scan of a run's files looks with
//! [`found`] for what went past it.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;
use serde_json::Value;

use crate::curl::is_secret_name;

/// A form, and what fits it beyond the pattern. Where a pattern has a group, the group is what must not be read.
struct Form {
    what: &'static str,
    pattern: Regex,
    fits: fn(&[u8]) -> bool,
}

/// What it is, its pattern, and what must hold beyond the pattern.
type Row = (&'static str, &'static str, fn(&[u8]) -> bool);

/// All forms. A pattern begins and ends in ASCII, so that what it finds can be cut out of a text.
const ROWS: [Row; 11] = [
    (
        "a private key",
        r"-----BEGIN (?:EC |RSA |ENCRYPTED )?PRIVATE KEY-----(?:[A-Za-z0-9+/=\s\\]*-----END [A-Z ]*PRIVATE KEY-----)?",
        always,
    ),
    ("a key of a payment provider", r"\b[sr]k_(?:test|live)_[A-Za-z0-9]{16,}", always),
    ("a secret of webhooks", r"\bwhsec_[A-Za-z0-9+/]{16,}", always),
    ("a signed token", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?", always),
    ("a bearer token", r"(?i)\bbearer [A-Za-z0-9._~+/-]{20,}", always),
    ("a session cookie", r"(?i)\ba[15]_session=[A-Za-z0-9._~+/=-]{16,}", always),
    (
        "the address of a made-up person",
        r"\btest_(?:student|provider)_[0-9a-z_-]{2,40}@[A-Za-z0-9.-]*[A-Za-z0-9]",
        always,
    ),
    (
        "an e-mail address",
        r"\b[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)*(?:gmail|outlook|hotmail|yahoo|icloud|proton)\.[a-z]{2,6}\b",
        always,
    ),
    ("a social security number", r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b", always),
    // Sixteen digits as on a card, in fours or in one piece, that stand by themselves.
    (
        "the number of a card",
        r"(?-u)(?:^|[^0-9A-Za-z.+/_=-])((?:4[0-9]{3}|5[1-5][0-9]{2})[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4})(?:$|[^0-9A-Za-z.+/_=-])",
        has_check_digit,
    ),
    // In a form the name of its field stands before it.
    ("the number of a card", r"(?i)\b(?:card|number|pan)(?:_number)?=([0-9]{16})\b", has_check_digit),
];

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| {
    let form = |(what, pattern, fits): Row| Regex::new(pattern).ok().map(|pattern| Form { what, pattern, fits });
    ROWS.into_iter().filter_map(form).collect()
});

/// What of all this is in a line, in words that tell no value: `a signed token`.
///
/// A line in which the same thing stands twice tells it once.
#[must_use]
pub fn found(line: &[u8]) -> Vec<&'static str> {
    let mut found: Vec<_> = FORMS.iter().filter(|form| form.place(line).is_some()).map(|form| form.what).collect();
    found.dedup();
    found
}

/// The text with `[a signed token]` and the like in place of each value. What it gives, [`found`] finds nothing in.
#[must_use]
pub fn scrub(text: &str) -> String {
    let mut text = text.to_owned();
    for form in FORMS.iter() {
        while let Some(place) = form.place(text.as_bytes()) {
            text.replace_range(place, &format!("[{}]", form.what));
        }
    }
    text
}

/// Scrubs every text of a document. A value under a name that tells a secret (`password`, `code`) is left out as a whole,
/// also where name and value stand side by side, as `{"name": "set-cookie", "value": "…"}` does in an archive of requests.
pub fn scrub_json(document: &mut Value) {
    match document {
        Value::String(text) => *text = scrub(text),
        Value::Array(items) => items.iter_mut().for_each(scrub_json),
        Value::Object(fields) => {
            let named = fields.get("name").and_then(Value::as_str).is_some_and(is_secret_name);
            for (name, value) in fields.iter_mut() {
                match value {
                    Value::String(text) if is_secret_name(name) || (named && name == "value") => *text = left_out(text),
                    _ => scrub_json(value),
                }
            }
        }
        _ => {}
    }
}

/// What stands for a secret that only its name tells; nothing needs none.
fn left_out(text: &str) -> String {
    if text.is_empty() { String::new() } else { "[a secret]".to_owned() }
}

impl Form {
    /// The first place of it in a text.
    fn place(&self, text: &[u8]) -> Option<Range<usize>> {
        let values = self.pattern.captures_iter(text).filter_map(|found| found.get(1).or_else(|| found.get(0)));
        values.into_iter().find(|value| (self.fits)(value.as_bytes())).map(|value| value.range())
    }
}

fn always(_: &[u8]) -> bool {
    true
}

/// Luhn's sum: every second digit from the right counts twice, and the sum ends in 0.
fn has_check_digit(digits: &[u8]) -> bool {
    let digits = digits.iter().rev().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
    let twice = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let counted = digits.enumerate().map(|(at, digit)| if at % 2 == 1 { twice(digit) } else { digit });
    counted.sum::<u32>().is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// One of each form, put together here so that no file of the project holds one.
    fn forbidden() -> Vec<String> {
        let mark = "0123456789abcdef";
        let private = ["PRIVATE", "KEY"].join(" ");
        vec![
            format!("-----BEGIN {private}-----\nMHcCAQ==\n-----END {private}-----"),
            format!("sk_test_{mark}"),
            format!("whsec_{mark}"),
            format!("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0xyz.{mark}"),
            "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0xyz".to_owned(),
            format!("Bearer {mark}{mark}"),
            format!("a1_session={mark}"),
            format!("test_student_{mark}{mark}@example.test"),
            "test_provider_e2e_01@example.com".to_owned(),
            "somebody@gmail.com".to_owned(),
            "4242 4242 4242 4242".to_owned(),
            "card_number=4242424242424242".to_owned(),
            "078-05-1120".to_owned(),
        ]
    }

    #[test]
    fn every_form_is_found_once_and_scrubbed() {
        for value in forbidden() {
            let text = format!("saw 200 \"{value}\", é");
            assert_eq!(found(text.as_bytes()).len(), 1, "{text}");
            let scrubbed = scrub(&text);
            assert_eq!(found(scrubbed.as_bytes()), Vec::<&str>::new(), "{scrubbed}");
            assert!(scrubbed.starts_with("saw 200 \"") && scrubbed.ends_with("]\", é"), "{scrubbed}");
        }
        assert_eq!(FORMS.len(), ROWS.len(), "a pattern cannot be read");
    }

    #[test]
    fn ids_traces_times_and_figures_stay_as_they_are() {
        let fine = "run 20261122-015900-abcd trace 4bf92f3577b34da6a3ce929d0e0e4736 at 2026-11-22T01:59:00.123Z took 4242 ms \
                    p95 12345678901 $HANDSHAKE_ADMIN_KEY Authorization: Bearer $TOKEN qa@example.test 127.0.0.1:7105 \
                    0.4242424242424242 [4242424242424241, 4.242424242424242] test_student_e2e_01";
        assert_eq!(found(fine.as_bytes()), Vec::<&str>::new());
        assert_eq!(scrub(fine), fine);
    }

    #[test]
    fn a_document_loses_what_its_names_call_secret_and_keeps_its_shape() {
        let mut document = serde_json::json!({
            "headers": [{ "name": "Set-Cookie", "value": "sid=1" }, { "name": "accept", "value": "*/*" }],
            "password": "", "refresh_token": "opaque", "idempotency_key": "k1",
            "text": "to test_student_e2e_01@example.test", "n": 1
        });
        scrub_json(&mut document);
        let expected = serde_json::json!({
            "headers": [{ "name": "Set-Cookie", "value": "[a secret]" }, { "name": "accept", "value": "*/*" }],
            "password": "", "refresh_token": "[a secret]", "idempotency_key": "k1",
            "text": "to [the address of a made-up person]", "n": 1
        });
        assert_eq!(document, expected);
    }

    proptest! {
        #[test]
        fn what_was_scrubbed_has_nothing_left_to_find(
            parts in proptest::collection::vec((r"[ -~é]{0,12}", 0_usize..13), 0..6)
        ) {
            let all = forbidden();
            let text: String = parts.iter().map(|(before, at)| format!("{before}{}", all[*at])).collect();
            prop_assert_eq!(found(scrub(&text).as_bytes()), Vec::<&str>::new());
        }
    }
}
