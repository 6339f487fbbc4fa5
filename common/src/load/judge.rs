//! Is this the expected answer? And what later steps take from it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::scenario::{Expect, ExtractFrom, glob, scalar_text};

use super::plan::PlannedStep;
use super::report::ErrorKind;
use super::transport::{Answer, Fault};

/// Checks everything the step expects and takes what it extracts into `variables`.
///
/// # Errors
/// The first expectation that is not met: [`ErrorKind::Status`] for the status, [`ErrorKind::Expectation`] for the rest.
pub(crate) fn judge(
    step: &PlannedStep,
    answer: &Answer<'_>,
    variables: &mut BTreeMap<String, String>,
) -> Result<(), Fault> {
    status(step, answer)?;
    let mut json = Json { answer, parsed: None };
    for expect in &step.expect {
        meets(expect, answer, &mut json).map_err(expectation)?;
    }
    for extract in &step.extract {
        let value = match &extract.from {
            ExtractFrom::Json(pointer) => {
                let value = json.at(pointer).map_err(expectation)?;
                scalar_text(value).ok_or_else(|| expectation(format!("{pointer:?} is no text, number or boolean")))?
            }
            ExtractFrom::Header(name) => header(answer, name).map_err(expectation)?.to_owned(),
            ExtractFrom::Cookie(_)
            | ExtractFrom::FormField(_)
            | ExtractFrom::Regex(_)
            | ExtractFrom::RedirectQuery(_) => {
                return Err(expectation(format!("{:?} cannot be extracted yet", extract.name)));
            }
        };
        variables.insert(extract.name.clone(), value);
    }
    Ok(())
}

fn expectation(detail: String) -> Fault {
    Fault { kind: ErrorKind::Expectation, detail }
}

fn status(step: &PlannedStep, answer: &Answer<'_>) -> Result<(), Fault> {
    let got = answer.status();
    let mut said = false;
    for expect in &step.expect {
        if let Expect::Status(statuses) = expect {
            said = true;
            if !statuses.contains(&got) {
                return Err(Fault { kind: ErrorKind::Status, detail: format!("status {got}, expected {statuses:?}") });
            }
        }
    }
    if said || (200..300).contains(&got) {
        Ok(())
    } else {
        Err(Fault { kind: ErrorKind::Status, detail: format!("status {got}, expected 2xx") })
    }
}

fn meets(expect: &Expect, answer: &Answer<'_>, json: &mut Json<'_>) -> Result<(), String> {
    match expect {
        Expect::Status(_) => Ok(()),
        Expect::Header { name, matches } => {
            let value = header(answer, name)?;
            if glob(matches, value) { Ok(()) } else { Err(format!("header {name} is {value:?}, expected {matches:?}")) }
        }
        Expect::JsonEquals { pointer, value } => {
            let got = json.at(pointer)?;
            if got == value { Ok(()) } else { Err(format!("{pointer:?} is {}, expected {value}", short(got))) }
        }
        Expect::JsonMatches { pointer, pattern } => {
            let got = json.at(pointer)?;
            let text = scalar_text(got).ok_or_else(|| format!("{pointer:?} is no text, number or boolean"))?;
            if glob(pattern, &text) {
                Ok(())
            } else {
                Err(format!("{pointer:?} is {}, expected {pattern:?}", short(got)))
            }
        }
        Expect::JsonExists { pointer } => json.at(pointer).map(|_| ()),
        Expect::BodyContains(text) => {
            let found = answer.body().windows(text.len().max(1)).any(|window| window == text.as_bytes());
            if found { Ok(()) } else { Err(format!("the body does not contain {text:?}")) }
        }
        Expect::Cookie { name, attributes } => cookie(name, attributes, answer),
        Expect::BodyBytesMin(least) => {
            let got = answer.body_bytes();
            if got >= *least { Ok(()) } else { Err(format!("the body has {got} bytes, expected {least} or more")) }
        }
    }
}

/// The answer sets the cookie with all of these attributes.
fn cookie(name: &str, attributes: &[String], answer: &Answer<'_>) -> Result<(), String> {
    let set = answer.headers("set-cookie").find(|set| set.split('=').next().is_some_and(|own| own.trim() == name));
    let set = set.ok_or_else(|| format!("no cookie {name:?} is set"))?;
    let has = |wanted: &&String| set.split(';').skip(1).any(|own| own.trim().eq_ignore_ascii_case(wanted));
    let missing = attributes.iter().find(|wanted| !has(wanted));
    missing.map_or(Ok(()), |missing| Err(format!("cookie {name:?} is set without {missing}")))
}

fn header<'a>(answer: &Answer<'a>, name: &str) -> Result<&'a str, String> {
    answer.header(name).ok_or_else(|| format!("there is no header {name}, or it is not ASCII text"))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.len() <= 60 { text } else { format!("{}…", text.chars().take(60).collect::<String>()) }
}

/// The body as JSON, parsed when first asked for.
struct Json<'a> {
    answer: &'a Answer<'a>,
    parsed: Option<Value>,
}

impl Json<'_> {
    fn at(&mut self, pointer: &str) -> Result<&Value, String> {
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
}
