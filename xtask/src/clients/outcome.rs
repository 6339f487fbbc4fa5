//! What a script said: a line a case, `ok: title`, `FAILED: title: why` or `skipped: title: why`.

use std::process::Output;

use crate::browser::{Case, CaseOutcome};

/// A script that has ended, or never began.
#[derive(Debug, Clone, Default)]
pub(super) struct Said {
    /// The exit code; `None` if it was ended or did not begin.
    code: Option<i32>,
    lines: String,
    complaint: String,
}

impl Said {
    pub(super) fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), lines: text(&output.stdout), complaint: text(&output.stderr) }
    }

    /// A script that could not be heard.
    pub(super) fn nothing(why: String) -> Self {
        Self { complaint: why, ..Self::default() }
    }

    /// Its cases. A script that ended otherwise than its lines say, or had none, has a failed one more.
    pub(super) fn cases(&self, script: &str) -> Vec<Case> {
        let case = |title: &str, outcome| Case::of(script, title, outcome);
        let mut cases: Vec<_> =
            self.lines.lines().filter_map(parsed).map(|(title, outcome)| case(title, outcome)).collect();
        let any_failed = cases.iter().any(|case| matches!(case.outcome, CaseOutcome::Failed(_)));
        let complaint =
            || self.complaint.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason");
        let ended = self.code.map_or_else(|| "without an exit code".to_owned(), |code| format!("with {code}"));
        if self.code != Some(0) && !any_failed {
            let why = format!("it ended {ended}, and no case failed: {}", complaint());
            cases.push(case("it ends as its cases say", CaseOutcome::Failed(why)));
        } else if self.code == Some(0) && any_failed {
            let why = "it ended with 0 though a case failed".to_owned();
            cases.push(case("it ends as its cases say", CaseOutcome::Failed(why)));
        } else if cases.is_empty() {
            cases.push(case("it tries something", CaseOutcome::Failed(format!("it names no case: {}", complaint()))));
        }
        cases
    }
}

fn parsed(line: &str) -> Option<(&str, CaseOutcome)> {
    let (word, rest) = line.trim_end().split_once(": ")?;
    let (title, why) = rest.split_once(": ").unwrap_or((rest, "it gave no reason"));
    match word {
        "ok" => Some((rest, CaseOutcome::Passed)),
        "FAILED" => Some((title, CaseOutcome::Failed(why.to_owned()))),
        "skipped" => Some((title, CaseOutcome::Skipped(why.to_owned()))),
        _ => None,
    }
}

/// Checks that of all cases this one failed, and no other.
pub(super) fn failed_alone(cases: &[Case], wanted: &str) -> Result<(), String> {
    let failed: Vec<_> = cases.iter().filter(|case| matches!(case.outcome, CaseOutcome::Failed(_))).collect();
    match failed.as_slice() {
        [one] if one.title == wanted => Ok(()),
        [] => Err(format!("nothing failed, not even \"{wanted}\"")),
        _ => Err(failed.iter().map(|case| case.title.as_str()).collect::<Vec<_>>().join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(code: Option<i32>, lines: &str) -> Vec<(String, CaseOutcome)> {
        let said = Said { code, lines: lines.to_owned(), complaint: "Traceback\nImportError: no x\n".to_owned() };
        said.cases("a.py").into_iter().map(|case| (case.title, case.outcome)).collect()
    }

    fn failed(title: &str, why: &str) -> (String, CaseOutcome) {
        (title.to_owned(), CaseOutcome::Failed(why.to_owned()))
    }

    #[test]
    fn each_line_is_a_case_and_other_lines_are_none() {
        let lines = "begins\nok: one (a: b)\nFAILED: two: no: why\nFAILED: three\nskipped: four: no key\n";
        assert_eq!(
            cases(Some(1), lines),
            [
                ("one (a: b)".to_owned(), CaseOutcome::Passed),
                failed("two", "no: why"),
                failed("three", "it gave no reason"),
                ("four".to_owned(), CaseOutcome::Skipped("no key".to_owned())),
            ]
        );
    }

    #[test]
    fn a_script_that_says_nothing_or_breaks_off_has_failed() {
        assert_eq!(cases(Some(0), ""), [failed("it tries something", "it names no case: ImportError: no x")]);
        let broken = cases(Some(1), "ok: one\n");
        let why = "it ended with 1, and no case failed: ImportError: no x";
        assert_eq!(broken[1], failed("it ends as its cases say", why));
        let ended = cases(None, "ok: one\n");
        assert!(matches!(&ended[1].1, CaseOutcome::Failed(why) if why.starts_with("it ended without an exit code")));
        assert_eq!(cases(Some(0), "FAILED: one: x\n").len(), 2, "its code hides the failure");
    }

    #[test]
    fn a_defect_is_noticed_by_the_one_case_that_is_about_it() {
        let said =
            |lines: &str, code| Said { code: Some(code), lines: lines.to_owned(), ..Said::default() }.cases("a.py");
        assert_eq!(failed_alone(&said("ok: one\nFAILED: two: x\n", 1), "two"), Ok(()));
        assert_eq!(failed_alone(&said("ok: one\nok: two\n", 0), "two"), Err("nothing failed, not even \"two\"".into()));
        assert_eq!(failed_alone(&said("FAILED: one: x\nFAILED: two: x\n", 1), "two"), Err("one; two".into()));
    }
}
