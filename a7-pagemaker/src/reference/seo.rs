//! What search engines read: the sitemap and the rules for crawlers.

use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use common::clock;
use common::service::{DbError, Defect, Problem};

use super::{App, store};

/// How long the list of pages is kept, with the flag `a7_sitemap_cache`.
const CACHED_FOR: Duration = Duration::from_secs(60 * 60);
/// The most pages in the sitemap: the protocol of sitemaps.org allows 50,000 addresses.
const MOST: i64 = 49_000;
/// A day in milliseconds.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Slug and publication time of each page, as last read.
#[derive(Debug, Default)]
pub(crate) struct SitemapCache(Mutex<Option<Cached>>);

#[derive(Debug, Clone)]
struct Cached {
    at: Instant,
    version: (i64, i64),
    entries: std::sync::Arc<Vec<(String, i64)>>,
}

/// `GET /sitemap.xml`.
pub(crate) async fn sitemap(State(app): State<App>, headers: HeaderMap) -> Result<Response, Problem> {
    let cached = app.ctx.flags.on("a7_sitemap_cache");
    let entries = if cached { kept(&app).await? } else { std::sync::Arc::new(read(&app).await?) };
    let base = app.base(&headers);
    let mut xml = String::with_capacity(200 + entries.len() * 120);
    xml.push_str(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    for path in ["/", "/browse", "/browse/states", "/browse/majors"] {
        let _ = writeln!(xml, "<url><loc>{base}{path}</loc></url>");
    }
    let mut day = (i64::MIN, String::new());
    for (slug, published_ms) in entries.iter() {
        let number = published_ms.div_euclid(DAY_MS);
        if day.0 != number {
            day = (number, clock::rfc3339(*published_ms));
        }
        let date = day.1.get(..10).unwrap_or(&day.1);
        for part in ["<url><loc>", &base, "/p/", slug, "</loc><lastmod>", date, "</lastmod></url>\n"] {
            xml.push_str(part);
        }
    }
    xml.push_str("</urlset>\n");
    let freshness = if cached { "public, max-age=3600" } else { "no-cache" };
    Ok(([(header::CONTENT_TYPE, "application/xml"), (header::CACHE_CONTROL, freshness)], xml).into_response())
}

/// The kept list, read again after an hour or when a page was published since.
async fn kept(app: &App) -> Result<std::sync::Arc<Vec<(String, i64)>>, Problem> {
    let version = store::version(&app.ctx.db).await?;
    let known = app.sitemap.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    if let Some(cached) = known.filter(|cached| cached.version == version && cached.at.elapsed() < CACHED_FOR) {
        return Ok(cached.entries);
    }
    let entries = std::sync::Arc::new(read(app).await?);
    let fresh = Cached { at: clock::monotonic(), version, entries: entries.clone() };
    *app.sitemap.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
    Ok(entries)
}

/// The pages in one row, as a row for each would take most of the time.
async fn read(app: &App) -> Result<Vec<(String, i64)>, DbError> {
    let sql = "SELECT string_agg(slug || ' ' || published_ms, ' ' ORDER BY published_ms DESC, slug) AS entries
               FROM (SELECT slug, published_ms FROM pages ORDER BY published_ms DESC, slug LIMIT $1) listed";
    let row = app.ctx.db.query_one(sql, common::args![MOST]).await?;
    let entries = row.map_or(Ok(None), |row| row.opt_text("entries"))?.unwrap_or_default();
    let skipped = if app.ctx.has(Defect::A7SitemapMissesPages) { 3 } else { 0 };
    let mut words = entries.split(' ');
    // Slugs hold no spaces.
    let pages = std::iter::from_fn(|| Some((words.next()?.to_owned(), words.next()?.parse().ok()?)));
    Ok(pages.skip(skipped).collect())
}

/// `GET /robots.txt`.
pub(crate) async fn robots(State(app): State<App>, headers: HeaderMap) -> Response {
    let rules = if app.ctx.has(Defect::A7RobotsShutOut) { "Disallow: /" } else { "Allow: /\nDisallow: /api/" };
    let text = format!("User-agent: *\n{rules}\nSitemap: {}/sitemap.xml\n", app.base(&headers));
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
