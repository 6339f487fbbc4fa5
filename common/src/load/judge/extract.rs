//! Values that later steps take from an answer.

use regex::bytes::Regex;

use crate::scenario::{ExtractFrom, scalar_text};

use super::Seen;
use super::html::input_value;

/// One extract, compiled.
#[derive(Debug)]
pub(crate) struct Taker {
    pub(crate) name: String,
    from: From,
}

#[derive(Debug)]
enum From {
    Json(String),
    Header(String),
    Cookie(String),
    FormField(String),
    Regex(Regex),
    RedirectQuery(String),
}

impl Taker {
    /// Compiles an extract of a validated scenario.
    pub(crate) fn compile(name: &str, from: &ExtractFrom) -> Result<Self, String> {
        let from = match from {
            ExtractFrom::Json(pointer) => From::Json(pointer.clone()),
            ExtractFrom::Header(name) => From::Header(name.clone()),
            ExtractFrom::Cookie(name) => From::Cookie(name.clone()),
            ExtractFrom::FormField(name) => From::FormField(name.clone()),
            ExtractFrom::Regex(pattern) => From::Regex(Regex::new(pattern).map_err(|error| error.to_string())?),
            ExtractFrom::RedirectQuery(name) => From::RedirectQuery(name.clone()),
        };
        Ok(Self { name: name.to_owned(), from })
    }

    /// True if it looks at the body.
    pub(crate) fn reads_body(&self) -> bool {
        matches!(self.from, From::Json(_) | From::FormField(_) | From::Regex(_))
    }

    /// Takes the value from an answer.
    pub(crate) fn take(&self, seen: &mut Seen<'_>) -> Result<String, String> {
        self.value(seen).map_err(|why| format!("extract {:?}: {why}", self.name))
    }

    fn value(&self, seen: &mut Seen<'_>) -> Result<String, String> {
        match &self.from {
            From::Json(pointer) => {
                scalar_text(seen.json(pointer)?).ok_or_else(|| format!("{pointer:?} is no text, number or boolean"))
            }
            From::Header(name) => seen.header(name).map(str::to_owned),
            From::Cookie(name) => seen.cookie(name).map(|(value, _)| value.to_owned()),
            From::FormField(name) => {
                let page = String::from_utf8_lossy(seen.answer.body());
                let kind = seen.answer.header("content-type").unwrap_or("no content type");
                input_value(&page, name).ok_or_else(|| format!("no input {name:?} with a value in the body ({kind})"))
            }
            From::Regex(regex) => first_group(regex, seen.answer.body()),
            From::RedirectQuery(name) => {
                let location = seen.answer.header("location");
                query_parameter(location.ok_or("the answer has no location, so it redirects nowhere")?, name)
            }
        }
    }
}

fn first_group(regex: &Regex, body: &[u8]) -> Result<String, String> {
    let found = regex.captures(body).ok_or_else(|| format!("the body has no match of {:?}", regex.as_str()))?;
    let group = found.get(1).ok_or_else(|| format!("{:?} matches without its first group", regex.as_str()))?;
    String::from_utf8(group.as_bytes().to_vec()).map_err(|_| "the group is not UTF-8 text".to_owned())
}

/// The first parameter of this name in the query of a URL, absolute or relative.
fn query_parameter(location: &str, name: &str) -> Result<String, String> {
    let url = location.split('#').next().unwrap_or_default();
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let found = url::form_urlencoded::parse(query.as_bytes()).find(|(own, _)| own == name);
    found.map(|(_, value)| value.into_owned()).ok_or_else(|| {
        let names: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).map(|(own, _)| own.into_owned()).collect();
        format!("the redirect to {path:?} has no parameter {name:?}, only {names:?}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_of_a_redirect_is_decoded() {
        let location = "https://app.test/cb?state=a%2Bb+c&code=x%3D1&code=2#code=3";
        assert_eq!(query_parameter(location, "code").unwrap(), "x=1");
        assert_eq!(query_parameter(location, "state").unwrap(), "a+b c");
        assert_eq!(query_parameter("/cb?code=7", "code").unwrap(), "7");
        let missing = query_parameter("/cb?error=access_denied", "code").unwrap_err();
        assert!(missing.contains("\"/cb\"") && missing.contains("error") && !missing.contains("denied"), "{missing}");
    }

    #[test]
    fn the_first_group_of_the_first_match_is_taken() {
        let regex = Regex::new(r"order-(\d+)(x)?").unwrap();
        assert_eq!(first_group(&regex, b"order-12 order-13").unwrap(), "12");
        assert!(first_group(&regex, b"none").unwrap_err().contains("no match"));
        let optional = Regex::new("(a)?b").unwrap();
        assert!(first_group(&optional, b"b").unwrap_err().contains("without its first group"));
    }
}
