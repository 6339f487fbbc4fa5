//! The public pages.

use std::collections::BTreeMap;

use axum::extract::{FromRequestParts, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use common::ids::AppId;
use common::service::{DbError, Defect, Path, Problem, Query, RequestContext};
use common::{args, clock};
use serde::Deserialize;
use serde_json::json;

use super::App;
use super::store::{self, Page};
use super::variant;
use super::views::{self, BrowseView, Group, GroupsView, Head, HomeView, MissingView, PageView};

/// Pages on one page of `/browse`.
const PER_PAGE: i64 = 50;
/// The most pages listed by state or major.
const GROUPED: i64 = 500;
/// What stands in `data-analytics-id` unless the option `analytics_id` says otherwise.
const ANALYTICS_ID: &str = "HS-EMBEDDED-1";

impl App {
    /// The origin that links name: the option `public_base_url`, else the host that the visitor asked.
    pub(crate) fn base(&self, headers: &HeaderMap) -> String {
        if let Some(base) = self.ctx.config.options.get("public_base_url") {
            return base.trim_end_matches('/').to_owned();
        }
        let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).filter(|host| is_host(host));
        host.map_or_else(|| format!("http://{}", self.ctx.config.bind), |host| format!("http://{host}"))
    }

    fn head(&self, asked: &Asked, path: &str, title: &str, description: &str) -> Head {
        let base = self.base(&asked.headers);
        let site = json!({
            "@context": "https://schema.org", "@type": "WebPage", "name": title, "description": description,
            "url": format!("{base}{path}"),
        });
        Head {
            title: title.to_owned(),
            description: description.to_owned(),
            path: path.to_owned(),
            analytics_id: self.ctx.config.options.get("analytics_id").map_or(ANALYTICS_ID, String::as_str).to_owned(),
            trace_id: asked.context.trace.trace.to_string(),
            robots: "index, follow",
            canonical: format!("{base}{path}"),
            share_image: format!("{base}/assets/{}", self.share_image()),
            linked_data: self.linked_data(&site),
            base,
        }
    }
}

impl App {
    fn share_image(&self) -> &'static str {
        if self.ctx.has(Defect::A7ShareImageMissing) { "share-2.png" } else { "share.png" }
    }

    fn linked_data(&self, data: &serde_json::Value) -> String {
        let mut text = views::linked_data(data);
        if self.ctx.has(Defect::A7StructuredDataBroken) {
            text.pop();
        }
        text
    }

    /// Where the call to action of a page leads: to the student app as browsers find it, which learns who sent them;
    /// from a page of an arm also by which visit, so that A3 hears what came of it.
    fn cta_href(&self, page: &Page, visit: &str) -> String {
        let given = self.ctx.config.options.get("student_base_url").map(String::as_str);
        let base = given.or_else(|| self.ctx.upstream.base(AppId::A5).map(url::Url::as_str));
        let visit = page.variant.as_ref().map_or_else(String::new, |_| format!("visit={visit}&"));
        let href = |base: &str| format!("{}/?{visit}from={}", base.trim_end_matches('/'), page.slug);
        base.map_or_else(|| "#lead".to_owned(), href)
    }

    /// What the call to action of a page says, by its arm.
    fn cta_words(&self, page: &Page) -> String {
        let shown = page.variant.as_deref().filter(|_| !self.ctx.has(Defect::A7ShowsNoArm));
        variant::words(shown)
    }

    async fn is_newest(&self, slug: &str) -> Result<bool, DbError> {
        let newest = store::pages(&self.ctx.db, "ORDER BY published_ms DESC, slug LIMIT 1", vec![]).await?;
        Ok(newest.first().is_some_and(|page| page.slug == slug))
    }
}

/// Who asks for a page, and by which name of the site.
#[derive(Debug, FromRequestParts)]
pub(crate) struct Asked {
    headers: HeaderMap,
    context: RequestContext,
}

/// A name or address with an optional port, and nothing that could end an attribute.
fn is_host(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'[' | b']'))
}

/// `GET /`.
pub(crate) async fn home(State(app): State<App>, asked: Asked) -> Result<Response, Problem> {
    let description = "Scholarships you can win, explained in plain words. Browse by state or by what you study.";
    let head = app.head(&asked, "/", "Scholarships you can win", description);
    let pages = store::pages(&app.ctx.db, "ORDER BY published_ms DESC, slug LIMIT 6", vec![]).await?;
    views::html(&HomeView { head, pages })
}

#[derive(Debug, Deserialize)]
pub(crate) struct Paging {
    page: Option<i64>,
}

/// `GET /browse`.
pub(crate) async fn browse(
    State(app): State<App>,
    asked: Asked,
    Query(paging): Query<Paging>,
) -> Result<Response, Problem> {
    let at = paging.page.unwrap_or(1);
    if !(1..=1_000_000).contains(&at) {
        return Err(Problem::invalid("", "`page` is 1 or more"));
    }
    let (total, _) = store::version(&app.ctx.db).await?;
    let rest = "ORDER BY published_ms DESC, slug LIMIT $1 OFFSET $2";
    let pages = store::pages(&app.ctx.db, rest, args![PER_PAGE, (at - 1) * PER_PAGE]).await?;
    let path = if at == 1 { "/browse".to_owned() } else { format!("/browse?page={at}") };
    let description = "All scholarship pages, the newest first, with who can apply and what the award is for";
    let (title, description) = match at {
        1 => ("All scholarships".to_owned(), format!("{description}.")),
        _ => (format!("All scholarships, page {at}"), format!("{description}: page {at}.")),
    };
    let head = app.head(&asked, &path, &title, &description);
    let next = (at * PER_PAGE < total).then_some(at + 1);
    views::html(&BrowseView { head, pages, total, previous: (at > 1).then_some(at - 1), next })
}

/// `GET /browse/states`.
pub(crate) async fn by_state(State(app): State<App>, asked: Asked) -> Result<Response, Problem> {
    let head = app.head(&asked, "/browse/states", "Scholarships by state", "Find the awards offered where you live.");
    let rest = "WHERE state_name IS NOT NULL ORDER BY state_name, title LIMIT $1";
    let pages = store::pages(&app.ctx.db, rest, args![GROUPED]).await?;
    let groups = grouped(pages, |page| page.state.clone());
    views::html(&GroupsView { head, heading: "Scholarships by state", groups })
}

/// `GET /browse/majors`.
pub(crate) async fn by_major(State(app): State<App>, asked: Asked) -> Result<Response, Problem> {
    let head = app.head(&asked, "/browse/majors", "Scholarships by major", "Find the awards for what you study.");
    let rest = "WHERE major_name IS NOT NULL ORDER BY major_name, title LIMIT $1";
    let pages = store::pages(&app.ctx.db, rest, args![GROUPED]).await?;
    let groups = grouped(pages, |page| page.major.clone());
    views::html(&GroupsView { head, heading: "Scholarships by major", groups })
}

fn grouped(pages: Vec<Page>, name: impl Fn(&Page) -> Option<String>) -> Vec<Group> {
    let mut groups: BTreeMap<String, Vec<Page>> = BTreeMap::new();
    for page in pages {
        if let Some(name) = name(&page) {
            groups.entry(name).or_default().push(page);
        }
    }
    groups.into_iter().map(|(name, pages)| Group { name, pages }).collect()
}

/// `GET /p/{slug}`; a visitor who reads HTML gets a page even where there is none.
pub(crate) async fn page(State(app): State<App>, asked: Asked, Path(slug): Path<String>) -> Result<Response, Problem> {
    let Some(page) = store::page(&app.ctx.db, &slug).await? else { return missing(&app, &asked, &slug) };
    let mut head = app.head(&asked, &format!("/p/{slug}"), &page.title, &page.summary);
    let article = json!({
        "@context": "https://schema.org", "@type": "Article", "headline": page.title, "description": page.summary,
        "url": head.canonical, "image": head.share_image,
        "datePublished": clock::rfc3339(page.published_ms),
    });
    head.linked_data = app.linked_data(&article);
    if app.ctx.has(Defect::A7StrayNoindex) && app.is_newest(&slug).await? {
        head.robots = "noindex";
    }
    if app.ctx.has(Defect::A7CanonicalElsewhere) && app.is_newest(&slug).await? {
        head.canonical = format!("http://www.example.com{}", head.path);
    }
    let (cta_href, cta_words) = (app.cta_href(&page, &head.trace_id), app.cta_words(&page));
    let mut response = views::html(&PageView { head, page, cta_href, cta_words })?;
    if app.ctx.has(Defect::A7NoindexHeader) {
        response.headers_mut().insert("x-robots-tag", HeaderValue::from_static("noindex"));
    }
    Ok(response)
}

fn missing(app: &App, asked: &Asked, slug: &str) -> Result<Response, Problem> {
    let reads_html = asked.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if !reads_html.is_some_and(|accept| accept.contains("text/html")) {
        return Err(Problem::not_found(format!("there is no page {slug:?}: `/sitemap.xml` lists those there are")));
    }
    let mut head = app.head(asked, "/browse", "There is no such page", "This page was moved or never published.");
    head.robots = "noindex";
    let mut response = views::html(&MissingView { head })?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}
