//! Is this the expected answer? And what later steps take from it.

use std::collections::BTreeMap;

use http::HeaderMap;
use serde_json::Value;

use crate::scenario::{Expect, ExtractFrom, glob, scalar_text};

use super::connection::{Answer, Fault};
use super::plan::PlannedStep;
use super::report::ErrorKind;

/// Checks everything the step expects and takes what it extracts into `variables`.
///
/// # Errors
/// The first expectation that is not met: [`ErrorKind::Status`] for the status, [`ErrorKind::Expectation`] for the rest.
pub(crate) fn judge(
    step: &PlannedStep,
    answer: &Answer,
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
            ExtractFrom::Header(name) => header(&answer.headers, name).map_err(expectation)?.to_owned(),
        };
        variables.insert(extract.name.clone(), value);
    }
    Ok(())
}

fn expectation(detail: String) -> Fault {
    Fault { kind: ErrorKind::Expectation, detail }
}

fn status(step: &PlannedStep, answer: &Answer) -> Result<(), Fault> {
    let got = answer.status.as_u16();
    let mut said = false;
    for expect in &step.expect {
        if let Expect::Status(statuses) = expect {
            said = true;
            if !statuses.contains(&got) {
                return Err(Fault { kind: ErrorKind::Status, detail: format!("status {got}, expected {statuses:?}") });
            }
        }
    }
    if said || answer.status.is_success() {
        Ok(())
    } else {
        Err(Fault { kind: ErrorKind::Status, detail: format!("status {got}, expected 2xx") })
    }
}

fn meets(expect: &Expect, answer: &Answer, json: &mut Json<'_>) -> Result<(), String> {
    match expect {
        Expect::Status(_) => Ok(()),
        Expect::Header { name, matches } => {
            let value = header(&answer.headers, name)?;
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
            let found = answer.body.windows(text.len().max(1)).any(|window| window == text.as_bytes());
            if found { Ok(()) } else { Err(format!("the body does not contain {text:?}")) }
        }
        Expect::BodyBytesMin(least) => {
            let got = answer.body_bytes;
            if got >= *least { Ok(()) } else { Err(format!("the body has {got} bytes, expected {least} or more")) }
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, String> {
    let value = headers.get(name).ok_or_else(|| format!("there is no header {name}"))?;
    value.to_str().map_err(|_| format!("header {name} is not ASCII text"))
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    if text.len() <= 60 { text } else { format!("{}…", text.chars().take(60).collect::<String>()) }
}

/// The body as JSON, parsed when first asked for.
struct Json<'a> {
    answer: &'a Answer,
    parsed: Option<Value>,
}

impl Json<'_> {
    fn at(&mut self, pointer: &str) -> Result<&Value, String> {
        if self.parsed.is_none() {
            let parsed = serde_json::from_slice(&self.answer.body).map_err(|error| {
                let kind = self.answer.headers.get(http::header::CONTENT_TYPE);
                let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or("no content type");
                format!("the body is not JSON ({kind}): {error}")
            });
            self.parsed = Some(parsed?);
        }
        let found = self.parsed.as_ref().and_then(|value| value.pointer(pointer));
        found.ok_or_else(|| format!("there is nothing at {pointer:?}"))
    }
}

/// What the app itself measured: `app;dur=1.234` (milliseconds) of `Server-Timing`, in microseconds.
pub(crate) fn app_us(headers: &HeaderMap) -> Option<u64> {
    let metrics = headers.get(crate::contract::header::SERVER_TIMING)?.to_str().ok()?;
    let app = metrics.split(',').find_map(|metric| {
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
        let read = |text: &str| {
            app_us(&HeaderMap::from_iter([(http::HeaderName::from_static("server-timing"), text.parse().unwrap())]))
        };
        assert_eq!(read("app;dur=1.234"), Some(1_234));
        assert_eq!(read("db;dur=5, app;desc=\"x\";dur=2"), Some(2_000));
        for none in ["db;dur=5", "app", "app;dur=x", "app;dur=-1"] {
            assert_eq!(read(none), None, "{none}");
        }
    }
}
