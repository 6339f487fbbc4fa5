//! robots.txt as RFC 9309 defines it, for a crawler that no group names.

/// The rules for every crawler, and the sitemaps.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Robots {
    /// Each path pattern, and whether it is allowed.
    rules: Vec<(bool, String)>,
    pub(super) sitemaps: Vec<String>,
}

impl Robots {
    pub(super) fn read(text: &str) -> Self {
        let mut robots = Self::default();
        let (mut for_all, mut names_agents) = (false, false);
        for line in text.lines() {
            let line = line.split('#').next().unwrap_or_default();
            let Some((field, value)) = line.split_once(':') else { continue };
            let value = value.trim();
            match field.trim().to_ascii_lowercase().as_str() {
                "user-agent" => {
                    for_all = (names_agents && for_all) || value == "*";
                    names_agents = true;
                }
                "sitemap" => robots.sitemaps.push(value.to_owned()),
                rule @ ("allow" | "disallow") => {
                    names_agents = false;
                    if for_all && !value.is_empty() {
                        robots.rules.push((rule == "allow", value.to_owned()));
                    }
                }
                _ => names_agents = false,
            }
        }
        robots
    }

    /// True if a crawler may read the path: by the longest pattern that fits, and if two are as long, by the one that
    /// allows (RFC 9309, 2.2.2).
    pub(super) fn allows(&self, path: &str) -> bool {
        let fitting = self.rules.iter().filter(|(_, pattern)| fits(pattern, path));
        fitting.max_by_key(|(allowed, pattern)| (pattern.len(), *allowed)).is_none_or(|(allowed, _)| *allowed)
    }
}

/// True if the path begins as the pattern says; `*` stands for anything, `$` at the end for the end.
fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, to_end) = pattern.strip_suffix('$').map_or((pattern, false), |pattern| (pattern, true));
    let mut parts = pattern.split('*');
    let Some(mut rest) = path.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut last_is_open = false;
    let mut parts = parts.peekable();
    while let Some(part) = parts.next() {
        last_is_open = part.is_empty();
        let at = if to_end && parts.peek().is_none() { rest.strip_suffix(part).map(str::len) } else { rest.find(part) };
        let Some(at) = at else { return false };
        rest = &rest[at + part.len()..];
    }
    !to_end || rest.is_empty() || last_is_open
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_pattern_decides_and_allow_wins_a_tie() {
        let robots =
            Robots::read("User-agent: *\nDisallow: /api/ # not for you\nAllow: /api/open\nAllow: /\nDisallow: /\n");
        assert!(robots.allows("/"));
        assert!(robots.allows("/p/x"));
        assert!(!robots.allows("/api/leads"));
        assert!(robots.allows("/api/open/x"));
    }

    #[test]
    fn only_the_groups_for_every_crawler_count() {
        let text = "Sitemap: http://a/sitemap.xml\nUser-agent: Evil\nDisallow: /\n\nuser-agent: other\nUSER-AGENT: *\n\
                    Disallow: /private\nDisallow:\n\nUser-agent: Third\nDisallow: /p";
        let robots = Robots::read(text);
        assert_eq!(robots.sitemaps, ["http://a/sitemap.xml"]);
        assert!(robots.allows("/p/x"));
        assert!(!robots.allows("/private/x"));
        assert!(Robots::read("User-agent: *\nDisallow: /").rules.contains(&(false, "/".to_owned())));
    }

    #[test]
    fn stars_and_dollars_mean_what_the_standard_says() {
        for (pattern, path, expected) in [
            ("/*.pdf$", "/a/b.pdf", true),
            ("/*.pdf$", "/a/b.pdf?x", false),
            ("/a*b", "/a/x/bc", true),
            ("/a*b", "/ab", true),
            ("/a*c", "/ab", false),
            ("/a$", "/a", true),
            ("/a$", "/ab", false),
            ("/p/*", "/p/", true),
            ("*", "/anything", true),
        ] {
            assert_eq!(fits(pattern, path), expected, "{pattern} {path}");
        }
    }
}
