//! Changes of `Set-Cookie` values.

use super::Pattern;

/// The name of the cookie that a value sets.
fn name(set_cookie: &str) -> &str {
    set_cookie.split_once('=').map_or("", |(name, _)| name).trim()
}

/// True if a rule for `wanted` concerns this value; without a name it concerns all.
pub(super) fn is_for(set_cookie: &str, wanted: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| name(set_cookie) == wanted)
}

fn is(part: &str, attribute: &str) -> bool {
    part.split('=').next().unwrap_or_default().trim().eq_ignore_ascii_case(attribute)
}

/// The value with an attribute set, in its old place if it had one.
pub(super) fn set(set_cookie: &str, attribute: &str, value: Option<&str>) -> String {
    let new = value.map_or_else(|| attribute.to_owned(), |value| format!("{attribute}={value}"));
    let mut parts: Vec<String> = set_cookie.split(';').map(|part| part.trim().to_owned()).collect();
    match parts.iter_mut().skip(1).find(|part| is(part, attribute)) {
        Some(part) => *part = new,
        None => parts.push(new),
    }
    parts.join("; ")
}

/// The value without an attribute.
pub(super) fn remove(set_cookie: &str, attribute: &str) -> String {
    let mut parts = set_cookie.split(';').map(str::trim);
    let first = parts.next().unwrap_or_default();
    std::iter::once(first).chain(parts.filter(|part| !is(part, attribute))).collect::<Vec<_>>().join("; ")
}

/// The value with text replaced in the value of an attribute.
pub(super) fn rewrite(set_cookie: &str, attribute: &str, find: &Pattern, by: &str) -> String {
    let rewritten = |(index, part): (usize, &str)| match part.trim().split_once('=') {
        Some((name, value)) if index > 0 && is(part, attribute) => format!("{name}={}", find.replace(value, by)),
        _ => part.trim().to_owned(),
    };
    set_cookie.split(';').enumerate().map(rewritten).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const COOKIE: &str = "a1_session=v=1; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=600";

    #[test]
    fn attributes_are_set_removed_and_rewritten_and_the_value_is_left_alone() {
        assert_eq!(
            set(COOKIE, "samesite", Some("Lax")),
            "a1_session=v=1; Path=/; Secure; HttpOnly; samesite=Lax; Max-Age=600"
        );
        assert_eq!(set("a=1", "Secure", None), "a=1; Secure");
        assert_eq!(remove(COOKIE, "secure"), "a1_session=v=1; Path=/; HttpOnly; SameSite=None; Max-Age=600");
        assert_eq!(remove("Secure=1; Secure", "Secure"), "Secure=1");
        let minutes = Pattern::new("^6").unwrap();
        assert!(rewrite(COOKIE, "Max-Age", &minutes, "9").ends_with("Max-Age=900"));
        assert_eq!(rewrite(COOKIE, "Domain", &minutes, "9"), COOKIE);
    }

    #[test]
    fn a_rule_for_a_cookie_concerns_no_other() {
        assert!(is_for(COOKIE, None) && is_for(COOKIE, Some("a1_session")) && !is_for(COOKIE, Some("a5_session")));
    }
}
