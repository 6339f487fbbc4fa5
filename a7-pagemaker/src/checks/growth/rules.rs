//! The rules, each as a pure function of a page that was read.

use std::collections::BTreeMap;

use common::client::Reply;
use serde_json::Value;

use super::crawl::Seen;
use super::tally::{Rule, Tally};

/// Name and claim of each rule.
pub(super) const RULES: [Rule; 12] = [
    ("status", "answers 200 with HTML"),
    ("canonical", "names itself as canonical, once and in full"),
    ("indexable", "may be indexed"),
    ("title", "has a title, as no page of another heading has"),
    ("description", "has a description of 10 characters or more"),
    ("preview", "has og:title and og:description, and og:url leads to itself"),
    ("share_image", "names a share image that is a PNG of 1200 × 630 pixels or more"),
    ("structured_data", "has structured data that tells its vocabulary, type and own address"),
    ("analytics", "names the analytics id, the same as every other"),
    ("lang", "says its language"),
    ("heading", "has one heading of the first order"),
    ("links", "leads only to what is there"),
];

type Verdict = Result<(), String>;

/// What a page must be by itself.
pub(super) fn of_page(seen: &Seen, origin: &str, tally: &mut Tally) {
    let own = format!("{origin}{}", seen.path);
    let verdicts = [
        ("status", status(&seen.reply)),
        ("canonical", canonical(seen, &own)),
        ("indexable", indexable(seen)),
        ("description", described(seen)),
        ("preview", previewed(seen, &own)),
        ("structured_data", structured(&seen.page.scripts("application/ld+json"), &own)),
        ("lang", wants(seen.page.lang().is_some_and(|lang| !lang.trim().is_empty()), || "no lang".to_owned())),
        ("heading", headed(seen)),
    ];
    for (rule, verdict) in verdicts {
        tally.note(rule, &seen.path, Some(&seen.reply), verdict);
    }
}

/// What pages must be beside each other.
pub(super) fn across(pages: &[Seen], tally: &mut Tally) {
    let heading = |seen: &Seen| seen.page.all("h1").next().map(|node| node.text()).unwrap_or_default();
    let mut titled: BTreeMap<String, (String, &str)> = BTreeMap::new();
    let usual = pages.first().map(analytics_id).unwrap_or_default();
    for seen in pages {
        let title = seen.page.title().unwrap_or_default();
        let verdict = if title.is_empty() {
            Err("no title".to_owned())
        } else {
            let (known, path) = titled.entry(title.clone()).or_insert_with(|| (heading(seen), seen.path.as_str()));
            wants(*known == heading(seen), || format!("{title:?}, as {path}"))
        };
        tally.note("title", &seen.path, Some(&seen.reply), verdict);
        let id = analytics_id(seen);
        let verdict = wants(!id.trim().is_empty() && id == usual, || format!("{id:?}, where others have {usual:?}"));
        tally.note("analytics", &seen.path, Some(&seen.reply), verdict);
    }
}

fn analytics_id(seen: &Seen) -> String {
    let html = seen.page.all("html").next();
    html.and_then(|node| node.attribute("data-analytics-id")).unwrap_or_default().to_owned()
}

fn wants(holds: bool, seen: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(seen()) }
}

fn status(reply: &Reply) -> Verdict {
    let kind = reply.header("content-type").unwrap_or_default();
    wants(reply.status == 200 && kind.starts_with("text/html"), || format!("{} {kind}", reply.status))
}

fn canonical(seen: &Seen, own: &str) -> Verdict {
    let canonical = seen.page.links("canonical");
    wants(canonical == [own], || format!("{canonical:?}, not {own}"))
}

/// By its meta elements and by its header.
fn indexable(seen: &Seen) -> Verdict {
    let mut rules = seen.page.metas("robots");
    rules.extend(seen.page.metas("googlebot"));
    rules.extend(seen.reply.header_all("x-robots-tag"));
    let hiding = rules.into_iter().find(|rule| hides(rule));
    hiding.map_or(Ok(()), |rule| Err(format!("{rule:?}")))
}

/// True for `noindex` and `none`, with or without the name of a crawler before them (`googlebot: noindex`).
fn hides(rule: &str) -> bool {
    rule.split([',', ':']).any(|word| matches!(word.trim().to_ascii_lowercase().as_str(), "noindex" | "none"))
}

fn described(seen: &Seen) -> Verdict {
    let description = seen.page.meta("description").unwrap_or_default().trim();
    wants(description.chars().count() >= 10, || format!("{description:?}"))
}

fn previewed(seen: &Seen, own: &str) -> Verdict {
    for name in ["og:title", "og:description"] {
        let content = seen.page.meta(name).unwrap_or_default().trim();
        wants(!content.is_empty(), || format!("no {name}"))?;
    }
    let url = seen.page.meta("og:url").unwrap_or_default();
    wants(url == own, || format!("og:url {url:?}, not {own}"))
}

fn headed(seen: &Seen) -> Verdict {
    let headings: Vec<_> = seen.page.all("h1").map(|node| node.text()).collect();
    wants(headings.len() == 1 && headings.iter().all(|heading| !heading.is_empty()), || format!("{headings:?}"))
}

/// JSON-LD: every document parses and says what it is, and one is about this page.
fn structured(scripts: &[&str], own: &str) -> Verdict {
    wants(!scripts.is_empty(), || "none".to_owned())?;
    let mut about = Vec::new();
    for script in scripts {
        let data: Value = serde_json::from_str(script).map_err(|error| format!("no JSON: {error}"))?;
        let parts = match data {
            Value::Array(parts) => parts,
            part => vec![part],
        };
        for part in parts {
            let context = part["@context"].as_str().unwrap_or_default().trim_end_matches('/');
            let known = matches!(context, "https://schema.org" | "http://schema.org");
            wants(known, || format!("@context {}", part["@context"]))?;
            wants(part["@type"].is_string() || part["@graph"].is_array(), || "no @type".to_owned())?;
            let nodes = part["@graph"].as_array().cloned().unwrap_or_else(|| vec![part]);
            about.extend(nodes.iter().filter_map(|node| node["url"].as_str().map(str::to_owned)));
        }
    }
    wants(about.iter().any(|url| url == own), || format!("about {about:?}, not {own}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OWN: &str = "http://a/p/x";

    #[test]
    fn structured_data_says_what_it_is_and_what_of() {
        let good = r#"{"@context":"https://schema.org","@type":"Article","url":"http://a/p/x"}"#;
        let other = r#"{"@context":"https://schema.org/","@type":"Organization","url":"http://a/"}"#;
        let graph = r#"[{"@context":"https://schema.org","@graph":[{"@type":"Article","url":"http://a/p/x"}]}]"#;
        for fine in [&[good][..], &[other, good], &[graph]] {
            assert_eq!(structured(fine, OWN), Ok(()), "{fine:?}");
        }
        let untyped = r#"{"@context":"https://schema.org","url":"http://a/p/x"}"#;
        let strange = r#"{"@context":"https://example.com","@type":"Article","url":"http://a/p/x"}"#;
        for wrong in [&[][..], &[other], &[untyped], &[strange], &[good, &good[..40]], &["null"]] {
            assert!(structured(wrong, OWN).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_page_is_hidden_by_noindex_and_none_alone() {
        for hiding in ["noindex", "NOINDEX, follow", "googlebot: noindex", "none", "follow,none"] {
            assert!(hides(hiding), "{hiding}");
        }
        for open in ["index, follow", "all", "max-image-preview:large", "nofollow", ""] {
            assert!(!hides(open), "{open}");
        }
    }
}
