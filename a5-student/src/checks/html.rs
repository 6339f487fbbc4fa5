//! Just enough reading of HTML: attributes, titles, hidden fields. Entities stay as they are.

/// The text between `before` and `after`, first occurrence.
pub(super) fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}

/// The page's title.
pub(super) fn title(page: &str) -> Option<&str> {
    between(page, "<title>", "</title>").map(str::trim).filter(|title| !title.is_empty())
}

/// All values of an attribute, in order.
pub(super) fn attributes<'a>(page: &'a str, name: &str) -> Vec<&'a str> {
    let mark = format!(" {name}=\"");
    page.split(mark.as_str()).skip(1).filter_map(|rest| rest.split_once('"').map(|(value, _)| value)).collect()
}

/// The value of a hidden field.
pub(super) fn hidden<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    between(page, &format!("name=\"{name}\" value=\""), "\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_and_titles_are_found_in_order() {
        let page = r#"<title> A </title><a href="/x">x</a><link rel="y" href="/y">"#;
        assert_eq!(title(page), Some("A"));
        assert_eq!(attributes(page, "href"), ["/x", "/y"]);
        assert_eq!(title("<title></title>"), None);
    }
}
