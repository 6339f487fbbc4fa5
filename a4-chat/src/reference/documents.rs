//! Reading a student's document: themes and next steps, by plain rules; nothing is kept or logged.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use common::service::{Json, Problem};
use serde::Deserialize;
use serde_json::json;

use super::errors::{invalid, shaped};
use super::{App, model};

/// The longest text read, in bytes.
const MAX_TEXT: usize = 200_000;

/// Themes and the words that show them.
const THEMES: [(&str, [&str; 4]); 5] = [
    ("community", ["volunteer", "tutor", "community", "mentor"]),
    ("leadership", ["captain", "founded", "led ", "president"]),
    ("science", ["robot", "research", "laboratory", "mathematics"]),
    ("arts", ["paint", "music", "theatre", "design"]),
    ("work", ["job", "shift", "employ", "earned"]),
];

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Document {
    title: String,
    text: String,
}

/// `POST /documents/analyze`.
pub(crate) async fn analyze(
    State(app): State<App>,
    body: Result<Json<Document>, Problem>,
) -> Result<Response, Problem> {
    let Json(document) = body.map_err(shaped)?;
    if document.title.trim().is_empty() || document.title.len() > 200 {
        return Err(invalid("/title", "`title` is 1 to 200 characters"));
    }
    if document.text.trim().is_empty() || document.text.len() > MAX_TEXT {
        return Err(invalid("/text", format!("`text` is 1 to {MAX_TEXT} bytes")));
    }
    let words = model::count(&document.text);
    let lower = document.text.to_lowercase();
    let shows = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let themes: Vec<_> = THEMES.iter().filter(|(_, words)| shows(words)).map(|(theme, _)| *theme).collect();
    let mut next_steps = Vec::new();
    if words < 150 {
        next_steps.push("Tell one moment in detail: where it was, who was there, what you did.");
    }
    if !lower.bytes().any(|byte| byte.is_ascii_digit()) {
        next_steps.push("Add a number that shows the size of what you did.");
    }
    next_steps.push("Say what you would do with the award.");
    tokio::time::sleep(app.pace * 10).await;
    Ok(Json(json!({
        "status": "analyzed",
        "outcome": { "words": words, "themes": themes, "next_steps": next_steps },
        "model": model::NAME,
    }))
    .into_response())
}
