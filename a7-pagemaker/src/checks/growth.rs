//! What search engines and link previews find: every page of the sitemap, read as a crawler reads it.
//!
//! Each finding begins with the name of its rule, `canonical: …`, so that a checklist can be made of them: one finding
//! for a rule that all pages keep, and one for each page that breaks it.

mod crawl;
mod image;
mod robots;
mod rules;
mod sitemap;
mod tally;

use common::check::{CheckContext, CheckError, Findings};
use common::clock;
use common::ids::AppId;

use super::writes;
use crawl::Site;
use tally::Tally;

/// The most addresses in one sitemap (sitemaps.org).
const MOST_ENTRIES: usize = 50_000;

/// Every page that the sitemap leads to, and those of `/browse`, keep all rules.
pub(crate) async fn hygiene(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let fresh = writes::Page::fresh();
    fresh.publish(&cx).await?;
    let site = Site::discover(&cx).await?;
    let crawl = crawl::walk(&cx, &site).await?;
    findings.holds("crawl: there are pages to read", crawl.pages.len() > 4, &crawl.extent);
    let own = format!("/p/{}", fresh.slug);
    let found = crawl.pages.iter().any(|page| page.path == own);
    findings.holds("crawl: a page that was just published is among them", found, format!("no {own}"));
    let mut tally = Tally::new(&rules::RULES);
    for page in &crawl.pages {
        rules::of_page(page, &site.origin, &mut tally);
    }
    rules::across(&crawl.pages, &mut tally);
    image::shown(&cx, &site, &crawl.pages, &mut tally).await?;
    crawl::links_lead_somewhere(&cx, &crawl.pages, &mut tally).await?;
    tally.into_findings(&mut findings);
    Ok(findings)
}

/// robots.txt lets crawlers in and leads to a sitemap that is one, up to date and complete.
pub(crate) async fn sitemap(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let mut expected = super::pages::FIXED.map(|(path, _)| path.to_owned()).to_vec();
    for _ in 0..3 {
        let page = writes::Page::fresh();
        page.publish(&cx).await?;
        expected.push(format!("/p/{}", page.slug));
    }
    let browse = cx.client.get(AppId::A7, "/browse").send().await?;
    let shown = common::check::html::Page::read(&browse.text());
    expected.extend(shown.hrefs().into_iter().filter(|href| href.starts_with("/p/")).map(str::to_owned));
    let site = Site::discover(&cx).await?;
    findings.status("robots: robots.txt", 200, &site.robots_reply);
    for path in &expected {
        findings.holds(
            &format!("robots: crawlers may read {path}"),
            site.robots.allows(path),
            site.robots_reply.text(),
        );
    }
    findings.status("sitemap: the sitemap that robots.txt names", 200, &site.sitemap_reply);
    well_formed(&mut findings, &site);
    let listed: std::collections::BTreeSet<_> = site.paths().collect();
    for path in &expected {
        findings.holds(&format!("sitemap: it lists {path}"), listed.contains(path.as_str()), "no such address");
    }
    Ok(findings)
}

fn well_formed(findings: &mut Findings, site: &Site) {
    let sitemap = match &site.sitemap {
        Ok(sitemap) => sitemap,
        Err(why) => {
            findings.holds("sitemap: it is well-formed XML", false, why);
            return;
        }
    };
    findings.holds("sitemap: it is well-formed XML", true, "it is");
    findings.equal("sitemap: its vocabulary", sitemap::VOCABULARY, sitemap.vocabulary.as_str());
    let count = sitemap.entries.len();
    findings.holds("sitemap: at most 50,000 addresses", (1..=MOST_ENTRIES).contains(&count), count);
    let strange = sitemap.entries.iter().find(|entry| site.path_of(&entry.address).is_none());
    let seen = strange.map_or_else(|| format!("all on {}", site.origin), |entry| entry.address.clone());
    findings.holds("sitemap: every address is of this site", strange.is_none(), seen);
    let now_ms = clock::unix_ms();
    let bad = sitemap.entries.iter().find(|entry| !entry.is_dated_well(now_ms));
    let seen = bad.map_or_else(
        || "all".to_owned(),
        |entry| format!("{} of {}", entry.modified.clone().unwrap_or_default(), entry.address),
    );
    findings.holds("sitemap: every lastmod is a date that has come", bad.is_none(), seen);
}
