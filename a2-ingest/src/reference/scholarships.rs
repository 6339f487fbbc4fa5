//! `GET /api/v1/scholarships`: search and pages, with an ETag for those who ask again.

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use common::service::{Ctx, Problem, Query};
use serde::Deserialize;
use serde_json::json;

use super::catalogue::{SCHOLARSHIPS, Scholarship};
use super::page;

#[derive(Debug, Deserialize)]
pub(crate) struct Search {
    q: Option<String>,
    cursor: Option<String>,
    limit: Option<i64>,
}

pub(crate) async fn search(
    State(_): State<Ctx>,
    headers: HeaderMap,
    Query(asked): Query<Search>,
) -> Result<Response, Problem> {
    let limit = usize::try_from(page::limit(asked.limit, 20, 100)?).unwrap_or(20);
    let words: Vec<String> = asked.q.unwrap_or_default().to_lowercase().split_whitespace().map(str::to_owned).collect();
    let found: Vec<&Scholarship> =
        SCHOLARSHIPS.iter().filter(|one| words.iter().all(|word| one.haystack.contains(word.as_str()))).collect();
    let start = match &asked.cursor {
        None => 0,
        Some(cursor) => after(cursor, &found)?,
    };
    let page = &found[start..found.len().min(start + limit)];
    let next = if start + page.len() < found.len() { page.last().map(|one| one.id.as_str()) } else { None };
    let body = json!({ "total": found.len(), "items": page, "next": next }).to_string();
    Ok(with_etag(&headers, body))
}

/// The place after the scholarship that a cursor names.
fn after(cursor: &str, found: &[&Scholarship]) -> Result<usize, Problem> {
    if SCHOLARSHIPS.binary_search_by(|one| one.id.as_str().cmp(cursor)).is_err() {
        return Err(Problem::invalid("/cursor", "`cursor` is the `next` of an earlier page"));
    }
    Ok(found.partition_point(|one| one.id.as_str() <= cursor))
}

fn with_etag(headers: &HeaderMap, body: String) -> Response {
    let tag = format!("\"{:016x}\"", fnv1a(body.as_bytes()));
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or("");
    let fresh = known.split(',').map(|one| one.trim().trim_start_matches("W/")).any(|one| one == tag || one == "*");
    let mut response = if fresh {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, "application/json")], body).into_response()
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=0, must-revalidate"));
    response
}

/// FNV-1a, 64 bits (Fowler, Noll, Vo): the same tag on every platform and release. It tells changes, not forgeries.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
