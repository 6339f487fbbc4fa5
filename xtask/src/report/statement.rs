//! One statement about one claim in every form that it is shown in: JSON, Markdown, JUnit, a GitHub annotation, a line on
//! a terminal. All from the same value, so that no two of them can differ.

use std::fmt::Write as _;

use common::verdict::{Ruling, Statement};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus};

use super::markdown::{cell, code};
use super::state::State;
use super::text::printable;
use super::{Artifact, Head, json};
use crate::record::RunView;

/// Traces that are shown of one claim.
const TRACES: usize = 5;

/// `verdicts.json`: every claim of the run with all of its figures.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    #[derive(serde::Serialize)]
    struct Verdicts {
        schema: &'static str,
        #[serde(flatten)]
        head: Head,
        /// How many of them were judged together, each with a chance to look like a failure.
        judged_together: u64,
        statements: Vec<Statement>,
    }
    let verdicts = Verdicts {
        schema: "handshake-verdicts/1",
        head: Head::of(view),
        judged_together: view.rollup.as_ref().map_or(0, |rollup| rollup.judged_together),
        statements: view.rulings.iter().map(Statement::from).collect(),
    };
    vec![Artifact::report("verdicts.json", json(&verdicts))]
}

/// A section of a document.
pub(crate) fn markdown(state: State, of: &Statement) -> String {
    let mut out = format!("### {state} {}\n\n{}\n\n", cell(&of.claim), cell(&of.explanation));
    if let Some(words) = of.in_words() {
        let _ = writeln!(out, "In figures: {}.\n", cell(&words));
    }
    if let (Some(size), Some(p)) = (of.family_size, of.p_adjusted) {
        let _ = writeln!(out, "Among {size} claims judged together: p = {p:.2e} (Holm).\n");
    }
    if let Some(issue) = &of.known_issue {
        let _ = writeln!(out, "Known issue {}.\n", code(issue));
    }
    if !of.rerun.is_empty() {
        let _ = writeln!(out, "```sh\n{}\n```\n", of.rerun);
    }
    let ids: Vec<_> = of.trace_ids.iter().take(TRACES).map(|id| code(id)).collect();
    if !ids.is_empty() {
        let _ = writeln!(out, "Traces: {}\n", ids.join(", "));
    }
    out
}

/// A test case. A known issue is no failure here: it does not decide, as in the exit code.
pub(crate) fn junit(ruling: &Ruling) -> TestCase {
    let (of, state) = (Statement::from(ruling), State::of(ruling));
    let mut case = TestCase::new(of.id.as_str(), status(state, &of));
    case.set_classname(format!("{}.phase{}.{}", ruling.claim.app.lower(), of.phase, ruling.claim.kind));
    let mut lines = vec![of.claim.clone(), of.explanation.clone()];
    lines.extend(of.in_words().map(|words| format!("in figures: {words}")));
    if !of.rerun.is_empty() {
        lines.push(format!("rerun: {}", of.rerun));
    }
    lines.extend(of.trace_ids.iter().map(|id| format!("trace: {id}")));
    case.set_system_out(lines.join("\n"));
    case
}

fn status(state: State, of: &Statement) -> TestCaseStatus {
    let line = &of.explanation;
    let (kind, message) = match state {
        State::Pass => return TestCaseStatus::success(),
        State::Fail => (Some(NonSuccessKind::Failure), line.clone()),
        State::Known => {
            let issue = of.known_issue.as_deref().unwrap_or("does not decide");
            (None, format!("known issue {issue}: {line}"))
        }
        State::Held => (None, format!("held: {line}; {}", of.required.as_deref().unwrap_or_default())),
        State::Inconclusive => (None, format!("inconclusive: {line}")),
        State::Skipped => (None, format!("skipped: {line}")),
    };
    let mut status = kind.map_or_else(TestCaseStatus::skipped, TestCaseStatus::non_success);
    status.set_message(message);
    status.set_type(state.word());
    status
}

/// A workflow command that GitHub shows beside the run; `None` for what needs nobody's eye.
pub(crate) fn github(ruling: &Ruling) -> Option<String> {
    let of = Statement::from(ruling);
    let level = match State::of(ruling) {
        State::Fail => "error",
        State::Known | State::Held => "warning",
        State::Inconclusive | State::Skipped | State::Pass => return None,
    };
    let title = escaped(&format!("{} {} {}", of.verdict, of.app, of.claim)).replace(':', "%3A").replace(',', "%2C");
    let again = if of.rerun.is_empty() { String::new() } else { format!("\nsee it again: {}", of.rerun) };
    Some(format!("::{level} title={title}::{}", escaped(&format!("{}{again}", of.explanation))))
}

/// What GitHub's workflow commands take for a text.
fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Lines on a terminal: the claim, and under it what was seen.
pub(crate) fn terminal(of: &Statement) -> String {
    format!("{} {}\n  {}", of.app, printable(&of.claim), printable(&of.explanation))
}

#[cfg(test)]
mod tests {
    use super::super::fixture;
    use super::*;

    fn first(state: State) -> Ruling {
        let found = fixture::view().rulings.into_iter().find(|ruling| State::of(ruling) == state);
        found.expect("the fixture has all states")
    }

    #[test]
    fn a_failure_reads_the_same_in_every_form() {
        let ruling = first(State::Fail);
        let of = Statement::from(&ruling);
        let mut report = quick_junit::Report::new("one");
        let mut suite = quick_junit::TestSuite::new("one");
        suite.add_test_case(junit(&ruling));
        report.add_test_suite(suite);
        let forms = [
            String::from_utf8(json(&of)).unwrap(),
            markdown(State::Fail, &of),
            report.to_string().unwrap(),
            github(&ruling).unwrap(),
            terminal(&of),
        ];
        insta::assert_snapshot!(forms.join("\n----\n"));
    }

    #[test]
    fn nothing_in_a_claim_can_end_an_annotation_early() {
        let mut ruling = first(State::Fail);
        ruling.claim.text = "a::b, c\n::warning::forged".into();
        ruling.explanation = "100 %\n::error::forged".into();
        let line = github(&ruling).unwrap();
        assert_eq!(line.lines().count(), 1);
        assert!(line.contains("a%3A%3Ab%2C c%0A"), "{line}");
        assert!(line.contains("100 %25%0A::error::forged"), "{line}");
    }
}
