//! The parameters of a request, read one by one: what is left at the end was not asked for, and is refused.

use serde_json::{Map, Value};

use super::form;
use super::refusal::Refusal;

/// Parameters that are not read yet, and the name of the hash that they stand in.
#[derive(Debug, Clone)]
pub(super) struct Params {
    left: Map<String, Value>,
    of: Option<String>,
}

/// Which part of a list is asked for.
#[derive(Debug)]
pub(super) struct Page {
    /// 1 to 100.
    pub(super) limit: usize,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Page {
    /// The parameter and the id that the page begins beside.
    pub(super) fn cursor(&self) -> Option<(&'static str, &str)> {
        let after = self.starting_after.as_deref().map(|id| ("starting_after", id));
        after.or_else(|| self.ending_before.as_deref().map(|id| ("ending_before", id)))
    }

    /// True if the list is walked from old to new.
    pub(super) fn is_backward(&self) -> bool {
        self.starting_after.is_none() && self.ending_before.is_some()
    }
}

impl Params {
    /// Reads a form or a query string.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let left = form::decode(text).map_err(|(message, name)| Refusal::senseless(message, name))?;
        Ok(Self { left, of: None })
    }

    /// All of it, for comparing requests.
    pub(super) fn tree(&self) -> Value {
        Value::Object(self.left.clone())
    }

    /// The full name of a parameter, `line_items[0][price]`.
    pub(super) fn name(&self, name: &str) -> String {
        self.of.as_ref().map_or_else(|| name.to_owned(), |of| format!("{of}[{name}]"))
    }

    /// A text; `None` if it is not given.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Refusal> {
        match self.left.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) if text.is_empty() => {
                let message = format!("You passed an empty string for '{}'.", self.name(name));
                Err(Refusal::invalid("parameter_invalid_empty", message, self.name(name)))
            }
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::senseless(format!("Invalid string: {}", self.name(name)), self.name(name))),
        }
    }

    /// A text that must be given.
    pub(super) fn need(&mut self, name: &str) -> Result<String, Refusal> {
        self.text(name)?.ok_or_else(|| self.missing(name))
    }

    /// The refusal of a request that lacks a parameter.
    pub(super) fn missing(&self, name: &str) -> Refusal {
        let name = self.name(name);
        Refusal::invalid("parameter_missing", format!("Missing required param: {name}."), name)
    }

    /// An integer.
    pub(super) fn int(&mut self, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let invalid =
            |_| Refusal::invalid("parameter_invalid_integer", format!("Invalid integer: {text}"), self.name(name));
        text.parse().map(Some).map_err(invalid)
    }

    /// A boolean.
    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let invalid = |_| Refusal::senseless(format!("Invalid boolean: {text}"), self.name(name));
        text.parse().map(Some).map_err(invalid)
    }

    /// One of a few texts.
    pub(super) fn choice(&mut self, name: &str, allowed: &[&str]) -> Result<Option<String>, Refusal> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        if allowed.contains(&text.as_str()) {
            return Ok(Some(text));
        }
        let message = format!("Invalid {}: must be one of {}", self.name(name), allowed.join(", "));
        Err(Refusal::senseless(message, self.name(name)))
    }

    /// A hash; `None` if it is not given.
    pub(super) fn hash(&mut self, name: &str) -> Result<Option<Self>, Refusal> {
        match self.left.remove(name) {
            None => Ok(None),
            Some(Value::Object(left)) => Ok(Some(Self { left, of: Some(self.name(name)) })),
            Some(_) => Err(Refusal::senseless(format!("Invalid hash: {}", self.name(name)), self.name(name))),
        }
    }

    /// A list of hashes, in the order of their indexes; empty if it is not given.
    pub(super) fn hashes(&mut self, name: &str) -> Result<Vec<Self>, Refusal> {
        let Some(mut list) = self.hash(name)? else { return Ok(Vec::new()) };
        list.indexes()?.iter().map(|index| Ok(list.hash(index)?.unwrap_or_else(|| list.empty(index)))).collect()
    }

    /// A list of texts, in the order of their indexes; empty if it is not given.
    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<String>, Refusal> {
        let Some(mut list) = self.hash(name)? else { return Ok(Vec::new()) };
        list.indexes()?.iter().map(|index| list.need(index)).collect()
    }

    fn empty(&self, index: &str) -> Self {
        Self { left: Map::new(), of: Some(self.name(index)) }
    }

    fn indexes(&self) -> Result<Vec<String>, Refusal> {
        let of = self.of.as_deref().unwrap_or("");
        let numbers: Option<Vec<usize>> = self.left.keys().map(|key| key.parse().ok()).collect();
        let mut numbers = numbers.ok_or_else(|| Refusal::senseless(format!("Invalid array: {of}"), of))?;
        numbers.sort_unstable();
        Ok(numbers.into_iter().map(|number| number.to_string()).collect())
    }

    /// A caller's own notes: up to 50 texts by name. Empty if not given.
    pub(super) fn metadata(&mut self) -> Result<Value, Refusal> {
        let Some(hash) = self.hash("metadata")? else { return Ok(Value::Object(Map::new())) };
        let name = hash.of.clone().unwrap_or_default();
        let fits = |(key, value): (&String, &Value)| {
            key.chars().count() <= 40 && value.as_str().is_some_and(|text| text.chars().count() <= 500)
        };
        if hash.left.len() > 50 || !hash.left.iter().all(fits) {
            let message = "Metadata takes up to 50 keys of up to 40 characters, with values of up to 500.";
            return Err(Refusal::senseless(message, name));
        }
        Ok(Value::Object(hash.left))
    }

    /// Which part of a list is asked for.
    pub(super) fn page(&mut self) -> Result<Page, Refusal> {
        let limit = self.int("limit")?.unwrap_or(10);
        let limit = usize::try_from(limit).ok().filter(|limit| (1..=100).contains(limit)).ok_or_else(|| {
            let message = "This value must be between 1 and 100.";
            Refusal::invalid("parameter_invalid_integer", message, "limit")
        })?;
        Ok(Page { limit, starting_after: self.text("starting_after")?, ending_before: self.text("ending_before")? })
    }

    /// Refuses what was not read.
    pub(super) fn done(&self) -> Result<(), Refusal> {
        let Some(name) = self.left.keys().next() else { return Ok(()) };
        let name = self.name(name);
        Err(Refusal::invalid("parameter_unknown", format!("Received unknown parameter: {name}"), name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(refusal: &Refusal) -> (Value, Value) {
        let error = refusal.error();
        (error["code"].clone(), error["param"].clone())
    }

    #[test]
    fn what_nobody_reads_is_refused_by_its_full_name() {
        let mut params = Params::parse("a=1&items[0][x]=1&items[0][y]=2").unwrap();
        assert_eq!(params.int("a").unwrap(), Some(1));
        let mut items = params.hashes("items").unwrap();
        assert_eq!(items[0].text("x").unwrap().as_deref(), Some("1"));
        params.done().unwrap();
        assert_eq!(code(&items[0].done().unwrap_err()), ("parameter_unknown".into(), "items[0][y]".into()));
    }

    #[test]
    fn missing_empty_and_unreadable_values_are_told_apart() {
        let mut params = Params::parse("empty=&number=x").unwrap();
        assert_eq!(code(&params.need("currency").unwrap_err()), ("parameter_missing".into(), "currency".into()));
        assert_eq!(code(&params.text("empty").unwrap_err()), ("parameter_invalid_empty".into(), "empty".into()));
        assert_eq!(code(&params.int("number").unwrap_err()), ("parameter_invalid_integer".into(), "number".into()));
    }

    #[test]
    fn lists_keep_the_order_of_their_indexes() {
        let mut params = Params::parse("k[10]=c&k[2]=b&k[0]=a").unwrap();
        assert_eq!(params.texts("k").unwrap(), ["a", "b", "c"]);
        assert!(Params::parse("k[x]=a").unwrap().texts("k").is_err());
    }

    #[test]
    fn a_page_holds_one_to_a_hundred() {
        assert_eq!(Params::parse("").unwrap().page().unwrap().limit, 10);
        for limit in ["0", "101", "-1"] {
            assert!(Params::parse(&format!("limit={limit}")).unwrap().page().is_err(), "{limit}");
        }
    }
}
