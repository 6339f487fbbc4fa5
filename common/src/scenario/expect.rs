//! What makes an answer a right one, and what later steps take from it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something an answer must have. A step without a [`Expect::Status`] expects any 2xx. Where a step follows redirects,
/// the last answer is meant.
///
/// The texts that are compared with may hold placeholders: `{{var.NAME}}`, `{{data.FIELD}}`, `{{trace_id}}` and the others
/// stand for the values that the request was made with (not `{{uuid}}` and `{{now_ms}}`, which are others in every place).
/// A `*` in a filled-in value stands for itself.
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
    /// The text it compares with, if that may hold placeholders.
    pub(crate) fn compared(&self) -> Option<Cow<'_, str>> {
        match self {
            Self::Header { matches: text, .. } | Self::JsonMatches { pattern: text, .. } | Self::BodyContains(text) => {
                Some(Cow::Borrowed(text))
            }
            Self::JsonEquals { value, .. } => Some(Cow::Owned(value.to_string())),
            Self::Status(_) | Self::JsonExists { .. } | Self::BodyBytesMin(_) | Self::Cookie { .. } => None,
        }
    }

    /// Texts that say where to look; they are taken as they stand.
    pub(crate) fn places(&self) -> Vec<&str> {
        match self {
            Self::Header { name, .. } => vec![name],
            Self::JsonEquals { pointer, .. } | Self::JsonMatches { pointer, .. } | Self::JsonExists { pointer } => {
                vec![pointer]
            }
            Self::Cookie { name, attributes } => {
                let attributes = attributes.iter().map(String::as_str);
                std::iter::once(name.as_str()).chain(attributes).collect()
            }
            Self::Status(_) | Self::BodyContains(_) | Self::BodyBytesMin(_) => Vec::new(),
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
    /// The value of this cookie, set by the answer; the last one if it is set twice.
    Cookie(String),
    /// The value of the first `<input>` with this name in an HTML body, entities decoded.
    FormField(String),
    /// The first group of this regular expression (syntax of the `regex` crate), matched on the body.
    Regex(String),
    /// This parameter of the query of a redirect's `Location`, percent-decoded.
    RedirectQuery(String),
}

/// Matches text against the pieces of a pattern between its stars; any text, the empty one included, may stand between them.
pub(crate) fn glob<P: AsRef<str>>(pieces: &[P], text: &str) -> bool {
    let Some((first, rest)) = pieces.split_first() else { return text.is_empty() };
    let Some((last, middle)) = rest.split_last() else { return first.as_ref() == text };
    let Some(mut left) = text.strip_prefix(first.as_ref()) else { return false };
    for piece in middle.iter().map(AsRef::as_ref) {
        let Some(at) = left.find(piece) else { return false };
        left = &left[at + piece.len()..];
    }
    left.ends_with(last.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        glob(&pattern.split('*').collect::<Vec<_>>(), text)
    }

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in
            [("*", ""), ("a*c", "abc"), ("a*b*c", "a-b-b-c"), ("abc", "abc"), ("*json*", "application/json")]
        {
            assert!(matches(pattern, text), "{pattern} should match {text}");
        }
        for (pattern, text) in [("a*c", "ab"), ("a*a", "a"), ("abc", "abcd"), ("*x", "xy")] {
            assert!(!matches(pattern, text), "{pattern} should not match {text}");
        }
    }
}
