//! Habits that keep the code readable and its tests trustworthy.

use super::files::Source;
use super::{Breach, rust};

/// The longest a source file may be.
const MAX_LINES: usize = 500;

/// A module begins with the sentence that says what it is; the name of `tests.rs` says it already.
pub(super) fn module_begins_with_its_sentence(file: &Source) -> Vec<Breach> {
    let is_module = file.is_rust() && (file.path.contains("/src/") || file.path.contains("/tests/"));
    if !is_module || file.path.ends_with("/tests.rs") || file.text.trim_start().starts_with("//!") {
        return Vec::new();
    }
    vec![Breach::at(file, 1, "begin the file with a `//!` sentence that says what it is")]
}

/// Files whose tests take time on purpose, and why.
const TAKES_TIME: [(&str, &str); 3] = [
    ("common/src/load/tests/server.rs", "a server that answers late is what its tests measure"),
    ("common/src/load/tests/timing.rs", "a stalled generator is what its tests measure"),
    ("xtask/src/compare/interleaved/tests.rs", "a server that answers late is what its tests measure"),
];

/// Tests wait for events: they do not sleep, and none is ignored.
pub(super) fn tests_wait_for_events(file: &Source) -> Vec<Breach> {
    if !file.is_rust() {
        return Vec::new();
    }
    let code = rust::code_only(&file.text);
    let all = rust::is_test_file(&file.path);
    let marks = rust::test_lines(&code);
    let in_test = |line: &usize| all || marks[line - 1];
    let mut breaches = Vec::new();
    if !TAKES_TIME.iter().any(|(path, _)| *path == file.path) {
        let naps = ["sleep(", "sleep_until("].into_iter().flat_map(|word| rust::lines_with(&code, word));
        let naps = naps.filter(in_test).filter(|line| !on_paused_clock(&code, *line));
        breaches.extend(
            naps.map(|line| Breach::at(file, line, "a test waits for an event or a paused clock, it does not sleep")),
        );
    }
    let ignored = rust::lines_with(&code, "#[ignore").into_iter();
    breaches.extend(
        ignored.map(|line| Breach::at(file, line, "mend the test or delete it: an ignored test tells nothing")),
    );
    breaches
}

/// True if the test around this line runs on tokio's paused clock, where a sleep takes no time.
fn on_paused_clock(code: &str, line: usize) -> bool {
    let before: Vec<_> = code.lines().take(line).collect();
    let attribute = before.iter().rev().find(|line| line.trim_start().starts_with("#[tokio::test"));
    attribute.is_some_and(|attribute| attribute.contains("start_paused = true"))
}

/// Files that grow past the limit usually hold two things.
pub(super) fn length(file: &Source) -> Vec<Breach> {
    let written = [".rs", ".ts", ".js", ".css", ".html", ".yml", ".yaml", ".sh", ".toml"];
    let by_hand = written.iter().any(|end| file.path.ends_with(end)) && !file.path.contains(".min.");
    let lines = file.text.lines().count();
    if !by_hand || lines <= MAX_LINES {
        return Vec::new();
    }
    vec![Breach::at(file, lines, format!("{lines} lines, over {MAX_LINES}: it holds two things, part them"))]
}

/// Words that promise work for later.
pub(super) fn unfinished(file: &Source) -> Vec<Breach> {
    if file.path.ends_with("-lock.json") || file.path.ends_with(".lock") || file.path.contains(".min.") {
        return Vec::new();
    }
    let words = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    let lines =
        words.iter().flat_map(|word| rust::lines_with(&file.text, word).into_iter().map(move |line| (line, word)));
    lines
        .map(|(line, word)| Breach::at(file, line, format!("{word}: do it, or say in plain words what is missing")))
        .collect()
}

/// Nothing in the repository points at a folder beside it.
pub(super) fn stands_alone(file: &Source) -> Vec<Breach> {
    let pointer = concat!("../", "shared");
    let lines = file.lines().filter(|(_, line)| line.contains(pointer));
    lines.map(|(line, _)| Breach::at(file, line, "points outside the repository: say it here in own words")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_without_its_sentence_is_found() {
        assert_eq!(module_begins_with_its_sentence(&Source::of("common/src/a.rs", "use std::fmt;")).len(), 1);
        assert!(module_begins_with_its_sentence(&Source::of("common/src/a.rs", "//! A.")).is_empty());
    }

    #[test]
    fn a_sleep_is_found_in_tests_only_and_not_on_a_paused_clock() {
        let nap = "fn a() { sleep(x); }\n#[cfg(test)]\nmod tests {\n  fn b() { tokio::time::sleep(x); }\n}\n";
        assert_eq!(tests_wait_for_events(&Source::of("common/src/a.rs", nap))[0].line, 4);
        assert_eq!(
            tests_wait_for_events(&Source::of("a6-provider/tests/it/a.rs", "fn b() { thread::sleep(x); }")).len(),
            1
        );
        let paused = "#[tokio::test(start_paused = true)]\nasync fn b() {\n  sleep(x).await;\n}";
        assert!(tests_wait_for_events(&Source::of("a6-provider/tests/it/a.rs", paused)).is_empty());
    }

    #[test]
    fn an_ignored_test_is_found() {
        let ignored = concat!("#[test]\n#[ig", "nore]\nfn a() {}");
        assert_eq!(tests_wait_for_events(&Source::of("common/src/a.rs", ignored)).len(), 1);
    }

    #[test]
    fn a_long_file_is_found_unless_it_is_generated() {
        let text = "x\n".repeat(MAX_LINES + 1);
        assert_eq!(length(&Source::of("common/src/a.rs", &text)).len(), 1);
        assert!(length(&Source::of("common/src/snapshots/a.snap", &text)).is_empty());
    }

    #[test]
    fn promises_and_pointers_outside_are_found() {
        let text = concat!("// TO", "DO later\n// see ../", "shared/spec");
        assert_eq!(unfinished(&Source::of("docs/a.md", text)).len(), 1);
        assert_eq!(stands_alone(&Source::of("docs/a.md", text))[0].line, 2);
    }
}
