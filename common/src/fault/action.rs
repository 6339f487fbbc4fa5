//! What a rule does to a request or its answer.

use std::collections::BTreeMap;

use regex::Regex;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One disturbance. However a rule lists them, they happen in this order: waiting, refusing, changes of the request,
/// passing it on, changes of the answer, and last what cuts or slows the answer's bytes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Waits before the request is passed on, always as long.
    Delay(Delay),
    /// Waits before the request is passed on, drawn anew for each.
    DelayLognormal(Lognormal),
    /// Lets all requests wait for the end of a pause that comes again and again.
    Stall(Stall),
    /// Answers in the app's place; nothing is passed on.
    Status(Answer),
    /// Resets the connection (TCP RST).
    Reset(Reset),
    /// Passes nothing on; the caller gets no answer, or is told that all is well.
    Drop(Dropped),
    /// Ends the answer early.
    Truncate(Cut),
    /// Sends the answer slowly.
    Throttle(Throttle),
    /// Passes the request on more than once; the caller gets the first answer.
    Duplicate(Duplicate),
    /// Passes the request on, then answers as if it had failed.
    CommitThenFail(Answer),
    /// Remembers the first answer to each method and path and gives it to all later requests.
    ReplayStale(Replay),
    /// Sets a header, in place of those of that name.
    SetHeader(SetHeader),
    /// Removes all headers of a name.
    RemoveHeader(HeaderName),
    /// Replaces text in the values of a header.
    RewriteHeader(RewriteHeader),
    /// Sets an attribute of cookies that the answer sets.
    SetCookie(SetCookie),
    /// Removes an attribute of cookies that the answer sets.
    RemoveCookie(Cookie),
    /// Replaces text in an attribute of cookies that the answer sets.
    RewriteCookie(RewriteCookie),
    /// Sets a field of a JSON body.
    SetJson(SetJson),
    /// Removes a field or a list's items from a JSON body.
    RemoveJson(RemoveJson),
    /// Multiplies a number in a JSON body; whole numbers stay whole.
    ScaleJson(ScaleJson),
    /// Replaces text in a body.
    RewriteText(RewriteText),
}

/// Which message is changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// What the caller sent.
    Request,
    /// What the app answered.
    Answer,
}

/// A fixed wait.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Delay {
    /// Milliseconds.
    #[schemars(range(max = 3_600_000))]
    pub ms: u64,
}

/// A lognormal wait. The draw depends on how many requests the rule has met, so that two runs wait alike.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lognormal {
    /// Its median in milliseconds, above 0.
    #[schemars(range(max = 3_600_000), extend("exclusiveMinimum" = 0))]
    pub p50_ms: f64,
    /// Its 95th percentile in milliseconds, not below the median.
    #[schemars(range(max = 3_600_000), extend("exclusiveMinimum" = 0))]
    pub p95_ms: f64,
}

/// A pause of the whole app, as of a garbage collection.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stall {
    /// A pause begins so often, in milliseconds; the first when the rules are set.
    #[schemars(range(min = 1))]
    pub every_ms: u64,
    /// How long it lasts, shorter than `every_ms`.
    #[schemars(range(min = 1))]
    pub for_ms: u64,
}

/// An answer that the app did not give.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The HTTP status, 200 to 599.
    #[schemars(range(min = 200, max = 599))]
    pub code: u16,
    /// The body; a problem document if left out, nothing below status 400.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What the body is; `application/json` if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Seconds for a `Retry-After` header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<u32>,
}

/// A reset, before there is an answer or within it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reset {
    /// Passes the request on and resets after so many bytes of the answer's body; without it nothing is passed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_bytes: Option<u64>,
}

/// A request that never arrives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Dropped {
    /// What the caller is told; without it the caller gets no answer until it gives up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledge: Option<Answer>,
}

/// An early end of the answer's body.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cut {
    /// Bytes that still pass.
    pub after_bytes: u64,
    /// Ends the body as if it were whole; otherwise the connection is closed within it.
    #[serde(default)]
    pub clean: bool,
}

/// A slow answer.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Throttle {
    /// Bytes of the answer's body a second, 1 or more.
    #[schemars(range(min = 1))]
    pub bytes_per_s: u64,
}

/// A request that arrives again.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Duplicate {
    /// How many copies follow the original, 1 if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub copies: Option<u32>,
    /// Headers that get a fresh id in each copy, as `X-Idempotency-Key`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fresh_headers: Vec<String>,
    /// Fields of the JSON body that get a fresh id in each copy.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fresh_json: Vec<String>,
}

/// How answers are remembered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replay {
    /// Takes paths that differ in the query only for the same.
    #[serde(default)]
    pub ignore_query: bool,
}

/// A header and its new value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetHeader {
    /// In the request or the answer.
    pub part: Part,
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A header.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HeaderName {
    /// In the request or the answer.
    pub part: Part,
    /// Its name.
    pub name: String,
}

/// A header and what is replaced in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewriteHeader {
    /// In the request or the answer.
    pub part: Part,
    /// Its name.
    pub name: String,
    /// What is replaced.
    pub find: Pattern,
    /// By what; `$1` is the first group.
    pub replace: String,
}

/// An attribute and its new value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetCookie {
    /// Of this cookie; of every one if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// `SameSite`, `Max-Age`, …
    pub attribute: String,
    /// Its value; nothing for a flag as `Secure`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// An attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Cookie {
    /// Of this cookie; of every one if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// `Secure`, `HttpOnly`, …
    pub attribute: String,
}

/// An attribute and what is replaced in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewriteCookie {
    /// Of this cookie; of every one if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cookie: Option<String>,
    /// `Domain`, `Path`, …
    pub attribute: String,
    /// What is replaced.
    pub find: Pattern,
    /// By what; `$1` is the first group.
    pub replace: String,
}

/// A field and its new value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SetJson {
    /// In the request or the answer.
    pub part: Part,
    /// Where: a JSON pointer (RFC 6901), in which `*` stands for every item.
    pub pointer: String,
    /// What is written there.
    pub value: Value,
    /// Only where this holds: values by pointers that begin at the item of the last `*`, or at the document.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, Value>,
}

/// A field or items to be removed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveJson {
    /// In the request or the answer.
    pub part: Part,
    /// Where: a JSON pointer (RFC 6901), in which `*` stands for every item.
    pub pointer: String,
    /// Only where this holds: values by pointers that begin at the item of the last `*`, or at the document.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, Value>,
}

/// A number and what it is multiplied by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleJson {
    /// In the request or the answer.
    pub part: Part,
    /// Where: a JSON pointer (RFC 6901), in which `*` stands for every item.
    pub pointer: String,
    /// The factor.
    pub factor: f64,
    /// Only where this holds: values by pointers that begin at the item of the last `*`, or at the document.
    #[serde(default, rename = "where", skip_serializing_if = "BTreeMap::is_empty")]
    pub conditions: BTreeMap<String, Value>,
}

/// Text to be replaced in a body.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewriteText {
    /// In the request or the answer.
    pub part: Part,
    /// What is replaced.
    pub find: Pattern,
    /// By what; `$1` is the first group.
    pub replace: String,
}

/// A regular expression that compiles.
#[derive(Debug, Clone)]
pub struct Pattern(Regex);

impl Pattern {
    /// Compiles it.
    ///
    /// # Errors
    /// When it is none.
    pub fn new(text: &str) -> Result<Self, regex::Error> {
        Regex::new(text).map(Self)
    }

    /// The text with each match replaced.
    pub(super) fn replace(&self, text: &str, by: &str) -> String {
        self.0.replace_all(text, by).into_owned()
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Serialize for Pattern {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

impl<'de> Deserialize<'de> for Pattern {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Pattern {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Pattern".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "format": "regex", "description": "A regular expression" })
    }
}
