//! From robots.txt over the sitemap to the pages, and along the pages of `/browse`.

use std::collections::{BTreeMap, BTreeSet};

use common::check::html::Page;
use common::check::{CheckContext, CheckError};
use common::client::Reply;
use common::ids::AppId;

use super::robots::Robots;
use super::sitemap::{Entry, Sitemap};
use super::tally::Tally;

/// The newest pages, all of which are read.
const NEWEST: usize = 200;
/// How many of the older ones are read.
const SAMPLE: usize = 50;
/// The most pages of `/browse`.
const BROWSED: usize = 20;
/// The most links that are followed just to see that they lead somewhere.
const FOLLOWED: usize = 50;

/// What the site says of itself to crawlers.
#[derive(Debug)]
pub(super) struct Site {
    /// The origin that it calls its own: that of the sitemap's address in robots.txt. A site behind a proxy calls
    /// itself otherwise than it is asked here.
    pub(super) origin: String,
    pub(super) robots: Robots,
    pub(super) robots_reply: Reply,
    pub(super) sitemap: Result<Sitemap, String>,
    pub(super) sitemap_reply: Reply,
}

impl Site {
    pub(super) async fn discover(cx: &CheckContext) -> Result<Self, CheckError> {
        let robots_reply = cx.client.get(AppId::A7, "/robots.txt").send().await?;
        let robots = Robots::read(&robots_reply.text());
        let Some((origin, path)) = robots.sitemaps.first().and_then(|address| split(address)) else {
            return Err(CheckError::Broken(format!("robots.txt names no sitemap: {:?}", robots_reply.text())));
        };
        let sitemap_reply = cx.client.get(AppId::A7, &path).send().await?;
        let sitemap = Sitemap::read(&sitemap_reply.text());
        Ok(Self { origin, robots, robots_reply, sitemap, sitemap_reply })
    }

    /// The path with query of an address of this site.
    pub(super) fn path_of(&self, address: &str) -> Option<String> {
        split(address).filter(|(origin, _)| *origin == self.origin).map(|(_, path)| path)
    }

    fn entries(&self) -> &[Entry] {
        self.sitemap.as_ref().map_or(&[], |sitemap| sitemap.entries.as_slice())
    }

    /// The paths that the sitemap lists, as they are written there.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries().iter().filter_map(|entry| entry.address.strip_prefix(self.origin.as_str()))
    }
}

/// Origin, and path with query, of a full address.
fn split(address: &str) -> Option<(String, String)> {
    let url: url::Url = address.parse().ok()?;
    let path = url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()));
    url.has_host().then(|| (url.origin().ascii_serialization(), path))
}

/// One page as it was read.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) path: String,
    pub(super) page: Page,
    pub(super) reply: Reply,
}

impl Seen {
    async fn ask(cx: &CheckContext, path: String) -> Result<Self, CheckError> {
        let reply = cx.client.get(AppId::A7, &path).header("accept", "text/html").native_errors().send().await?;
        Ok(Self { path, page: Page::read(&reply.text()), reply })
    }
}

/// All pages that were read.
#[derive(Debug)]
pub(super) struct Crawl {
    pub(super) pages: Vec<Seen>,
    /// What was read and what was left out.
    pub(super) extent: String,
}

/// Reads the pages of the sitemap, one after another, then those of `/browse`.
pub(super) async fn walk(cx: &CheckContext, site: &Site) -> Result<Crawl, CheckError> {
    let listed = site.entries().len();
    let mut pages = Vec::new();
    for entry in chosen(site.entries()) {
        let Some(path) = site.path_of(&entry.address) else { continue };
        pages.push(Seen::ask(cx, path).await?);
    }
    let read = pages.len();
    let mut known: BTreeSet<String> = pages.iter().map(|page| page.path.clone()).collect();
    let mut next = pages.iter().find(|page| page.path == "/browse").and_then(older);
    let mut browsed = 0;
    while let Some(path) = next.take().filter(|_| browsed < BROWSED).filter(|path| known.insert(path.clone())) {
        let page = Seen::ask(cx, path).await?;
        next = older(&page);
        browsed += 1;
        pages.push(page);
    }
    let left = if next.is_some() { " (there are more)" } else { "" };
    let extent = format!(
        "{read} of {listed} addresses of the sitemap (the {NEWEST} newest and {SAMPLE} of the others), {browsed} \
         further pages of /browse{left}"
    );
    Ok(Crawl { pages, extent })
}

fn older(seen: &Seen) -> Option<String> {
    let next = seen.page.all("a").find(|node| node.attribute("rel") == Some("next"));
    next.and_then(|node| node.attribute("href")).map(str::to_owned)
}

/// Those without a date, which are the site's own; the newest of the others; and of the rest a systematic sample, its
/// start set by the newest address, so that another day's sample is another.
fn chosen(entries: &[Entry]) -> Vec<&Entry> {
    let (mut dated, mut chosen): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| entry.modified.is_some());
    dated.sort_by(|a, b| b.modified.cmp(&a.modified));
    let seed = dated.first().map_or(0, |entry| entry.address.bytes().map(usize::from).sum());
    let mut rest = chosen.split_off(chosen.len().min(NEWEST));
    rest.extend(dated.split_off(dated.len().min(NEWEST)));
    chosen.extend(dated);
    let step = rest.len().div_ceil(SAMPLE).max(1);
    chosen.extend(rest.into_iter().skip(seed % step).step_by(step));
    chosen
}

/// Links within the site that were not read as pages: a sample of them is asked for.
pub(super) async fn links_lead_somewhere(
    cx: &CheckContext,
    pages: &[Seen],
    tally: &mut Tally,
) -> Result<(), CheckError> {
    let read: BTreeSet<&str> = pages.iter().map(|page| page.path.as_str()).collect();
    let mut from: BTreeMap<String, &str> = BTreeMap::new();
    for seen in pages {
        for href in seen.page.hrefs() {
            match href.strip_prefix('#') {
                Some(id) => {
                    let there = seen.page.by_id(id).is_some();
                    let verdict = if there { Ok(()) } else { Err(format!("{href} leads nowhere")) };
                    tally.note("links", &seen.path, Some(&seen.reply), verdict);
                }
                None => {
                    let path = href.split('#').next().unwrap_or_default();
                    if path.starts_with('/') && !path.starts_with("//") && !read.contains(path) {
                        from.entry(path.to_owned()).or_insert(&seen.path);
                    }
                }
            }
        }
    }
    let step = from.len().div_ceil(FOLLOWED).max(1);
    for (path, page) in from.into_iter().step_by(step) {
        let reply = cx.client.get(AppId::A7, &path).native_errors().send().await?;
        let verdict = if reply.status < 400 { Ok(()) } else { Err(format!("{path} answers {}", reply.status)) };
        tally.note("links", page, Some(&reply), verdict);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(number: usize, modified: Option<&str>) -> Entry {
        Entry { address: format!("http://a/p/{number}"), modified: modified.map(str::to_owned) }
    }

    #[test]
    fn the_sites_own_pages_and_the_newest_are_all_read_and_the_others_sampled() {
        let mut entries = vec![entry(0, None)];
        entries.extend((1..=1_000).map(|number| entry(number, Some("2025-01-01"))));
        entries.extend((1_001..=1_200).map(|number| entry(number, Some("2026-01-01"))));
        let chosen = chosen(&entries);
        assert_eq!(chosen.len(), 1 + NEWEST + SAMPLE);
        assert_eq!(chosen.iter().filter(|entry| entry.modified.as_deref() == Some("2026-01-01")).count(), 200);
        let distinct: BTreeSet<_> = chosen.iter().map(|entry| &entry.address).collect();
        assert_eq!(distinct.len(), chosen.len());
    }

    #[test]
    fn a_small_site_is_read_whole() {
        let entries: Vec<_> = (0..20).map(|number| entry(number, Some("2026-01-01"))).collect();
        assert_eq!(chosen(&entries).len(), 20);
        assert!(chosen(&[]).is_empty());
        let undated: Vec<_> = (0..1_000).map(|number| entry(number, None)).collect();
        assert_eq!(chosen(&undated).len(), NEWEST + SAMPLE);
    }

    #[test]
    fn an_address_is_split_at_its_origin() {
        assert_eq!(split("http://a:8/b?c=1#d"), Some(("http://a:8".into(), "/b?c=1".into())));
        assert_eq!(split("/b"), None);
        assert_eq!(split("mailto:a@b"), None);
    }
}
