//! Who may sign. A run must not be able to approve itself, so what signs is named in few places.

use super::files::Source;
use super::{Breach, rust};

/// What signs, and the files (or folders) that may name it.
const SIGNS: [(&str, &[&str]); 3] = [
    ("Signer", &["common/src/signing", "common/src/evidence", "xtask/src/evidence.rs", "xtask/src/commands/approve"]),
    ("Decision::new", &["xtask/src/commands/approve"]),
    ("Signer::from_pem", &["common/src/signing", "xtask/src/evidence.rs", "xtask/src/commands/approve"]),
];

/// Decisions are signed by `approve` alone, bundles by `evidence` alone; nothing else has a key in its hands.
pub(super) fn few_sign(file: &Source) -> Vec<Breach> {
    let ours = file.path.starts_with("common/src/") || file.path.starts_with("xtask/src/");
    if !ours || !file.is_rust() || rust::is_test_file(&file.path) {
        return Vec::new();
    }
    let code = rust::code_only(&file.text);
    let tests = rust::test_lines(&code);
    let mut breaches = Vec::new();
    for (word, homes) in SIGNS {
        let at_home = |home: &&str| {
            let rest = file.path.strip_prefix(home.trim_end_matches(".rs"));
            rest.is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
        };
        if homes.iter().any(at_home) {
            continue;
        }
        let lines = rust::lines_with(&code, word).into_iter().filter(|line| !tests[line - 1]);
        let advice = format!("`{word}` signs: only {} may name it, so that no run approves itself", homes.join(", "));
        breaches.extend(lines.map(|line| Breach::at(file, line, advice.clone())));
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_that_signs_is_found() {
        let phase = "use common::signing::Signer;\nlet d = Decision::new(word, on, 0, 1, \"\");\n";
        let found = |path: &str| few_sign(&Source::of(path, phase)).len();
        assert_eq!((found("xtask/src/run/leave.rs"), found("xtask/src/run/shapes.rs")), (2, 2));
        assert_eq!((found("xtask/src/commands/approve.rs"), found("xtask/src/commands/approve/pen.rs")), (0, 0));
        assert_eq!((found("xtask/src/evidence.rs"), found("xtask/src/evidences.rs")), (1, 2));
        let test = "#[cfg(test)]\nmod tests {\n    use common::signing::Signer;\n}\n";
        assert!(few_sign(&Source::of("xtask/src/run/leave.rs", test)).is_empty());
    }
}
