//! What makes an answer a right one, and what later steps take from it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something an answer must have. A step without a [`Expect::Status`] expects any 2xx.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Expect {
    /// The status is one of these.
    Status(Vec<u16>),
    /// The header is there and matches the pattern (`*` stands for any text).
    Header {
        /// Name, in any case.
        name: String,
        /// The pattern; `*` accepts every value.
        matches: String,
    },
    /// The JSON value at the pointer (RFC 6901) equals this one.
    JsonEquals {
        /// Where, as `/items/0/id`; empty for the whole body.
        pointer: String,
        /// The value.
        value: Value,
    },
    /// The JSON text or number at the pointer matches the pattern (`*` stands for any text).
    JsonMatches {
        /// Where.
        pointer: String,
        /// The pattern.
        pattern: String,
    },
    /// There is a JSON value at the pointer, `null` included.
    JsonExists {
        /// Where.
        pointer: String,
    },
    /// The body contains this text.
    BodyContains(String),
    /// The body has at least this many bytes.
    BodyBytesMin(u64),
    /// The answer sets this cookie with all of these attributes, as `HttpOnly`, `Secure`, `SameSite=None`, `Path=/`;
    /// names and values are compared in any case.
    Cookie {
        /// The cookie's name.
        name: String,
        /// The attributes; there may be more.
        attributes: Vec<String>,
    },
}

impl Expect {
    /// The text that it compares with, if it compares with one.
    pub(crate) fn literal(&self) -> Option<&str> {
        match self {
            Self::Header { matches, .. } => Some(matches),
            Self::JsonEquals { value, .. } => value.as_str(),
            Self::JsonMatches { pattern, .. } => Some(pattern),
            Self::BodyContains(text) => Some(text),
            Self::Status(_) | Self::JsonExists { .. } | Self::BodyBytesMin(_) | Self::Cookie { .. } => None,
        }
    }
}

/// Takes a value from an answer for `{{var.NAME}}` in later steps of the same iteration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Extract {
    /// The name it is known by.
    pub name: String,
    /// Where it is taken from.
    pub from: ExtractFrom,
}

/// Where a value is taken from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum ExtractFrom {
    /// The JSON text, number or boolean at this pointer.
    Json(String),
    /// This header.
    Header(String),
    /// The value of this cookie, set by the answer.
    Cookie(String),
    /// The value of the form's input with this name, in HTML.
    FormField(String),
    /// The first group of this regular expression, matched on the body.
    Regex(String),
    /// This parameter of the query of a redirect's `Location`.
    RedirectQuery(String),
}

/// Matches text against a pattern in which `*` stands for any text, the empty one included.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::glob;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in
            [("*", ""), ("a*c", "abc"), ("a*b*c", "a-b-b-c"), ("abc", "abc"), ("*json*", "application/json")]
        {
            assert!(glob(pattern, text), "{pattern} should match {text}");
        }
        for (pattern, text) in [("a*c", "ab"), ("a*a", "a"), ("abc", "abcd"), ("*x", "xy")] {
            assert!(!glob(pattern, text), "{pattern} should not match {text}");
        }
    }
}
