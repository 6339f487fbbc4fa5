//! Looks for identities and keys in a text. What is found is told by kind and place, never by its value.

use std::sync::LazyLock;

use common::settings::Secret;
use regex::bytes::Regex;

/// A text that must not be there.
pub(super) struct Needle {
    /// What it is, `an e-mail address that was sent to A6`.
    what: String,
    text: Secret,
}

impl Needle {
    pub(super) fn new(what: impl Into<String>, text: impl Into<String>) -> Self {
        Self { what: what.into(), text: Secret::new(text) }
    }
}

/// Where something was found that must not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) what: String,
    pub(super) file: String,
    /// From 1.
    pub(super) line: usize,
}

impl Hit {
    pub(super) fn words(&self) -> String {
        format!("{} in {}, line {}", self.what, self.file, self.line)
    }
}

/// Forms of what must not be there whoever's it is.
static FORMS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    let form = |what, pattern| Regex::new(pattern).ok().map(|regex| (what, regex));
    let forms = [
        form("a private key", r"-----BEGIN (?:EC |RSA |ENCRYPTED )?PRIVATE KEY-----"),
        form("a key of a payment provider", r"\b[sr]k_(?:test|live)_[A-Za-z0-9]{16,}"),
        form("a secret of webhooks", r"\bwhsec_[A-Za-z0-9+/]{16,}"),
        form("a signed token", r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{16,}"),
        form("a bearer token", r"(?i)\bbearer [A-Za-z0-9._~+/-]{20,}"),
        form("a session cookie", r"(?i)\ba[15]_session=[A-Za-z0-9._~+/=-]{16,}"),
        form("the address of a made-up student", r"\btest_(?:student|provider)_[0-9a-f]{32}@"),
        form(
            "an e-mail address",
            r"\b[A-Za-z0-9._%+-]+@(?:[A-Za-z0-9-]+\.)*(?:gmail|outlook|hotmail|yahoo|icloud|proton)\.[a-z]{2,6}\b",
        ),
        form("a social security number", r"\b[0-9]{3}-[0-9]{2}-[0-9]{4}\b"),
    ];
    forms.into_iter().flatten().collect()
});

/// What of the needles and forms is in the bytes of a file.
pub(super) fn scan(file: &str, bytes: &[u8], needles: &[Needle]) -> Vec<Hit> {
    let mut hits = Vec::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let hit = |what: &str| Hit { what: what.to_owned(), file: file.to_owned(), line: at + 1 };
        let known = needles.iter().filter(|needle| contains(line, needle.text.expose().as_bytes()));
        hits.extend(known.map(|needle| hit(&needle.what)));
        hits.extend(has_card(line).then(|| hit("the number of a card")));
        hits.extend(FORMS.iter().filter(|(_, form)| form.is_match(line)).map(|(what, _)| hit(what)));
    }
    hits
}

/// Sixteen digits as on a card, in fours or in one piece, that stand by themselves and have a card's check digit.
static CARD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let fours = r"(?:4[0-9]{3}|5[1-5][0-9]{2})[ -]?[0-9]{4}[ -]?[0-9]{4}[ -]?[0-9]{4}";
    Regex::new(&format!(r"(?-u)(?:^|[^0-9A-Za-z.+/_=-])({fours})(?:$|[^0-9A-Za-z.+/_=-])")).ok()
});

fn has_card(line: &[u8]) -> bool {
    let Some(card) = CARD.as_ref() else { return false };
    card.captures_iter(line).filter_map(|found| found.get(1)).any(|digits| has_check_digit(digits.as_bytes()))
}

/// Luhn's sum: every second digit from the right counts twice, and the sum ends in 0.
fn has_check_digit(digits: &[u8]) -> bool {
    let digits = digits.iter().filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'));
    let digits: Vec<u32> = digits.collect();
    let twice = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(at, digit)| if at % 2 == 1 { twice(*digit) } else { *digit }).sum();
    sum.is_multiple_of(10)
}

fn contains(line: &[u8], needle: &[u8]) -> bool {
    !needle.is_empty() && line.windows(needle.len()).any(|part| part == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sent_is_found_with_its_line_and_its_value_is_not_told() {
        let needles = [Needle::new("a password that was sent to A1", "canary-password-1")];
        let text = b"all is well\nrefused: {\"password\":\"canary-password-1\"}\n";
        let hits = scan("a1.log", text, &needles);
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0].words(), "a password that was sent to A1 in a1.log, line 2");
        assert!(scan("a1.log", b"canary-password-2", &needles).is_empty());
    }

    #[test]
    fn keys_tokens_and_addresses_are_found_by_their_form() {
        let mark = "0123456789abcdef";
        let bad = [
            format!("-----BEGIN {} KEY-----", "PRIVATE"),
            format!("sk_test_{mark}"),
            format!("whsec_{mark}"),
            format!("eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0xyz.{mark}"),
            format!("Authorization: Bearer {mark}{mark}"),
            format!("a1_session={mark}"),
            format!("test_student_{mark}{mark}@example.test"),
            "somebody@gmail.com".to_owned(),
            "4242 4242 4242 4242".to_owned(),
            "078-05-1120".to_owned(),
        ];
        for text in bad {
            assert_eq!(scan("x", text.as_bytes(), &[]).len(), 1, "{text}");
        }
    }

    #[test]
    fn ids_traces_times_and_figures_are_no_alarm() {
        let fine = "run 20261122-015900-abcd trace 4bf92f3577b34da6a3ce929d0e0e4736 at 2026-11-22T01:59:00.123Z took 4242 ms \
                    p95 12345678901 $HANDSHAKE_ADMIN_KEY Authorization: Bearer $TOKEN qa@example.test 127.0.0.1:7105 \
                    0.4242424242424242 [4242424242424241, 4.242424242424242]";
        assert_eq!(scan("x", fine.as_bytes(), &[]), Vec::new());
    }
}
