//! What Playwright's JSON report says, test by test.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::ids::TraceId;
use common::redact::scrub;
use serde::Deserialize;

use super::BrowserError;
use crate::record::BrowserHop;

/// The attachment in which a spec tells its requests.
const HOPS: &str = "hops.json";

/// All tests of a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Report {
    pub(crate) cases: Vec<Case>,
}

/// One test.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// `a8_dashboard.spec.ts`.
    pub(crate) file: String,
    /// The sentence that the test is called by, groups before it.
    pub(crate) title: String,
    pub(crate) outcome: CaseOutcome,
    pub(crate) took_ms: u64,
    /// The trace of all its requests, if it tells.
    pub(crate) trace_id: Option<TraceId>,
    /// Its requests, if it tells.
    pub(crate) hops: Vec<BrowserHop>,
    /// What went wrong, worked out from the requests.
    pub(crate) cause: Option<String>,
    /// Files that were kept of a failure.
    pub(crate) evidence: Vec<String>,
}

/// What a spec attaches as `hops.json`.
#[derive(Default, Deserialize)]
struct Attached {
    trace_id: Option<TraceId>,
    #[serde(default)]
    hops: Vec<BrowserHop>,
    cause: Option<String>,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CaseOutcome {
    Passed,
    /// With the first error's words.
    Failed(String),
    /// With the reason.
    Skipped(String),
}

impl Case {
    pub(crate) fn skipped(file: &str, title: &str, reason: &str) -> Self {
        let outcome = CaseOutcome::Skipped(reason.to_owned());
        Self::of(file, title, outcome)
    }

    /// A test that tells nothing but how it ended.
    pub(crate) fn of(file: &str, title: &str, outcome: CaseOutcome) -> Self {
        Self {
            file: file.to_owned(),
            title: title.to_owned(),
            outcome,
            took_ms: 0,
            trace_id: None,
            hops: Vec::new(),
            cause: None,
            evidence: Vec::new(),
        }
    }

    /// `a8_dashboard.spec.ts: the page is complete`.
    pub(crate) fn name(&self) -> String {
        format!("{}: {}", self.file, self.title)
    }
}

impl Report {
    pub(crate) fn passed(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| case.outcome == CaseOutcome::Passed)
    }

    pub(crate) fn failed(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| matches!(case.outcome, CaseOutcome::Failed(_)))
    }

    pub(crate) fn skipped(&self) -> impl Iterator<Item = &Case> {
        self.cases.iter().filter(|case| matches!(case.outcome, CaseOutcome::Skipped(_)))
    }
}

#[derive(Deserialize)]
struct Written {
    #[serde(default)]
    suites: Vec<Suite>,
    #[serde(default)]
    errors: Vec<Failure>,
}

#[derive(Deserialize)]
struct Suite {
    title: String,
    file: String,
    #[serde(default)]
    specs: Vec<Spec>,
    #[serde(default)]
    suites: Vec<Suite>,
}

#[derive(Deserialize)]
struct Spec {
    title: String,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Test {
    status: String,
    #[serde(default)]
    annotations: Vec<Annotation>,
    results: Vec<Attempt>,
}

#[derive(Deserialize)]
struct Annotation {
    description: Option<String>,
}

#[derive(Deserialize)]
struct Attempt {
    duration: f64,
    #[serde(default)]
    errors: Vec<Failure>,
    #[serde(default)]
    attachments: Vec<Attachment>,
}

#[derive(Deserialize)]
struct Attachment {
    name: String,
    /// In base 64, where it is not a file.
    body: Option<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
struct Failure {
    #[serde(default)]
    message: String,
}

/// Reads Playwright's JSON report. Errors outside of tests (a spec that does not compile) are failures too.
pub(super) fn parse(text: &str) -> Result<Report, BrowserError> {
    let written: Written = serde_json::from_str(text).map_err(|error| BrowserError::Results(error.to_string()))?;
    let mut cases = Vec::new();
    for suite in &written.suites {
        collect(suite, &[], &mut cases);
    }
    let failed = |error: &Failure| CaseOutcome::Failed(plain(&error.message));
    cases.extend(written.errors.iter().map(|error| Case::of("playwright", "the specs can be loaded", failed(error))));
    Ok(Report { cases })
}

fn collect(suite: &Suite, groups: &[&str], cases: &mut Vec<Case>) {
    let mut groups = groups.to_vec();
    if suite.title != suite.file {
        groups.push(&suite.title);
    }
    for spec in &suite.specs {
        let title = [&groups[..], &[spec.title.as_str()]].concat().join(", ");
        cases.extend(spec.tests.iter().map(|test| test.case(&suite.file, &title)));
    }
    for inner in &suite.suites {
        collect(inner, &groups, cases);
    }
}

impl Test {
    fn case(&self, file: &str, title: &str) -> Case {
        let attachments = || self.results.iter().flat_map(|attempt| &attempt.attachments);
        let told = attachments().find(|attachment| attachment.name == HOPS).and_then(Attachment::read);
        let Attached { trace_id, hops, cause } = told.unwrap_or_default();
        let kept = attachments().filter(|attachment| attachment.name != HOPS);
        let evidence = kept.filter_map(|attachment| attachment.path.clone()).collect();
        let (took_ms, cause) = (self.took_ms(), cause.map(|cause| scrub(&cause)));
        Case { took_ms, trace_id, hops, cause, evidence, ..Case::of(file, title, self.outcome()) }
    }

    /// Only a first try that ended as expected is a pass.
    fn outcome(&self) -> CaseOutcome {
        match self.status.as_str() {
            "expected" => CaseOutcome::Passed,
            "skipped" => {
                let reason = self.annotations.iter().find_map(|annotation| annotation.description.clone());
                CaseOutcome::Skipped(reason.unwrap_or_else(|| "the spec skips it without a reason".into()))
            }
            status => {
                let first = self
                    .results
                    .iter()
                    .flat_map(|attempt| &attempt.errors)
                    .map(|error| scrub(&without_values(&plain(&error.message))))
                    .next();
                CaseOutcome::Failed(first.unwrap_or_else(|| format!("Playwright calls it {status}")))
            }
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "milliseconds of a test")]
    fn took_ms(&self) -> u64 {
        self.results.iter().map(|attempt| attempt.duration.max(0.0) as u64).sum()
    }
}

impl Attachment {
    fn read(&self) -> Option<Attached> {
        let bytes = match (&self.body, &self.path) {
            (Some(body), _) => STANDARD.decode(body).ok()?,
            (None, Some(path)) => std::fs::read(path).ok()?,
            (None, None) => return None,
        };
        serde_json::from_slice(&bytes).ok()
    }
}

/// The words of a message without the colours of a terminal.
fn plain(message: &str) -> String {
    let mut out = String::with_capacity(message.len());
    let mut rest = message.chars();
    while let Some(c) = rest.next() {
        if c == '\u{1b}' {
            rest.by_ref().find(char::is_ascii_alphabetic);
        } else {
            out.push(c);
        }
    }
    out
}

/// Addresses in a text without the values of their queries: codes and states are no one else's business.
pub(super) fn without_values(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut in_query, mut in_value) = (false, false);
    for (at, c) in text.char_indices() {
        let ends = c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '<' | '>' | ')');
        match c {
            _ if ends => (in_query, in_value) = (false, false),
            '?' => in_query = text[..at].rsplit(char::is_whitespace).next().is_some_and(|word| word.contains("://")),
            '&' => in_value = false,
            _ => {}
        }
        if !in_value {
            out.push(c);
        }
        if c == '=' && in_query && !in_value {
            in_value = true;
            out.push('…');
        }
    }
    out
}

/// The titles of the tests in a spec, without running it: those of the groups around them left out.
pub(super) fn titles(spec: &str) -> Vec<String> {
    let starts = spec.lines().filter_map(|line| line.trim_start().strip_prefix("test("));
    let quoted = starts.filter_map(|rest| {
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\'' | '`'))?;
        rest[1..].split(quote).next().map(str::to_owned)
    });
    quoted.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let text = serde_json::json!({
            "suites": [{
                "title": "a8.spec.ts", "file": "a8.spec.ts",
                "specs": [
                    { "title": "it opens", "tests": [{ "status": "expected", "results": [{ "duration": 12.7 }] }] },
                    { "title": "it fails", "tests": [{ "status": "unexpected", "results": [
                        { "duration": 5, "errors": [{ "message": "\u{1b}[31mno title\u{1b}[39m" }] }
                    ] }] },
                    { "title": "it wavers", "tests": [{ "status": "flaky", "results": [{ "duration": 5 }] }] },
                ],
                "suites": [{ "title": "on a phone", "file": "a8.spec.ts", "specs": [
                    { "title": "it fits", "tests": [{
                        "status": "skipped", "annotations": [{ "type": "skip", "description": "no phone" }], "results": []
                    }] }
                ] }],
            }],
            "errors": [],
        });
        parse(&text.to_string()).unwrap()
    }

    #[test]
    fn each_test_is_passed_failed_or_skipped_and_wavering_is_failing() {
        let outcomes: Vec<_> = report().cases.into_iter().map(|case| (case.title, case.outcome)).collect();
        assert_eq!(
            outcomes,
            [
                ("it opens".into(), CaseOutcome::Passed),
                ("it fails".into(), CaseOutcome::Failed("no title".into())),
                ("it wavers".into(), CaseOutcome::Failed("Playwright calls it flaky".into())),
                ("on a phone, it fits".into(), CaseOutcome::Skipped("no phone".into())),
            ]
        );
    }

    #[test]
    fn a_spec_that_cannot_be_loaded_is_a_failure() {
        let report = parse(r#"{ "suites": [], "errors": [{ "message": "SyntaxError" }] }"#).unwrap();
        assert_eq!(report.failed().count(), 1);
    }

    #[test]
    fn a_message_tells_addresses_without_the_values_of_their_queries() {
        let text = "waiting for \"http://a5.localhost:1/auth/callback?code=s3cr3t&state=x%3D\" to finish, a = b? c=d";
        let told = "waiting for \"http://a5.localhost:1/auth/callback?code=…&state=…\" to finish, a = b? c=d";
        assert_eq!(without_values(text), told);
    }

    #[test]
    fn titles_are_read_from_a_spec() {
        let spec =
            "test(\"it opens\", async () => {});\n  test('it closes', x);\ntest.use({});\ntest.describe(\"group\", f)";
        assert_eq!(titles(spec), ["it opens", "it closes"]);
    }
}
