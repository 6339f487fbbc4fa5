//! Who sent a student: the page she came from, and the run and arm that published it.

use common::args;
use common::service::{DbError, Problem, Row, Tx};
use serde::Serialize;

/// What a run is put down to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Attribution {
    /// The page.
    pub(crate) slug: String,
    /// The run that published it, if one of A3's did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) run_id: Option<String>,
    /// The arm of that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) arm: Option<String>,
}

impl Attribution {
    /// Finds the run that published the page of this slug; other pages are known by their slug alone.
    pub(crate) async fn find(tx: &mut Tx, slug: &str) -> Result<Self, DbError> {
        let sql = "SELECT run_id, arm FROM runs WHERE page_slug = $1 ORDER BY created_ms LIMIT 1";
        let rows = tx.query(sql, args![slug]).await?;
        let (run_id, arm) = match rows.first() {
            Some(row) => (row.opt_text("run_id")?, row.opt_text("arm")?),
            None => (None, None),
        };
        Ok(Self { slug: slug.to_owned(), run_id, arm })
    }

    /// What a row of `runs` holds of it.
    pub(crate) fn read(row: &Row) -> Result<Option<Self>, DbError> {
        let Some(slug) = row.opt_text("from_slug")? else { return Ok(None) };
        Ok(Some(Self { slug, run_id: row.opt_text("from_run_id")?, arm: row.opt_text("from_arm")? }))
    }
}

/// Refuses what is no slug.
pub(crate) fn want_slug(slug: &str) -> Result<(), Problem> {
    let plain = slug.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
    if plain && (1..=120).contains(&slug.len()) {
        return Ok(());
    }
    Err(Problem::invalid("/from_slug", "`from_slug` is 1 to 120 lower-case letters, digits and `-`, or left out"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_short_and_plain() {
        for good in ["a", "stem-scholarships-in-ohio-1a2b3c4d", &"x".repeat(120)] {
            assert!(want_slug(good).is_ok(), "{good}");
        }
        for bad in ["", "Stem", "a b", "a/b", "ä", "<script>", &"x".repeat(121)] {
            assert!(want_slug(bad).is_err(), "{bad}");
        }
    }
}
