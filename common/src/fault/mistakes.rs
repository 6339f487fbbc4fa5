//! What is wrong with rules whose shape is right.

use std::collections::BTreeSet;

use axum::http::{HeaderName, HeaderValue, Method};

use super::{Action, Dropped, Match, Part, Rule};
use crate::target::ConfigError;

/// Every mistake in rules that were made in code; their lines are 0.
pub(super) fn all(rules: &[Rule]) -> Vec<ConfigError> {
    let mut found = Found::new(|_| 0);
    for (index, rule) in rules.iter().enumerate() {
        let path = format!("rules[{index}]");
        found.in_id(&path, &rule.id);
        found.in_match(&format!("{path}.match"), &rule.matches);
        if rule.actions.is_empty() {
            found.add(&format!("{path}.do"), "is empty", "add at least one action");
        }
        found.in_actions(&format!("{path}.do"), &rule.actions.iter().enumerate().collect::<Vec<_>>());
    }
    found.errors
}

/// Collects mistakes part by part, so that a part that cannot be read hides none of the others.
pub(super) struct Found<F> {
    /// Tells where a path stands.
    line: F,
    ids: BTreeSet<String>,
    pub(super) errors: Vec<ConfigError>,
}

impl<F: Fn(&str) -> u64> Found<F> {
    pub(super) fn new(line: F) -> Self {
        Self { line, ids: BTreeSet::new(), errors: Vec::new() }
    }

    fn add(&mut self, path: &str, message: &str, hint: &str) {
        let line = (self.line)(path);
        let (path, message, hint) = (path.to_owned(), message.to_owned(), hint.to_owned());
        self.errors.push(ConfigError { line, path, message, hint });
    }

    pub(super) fn in_id(&mut self, of: &str, id: &str) {
        let path = format!("{of}.id");
        if id.trim().is_empty() {
            self.add(&path, "is empty", "give it a name: it stands in the record of what was applied");
        } else if !self.ids.insert(id.to_owned()) {
            self.add(&path, &format!("{id:?} is the name of an earlier one"), "give it another");
        }
    }

    pub(super) fn in_match(&mut self, path: &str, matches: &Match) {
        for (index, method) in matches.methods.iter().enumerate() {
            let is_method = Method::from_bytes(method.as_bytes()).is_ok() && !method.is_empty();
            if !is_method || method.bytes().any(|byte| byte.is_ascii_lowercase()) {
                let at = format!("{path}.methods[{index}]");
                self.add(&at, &format!("{method:?} is no method"), "write it in capitals, `POST`");
            }
        }
        if matches.path.as_ref().is_some_and(|glob| !glob.starts_with(['/', '*']) || glob.contains('?')) {
            self.add(&format!("{path}.path"), "fits no path", "begin it with `/` or `*`, and leave the query out");
        }
        for name in matches.headers.keys() {
            self.header(&format!("{path}.headers.{name}"), name);
        }
        if let (Some(from), Some(until)) = (matches.from_ms, matches.until_ms)
            && from >= until
        {
            self.add(&format!("{path}.until_ms"), "is not after `from_ms`", "the window never opens; make it later");
        }
        if matches.first == Some(0) {
            self.add(&format!("{path}.first"), "0 disturbs nothing", "write 1 or more, or remove the rule");
        }
    }

    /// The actions of one rule, each with its place in the list.
    pub(super) fn in_actions(&mut self, path: &str, actions: &[(usize, &Action)]) {
        let endings = actions.iter().filter(|(_, action)| action.ends_it());
        for (index, _) in endings.skip(1) {
            let at = format!("{path}[{index}]");
            self.add(&at, "never happens", "the request has ended by an action before it; make it a rule of its own");
        }
        for (index, action) in actions {
            self.in_action(&format!("{path}[{index}].{}", action.name()), action);
        }
    }

    fn in_action(&mut self, path: &str, action: &Action) {
        match action {
            Action::DelayLognormal(delay) if delay.p95_ms < delay.p50_ms => {
                self.add(&format!("{path}.p95_ms"), "is below `p50_ms`", "a 95th percentile is not below the median");
            }
            Action::Stall(stall) if stall.for_ms >= stall.every_ms => {
                self.add(&format!("{path}.for_ms"), "is not below `every_ms`", "a pause ends before the next begins");
            }
            Action::SetHeader(set) => {
                self.header(&format!("{path}.name"), &set.name);
                self.value(&format!("{path}.value"), &set.value);
            }
            Action::RemoveHeader(header) => self.header(&format!("{path}.name"), &header.name),
            Action::RewriteHeader(rewrite) => self.header(&format!("{path}.name"), &rewrite.name),
            Action::Duplicate(duplicate) => {
                for (index, name) in duplicate.fresh_headers.iter().enumerate() {
                    self.header(&format!("{path}.fresh_headers[{index}]"), name);
                }
                for (index, pointer) in duplicate.fresh_json.iter().enumerate() {
                    self.pointer(&format!("{path}.fresh_json[{index}]"), pointer);
                }
            }
            Action::SetJson(set) => self.json(path, &set.pointer, set.conditions.keys()),
            Action::RemoveJson(remove) => {
                self.json(path, &remove.pointer, remove.conditions.keys());
                if remove.pointer.is_empty() {
                    self.add(
                        &format!("{path}.pointer"),
                        "is the whole document",
                        "drop or truncate the message instead",
                    );
                }
            }
            Action::ScaleJson(scale) => {
                self.json(path, &scale.pointer, scale.conditions.keys());
                if !scale.factor.is_finite() {
                    self.add(&format!("{path}.factor"), "is no number", "write a number");
                }
            }
            Action::Status(answer)
            | Action::CommitThenFail(answer)
            | Action::Drop(Dropped { acknowledge: Some(answer) }) => {
                self.value(&format!("{path}.content_type"), answer.content_type.as_deref().unwrap_or_default());
            }
            _ => {}
        }
    }

    fn json<'a>(&mut self, path: &str, pointer: &str, conditions: impl Iterator<Item = &'a String>) {
        self.pointer(&format!("{path}.pointer"), pointer);
        for pointer in conditions {
            self.pointer(&format!("{path}.where"), pointer);
        }
    }

    fn pointer(&mut self, path: &str, pointer: &str) {
        if !pointer.is_empty() && !pointer.starts_with('/') {
            self.add(path, &format!("{pointer:?} is no JSON pointer"), "begin it with `/`, as `/items/0/price`");
        }
    }

    fn header(&mut self, path: &str, name: &str) {
        if HeaderName::from_bytes(name.as_bytes()).is_err() {
            self.add(path, &format!("{name:?} is no name of a header"), "use letters, digits and dashes");
        }
    }

    fn value(&mut self, path: &str, value: &str) {
        if HeaderValue::from_str(value).is_err() {
            self.add(path, "is no value of a header", "use visible ASCII without line breaks");
        }
    }
}

impl Action {
    /// True if nothing is passed on after it.
    pub(super) fn ends_it(&self) -> bool {
        matches!(self, Self::Status(_) | Self::Drop(_))
            || matches!(self, Self::Reset(reset) if reset.after_bytes.is_none())
    }

    /// Its key in a file of rules.
    fn name(&self) -> &'static str {
        match self {
            Self::Delay(_) => "delay",
            Self::DelayLognormal(_) => "delay_lognormal",
            Self::Stall(_) => "stall",
            Self::Status(_) => "status",
            Self::Reset(_) => "reset",
            Self::Drop(_) => "drop",
            Self::Truncate(_) => "truncate",
            Self::Throttle(_) => "throttle",
            Self::Duplicate(_) => "duplicate",
            Self::CommitThenFail(_) => "commit_then_fail",
            Self::ReplayStale(_) => "replay_stale",
            Self::SetHeader(_) => "set_header",
            Self::RemoveHeader(_) => "remove_header",
            Self::RewriteHeader(_) => "rewrite_header",
            Self::SetCookie(_) => "set_cookie",
            Self::RemoveCookie(_) => "remove_cookie",
            Self::RewriteCookie(_) => "rewrite_cookie",
            Self::SetJson(_) => "set_json",
            Self::RemoveJson(_) => "remove_json",
            Self::ScaleJson(_) => "scale_json",
            Self::RewriteText(_) => "rewrite_text",
        }
    }

    /// The message whose body it changes.
    pub(super) fn changes_body_of(&self) -> Option<Part> {
        match self {
            Self::SetJson(set) => Some(set.part),
            Self::RemoveJson(remove) => Some(remove.part),
            Self::ScaleJson(scale) => Some(scale.part),
            Self::RewriteText(rewrite) => Some(rewrite.part),
            _ => None,
        }
    }
}
