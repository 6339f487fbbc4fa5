//! Finds everything that is wrong with a scenario in one go.

use std::collections::BTreeSet;
use std::fmt;

use super::{
    BodyTemplate, Expect, Extract, ExtractFrom, Scenario, Segment, Slot, Step, Threshold, ThresholdExpression,
    ThresholdMetric, placeholder,
};

/// A scenario that cannot be run as written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ScenarioError {
    /// The scenario.
    pub scenario: String,
    /// Everything found, in order of the text.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where: `executor`, `step quote, path`, `threshold http_reqs`.
    pub at: String,
    /// What, and what would be right.
    pub what: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.problems.len();
        write!(f, "scenario {:?} has {count} problem{}", self.scenario, if count == 1 { "" } else { "s" })?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {}: {}", problem.at, problem.what))
    }
}

/// The most redirects of one step, as in browsers.
const MAX_REDIRECTS: u8 = 20;

struct Findings<'a> {
    scenario: &'a Scenario,
    variables: BTreeSet<&'a str>,
    problems: Vec<Problem>,
}

pub(super) fn validate(scenario: &Scenario) -> Result<(), ScenarioError> {
    let mut findings = Findings { scenario, variables: BTreeSet::new(), problems: Vec::new() };
    findings.head();
    findings.steps();
    findings.thresholds();
    if findings.problems.is_empty() {
        Ok(())
    } else {
        Err(ScenarioError { scenario: scenario.id.clone(), problems: findings.problems })
    }
}

impl<'a> Findings<'a> {
    fn add(&mut self, at: impl Into<String>, what: impl Into<String>) {
        self.problems.push(Problem { at: at.into(), what: what.into() });
    }

    fn head(&mut self) {
        let id = &self.scenario.id;
        if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            self.add("id", format!("{id:?} is not letters, digits, `_` and `-`"));
        }
        for problem in self.scenario.executor.problems() {
            self.add(format!("executor {}", self.scenario.executor.name()), problem);
        }
        if self.scenario.steps.is_empty() {
            self.add("steps", "there are none; an iteration must send something");
        }
    }

    fn steps(&mut self) {
        let scenario = self.scenario;
        let mut names = BTreeSet::new();
        for step in &scenario.steps {
            if step.name.is_empty() {
                self.add("steps", "a step has no name");
            }
            if !names.insert(step.name.as_str()) {
                self.add(format!("step {}", step.name), "another step has the same name");
            }
            self.request(step);
            self.expectations(step);
            self.stream(step);
            self.redirects(step);
            for extract in &step.extract {
                self.extract(step, extract);
                self.variables.insert(&extract.name);
            }
        }
    }

    fn request(&mut self, step: &'a Step) {
        let at = |part: &str| format!("step {}, {part}", step.name);
        if http::Method::from_bytes(step.request.method.as_bytes()).is_err() || step.request.method.is_empty() {
            self.add(at("method"), format!("{:?} is not a method", step.request.method));
        }
        if !step.request.path.starts_with('/') {
            self.add(at("path"), format!("{:?} does not start with a slash", step.request.path));
        }
        if step.request.path.contains(['#', ' ', '\r', '\n']) {
            self.add(at("path"), "it contains a fragment or white space; percent-encode it");
        }
        self.template(&at("path"), &step.request.path);
        for (name, value) in &step.request.headers {
            let at = at(&format!("header {name}"));
            if http::HeaderName::from_bytes(name.as_bytes()).is_err() || name.bytes().any(|b| b.is_ascii_uppercase()) {
                self.add(&at, "not a lower-case header name");
            }
            if value.bytes().any(|b| b < 0x20 && b != b'\t') {
                self.add(&at, "the value has control characters");
            }
            self.template(&at, value);
        }
        match &step.request.body {
            None => {}
            Some(BodyTemplate::Json(value)) => self.template(&at("body"), &value.to_string()),
            Some(BodyTemplate::Text(text)) => self.template(&at("body"), text),
            Some(BodyTemplate::Form(fields)) => {
                for (name, value) in fields {
                    self.template(&at(&format!("form field {name}")), value);
                }
            }
        }
    }

    fn stream(&mut self, step: &Step) {
        let at = format!("step {}, stream", step.name);
        if step.stream.is_none() && !step.stream_rules.is_default() {
            self.add(&at, "rules of a stream, and the answer is not read as one: say `.sse()`");
        }
        step.stream_rules.problems().into_iter().for_each(|problem| self.add(&at, problem));
        let body = |expect: &Expect| {
            matches!(
                expect,
                Expect::JsonEquals { .. }
                    | Expect::JsonMatches { .. }
                    | Expect::JsonExists { .. }
                    | Expect::BodyContains(_)
            )
        };
        if step.stream.is_some() && step.expect.iter().any(body) {
            self.add(&at, "the body of a stream is measured and not kept: expect status and headers");
        }
        let from_body = |extract: &Extract| {
            matches!(extract.from, ExtractFrom::Json(_) | ExtractFrom::Regex(_) | ExtractFrom::FormField(_))
        };
        if step.stream.is_some() && step.extract.iter().any(from_body) {
            self.add(&at, "the body of a stream is measured and not kept: extract from headers and cookies");
        }
    }

    fn expectations(&mut self, step: &Step) {
        let at = format!("step {}, expect", step.name);
        for expect in &step.expect {
            if let Some(text) = expect.compared() {
                self.template(&at, &text);
                self.comparable(&at, &text);
            }
            for text in expect.places().into_iter().filter(|text| text.contains("{{")) {
                self.add(&at, format!("{text:?} says where to look, and nothing is filled in there"));
            }
            match expect {
                Expect::Status(statuses) if statuses.is_empty() => self.add(&at, "the list of statuses is empty"),
                Expect::Status(statuses) => {
                    for status in statuses.iter().filter(|status| !(100..=599).contains(*status)) {
                        self.add(&at, format!("{status} is not an HTTP status"));
                    }
                }
                Expect::Header { name, .. } if http::HeaderName::from_bytes(name.as_bytes()).is_err() => {
                    self.add(&at, format!("{name:?} is not a header name"));
                }
                Expect::BodyContains(text) if text.is_empty() => {
                    self.add(&at, "`body_contains` is empty, which every body contains");
                }
                Expect::BodyBytesMin(0) => self.add(&at, "`body_bytes_min` is 0, which every body has"),
                Expect::JsonEquals { pointer, .. }
                | Expect::JsonMatches { pointer, .. }
                | Expect::JsonExists { pointer } => {
                    self.pointer(&at, pointer);
                }
                Expect::Header { .. } | Expect::BodyContains(_) | Expect::BodyBytesMin(_) | Expect::Cookie { .. } => {}
            }
        }
    }

    /// A value that is another one in every place equals nothing.
    fn comparable(&mut self, at: &str, text: &str) {
        let slots = placeholder::parse(text).unwrap_or_default();
        if slots.iter().any(|slot| matches!(slot, Segment::Slot(Slot::Uuid | Slot::NowMs))) {
            self.add(at, format!("{text:?} has {{{{uuid}}}} or {{{{now_ms}}}}, which are other values in every place"));
        }
    }

    fn extract(&mut self, step: &Step, extract: &Extract) {
        let at = format!("step {}, extract {}", step.name, extract.name);
        if extract.name.is_empty() || !extract.name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            self.add(&at, format!("the name {:?} is not letters, digits and `_`", extract.name));
        }
        match &extract.from {
            ExtractFrom::Json(pointer) => self.pointer(&at, pointer),
            ExtractFrom::Header(name) if http::HeaderName::from_bytes(name.as_bytes()).is_err() => {
                self.add(&at, format!("{name:?} is not a header name"));
            }
            ExtractFrom::Regex(pattern) => match regex::bytes::Regex::new(pattern) {
                Err(error) => self.add(&at, format!("{pattern:?} is not a regular expression: {}", one_line(&error))),
                Ok(regex) if regex.captures_len() < 2 => {
                    self.add(&at, format!("{pattern:?} has no group; put what is wanted in parentheses"));
                }
                Ok(_) => {}
            },
            ExtractFrom::Cookie(name) | ExtractFrom::FormField(name) | ExtractFrom::RedirectQuery(name)
                if name.is_empty() =>
            {
                self.add(&at, "it names no cookie, field or parameter");
            }
            ExtractFrom::Header(_)
            | ExtractFrom::Cookie(_)
            | ExtractFrom::FormField(_)
            | ExtractFrom::RedirectQuery(_) => {}
        }
    }

    fn redirects(&mut self, step: &Step) {
        let at = format!("step {}, follow_redirects", step.name);
        if step.follow_redirects > MAX_REDIRECTS {
            self.add(&at, format!("more than {MAX_REDIRECTS}, at which browsers give up"));
        }
        if step.follow_redirects > 0 && step.stream.is_some() {
            self.add(&at, "a stream is measured from its own request; name the place it redirects to");
        }
    }

    fn pointer(&mut self, at: &str, pointer: &str) {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            self.add(at, format!("{pointer:?} is not a JSON pointer: it starts with a slash or is empty"));
        }
    }

    fn template(&mut self, at: &str, text: &str) {
        let segments = match placeholder::parse(text) {
            Ok(segments) => segments,
            Err(problems) => {
                problems.into_iter().for_each(|problem| self.add(at, problem));
                return;
            }
        };
        for segment in segments {
            match segment {
                Segment::Slot(Slot::Var(name)) if !self.variables.contains(name.as_str()) => {
                    self.add(at, format!("{{{{var.{name}}}}} is used before a step extracts it"));
                }
                Segment::Slot(Slot::Data(field)) => match &self.scenario.feeder {
                    None => self.add(at, format!("{{{{data.{field}}}}} needs a feeder, and the scenario has none")),
                    Some(feeder) if !feeder.fields.contains(&field) => {
                        self.add(at, format!("the feeder {:?} has no field {field:?}", feeder.source));
                    }
                    Some(_) => {}
                },
                Segment::Slot(_) | Segment::Literal(_) => {}
            }
        }
    }

    fn thresholds(&mut self) {
        for (metric, expressions) in &self.scenario.thresholds {
            let at = format!("threshold {metric}");
            let parsed = ThresholdMetric::parse(metric).map_err(|problem| self.add(&at, problem)).ok();
            if let Some(step) = parsed.as_ref().and_then(|parsed| parsed.step.as_ref())
                && !self.scenario.steps.iter().any(|own| own.name == *step)
            {
                self.add(&at, format!("there is no step {step:?}"));
            }
            if expressions.is_empty() {
                self.add(&at, "it has no expression");
            }
            for expression in expressions.iter().map(Threshold::expression) {
                match ThresholdExpression::parse(expression) {
                    Err(problem) => self.add(&at, problem),
                    Ok(read) if parsed.as_ref().is_some_and(|metric| !metric.takes(read.aggregate)) => {
                        self.add(&at, format!("{expression:?} makes no sense for this metric"));
                    }
                    Ok(_) => {}
                }
            }
        }
    }
}

/// What a parser says, without the picture it draws.
fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
