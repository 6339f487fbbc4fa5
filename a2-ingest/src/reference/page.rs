//! The size of a page, as clients may ask for it.

use common::service::Problem;

/// Reads a `limit` of 1 to `most`; absent, it is `default`.
pub(crate) fn limit(asked: Option<i64>, default: i64, most: i64) -> Result<i64, Problem> {
    let limit = asked.unwrap_or(default);
    if (1..=most).contains(&limit) {
        Ok(limit)
    } else {
        Err(Problem::invalid("/limit", format!("`limit` is 1 to {most}, not {limit}")))
    }
}
