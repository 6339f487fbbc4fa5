//! Is this the expected answer? And what later steps take from it.

mod extract;
mod html;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::scenario::{Expect, Step, glob, scalar_text};

use super::report::ErrorKind;
use super::template::{Escape, Template};
use super::transport::{Answer, Fault};
use extract::Taker;

/// What a step expects and takes, compiled once.
#[derive(Debug)]
pub(crate) struct Checks {
    statuses: Vec<Vec<u16>>,
    expect: Vec<Check>,
    take: Vec<Taker>,
}

/// An expectation, compiled.
#[derive(Debug)]
enum Check {
    Header { name: String, pattern: Vec<Text> },
    JsonEquals { pointer: String, value: Value },
    JsonEqualsFilled { pointer: String, value: Template },
    JsonMatches { pointer: String, pattern: Vec<Text> },
    JsonExists { pointer: String },
    BodyContains(Text),
    BodyBytesMin(u64),
    Cookie { name: String, attributes: Vec<String> },
}

/// A text to compare with.
#[derive(Debug)]
enum Text {
    Fixed(String),
    Filled(Template),
}

/// Fills in a template with the values that the request was made with.
pub(crate) type Fill<'a> = dyn FnMut(&Template) -> Result<String, String> + 'a;

impl Checks {
    /// Compiles a step of a validated scenario.
    pub(crate) fn compile(step: &Step) -> Result<Self, String> {
        let mut checks = Self { statuses: Vec::new(), expect: Vec::new(), take: Vec::new() };
        for expect in &step.expect {
            match expect {
                Expect::Status(statuses) => checks.statuses.push(statuses.clone()),
                other => checks.expect.extend(Check::compile(other)?),
            }
        }
        for extract in &step.extract {
            checks.take.push(Taker::compile(&extract.name, &extract.from)?);
        }
        Ok(checks)
    }

    /// True if the whole body has to be kept to be looked at.
    pub(crate) fn reads_body(&self) -> bool {
        let expects = self.expect.iter().any(|check| match check {
            Check::Header { .. } | Check::BodyBytesMin(_) | Check::Cookie { .. } => false,
            Check::JsonEquals { .. }
            | Check::JsonEqualsFilled { .. }
            | Check::JsonMatches { .. }
            | Check::JsonExists { .. }
            | Check::BodyContains(_) => true,
        });
        expects || self.take.iter().any(Taker::reads_body)
    }

    /// True if later steps build on values of this one.
    pub(crate) fn takes(&self) -> bool {
        !self.take.is_empty()
    }

    /// Checks everything that is expected of an answer.
    ///
    /// # Errors
    /// The first expectation that is not met: [`ErrorKind::Status`] for the status, [`ErrorKind::Expectation`] for the rest.
    pub(crate) fn expected(&self, seen: &mut Seen<'_>, fill: &mut Fill<'_>) -> Result<(), Fault> {
        self.status(seen.answer.status())?;
        self.expect.iter().try_for_each(|check| check.meets(seen, fill)).map_err(expectation)
    }

    /// Takes what later steps need into `variables`.
    ///
    /// # Errors
    /// [`ErrorKind::Expectation`] with the name of the first extract that finds nothing.
    pub(crate) fn take(&self, seen: &mut Seen<'_>, variables: &mut BTreeMap<String, String>) -> Result<(), Fault> {
        for taker in &self.take {
            let value = taker.take(seen).map_err(expectation)?;
            variables.insert(taker.name.clone(), value);
        }
        Ok(())
    }

    fn status(&self, got: u16) -> Result<(), Fault> {
        let fault = |expected: &str| {
            Err(Fault { kind: ErrorKind::Status, detail: format!("status {got}, expected {expected}") })
        };
        if self.statuses.is_empty() && !(200..300).contains(&got) {
            return fault("2xx");
        }
        let other = self.statuses.iter().find(|statuses| !statuses.contains(&got));
        other.map_or(Ok(()), |statuses| fault(&format!("{statuses:?}")))
    }
}

fn expectation(detail: String) -> Fault {
    Fault { kind: ErrorKind::Expectation, detail }
}

impl Check {
    /// `None` for what is compiled elsewhere.
    fn compile(expect: &Expect) -> Result<Option<Self>, String> {
        Ok(Some(match expect {
            Expect::Status(_) => return Ok(None),
            Expect::Header { name, matches } => Self::Header { name: name.clone(), pattern: pattern(matches)? },
            Expect::JsonEquals { pointer, value } => {
                let template = Template::compile(&value.to_string(), Escape::Json)?;
                let pointer = pointer.clone();
                match template.fixed() {
                    Some(_) => Self::JsonEquals { pointer, value: value.clone() },
                    None => Self::JsonEqualsFilled { pointer, value: template },
                }
            }
            Expect::JsonMatches { pointer, pattern: text } => {
                Self::JsonMatches { pointer: pointer.clone(), pattern: pattern(text)? }
            }
            Expect::JsonExists { pointer } => Self::JsonExists { pointer: pointer.clone() },
            Expect::BodyContains(text) => Self::BodyContains(Text::compile(text)?),
            Expect::BodyBytesMin(least) => Self::BodyBytesMin(*least),
            Expect::Cookie { name, attributes } => Self::Cookie { name: name.clone(), attributes: attributes.clone() },
        }))
    }

    fn meets(&self, seen: &mut Seen<'_>, fill: &mut Fill<'_>) -> Result<(), String> {
        match self {
            Self::Header { name, pattern } => {
                let value = seen.header(name)?;
                matches(pattern, value, fill)?
                    .map_or(Ok(()), |expected| Err(format!("header {name} is {value:?}, expected {expected:?}")))
            }
            Self::JsonEquals { pointer, value } => equals(pointer, seen.json(pointer)?, value),
            Self::JsonEqualsFilled { pointer, value } => {
                let text = fill(value)?;
                let value = serde_json::from_str(&text).map_err(|error| format!("expected {text}: {error}"))?;
                equals(pointer, seen.json(pointer)?, &value)
            }
            Self::JsonMatches { pointer, pattern } => {
                let got = seen.json(pointer)?;
                let text = scalar_text(got).ok_or_else(|| format!("{pointer:?} is no text, number or boolean"))?;
                matches(pattern, &text, fill)?
                    .map_or(Ok(()), |expected| Err(format!("{pointer:?} is {}, expected {expected:?}", short(got))))
            }
            Self::JsonExists { pointer } => seen.json(pointer).map(|_| ()),
            Self::BodyContains(text) => {
                let text = text.get(fill)?;
                let found = seen.answer.body().windows(text.len().max(1)).any(|window| window == text.as_bytes());
                if found { Ok(()) } else { Err(format!("the body does not contain {text:?}")) }
            }
            Self::Cookie { name, attributes } => cookie_has(seen, name, attributes),
            Self::BodyBytesMin(least) => {
                let got = seen.answer.body_bytes();
                if got >= *least { Ok(()) } else { Err(format!("the body has {got} bytes, expected {least} or more")) }
            }
        }
    }
}

impl Text {
    fn compile(text: &str) -> Result<Self, String> {
        let template = Template::compile(text, Escape::None)?;
        Ok(template.fixed().map_or(Self::Filled(template), Self::Fixed))
    }

    fn get<'a>(&'a self, fill: &mut Fill<'_>) -> Result<Cow<'a, str>, String> {
        match self {
            Self::Fixed(text) => Ok(Cow::Borrowed(text)),
            Self::Filled(template) => fill(template).map(Cow::Owned),
        }
    }
}

/// The pieces between the stars: cut before anything is filled in, so that a star in a value is only a star.
fn pattern(text: &str) -> Result<Vec<Text>, String> {
    text.split('*').map(Text::compile).collect()
}

/// `None` if the text matches, what was expected otherwise.
fn matches(pattern: &[Text], text: &str, fill: &mut Fill<'_>) -> Result<Option<String>, String> {
    let pieces = pattern.iter().map(|piece| piece.get(fill)).collect::<Result<Vec<_>, _>>()?;
    Ok((!glob(&pieces, text)).then(|| pieces.join("*")))
}

fn equals(pointer: &str, got: &Value, expected: &Value) -> Result<(), String> {
    if got == expected { Ok(()) } else { Err(format!("{pointer:?} is {}, expected {expected}", short(got))) }
}

/// The answer sets the cookie with all of these attributes.
fn cookie_has(seen: &Seen<'_>, name: &str, attributes: &[String]) -> Result<(), String> {
    let (_, own) = seen.cookie(name)?;
    let has = |wanted: &&String| own.split(';').any(|own| own.trim().eq_ignore_ascii_case(wanted));
    let missing = attributes.iter().find(|wanted| !has(wanted));
    missing.map_or(Ok(()), |missing| Err(format!("cookie {name:?} is set without {missing}")))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.len() <= 60 { text } else { format!("{}…", text.chars().take(60).collect::<String>()) }
}

/// An answer that is looked at; its body is parsed as JSON when first asked for.
pub(crate) struct Seen<'a> {
    answer: Answer<'a>,
    parsed: Option<Value>,
}

impl<'a> Seen<'a> {
    pub(crate) fn new(answer: Answer<'a>) -> Self {
        Self { answer, parsed: None }
    }

    fn header(&self, name: &str) -> Result<&'a str, String> {
        self.answer.header(name).ok_or_else(|| format!("there is no header {name}, or it is not ASCII text"))
    }

    /// The value and the attributes of a cookie that the answer sets; of the last one, as browsers keep that.
    fn cookie(&self, name: &str) -> Result<(&'a str, &'a str), String> {
        let named = self.answer.headers("set-cookie").filter_map(|set| {
            let (pair, attributes) = set.split_once(';').unwrap_or((set, ""));
            let (own, value) = pair.split_once('=')?;
            (own.trim() == name).then(|| (value.trim(), attributes))
        });
        named.last().ok_or_else(|| format!("no cookie {name:?} is set"))
    }

    fn json(&mut self, pointer: &str) -> Result<&Value, String> {
        if self.parsed.is_none() {
            let parsed = serde_json::from_slice(self.answer.body()).map_err(|error| {
                let kind = self.answer.header("content-type").unwrap_or("no content type");
                format!("the body is not JSON ({kind}): {error}")
            });
            self.parsed = Some(parsed?);
        }
        let found = self.parsed.as_ref().and_then(|value| value.pointer(pointer));
        found.ok_or_else(|| format!("there is nothing at {pointer:?}"))
    }
}

/// What the app itself measured: `app;dur=1.234` (milliseconds) of `Server-Timing`, in microseconds.
pub(crate) fn app_us(server_timing: &str) -> Option<u64> {
    let app = server_timing.split(',').find_map(|metric| {
        let mut parts = metric.split(';').map(str::trim);
        (parts.next()? == "app").then(|| parts.find_map(|part| part.strip_prefix("dur="))).flatten()
    })?;
    let ms: f64 = app.trim_matches('"').parse().ok()?;
    std::time::Duration::try_from_secs_f64(ms / 1_000.0).ok().map(|duration| crate::units::Micros::from(duration).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_apps_own_time_is_read_from_server_timing() {
        assert_eq!(app_us("app;dur=1.234"), Some(1_234));
        assert_eq!(app_us("db;dur=5, app;desc=\"x\";dur=2"), Some(2_000));
        for none in ["db;dur=5", "app", "app;dur=x", "app;dur=-1"] {
            assert_eq!(app_us(none), None, "{none}");
        }
    }

    #[test]
    fn a_star_in_a_filled_in_value_stands_for_itself() {
        let pattern = pattern("{{var.x}}*").unwrap();
        let mut fill = |_: &Template| Ok("a*".to_owned());
        assert_eq!(matches(&pattern, "a*b", &mut fill), Ok(None));
        assert_eq!(matches(&pattern, "axb", &mut fill), Ok(Some("a**".to_owned())));
    }
}
