//! What may touch the world, and what may not.

use super::files::Source;
use super::{Breach, rust};

/// Modules that are functions of their arguments.
const PURE: [&str; 5] =
    ["common/src/history/check", "common/src/slo", "common/src/verdict", "xtask/src/record", "xtask/src/report"];

/// What a function of its arguments does not need.
const WORLD: [&str; 17] = [
    "clock::monotonic",
    "clock::unix_ms",
    "clock::unix_us",
    "clock::Clock",
    "Instant::now",
    "SystemTime::now",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::io::stdout",
    "tokio",
    "reqwest",
    "rand",
    "uuid",
    "::fresh(",
    "Settings::process",
];

/// `slo`, `verdict` and `report` compute from what they are given, so that a record can be judged again.
pub(super) fn pure_modules(file: &Source) -> Vec<Breach> {
    let of = |module: &&str| file.path.strip_prefix(*module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'));
    if !file.is_rust() || !PURE.iter().any(of) || rust::is_test_file(&file.path) {
        return Vec::new();
    }
    let advice = "touches the world in a pure module: take the value as an argument";
    outside_tests(file, &WORLD, advice)
}

/// Only `clock` reads time.
pub(super) fn time(file: &Source) -> Vec<Breach> {
    let readers = ["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now"];
    anywhere_but(file, "common/src/clock.rs", &readers, "read time through `common::clock`")
}

/// Only `settings` reads the environment.
pub(super) fn environment(file: &Source) -> Vec<Breach> {
    let readers = ["env::var", "env::var_os", "env::vars", "env::vars_os"];
    anywhere_but(file, "common/src/settings.rs", &readers, "read the environment through `common::settings`")
}

fn anywhere_but(file: &Source, home: &str, words: &[&str], advice: &str) -> Vec<Breach> {
    if !file.is_rust() || file.path == home {
        return Vec::new();
    }
    let code = rust::code_only(&file.text);
    hits(&code, words).map(|(line, word)| Breach::at(file, line, format!("`{word}`: {advice}"))).collect()
}

fn outside_tests(file: &Source, words: &[&str], advice: &str) -> Vec<Breach> {
    let code = rust::code_only(&file.text);
    let tests = rust::test_lines(&code);
    let hits = hits(&code, words).filter(|(line, _)| !tests[line - 1]);
    hits.map(|(line, word)| Breach::at(file, line, format!("`{word}` {advice}"))).collect()
}

fn hits<'a>(code: &'a str, words: &'a [&'a str]) -> impl Iterator<Item = (usize, &'a str)> {
    words.iter().flat_map(move |word| rust::lines_with(code, word).into_iter().map(move |line| (line, *word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pure_module_that_reads_a_file_or_draws_an_id_is_found() {
        let text = "fn a() { std::fs::read(p); TraceId::fresh(); }\n#[cfg(test)]\nmod tests { use std::fs; }";
        assert_eq!(pure_modules(&Source::of("common/src/slo/judge.rs", text)).len(), 2);
        assert_eq!(pure_modules(&Source::of("xtask/src/report.rs", text)).len(), 2);
        assert!(pure_modules(&Source::of("common/src/client.rs", text)).is_empty());
        assert!(pure_modules(&Source::of("common/src/slow.rs", text)).is_empty());
    }

    #[test]
    fn time_and_environment_have_one_reader_each() {
        let text = "let a = Instant::now();\nlet b = std::env::var(c);";
        assert_eq!(time(&Source::of("common/src/load.rs", text))[0].line, 1);
        assert_eq!(environment(&Source::of("common/src/load.rs", text))[0].line, 2);
        assert!(time(&Source::of("common/src/clock.rs", text)).is_empty());
        assert!(environment(&Source::of("common/src/settings.rs", text)).is_empty());
    }
}
