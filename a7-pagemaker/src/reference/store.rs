//! Tables, the pages that a fresh site starts with, and how pages are read.

use common::args;
use common::service::{Db, DbError, Row, Value};

/// Tables and seed.
pub(crate) const MIGRATIONS: &[&str] = &[
    "CREATE TABLE pages (
        slug TEXT PRIMARY KEY, title TEXT NOT NULL, summary TEXT NOT NULL, state_name TEXT, major_name TEXT,
        published_ms BIGINT NOT NULL);
     CREATE INDEX pages_published ON pages (published_ms, slug)",
    "INSERT INTO pages (slug, title, summary, state_name, major_name, published_ms) VALUES
     ('stem-scholarships-ohio', 'STEM scholarships in Ohio',
      'Awards for students in Ohio who study science, technology, engineering or mathematics.',
      'Ohio', 'Engineering', 1767225600000),
     ('nursing-scholarships-texas', 'Nursing scholarships in Texas',
      'Support for future nurses, from community college to the bachelor degree.',
      'Texas', 'Nursing', 1767225601000),
     ('business-scholarships-georgia', 'Business scholarships in Georgia',
      'Awards for students of business, accounting and finance.',
      'Georgia', 'Business', 1767225602000),
     ('teaching-scholarships-arizona', 'Teaching scholarships in Arizona',
      'For those who want to stand before a class, with awards renewable every year.',
      'Arizona', 'Education', 1767225603000),
     ('art-scholarships-vermont', 'Art scholarships in Vermont',
      'Portfolio awards for painters, designers and makers.',
      'Vermont', 'Art and design', 1767225604000),
     ('first-generation-scholarships', 'Scholarships for first-generation students',
      'You are the first in your family to go to college. These awards are for you, in every state.',
      NULL, NULL, 1767225605000)",
    "CREATE TABLE leads (
        lead_id TEXT PRIMARY KEY, email TEXT NOT NULL, slug TEXT, interest TEXT, status TEXT NOT NULL,
        created_ms BIGINT NOT NULL);
     CREATE TABLE mail_queue (
        lead_id TEXT PRIMARY KEY, trace_id TEXT NOT NULL, tenant_id TEXT NOT NULL, namespace TEXT NOT NULL,
        test_run BIGINT NOT NULL, source TEXT, attempts BIGINT NOT NULL, reason TEXT, next_ms BIGINT NOT NULL);
     CREATE INDEX mail_due ON mail_queue (next_ms);
     CREATE TABLE cta_events (
        cta_id TEXT PRIMARY KEY, slug TEXT NOT NULL, kind TEXT NOT NULL, at_ms BIGINT NOT NULL)",
    "ALTER TABLE pages ADD COLUMN variant TEXT;
     CREATE TABLE signals (
        slug TEXT NOT NULL, visit TEXT NOT NULL, signal TEXT NOT NULL, tenant_id TEXT NOT NULL, namespace TEXT NOT NULL,
        test_run BIGINT NOT NULL, source TEXT, at_ms BIGINT NOT NULL, attempts BIGINT NOT NULL, next_ms BIGINT NOT NULL,
        PRIMARY KEY (slug, visit, signal));
     CREATE INDEX signals_due ON signals (next_ms)",
];

/// What a page reads as.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) slug: String,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) state: Option<String>,
    pub(crate) major: Option<String>,
    pub(crate) published_ms: i64,
    /// The arm of A3 that it is for.
    pub(crate) variant: Option<String>,
}

/// The columns of a [`Page`].
pub(crate) const COLUMNS: &str = "slug, title, summary, state_name, major_name, published_ms, variant";

impl Page {
    pub(crate) fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            slug: row.text("slug")?,
            title: row.text("title")?,
            summary: row.text("summary")?,
            state: row.opt_text("state_name")?,
            major: row.opt_text("major_name")?,
            published_ms: row.int("published_ms")?,
            variant: row.opt_text("variant")?,
        })
    }
}

/// Pages that fit the rest of a query.
pub(crate) async fn pages(db: &Db, rest: &str, values: Vec<Value>) -> Result<Vec<Page>, DbError> {
    let rows = db.query(&format!("SELECT {COLUMNS} FROM pages {rest}"), values).await?;
    rows.iter().map(Page::read).collect()
}

/// The page of this slug.
pub(crate) async fn page(db: &Db, slug: &str) -> Result<Option<Page>, DbError> {
    Ok(pages(db, "WHERE slug = $1", args![slug]).await?.pop())
}

/// How many pages there are, and when the newest was published: together they change with every page.
pub(crate) async fn version(db: &Db) -> Result<(i64, i64), DbError> {
    let row =
        db.query_one("SELECT COUNT(*) AS pages, COALESCE(MAX(published_ms), 0) AS newest FROM pages", vec![]).await?;
    row.map_or(Ok((0, 0)), |row| Ok((row.int("pages")?, row.int("newest")?)))
}
