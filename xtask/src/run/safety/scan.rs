//! Looks for identities and keys in a text. What is found is told by kind and place, never by its value.

use std::io::{self, BufRead};

use common::redact;
use common::settings::Secret;
use regex::bytes::Regex;

/// A text that must not be there.
#[derive(Debug, Clone)]
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

/// All texts that must not be there; one pass over a line tells whether any of them is.
#[derive(Debug)]
pub(super) struct Needles {
    list: Vec<Needle>,
    any: Option<Regex>,
}

impl Needles {
    pub(super) fn new(list: Vec<Needle>) -> Self {
        let list: Vec<Needle> = list.into_iter().filter(|needle| !needle.text.expose().is_empty()).collect();
        let texts: Vec<_> = list.iter().map(|needle| regex::escape(needle.text.expose())).collect();
        let any = if texts.is_empty() { None } else { Regex::new(&texts.join("|")).ok() };
        Self { list, any }
    }

    fn known<'a>(&'a self, line: &'a [u8]) -> impl Iterator<Item = &'a str> {
        let any = self.any.as_ref().is_some_and(|any| any.is_match(line));
        let there = move |needle: &&Needle| any && contains(line, needle.text.expose().as_bytes());
        self.list.iter().filter(there).map(|needle| needle.what.as_str())
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

/// A text that was looked through.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Looked {
    pub(super) lines: usize,
    pub(super) hits: Vec<Hit>,
}

/// Looks through a text line by line: for the needles, and for whatever has the form of a key, a token, a card or the address
/// of a made-up person.
///
/// # Errors
/// When it cannot be read to its end.
pub(super) fn scan(file: &str, mut text: impl BufRead, needles: &Needles) -> io::Result<Looked> {
    let mut looked = Looked::default();
    let mut line = Vec::new();
    while text.read_until(b'\n', &mut line)? > 0 {
        looked.lines += 1;
        let hit = |what: &str| Hit { what: what.to_owned(), file: file.to_owned(), line: looked.lines };
        looked.hits.extend(needles.known(&line).chain(redact::found(&line)).map(hit));
        line.clear();
    }
    Ok(looked)
}

fn contains(line: &[u8], needle: &[u8]) -> bool {
    line.windows(needle.len()).any(|part| part == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hits(text: &str, needles: Vec<Needle>) -> Vec<Hit> {
        scan("a1.log", text.as_bytes(), &Needles::new(needles)).unwrap().hits
    }

    #[test]
    fn what_was_sent_is_found_with_its_line_and_its_value_is_not_told() {
        let needles =
            vec![Needle::new("a password that was sent to A1", "canary-password-1"), Needle::new("nothing", "")];
        let found = hits("all is well\nrefused: {\"password\":\"canary-password-1\"}\n", needles.clone());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].words(), "a password that was sent to A1 in a1.log, line 2");
        assert_eq!(hits("canary-password-2", needles), []);
    }

    #[test]
    fn what_has_the_form_of_a_key_is_found_without_knowing_it() {
        let found = hits(&format!("fine\nAuthorization: Bearer {}", "0123456789abcdef".repeat(2)), Vec::new());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].words(), "a bearer token in a1.log, line 2");
        assert_eq!(hits("Authorization: Bearer $TOKEN", Vec::new()), []);
    }

    #[test]
    fn an_empty_text_has_no_lines() {
        assert_eq!(scan("a1.log", &b""[..], &Needles::new(Vec::new())).unwrap(), Looked::default());
    }
}
