//! From a file to rules: the text is held against the schema of the types, and all mistakes are collected by line.

use std::collections::BTreeMap;

use regex::Regex;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::mistakes::Found;
use super::{Action, Rule, RuleErrors, Rules, Stated};
use crate::target::ConfigError;
use crate::target::tree::{self, Node, Value};

/// Reads all rules or says everything that is wrong.
pub(super) fn rules(file: &str, text: &str) -> Result<Vec<Rule>, RuleErrors> {
    let mut reader = Reader::default();
    let mut rules = Vec::new();
    match tree::parse(text) {
        Ok(root) => {
            reader.against(&Rules::schema(), &root, "");
            reader.meaning(&root, "");
            if reader.errors.is_empty() {
                rules = reader.typed(&root, "rules");
            }
        }
        Err(error) => reader.errors.push(error),
    }
    reader.end(file, rules)
}

/// Reads all faults of a catalogue or says everything that is wrong.
pub(super) fn faults(file: &str, text: &str) -> Result<Vec<Stated>, RuleErrors> {
    let mut reader = Reader::default();
    let mut faults = Vec::new();
    match tree::parse(text) {
        Ok(root) => {
            reader.against(&Stated::schema(), &root, "");
            reader.names(items(entry(&root, "faults")));
            for (index, fault) in items(entry(&root, "faults")).iter().enumerate() {
                reader.meaning(fault, &format!("faults[{index}]."));
            }
            if reader.errors.is_empty() {
                faults = reader.typed(&root, "faults");
            }
        }
        Err(error) => reader.errors.push(error),
    }
    reader.end(file, faults)
}

/// The line of a path, or of its nearest ancestor if it is not written out.
fn line_of(lines: &BTreeMap<String, u64>, path: &str) -> u64 {
    let mut path = path;
    loop {
        if let Some(line) = lines.get(path) {
            return *line;
        }
        let Some(cut) = path.rfind(['.', '[']) else { return 1 };
        path = &path[..cut];
    }
}

/// The entry of a table.
fn entry<'a>(node: &'a Node, key: &str) -> Option<&'a Node> {
    let Value::Map(entries) = &node.value else { return None };
    entries.iter().find(|(name, _)| name == key).map(|(_, node)| node)
}

/// The entries of a list, none if it is no list.
fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|node| &node.value) {
        Some(Value::List(items)) => items,
        _ => &[],
    }
}

#[derive(Default)]
struct Reader {
    errors: Vec<ConfigError>,
    /// Where each path stands.
    lines: BTreeMap<String, u64>,
}

impl Reader {
    fn wrong(&mut self, node: &Node, path: &str, message: impl Into<String>, hint: impl Into<String>) {
        let (message, hint) = (message.into(), hint.into());
        self.errors.push(ConfigError { line: node.line, path: path.to_owned(), message, hint });
    }

    /// A part of the right shape; a part of another shape has its errors already.
    fn part<T: DeserializeOwned>(&self, node: &Node, path: &str) -> Option<T> {
        let is_inside =
            |at: &str| at.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
        if self.errors.iter().any(|error| is_inside(&error.path)) {
            return None;
        }
        serde_json::from_value(to_json(node)).ok()
    }

    /// What was read, unless something was wrong.
    fn end<T>(self, file: &str, read: T) -> Result<T, RuleErrors> {
        if self.errors.is_empty() {
            return Ok(read);
        }
        let mut errors = self.errors;
        errors.sort_by_key(|error| error.line);
        Err(RuleErrors { file: file.to_owned(), errors })
    }

    /// What is wrong with the names of faults.
    fn names(&mut self, faults: &[Node]) {
        let mut found = Found::new(|path: &str| line_of(&self.lines, path));
        for (index, fault) in faults.iter().enumerate() {
            if let Some(Value::Text(id)) = entry(fault, "id").map(|id| &id.value) {
                found.in_id(&format!("faults[{index}]"), id);
            }
        }
        let errors = found.errors;
        self.errors.extend(errors);
    }

    /// What is wrong with the parts of `root`'s rules whose shape is right; `before` is the path to them.
    fn meaning(&mut self, root: &Node, before: &str) {
        let mut found = Found::new(|path: &str| line_of(&self.lines, path));
        for (index, rule) in items(entry(root, "rules")).iter().enumerate() {
            let path = format!("{before}rules[{index}]");
            if let Some(Value::Text(id)) = entry(rule, "id").map(|id| &id.value) {
                found.in_id(&path, id);
            }
            let at = format!("{path}.match");
            if let Some(matches) = entry(rule, "match").and_then(|node| self.part(node, &at)) {
                found.in_match(&at, &matches);
            }
            let at = format!("{path}.do");
            let actions = items(entry(rule, "do")).iter().enumerate();
            let actions: Vec<(usize, Action)> = actions
                .filter_map(|(index, node)| Some((index, self.part(node, &format!("{at}[{index}]"))?)))
                .collect();
            found.in_actions(&at, &actions.iter().map(|(index, action)| (*index, action)).collect::<Vec<_>>());
        }
        let errors = found.errors;
        self.errors.extend(errors);
    }

    /// The entries of the list at `key`, in a file without a mistake.
    fn typed<T: DeserializeOwned>(&mut self, root: &Node, key: &str) -> Vec<T> {
        let mut read = Vec::new();
        for (index, item) in items(entry(root, key)).iter().enumerate() {
            match serde_json::from_value(to_json(item)) {
                Ok(one) => read.push(one),
                Err(error) => {
                    let hint = "docs/faults.md tells what a rule can say";
                    self.wrong(item, &format!("{key}[{index}]"), error.to_string(), hint);
                }
            }
        }
        read
    }

    /// Holds a node against a schema, with everything below it.
    fn against(&mut self, schema: &Json, node: &Node, path: &str) {
        self.lines.insert(path.to_owned(), node.line);
        if let Some(choices) = schema["oneOf"].as_array() {
            return self.against_one(choices, node, path);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            if let (Some(choice), false) = (choices.first(), node.value == Value::Null) {
                self.against(choice, node, path);
            }
            return;
        }
        match (kind(schema), &node.value) {
            (Some("object"), Value::Map(entries)) => self.object(schema, node, entries, path),
            (Some("array"), Value::List(items)) => self.array(schema, node, items, path),
            (Some("string"), Value::Text(text)) => self.text(schema, node, text, path),
            (Some("integer"), Value::Int(_)) | (Some("number"), Value::Int(_) | Value::Float(_)) => {
                self.number(schema, node, path);
            }
            (Some("boolean"), Value::Bool(_)) | (None, _) => {}
            (Some(kind), value) => {
                let wanted = wanted(kind);
                self.wrong(
                    node,
                    path,
                    format!("is {} where {wanted} is needed", value.kind()),
                    format!("write {wanted}"),
                );
            }
        }
    }

    /// One of several words, or a table of one key that says what it is.
    fn against_one(&mut self, choices: &[Json], node: &Node, path: &str) {
        let words: Vec<_> = choices.iter().filter_map(|choice| choice["const"].as_str()).collect();
        if !words.is_empty() {
            if !matches!(&node.value, Value::Text(text) if words.contains(&text.as_str())) {
                self.wrong(node, path, "is none of the words known here", format!("write {}", words.join(" or ")));
            }
            return;
        }
        let names: Vec<_> = choices.iter().filter_map(|choice| choice["required"][0].as_str()).collect();
        let known = || format!("known here: {}", names.join(", "));
        let Value::Map(entries) = &node.value else {
            let message = format!("is {} where a table of one key is needed", node.value.kind());
            return self.wrong(node, path, message, known());
        };
        let [(name, _)] = entries.as_slice() else {
            let message = format!("has {} keys where one is needed", entries.len());
            return self.wrong(node, path, message, "write each as an entry of the list, with `- ` before it");
        };
        match choices.iter().find(|choice| choice["required"][0] == name.as_str()) {
            Some(choice) => self.object(choice, node, entries, path),
            None => self.wrong(node, &format!("{path}.{name}"), "is unknown", known()),
        }
    }

    fn object(&mut self, schema: &Json, node: &Node, entries: &[(String, Node)], path: &str) {
        let nothing = Map::new();
        let known = schema["properties"].as_object().unwrap_or(&nothing);
        for (key, child) in entries {
            let below = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            match known
                .get(key)
                .or_else(|| schema["additionalProperties"].as_object().map(|_| &schema["additionalProperties"]))
            {
                Some(schema) => self.against(schema, child, &below),
                None if schema["additionalProperties"] == false => {
                    let known: Vec<_> = known.keys().map(String::as_str).collect();
                    self.wrong(child, &below, "is an unknown key", format!("known here: {}", known.join(", ")));
                }
                None => {}
            }
        }
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            if entries.iter().all(|(name, _)| name != key) {
                let below = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                self.wrong(node, &below, "is missing", format!("add `{key}:` here"));
            }
        }
    }

    fn array(&mut self, schema: &Json, node: &Node, items: &[Node], path: &str) {
        for (index, item) in items.iter().enumerate() {
            self.against(&schema["items"], item, &format!("{path}[{index}]"));
        }
        if schema["minItems"].as_u64().is_some_and(|least| (items.len() as u64) < least) {
            self.wrong(node, path, "is empty", "add at least one entry, with `- ` before it");
        }
    }

    fn text(&mut self, schema: &Json, node: &Node, text: &str, path: &str) {
        if schema["format"] == "regex"
            && let Err(error) = Regex::new(text)
        {
            let error = error.to_string();
            let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            self.wrong(
                node,
                path,
                format!("is no regular expression: {why}"),
                "correct it, or escape what is meant as it stands",
            );
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "limits and values are far below 2^53")]
    fn number(&mut self, schema: &Json, node: &Node, path: &str) {
        let value = match node.value {
            Value::Int(value) => value as f64,
            Value::Float(value) => value,
            _ => return,
        };
        let limit = |key: &str| schema[key].as_f64();
        let (least, most) = (limit("minimum"), limit("maximum"));
        let above = limit("exclusiveMinimum");
        let fits = value.is_finite()
            && least.is_none_or(|least| value >= least)
            && most.is_none_or(|most| value <= most)
            && above.is_none_or(|above| value > above);
        if !fits {
            let mut range = Vec::new();
            range.extend(above.map(|above| format!("above {above}")));
            range.extend(least.filter(|_| above.is_none()).map(|least| format!("{least} or more")));
            range.extend(most.map(|most| format!("at most {most}")));
            self.wrong(node, path, format!("{value} is out of range"), format!("write a number, {}", range.join(", ")));
        }
    }
}

/// The one type of a schema, without the `null` of what may be left out.
fn kind(schema: &Json) -> Option<&str> {
    match &schema["type"] {
        Json::String(kind) => Some(kind),
        Json::Array(kinds) => kinds.iter().filter_map(Json::as_str).find(|kind| *kind != "null"),
        _ => None,
    }
}

/// What a reader calls a type.
fn wanted(kind: &str) -> &'static str {
    match kind {
        "object" => "a table",
        "array" => "a list",
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        _ => "true or false",
    }
}

fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Float(value) => (*value).into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(to_json).collect(),
        Value::Map(entries) => Json::Object(entries.iter().map(|(key, node)| (key.clone(), to_json(node))).collect()),
    }
}
