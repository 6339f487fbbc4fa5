//! Pieces of Markdown that survive whatever an app answered.

use std::fmt::Write as _;

/// Text in a table cell or a line: no pipes, no line ends, no tags.
pub(crate) fn cell(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('|', "\\|");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Code within a line or a table cell.
pub(crate) fn code(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ").replace('`', "'").replace('|', "\\|");
    if text.is_empty() { String::new() } else { format!("`{text}`") }
}

/// A table. `align` has a sign for each column: `<` left, `>` right. Cells are taken as they are.
pub(crate) fn table(head: &[&str], align: &str, rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut out = format!("| {} |\n|", head.join(" | "));
    for sign in align.chars() {
        out.push_str(if sign == '>' { "---:|" } else { "---|" });
    }
    out.push('\n');
    for row in rows {
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_cannot_break_out_of_its_cell() {
        assert_eq!(cell("a|b\n<img src=x>"), "a\\|b &lt;img src=x>");
        assert_eq!(code("x ` | y"), "`x ' \\| y`");
    }
}
