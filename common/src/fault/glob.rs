//! Texts in which `*` stands for any text.

/// True if `text` fits `pattern`, in which `*` stands for any text, also none.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let Some(last) = parts.next_back() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_star_stands_for_any_text_and_everything_else_for_itself() {
        for (pattern, text) in
            [("*", ""), ("/a", "/a"), ("/a*", "/a"), ("/a/*/c", "/a/b/x/c"), ("*/c", "/a/c/c"), ("/a*b*c", "/abbcxbc")]
        {
            assert!(fits(pattern, text), "{pattern} fits {text}");
        }
        for (pattern, text) in [("/a", "/ab"), ("/a/*/c", "/a/c"), ("/a*a", "/a"), ("", "/"), ("a*b*c", "acb")] {
            assert!(!fits(pattern, text), "{pattern} does not fit {text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_for_the_stars_fits(parts in prop::collection::vec("[ab/]{0,3}", 1..5), filled in prop::collection::vec("[ab/]{0,3}", 5)) {
            let pattern = parts.join("*");
            let mut text = parts[0].clone();
            for (part, fill) in parts[1..].iter().zip(&filled) {
                text.push_str(fill);
                text.push_str(part);
            }
            prop_assert!(fits(&pattern, &text), "{} fits {}", pattern, text);
        }

        #[test]
        fn it_agrees_with_a_regular_expression(pattern in "[ab*]{0,6}", text in "[ab]{0,8}") {
            let regex = regex::Regex::new(&format!("^{}$", pattern.replace('*', ".*"))).unwrap();
            prop_assert_eq!(fits(&pattern, &text), regex.is_match(&text));
        }
    }
}
