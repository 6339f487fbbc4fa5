//! Reading a page the way a crawler does: tags and their attributes, no more.

use std::collections::BTreeMap;

/// The attributes of every tag of this name, names in lower case.
pub(crate) fn tags(html: &str, name: &str) -> Vec<BTreeMap<String, String>> {
    let open = format!("<{name}");
    let mut found = Vec::new();
    let lower = html.to_ascii_lowercase();
    for (at, _) in lower.match_indices(&open) {
        let rest = &html[at + open.len()..];
        if rest.starts_with(|c: char| c.is_whitespace() || c == '>' || c == '/') {
            found.push(attributes(rest));
        }
    }
    found
}

/// The attributes up to the end of the tag.
fn attributes(mut rest: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if rest.is_empty() || rest.starts_with('>') {
            return found;
        }
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | '>' | '/')).unwrap_or(rest.len());
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            let (text, remains) = match quote {
                Some(quote) => after[1..].split_once(quote).unwrap_or((&after[1..], "")),
                None => after.split_at(after.find(|c: char| c.is_whitespace() || c == '>').unwrap_or(after.len())),
            };
            value = text.to_owned();
            rest = remains;
        } else if end == 0 {
            return found;
        }
        found.insert(name, value);
    }
}

/// `content` of the meta tag of this name or property.
pub(crate) fn meta(html: &str, name: &str) -> Option<String> {
    let named = |tag: &BTreeMap<String, String>| tag.get("name").or(tag.get("property")).is_some_and(|own| own == name);
    tags(html, "meta").into_iter().find(named)?.remove("content")
}

/// What stands between the first tag of this name and its end.
pub(crate) fn text_of<'a>(html: &'a str, name: &str) -> Option<&'a str> {
    let start = html.find(&format!("<{name}"))?;
    let inner = &html[start..];
    let inner = &inner[inner.find('>')? + 1..];
    inner.split_once(&format!("</{name}>")).map(|(text, _)| text.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_read_quoted_bare_and_without_a_value() {
        let html = r#"<META name="robots" content='no"index'><meta property=og:url content=http://a/b defer>"#;
        assert_eq!(meta(html, "robots").as_deref(), Some("no\"index"));
        assert_eq!(meta(html, "og:url").as_deref(), Some("http://a/b"));
        assert!(tags(html, "meta")[1].contains_key("defer"));
        assert_eq!(meta("<metal name=\"x\" content=\"y\">", "x"), None);
    }

    #[test]
    fn a_tag_that_never_ends_is_no_trap() {
        assert_eq!(tags("<meta name=\"x", "meta").len(), 1);
        assert_eq!(text_of("<h1 class=a> Hello </h1>", "h1"), Some("Hello"));
    }
}
