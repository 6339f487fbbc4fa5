//! The cookies of one virtual user, kept and sent as a browser does (RFC 6265).
//!
//! Two things differ on purpose. A cookie goes back to the app that set it and to no other: browsers ignore ports, so that on
//! one machine, where all apps are one host, each would get the others' cookies, which it never does where every app has a
//! host of its own. And a `Secure` cookie is sent over plain http as well, as browsers do on loopback: guards let plain
//! http out to nowhere else.

use jiff::fmt::rfc2822::DateTimeParser;

/// The most cookies of a user; the one that was stored first makes room.
const MAX_COOKIES: usize = 64;
/// The most bytes of a name and its value; browsers take no larger ones either.
const MAX_BYTES: usize = 4_096;

/// Cookies of all apps that a user talks to.
#[derive(Debug, Default)]
pub(crate) struct Jar {
    cookies: Vec<Cookie>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Cookie {
    origin: usize,
    name: String,
    value: String,
    path: String,
    /// `None` lasts as long as the jar.
    expires_unix_ms: Option<i64>,
}

impl Jar {
    pub(crate) fn clear(&mut self) {
        self.cookies.clear();
    }

    /// True if nothing could be sent.
    pub(crate) fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    /// Takes a `Set-Cookie` of an answer of an origin (its number and host) to a request of this path.
    pub(crate) fn store(&mut self, origin: usize, host: &str, request_path: &str, set_cookie: &str, now_unix_ms: i64) {
        let Some(cookie) = parse(origin, host, request_path, set_cookie, now_unix_ms) else { return };
        let same = |own: &Cookie| own.origin == origin && own.name == cookie.name && own.path == cookie.path;
        let place = self.cookies.iter().position(same);
        if is_over(&cookie, now_unix_ms) {
            if let Some(at) = place {
                self.cookies.remove(at);
            }
            return;
        }
        if let Some(at) = place {
            self.cookies[at] = cookie;
            return;
        }
        if self.cookies.len() >= MAX_COOKIES {
            self.cookies.remove(0);
        }
        self.cookies.push(cookie);
    }

    /// Appends the value of the `Cookie` header for a request, longer paths first; false if there is none.
    pub(crate) fn write(&self, origin: usize, path: &str, now_unix_ms: i64, out: &mut Vec<u8>) -> bool {
        let path = path.split('?').next().unwrap_or_default();
        let fits = |own: &&Cookie| own.origin == origin && path_matches(&own.path, path) && !is_over(own, now_unix_ms);
        let mut sent: Vec<&Cookie> = self.cookies.iter().filter(fits).collect();
        sent.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        for (at, cookie) in sent.iter().enumerate() {
            if at > 0 {
                out.extend_from_slice(b"; ");
            }
            out.extend_from_slice(cookie.name.as_bytes());
            out.push(b'=');
            out.extend_from_slice(cookie.value.as_bytes());
        }
        !sent.is_empty()
    }
}

/// The name and the attributes of a `Set-Cookie`, without its value: what may be shown.
pub(crate) fn without_value(set_cookie: &str) -> String {
    let (pair, attributes) = set_cookie.split_once(';').unwrap_or((set_cookie, ""));
    let name = pair.split('=').next().unwrap_or_default().trim();
    let attributes = attributes.split(';').map(str::trim).filter(|attribute| !attribute.is_empty());
    std::iter::once(name).chain(attributes).collect::<Vec<_>>().join("; ")
}

fn parse(origin: usize, host: &str, request_path: &str, set_cookie: &str, now_unix_ms: i64) -> Option<Cookie> {
    let (pair, attributes) = set_cookie.split_once(';').unwrap_or((set_cookie, ""));
    let (name, value) = pair.split_once('=')?;
    let (name, value) = (name.trim(), value.trim());
    if name.is_empty() || name.len() + value.len() > MAX_BYTES || pair.bytes().any(|byte| byte.is_ascii_control()) {
        return None;
    }
    let mut path = default_path(request_path);
    let (mut max_age, mut expires) = (None, None);
    for attribute in attributes.split(';') {
        let (key, value) = attribute.split_once('=').unwrap_or((attribute, ""));
        let value = value.trim();
        match key.trim().to_ascii_lowercase().as_str() {
            "path" if value.starts_with('/') => path = value,
            "domain" if !value.is_empty() && !domain_matches(value, host) => return None,
            "max-age" => max_age = value.parse::<i64>().ok().or(max_age),
            "expires" => expires = date(value).or(expires),
            _ => {}
        }
    }
    let expires_unix_ms = match max_age {
        Some(seconds) if seconds <= 0 => Some(i64::MIN),
        Some(seconds) => Some(now_unix_ms.saturating_add(seconds.saturating_mul(1_000))),
        None => expires,
    };
    let (name, value, path) = (name.to_owned(), value.to_owned(), path.to_owned());
    Some(Cookie { origin, name, value, path, expires_unix_ms })
}

fn is_over(cookie: &Cookie, now_unix_ms: i64) -> bool {
    cookie.expires_unix_ms.is_some_and(|at| at <= now_unix_ms)
}

/// RFC 6265, 5.1.4: the directory of the request's path.
fn default_path(request_path: &str) -> &str {
    let path = request_path.split('?').next().unwrap_or_default();
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

/// RFC 6265, 5.1.4: the same path, or one below it.
fn path_matches(cookie: &str, request: &str) -> bool {
    let Some(below) = request.strip_prefix(cookie) else { return false };
    below.is_empty() || cookie.ends_with('/') || below.starts_with('/')
}

/// RFC 6265, 5.1.3: the host itself or a parent of it.
fn domain_matches(domain: &str, host: &str) -> bool {
    let domain = domain.trim_start_matches('.').to_ascii_lowercase();
    let host = host.to_ascii_lowercase();
    let is_name = !host.starts_with('[') && host.parse::<std::net::IpAddr>().is_err();
    host == domain || (is_name && host.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.')))
}

/// `Wed, 21 Oct 2026 07:28:00 GMT`, and the older form with dashes, in milliseconds since the Unix epoch.
fn date(text: &str) -> Option<i64> {
    let at = DateTimeParser::new().parse_timestamp(text.replace('-', " ")).ok()?;
    Some(at.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn jar(set: &[&str]) -> Jar {
        let mut jar = Jar::default();
        set.iter().for_each(|set| jar.store(0, "127.0.0.1", "/account/login", set, NOW));
        jar
    }

    fn sent(jar: &Jar, origin: usize, path: &str, now: i64) -> String {
        let mut out = Vec::new();
        jar.write(origin, path, now, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_cookie_is_sent_back_and_replaced_by_a_later_one() {
        let jar = jar(&["a=1; Path=/; Secure; HttpOnly; SameSite=None", "b=x=y; path=/", "a=2; Path=/", "nothing"]);
        assert_eq!(sent(&jar, 0, "/any?q=1", NOW), "a=2; b=x=y");
        assert_eq!(sent(&jar, 1, "/any", NOW), "", "another app must not get it");
    }

    #[test]
    fn a_path_holds_for_itself_and_below_and_the_longest_comes_first() {
        let jar = jar(&["root=1; Path=/", "deep=2; Path=/account", "own=3"]);
        assert_eq!(sent(&jar, 0, "/account", NOW), "deep=2; own=3; root=1");
        assert_eq!(sent(&jar, 0, "/account/x", NOW), "deep=2; own=3; root=1");
        assert_eq!(sent(&jar, 0, "/accounting", NOW), "root=1");
        assert_eq!(default_path("/login?next=/a/b"), "/");
    }

    #[test]
    fn a_cookie_ends_by_max_age_or_by_date_and_max_age_wins() {
        let jar = jar(&["a=1; Path=/; Max-Age=10", "b=1; Path=/; Expires=Fri, 15 Jan 2027 08:00:10 GMT; Max-Age=20"]);
        assert_eq!(sent(&jar, 0, "/", NOW + 9_999), "a=1; b=1");
        assert_eq!(sent(&jar, 0, "/", NOW + 10_000), "b=1");
        assert_eq!(sent(&jar, 0, "/", NOW + 20_000), "");
    }

    #[test]
    fn a_cookie_is_taken_back_with_an_age_of_zero_or_a_past_date() {
        for over in [
            "a=; Path=/; Max-Age=0",
            "a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            "a=; Path=/; expires=Thu, 01-Jan-1970 00:00:00 GMT",
        ] {
            assert!(jar(&["a=1; Path=/", over]).is_empty(), "{over}");
        }
        assert_eq!(sent(&jar(&["a=1; Path=/", "a=; Max-Age=0"]), 0, "/", NOW), "a=1", "another path is another cookie");
    }

    #[test]
    fn a_cookie_for_a_foreign_domain_is_not_taken() {
        assert!(jar(&["a=1; Domain=example.org"]).is_empty());
        assert!(!jar(&["a=1; Domain=127.0.0.1"]).is_empty());
        assert!(domain_matches(".example.com", "a1.example.com") && !domain_matches("le.com", "a1.example.com"));
        assert!(!domain_matches("0.0.1", "127.0.0.1"), "an address has no parents");
    }

    #[test]
    fn a_jar_holds_a_bounded_number_of_bounded_cookies() {
        let mut jar = jar(&[]);
        for n in 0..200 {
            jar.store(0, "127.0.0.1", "/", &format!("c{n}=1"), NOW);
        }
        jar.store(0, "127.0.0.1", "/", &format!("big={}", "x".repeat(5_000)), NOW);
        let sent = sent(&jar, 0, "/", NOW);
        assert_eq!(sent.split("; ").count(), MAX_COOKIES);
        assert!(sent.starts_with("c136=") && sent.ends_with("c199=1"));
    }

    #[test]
    fn what_is_shown_of_a_cookie_lacks_its_value() {
        assert_eq!(without_value("s=secret; Path=/;HttpOnly; SameSite=None"), "s; Path=/; HttpOnly; SameSite=None");
    }
}
