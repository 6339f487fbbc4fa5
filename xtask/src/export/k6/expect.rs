//! Expectations and extracts as functions of an answer.

use common::scenario::{Expect, Extract, ExtractFrom, Step};
use serde_json::Value;

use super::literal::{Escape, glob, json, template, text};

/// What a step expects: the name of each check and its predicate on `r`.
pub(super) fn checks(step: &Step) -> Result<Vec<(String, String)>, String> {
    let mut checks = Vec::new();
    if statuses(step).is_none() {
        checks.push(("status is 2xx".to_owned(), "r.status >= 200 && r.status < 300".to_owned()));
    }
    for expect in &step.expect {
        checks.push(check(expect)?);
    }
    Ok(checks)
}

/// The statuses that a step names, if it names any.
fn statuses(step: &Step) -> Option<Vec<u16>> {
    step.expect.iter().find_map(|expect| match expect {
        Expect::Status(statuses) => Some(statuses.clone()),
        _ => None,
    })
}

/// What `http_req_failed` takes for success. Redirects that are followed answer too, each on its own.
pub(super) fn response_callback(step: &Step) -> String {
    let mut expected: Vec<String> = match statuses(step) {
        Some(statuses) => statuses.iter().map(u16::to_string).collect(),
        None => vec!["{ min: 200, max: 299 }".to_owned()],
    };
    if step.follow_redirects > 0 {
        expected.push("{ min: 300, max: 399 }".to_owned());
    }
    format!("http.expectedStatuses({})", expected.join(", "))
}

fn check(expect: &Expect) -> Result<(String, String), String> {
    Ok(match expect {
        Expect::Status(statuses) => {
            let list: Vec<_> = statuses.iter().map(u16::to_string).collect();
            let predicate = match list.as_slice() {
                [one] => format!("r.status === {one}"),
                many => format!("[{}].includes(r.status)", many.join(", ")),
            };
            (format!("status is {}", list.join(" or ")), predicate)
        }
        Expect::Header { name, matches } => (
            format!("header {name} is {matches}"),
            format!("like(header(r, {}), {})", text(&name.to_ascii_lowercase()), glob(matches)?),
        ),
        Expect::JsonEquals { pointer, value } => {
            let found = format!("at(r, {})", text(pointer));
            let value_js = json(value, 0)?;
            let predicate = match value {
                Value::Object(_) | Value::Array(_) => format!("same({found}, {value_js})"),
                _ => format!("{found} === {value_js}"),
            };
            (format!("{} is {value}", shown(pointer)), predicate)
        }
        Expect::JsonMatches { pointer, pattern } => (
            format!("{} is like {pattern}", shown(pointer)),
            format!("like(scalar(at(r, {})), {})", text(pointer), glob(pattern)?),
        ),
        Expect::JsonExists { pointer } => {
            (format!("{} is there", shown(pointer)), format!("at(r, {}) !== undefined", text(pointer)))
        }
        Expect::BodyContains(part) => {
            (format!("body contains {part}"), format!("body(r).includes({})", template(part, Escape::None)?))
        }
        Expect::BodyBytesMin(least) => (format!("body has {least} bytes or more"), format!("bytes(r) >= {least}")),
        Expect::Cookie { name, attributes } => {
            let list: Vec<_> = attributes.iter().map(|attribute| text(&attribute.to_ascii_lowercase())).collect();
            let predicate = format!("hasAttributes(setCookie(r, {}), [{}])", text(name), list.join(", "));
            (format!("cookie {name} is {}", attributes.join(", ")), predicate)
        }
    })
}

fn shown(pointer: &str) -> &str {
    if pointer.is_empty() { "the body" } else { pointer }
}

/// Where a value is taken from, as an expression of `r` that is `undefined` if it is not there.
pub(super) fn taken(extract: &Extract) -> Result<String, String> {
    Ok(match &extract.from {
        ExtractFrom::Json(pointer) => format!("scalar(at(r, {}))", text(pointer)),
        ExtractFrom::Header(name) => format!("header(r, {})", text(&name.to_ascii_lowercase())),
        ExtractFrom::Cookie(name) => format!("cookieValue(setCookie(r, {}))", text(name)),
        ExtractFrom::FormField(name) => format!("formField(r, {})", text(name)),
        ExtractFrom::Regex(pattern) => format!("group(body(r), {})", regex(pattern)?),
        ExtractFrom::RedirectQuery(name) => format!("queryOf(header(r, 'location'), {})", text(name)),
    })
}

/// A regular expression of Rust's syntax, where JavaScript's `u` mode means the same.
fn regex(pattern: &str) -> Result<String, String> {
    let (flags, rest) = match pattern.strip_prefix("(?").and_then(|rest| rest.split_once(')')) {
        Some((flags, rest)) if !flags.is_empty() && flags.chars().all(|c| "ims".contains(c)) => (flags, rest),
        _ => ("", pattern),
    };
    let foreign = ["(?P<", "(?x", "(?-", "\\z", "\\A", "[[:", "&&"];
    if let Some(foreign) = foreign.into_iter().find(|foreign| rest.contains(foreign)) {
        return Err(format!(
            "regular expression {pattern:?} has {foreign:?}, which JavaScript lacks: write it without"
        ));
    }
    Ok(format!("new RegExp({}, {})", text(rest), text(flags)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_without_a_status_expects_any_2xx() {
        let step = Step::get("a", "/");
        assert_eq!(checks(&step).unwrap()[0].1, "r.status >= 200 && r.status < 300");
        assert_eq!(response_callback(&step), "http.expectedStatuses({ min: 200, max: 299 })");
    }

    #[test]
    fn redirects_on_the_way_are_no_failures() {
        let step = Step::get("a", "/").expect_status(&[200]).follow_redirects(3);
        assert_eq!(response_callback(&step), "http.expectedStatuses(200, { min: 300, max: 399 })");
    }

    #[test]
    fn an_expectation_of_json_reads_the_pointer() {
        let step = Step::get("a", "/").expect_status(&[200]).expect_json("/fee_minor", 3_000);
        let checks = checks(&step).unwrap();
        assert_eq!(checks[1], ("/fee_minor is 3000".into(), "at(r, '/fee_minor') === 3000".into()));
    }

    #[test]
    fn a_regular_expression_that_means_something_else_is_refused() {
        assert_eq!(regex("(?i)id=([0-9]+)").unwrap(), "new RegExp('id=([0-9]+)', 'i')");
        assert!(regex("(?P<id>x)").is_err());
    }
}
