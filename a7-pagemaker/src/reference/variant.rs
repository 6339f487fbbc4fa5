//! The arm that a page is for: which call to action its visitors are shown.

use common::service::Problem;

/// The words of each arm that A3 knows.
const WORDS: [(&str, &str); 3] = [
    ("apply_now", "Apply now"),
    ("check_eligibility", "Check whether you can apply"),
    ("save_for_later", "Save this for later"),
];

/// What the call to action says where a page is for no arm.
pub(crate) const PLAIN: &str = "Start your application";

/// What the call to action of an arm says; one that nobody wrote words for says its own name.
pub(crate) fn words(variant: Option<&str>) -> String {
    let Some(variant) = variant else { return PLAIN.to_owned() };
    let known = WORDS.iter().find(|(name, _)| *name == variant).map(|(_, words)| (*words).to_owned());
    known.unwrap_or_else(|| {
        let mut words = variant.replace('_', " ");
        if let Some(first) = words.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        words
    })
}

/// Refuses what is no name of an arm.
pub(crate) fn want(variant: &str) -> Result<(), Problem> {
    let plain = variant.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
    if plain && (1..=40).contains(&variant.len()) {
        return Ok(());
    }
    Err(Problem::invalid("/variant", "`variant` is 1 to 40 lower-case letters, digits and `_`, or left out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arm_says_something_else() {
        let shown = [None, Some("apply_now"), Some("check_eligibility"), Some("save_for_later"), Some("short_form")];
        assert_eq!(
            shown.map(words),
            ["Start your application", "Apply now", "Check whether you can apply", "Save this for later", "Short form"]
        );
    }

    #[test]
    fn the_name_of_an_arm_is_short_and_plain() {
        assert!(want("apply_now").is_ok() && want("a1").is_ok());
        for bad in ["", "Apply", "a b", "<b>", &"x".repeat(41)] {
            assert!(want(bad).is_err(), "{bad}");
        }
    }
}
