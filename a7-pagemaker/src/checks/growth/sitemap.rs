//! A sitemap as sitemaps.org defines it.

use common::clock;
use quick_xml::Reader;
use quick_xml::events::Event;

/// The namespace of its elements.
pub(super) const VOCABULARY: &str = "http://www.sitemaps.org/schemas/sitemap/0.9";

/// Clocks may differ by this much, a day, as a date without a time is one of some time zone.
const GRACE_MS: i64 = 24 * 60 * 60 * 1_000;

/// A sitemap that was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Sitemap {
    pub(super) vocabulary: String,
    pub(super) entries: Vec<Entry>,
}

/// One address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) address: String,
    pub(super) modified: Option<String>,
}

impl Sitemap {
    /// Reads a `urlset`. What is wrong with it is said with its place.
    pub(super) fn read(xml: &str) -> Result<Self, String> {
        let mut reader = Reader::from_str(xml);
        let mut sitemap = Self::default();
        let mut path: Vec<String> = Vec::new();
        let mut text = String::new();
        loop {
            let event = reader.read_event().map_err(|error| format!("{error} at byte {}", reader.error_position()))?;
            match event {
                Event::Start(tag) => {
                    path.push(String::from_utf8_lossy(tag.local_name().as_ref()).into_owned());
                    text.clear();
                    match path.as_slice() {
                        [root] if root == "urlset" => sitemap.vocabulary = namespace(&tag),
                        [root] => return Err(format!("the root is <{root}>, not <urlset>")),
                        [_, url] if url == "url" => sitemap.entries.push(Entry::default()),
                        _ => {}
                    }
                }
                Event::Text(part) => text.push_str(&part.decode().map_err(|error| error.to_string())?),
                Event::CData(part) => text.push_str(&part.decode().map_err(|error| error.to_string())?),
                Event::GeneralRef(name) => {
                    let name = name.decode().map_err(|error| error.to_string())?;
                    let entity = format!("&{name};");
                    text.push_str(&quick_xml::escape::unescape(&entity).map_err(|error| error.to_string())?);
                }
                Event::End(_) => {
                    sitemap.field(&path, text.trim());
                    path.pop();
                }
                Event::Eof if path.is_empty() => break,
                Event::Eof => return Err(format!("it ends within <{}>", path.join("><"))),
                _ => {}
            }
        }
        if sitemap.vocabulary.is_empty() && sitemap.entries.is_empty() {
            return Err("it has no <urlset>".to_owned());
        }
        Ok(sitemap)
    }

    fn field(&mut self, path: &[String], text: &str) {
        let [_, url, field] = path else { return };
        let Some(entry) = self.entries.last_mut().filter(|_| url == "url") else { return };
        match field.as_str() {
            "loc" => text.clone_into(&mut entry.address),
            "lastmod" => entry.modified = Some(text.to_owned()),
            _ => {}
        }
    }
}

fn namespace(tag: &quick_xml::events::BytesStart<'_>) -> String {
    let found = tag.try_get_attribute("xmlns").ok().flatten();
    found.map(|attribute| String::from_utf8_lossy(&attribute.value).into_owned()).unwrap_or_default()
}

impl Entry {
    /// True if it has no date, or one in W3C form (a year, a month, a day, or a moment) that is not in the future.
    pub(super) fn is_dated_well(&self, now_ms: i64) -> bool {
        let Some(modified) = &self.modified else { return true };
        moment(modified).is_some_and(|at_ms| at_ms <= now_ms + GRACE_MS)
    }
}

/// The beginning of the year, month or day, or the moment itself, in milliseconds since 1970.
fn moment(date: &str) -> Option<i64> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let full = match date.len() {
        4 if digits(date) => format!("{date}-01-01T00:00:00Z"),
        7 if digits(date) => format!("{date}-01T00:00:00Z"),
        10 if digits(date) => format!("{date}T00:00:00Z"),
        // `2026-11-21T10:15Z` leaves the seconds out.
        _ if date.get(16..17).is_some_and(|next| next != ":") => {
            format!("{}:00{}", date.get(..16)?, date.get(16..)?)
        }
        _ => date.to_owned(),
    };
    clock::parse_rfc3339(&full).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sitemap(inside: &str) -> String {
        format!("<?xml version=\"1.0\"?>\n<urlset xmlns=\"{VOCABULARY}\">\n{inside}\n</urlset>")
    }

    #[test]
    fn addresses_are_read_with_their_dates_and_entities() {
        let xml = sitemap(
            "<url><loc> http://a/b?x=1&amp;y=2 </loc><lastmod>2026-01-02</lastmod></url><!-- <url/> -->
             <url><loc><![CDATA[http://a/c]]></loc><changefreq>daily</changefreq></url>",
        );
        let read = Sitemap::read(&xml).unwrap();
        assert_eq!(read.vocabulary, VOCABULARY);
        let entries: Vec<_> =
            read.entries.iter().map(|entry| (entry.address.as_str(), entry.modified.as_deref())).collect();
        assert_eq!(entries, [("http://a/b?x=1&y=2", Some("2026-01-02")), ("http://a/c", None)]);
    }

    #[test]
    fn what_is_no_sitemap_is_refused_with_its_place() {
        for wrong in ["", "<html></html>", "<urlset><url><loc>x</loc></urlset>", "<urlset><url>", "no &unknown; xml"] {
            assert!(Sitemap::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn dates_are_those_of_the_w3c_and_not_to_come() {
        let now_ms = 1_767_225_600_000; // 2026-01-01
        let good = ["2025", "2025-12", "2025-12-31", "2025-12-31T10:15Z", "2025-12-31T10:15:30+02:00", "2026-01-01"];
        for date in good {
            assert!(Entry { modified: Some(date.into()), ..Entry::default() }.is_dated_well(now_ms), "{date}");
        }
        for date in ["", "yesterday", "2025-13-01", "2025-02-30", "31.12.2025", "2026-01-03", "2027"] {
            assert!(!Entry { modified: Some(date.into()), ..Entry::default() }.is_dated_well(now_ms), "{date}");
        }
        assert!(Entry::default().is_dated_well(now_ms));
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(xml in "(<urlset>|<url>|<loc>|</loc>|</url>|</urlset>|&amp;|&|<|[a-z ]){0,40}") {
            let _ = Sitemap::read(&xml);
        }
    }
}
