//! The value of an input in a form of an HTML page, found without building a tree.

use std::borrow::Cow;

/// The value of the first `<input>` with this name, entities decoded; `None` without such an input or without its value.
/// Comments and scripts are skipped, names of tags and attributes are read in any case, attributes in any order.
pub(crate) fn input_value(html: &str, name: &str) -> Option<String> {
    let mut rest = html;
    while let Some(open) = rest.find('<') {
        rest = &rest[open + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, after)| after);
        } else if starts_tag(rest, "script") {
            rest = find_ignoring_case(rest, "</script").map_or("", |at| &rest[at + 2..]);
        } else if starts_tag(rest, "input") {
            let (attributes, after) = attributes(&rest["input".len()..]);
            let get = |wanted: &str| {
                attributes.iter().find(|(own, _)| own.eq_ignore_ascii_case(wanted)).map(|(_, value)| decode(value))
            };
            if get("name").as_deref() == Some(name) {
                return get("value").map(Cow::into_owned);
            }
            rest = after;
        }
    }
    None
}

fn starts_tag(text: &str, tag: &str) -> bool {
    let name = text.get(..tag.len()).is_some_and(|own| own.eq_ignore_ascii_case(tag));
    name && text[tag.len()..].starts_with(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>')
}

fn find_ignoring_case(text: &str, wanted: &str) -> Option<usize> {
    text.as_bytes().windows(wanted.len()).position(|window| window.eq_ignore_ascii_case(wanted.as_bytes()))
}

/// The attributes up to the end of the tag, and what comes after it.
fn attributes(tag: &str) -> (Vec<(&str, &str)>, &str) {
    let mut found = Vec::new();
    let mut rest = tag;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        if rest.is_empty() {
            return (found, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (found, after);
        }
        let ends = |c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>' | '/');
        // An equals sign in front begins a name, as in the HTML standard's tokenizer.
        let first = rest.chars().next().map_or(0, char::len_utf8);
        let end = rest[first..].find(ends).map_or(rest.len(), |at| first + at);
        let name = &rest[..end];
        rest = rest[end..].trim_start();
        let Some(assigned) = rest.strip_prefix('=') else {
            found.push((name, ""));
            continue;
        };
        let (value, after) = value(assigned.trim_start());
        found.push((name, value));
        rest = after;
    }
}

fn value(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(inside) = text.strip_prefix(quote) {
            return inside.split_once(quote).unwrap_or((inside, ""));
        }
    }
    text.split_at(text.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(text.len()))
}

/// Decodes numeric references and the named ones that escapers write.
fn decode(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let known = rest[1..].split_once(';').and_then(|(name, after)| Some((reference(name)?, after)));
        match known {
            Some((decoded, after)) => {
                out.push(decoded);
                rest = after;
            }
            None => {
                out.push('&');
                rest = &rest[1..];
            }
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn reference(name: &str) -> Option<char> {
    let number = |digits: &str, radix| u32::from_str_radix(digits, radix).ok().and_then(char::from_u32);
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        "nbsp" => Some('\u{a0}'),
        _ => match name.strip_prefix('#')? {
            hex if hex.starts_with(['x', 'X']) => number(&hex[1..], 16),
            decimal => number(decimal, 10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_found_whatever_the_order_and_quotes_of_its_attributes() {
        for html in [
            r#"<form><input type="hidden" name="csrf" value="t0k"></form>"#,
            r"<input value='t0k' name='csrf'/>",
            "<INPUT NAME=csrf\n\tdisabled VALUE=t0k>",
            r#"<input name="other" value="x"><input value = "t0k" name = "csrf" >"#,
            r#"<!-- <input name="csrf" value="old"> --><script>'<input name="csrf" value="js">'</script><input name=csrf value=t0k>"#,
        ] {
            assert_eq!(input_value(html, "csrf").as_deref(), Some("t0k"), "{html}");
        }
    }

    #[test]
    fn entities_in_a_value_are_decoded_and_lone_ampersands_stay() {
        let html =
            r#"<input name="a" value="1 &lt; 2 &amp;&amp; &quot;x&quot; &#39;&#x7a;&#X7A; R&D &nope; &#xD800;">"#;
        assert_eq!(input_value(html, "a").as_deref(), Some("1 < 2 && \"x\" 'zz R&D &nope; &#xD800;"));
    }

    #[test]
    fn what_is_no_such_input_gives_nothing() {
        for html in [
            "",
            "<inputs name=csrf value=x>",
            "<input name=csrf>",
            r#"<input data-name="csrf" value="x">"#,
            "<!-- <input name=csrf value=x>",
            "<input",
            "csrf=x",
        ] {
            assert_eq!(input_value(html, "csrf"), None, "{html}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_page_makes_it_panic(html in "(<|>|/|=|\"|'|input|script|name|value|!--|-->|&#x?|;|é| |a){0,60}") {
            let _found = input_value(&html, "a");
        }
    }
}
