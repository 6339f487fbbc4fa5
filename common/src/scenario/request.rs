//! What a step sends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A request with placeholders in path, header values and body.
///
/// The engine adds `traceparent`, `x-trace-id` and the labels of synthetic traffic to each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestTemplate {
    /// `GET`, `POST`, …
    pub method: String,
    /// Path and query, from the slash on.
    pub path: String,
    /// Headers by lower-case name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<BodyTemplate>,
}

/// A body; it brings its content type along unless the headers name one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum BodyTemplate {
    /// `application/json`; placeholders stand within texts and are escaped as JSON.
    Json(Value),
    /// `application/x-www-form-urlencoded`, name and value, percent-encoded when sent.
    Form(Vec<(String, String)>),
    /// `text/plain`, sent as it is.
    Text(String),
}

impl BodyTemplate {
    /// The content type sent unless the headers name one.
    #[must_use]
    pub fn content_type(&self) -> &'static str {
        match self {
            Self::Json(_) => "application/json",
            Self::Form(_) => "application/x-www-form-urlencoded",
            Self::Text(_) => "text/plain; charset=utf-8",
        }
    }
}
