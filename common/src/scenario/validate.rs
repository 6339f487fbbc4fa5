//! Finds everything that is wrong with a scenario in one go.

use std::collections::BTreeSet;
use std::fmt;

use super::{
    BodyTemplate, Expect, ExtractFrom, Scenario, Segment, Slot, Step, Threshold, ThresholdExpression, ThresholdMetric,
    placeholder,
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
            for extract in &step.extract {
                if let ExtractFrom::Json(pointer) = &extract.from {
                    self.pointer(&format!("step {}, extract {}", step.name, extract.name), pointer);
                }
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
        if step.stream.is_some() && step.follow_redirects > 0 {
            self.add(&at, "a stream is measured from its own request: it follows no redirects");
        }
        let json = |expect: &Expect| {
            matches!(expect, Expect::JsonEquals { .. } | Expect::JsonMatches { .. } | Expect::JsonExists { .. })
        };
        if step.stream.is_some() && step.expect.iter().any(json) {
            self.add(&at, "a stream is no JSON document: expect status and headers");
        }
    }

    fn expectations(&mut self, step: &Step) {
        let at = format!("step {}, expect", step.name);
        for expect in &step.expect {
            if let Some(text) = expect.literal().filter(|text| text.contains("{{")) {
                self.add(&at, format!("{text:?} has a placeholder, and expectations are literal: use `json_exists`"));
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
