//! Which requests are disturbed, and a list of rules that is known to be sound.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::action::{
    Action, Answer, Delay, Dropped, Duplicate, Part, Pattern, RemoveJson, RewriteText, ScaleJson, SetJson,
};
use super::{RuleErrors, mistakes, read};

/// Which requests are disturbed, and how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Its name in the record of what was applied; no two rules share one.
    pub id: String,
    /// Which requests; every one if left out.
    #[serde(default, rename = "match", skip_serializing_if = "Match::is_everything")]
    pub matches: Match,
    /// What is done to them.
    #[serde(rename = "do")]
    #[schemars(length(min = 1))]
    pub actions: Vec<Action>,
}

/// Which requests a rule disturbs: those that fit everything that is said here.
///
/// `skip`, `every` and `first` count the requests that fit all the rest: the first `skip` pass, of those that follow
/// every `every`th is disturbed, and of these only the `first` ones.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// `GET`, `POST`, …; any if left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// The path without its query, in which `*` stands for any text, `/api/providers/*/stage`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Headers and their values, in which `*` stands for any text.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// So many pass first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skip: Option<u64>,
    /// Every `n`th, 1 or more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub every: Option<u64>,
    /// So many, then never again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first: Option<u64>,
    /// This share of all traces, 0 to 1, by a hash of the trace id, so that all hops of a trace agree. A request without
    /// a trace id belongs to no share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 1))]
    pub share: Option<f64>,
    /// From so many milliseconds after the rules were set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<u64>,
    /// Until so many milliseconds after the rules were set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<u64>,
}

impl Match {
    fn is_everything(&self) -> bool {
        *self == Self::default()
    }
}

impl Rule {
    /// A rule for every request that does nothing yet.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), matches: Match::default(), actions: Vec::new() }
    }

    /// Only requests of this method whose path fits.
    #[must_use]
    pub fn on(mut self, method: &str, path: &str) -> Self {
        self.matches.methods.push(method.to_owned());
        self.matches.path = Some(path.to_owned());
        self
    }

    /// Only requests whose path fits, of any method.
    #[must_use]
    pub fn at(mut self, path: &str) -> Self {
        self.matches.path = Some(path.to_owned());
        self
    }

    /// Only requests whose header fits.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.matches.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Lets so many pass first.
    #[must_use]
    pub fn skip(mut self, count: u64) -> Self {
        self.matches.skip = Some(count);
        self
    }

    /// Every `n`th only.
    #[must_use]
    pub fn every(mut self, n: u64) -> Self {
        self.matches.every = Some(n);
        self
    }

    /// So many, then never again.
    #[must_use]
    pub fn first(mut self, count: u64) -> Self {
        self.matches.first = Some(count);
        self
    }

    /// This share of all traces, 0 to 1.
    #[must_use]
    pub fn share(mut self, share: f64) -> Self {
        self.matches.share = Some(share);
        self
    }

    /// Only between these milliseconds after the rules were set.
    #[must_use]
    pub fn between_ms(mut self, from: u64, until: u64) -> Self {
        self.matches.from_ms = Some(from);
        self.matches.until_ms = Some(until);
        self
    }

    /// Adds an action.
    #[must_use]
    pub fn does(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }
}

impl Answer {
    /// An answer of this status.
    #[must_use]
    pub fn of(code: u16) -> Self {
        Self { code, body: None, content_type: None, retry_after_s: None }
    }

    /// With this JSON as its body.
    #[must_use]
    pub fn json(mut self, body: &Value) -> Self {
        self.body = Some(body.to_string());
        self
    }

    /// With a `Retry-After` header.
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }
}

impl Action {
    /// Waits before passing on.
    #[must_use]
    pub fn delay_ms(ms: u64) -> Self {
        Self::Delay(Delay { ms })
    }

    /// Answers with this status in the app's place.
    #[must_use]
    pub fn status(code: u16) -> Self {
        Self::Status(Answer::of(code))
    }

    /// Tells the caller that all is well and passes nothing on.
    #[must_use]
    pub fn acknowledge(answer: Answer) -> Self {
        Self::Drop(Dropped { acknowledge: Some(answer) })
    }

    /// Passes on twice; the copy is the same to the byte.
    #[must_use]
    pub fn duplicate() -> Self {
        Self::Duplicate(Duplicate::default())
    }

    /// Writes a field of a JSON body.
    #[must_use]
    pub fn set_json(part: Part, pointer: &str, value: impl Into<Value>) -> Self {
        Self::SetJson(SetJson { part, pointer: pointer.to_owned(), value: value.into(), conditions: BTreeMap::new() })
    }

    /// Removes a field or items of a JSON body.
    #[must_use]
    pub fn remove_json(part: Part, pointer: &str) -> Self {
        Self::RemoveJson(RemoveJson { part, pointer: pointer.to_owned(), conditions: BTreeMap::new() })
    }

    /// Multiplies a number of a JSON body.
    #[must_use]
    pub fn scale_json(part: Part, pointer: &str, factor: f64) -> Self {
        Self::ScaleJson(ScaleJson { part, pointer: pointer.to_owned(), factor, conditions: BTreeMap::new() })
    }

    /// Replaces text of a body.
    ///
    /// # Panics
    /// When `find` is no regular expression.
    #[must_use]
    pub fn rewrite_text(part: Part, find: &str, replace: &str) -> Self {
        let find = Pattern::new(find).expect("a rule written in code has a regular expression that compiles");
        Self::RewriteText(RewriteText { part, find, replace: replace.to_owned() })
    }

    /// Only where the value at `pointer` is this one. Has no meaning but for actions on JSON, which it is for.
    #[must_use]
    pub fn wherever(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let conditions = match &mut self {
            Self::SetJson(set) => &mut set.conditions,
            Self::RemoveJson(remove) => &mut remove.conditions,
            Self::ScaleJson(scale) => &mut scale.conditions,
            _ => return self,
        };
        conditions.insert(pointer.to_owned(), value.into());
        self
    }
}

/// Rules without a mistake.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Rules {
    rules: Vec<Rule>,
}

/// A file of rules, for its schema.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "its shape is what matters")]
struct File {
    /// The rules; all that match a request apply, in this order.
    rules: Vec<Rule>,
}

impl Rules {
    /// No rule: everything passes.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Checks rules that were made in code.
    ///
    /// # Errors
    /// Every mistake at once; the lines are 0.
    pub fn of(rules: Vec<Rule>) -> Result<Self, RuleErrors> {
        let errors = mistakes::all(&rules);
        if errors.is_empty() { Ok(Self { rules }) } else { Err(RuleErrors { file: "rules".to_owned(), errors }) }
    }

    /// Reads the text of a file of rules; `file` is the name that error messages show.
    ///
    /// # Errors
    /// Every mistake in the text at once, by line.
    pub fn parse(file: &str, text: &str) -> Result<Self, RuleErrors> {
        read::rules(file, text).map(|rules| Self { rules })
    }

    /// The JSON Schema (draft 2020-12) of a file of rules.
    #[must_use]
    pub fn schema() -> Value {
        let settings = schemars::generate::SchemaSettings::draft2020_12().with(|settings| {
            settings.inline_subschemas = true;
        });
        let mut schema = settings.into_generator().into_root_schema_for::<File>().to_value();
        schema["title"] = json!("Rules of the fault proxy");
        schema
    }

    /// All rules, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.rules.iter()
    }

    /// True if any rule answers in an app's place that it failed: with a status of 500 or more.
    #[must_use]
    pub fn answer_failures(&self) -> bool {
        self.rules.iter().flat_map(|rule| &rule.actions).any(|action| match action {
            Action::Status(answer) | Action::CommitThenFail(answer) => answer.code >= 500,
            _ => false,
        })
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rules.len()
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    pub(super) fn into_vec(self) -> Vec<Rule> {
        self.rules
    }
}
