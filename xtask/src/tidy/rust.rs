//! Just enough of Rust's syntax for the rules: code without comments and texts, test code, imports.

/// The code with comments and the insides of string and character literals blanked; every line keeps its place.
pub(super) fn code_only(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// The end of the comment or literal that begins at `at`; `at` if none does.
fn literal_end(chars: &[char], at: usize) -> usize {
    let next = chars.get(at + 1).copied();
    let in_word = at > 0 && (chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
    match chars[at] {
        '/' if next == Some('/') => find(chars, at, |c| c == '\n'),
        '/' if next == Some('*') => block_comment_end(chars, at),
        '"' => string_end(chars, at),
        'r' if !in_word || chars[at - 1] == 'b' => raw_string_end(chars, at).unwrap_or(at),
        '\'' => character_end(chars, at).unwrap_or(at),
        _ => at,
    }
}

fn find(chars: &[char], from: usize, wanted: impl Fn(char) -> bool) -> usize {
    chars[from..].iter().position(|c| wanted(*c)).map_or(chars.len(), |offset| from + offset)
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0_usize;
    let mut here = at;
    while here + 1 < chars.len() {
        match (chars[here], chars[here + 1]) {
            ('/', '*') => (depth, here) = (depth + 1, here + 2),
            ('*', '/') if depth == 1 => return here + 2,
            ('*', '/') => (depth, here) = (depth - 1, here + 2),
            _ => here += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], at: usize) -> usize {
    let mut here = at + 1;
    while here < chars.len() {
        match chars[here] {
            '\\' => here += 2,
            '"' => return here + 1,
            _ => here += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let open = find(chars, at + 1, |c| c != '#');
    (chars.get(open) == Some(&'"')).then_some(())?;
    let hashes = open - at - 1;
    let mut here = open + 1;
    loop {
        let quote = find(chars, here, |c| c == '"');
        if quote >= chars.len() || chars[quote + 1..].iter().take(hashes).filter(|c| **c == '#').count() == hashes {
            return Some((quote + 1 + hashes).min(chars.len()));
        }
        here = quote + 1;
    }
}

fn character_end(chars: &[char], at: usize) -> Option<usize> {
    if chars.get(at + 1) == Some(&'\\') {
        return Some((find(chars, at + 3, |c| c == '\'') + 1).min(chars.len()));
    }
    // Otherwise it is a lifetime.
    (chars.get(at + 2) == Some(&'\'')).then_some(at + 3)
}

/// For each line of `code`, whether it stands in an item marked `#[cfg(test)]` (or a variant of it).
pub(super) fn test_lines(code: &str) -> Vec<bool> {
    let lines: Vec<&str> = code.lines().collect();
    let mut marks = vec![false; lines.len()];
    let mut line = 0;
    while line < lines.len() {
        let starts = lines[line].trim_start().starts_with("#[cfg(test)]");
        let end = if starts { item_end(&lines, line) } else { line };
        if starts {
            marks[line..=end].fill(true);
        }
        line = end + 1;
    }
    marks
}

/// The last line of the item that begins at `start`: where its braces close, or its semicolon stands.
fn item_end(lines: &[&str], start: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, line) in lines[start..].iter().enumerate() {
        for c in line.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 1 => return start + offset,
                '}' => depth = depth.saturating_sub(1),
                ';' if depth == 0 => return start + offset,
                _ => {}
            }
        }
    }
    lines.len() - 1
}

/// True if the whole file is test code by its place.
pub(super) fn is_test_file(path: &str) -> bool {
    path.contains("/tests/") || path.starts_with("tests/") || path.ends_with("/tests.rs") || path.contains("/testkit")
}

/// Where `code` names a module of `root` (`crate` or `common`): the line and the module, groups taken apart.
pub(super) fn modules_named(code: &str, root: &str) -> Vec<(usize, String)> {
    let prefix = format!("{root}::");
    let mut found = Vec::new();
    for (at, _) in code.match_indices(&prefix) {
        let before = code[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '$')) {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + prefix.len()..];
        let names = if rest.starts_with('{') { group(rest) } else { vec![identifier(rest)] };
        found.extend(names.into_iter().filter(|name| !name.is_empty()).map(|name| (line, name)));
    }
    found
}

/// The first names in `{a, b::c, d::{e, f}}`.
fn group(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_usize;
    let mut fresh = false;
    for (at, c) in text.char_indices() {
        match c {
            '{' => (depth, fresh) = (depth + 1, depth == 0),
            '}' if depth == 1 => break,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            c if fresh && !c.is_whitespace() => {
                names.push(identifier(&text[at..]));
                fresh = false;
            }
            _ => {}
        }
    }
    names
}

fn identifier(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// Where `word` stands in `code` with no letter, digit or underscore at an end that is one: the lines.
pub(super) fn lines_with(code: &str, word: &str) -> Vec<usize> {
    let is_part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    code.match_indices(word)
        .filter(|(at, _)| !(is_part(word.chars().next()) && is_part(code[..*at].chars().next_back())))
        .filter(|(at, _)| !(is_part(word.chars().next_back()) && is_part(code[at + word.len()..].chars().next())))
        .map(|(at, _)| code[..at].matches('\n').count() + 1)
        .collect()
}

#[test]
fn comments_and_texts_are_blanked_and_lines_keep_their_place() {
    let text = "let a = \"x\\\" sleep\"; // sleep\n/* a /* b */\nsleep */ let c = '\\'';\nlet d = r#\"s\"l\"#; fn f<'a>(b: &'a str) {}";
    let code = code_only(text);
    assert!(!code.contains("sleep") && code.contains("let c") && code.contains("let d"), "{code}");
    assert!(code.contains("fn f<'a>(b: &'a str) {}"), "{code}");
    assert_eq!(code.lines().count(), text.lines().count());
}

#[test]
fn test_blocks_end_where_their_braces_close() {
    let code = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() {}\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}";
    assert_eq!(test_lines(code), [false, true, true, true, true, false, true, true, false]);
}

#[test]
fn imports_are_seen_alone_in_groups_and_inline() {
    let code = "use crate::ids::AppId;\nuse crate::{clock, slo::{Reason, Claim}, verdict};\nlet x = crate::load::y(); $crate::args!()";
    let names: Vec<_> = modules_named(code, "crate").into_iter().map(|(line, name)| format!("{line} {name}")).collect();
    assert_eq!(names, ["1 ids", "2 clock", "2 slo", "2 verdict", "3 load"]);
}
