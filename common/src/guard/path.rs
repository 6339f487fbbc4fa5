//! Joining a path to a base URL so that the host cannot change and the base path cannot be left.

use url::{Position, Url};

/// Joins `path` (with its query) to `base`, whose path ends in a slash; says what is wrong otherwise.
pub(super) fn join(base: &Url, path: &str) -> Result<Url, &'static str> {
    check(path)?;
    let stem = base[..Position::AfterPath].trim_end_matches('/');
    let url = Url::parse(&format!("{stem}{path}")).map_err(|_| "does not make a URL")?;
    if is_below(base, &url) { Ok(url) } else { Err("leaves the app's base URL") }
}

/// True if `url` has the scheme, host and port of `base` and a path below its path, and no user.
pub(super) fn is_below(base: &Url, url: &Url) -> bool {
    let same_place = url.scheme() == base.scheme()
        && url.host() == base.host()
        && url.port_or_known_default() == base.port_or_known_default();
    let no_user = url.username().is_empty() && url.password().is_none();
    let below = url.path().starts_with(base.path()) || url.path() == base.path().trim_end_matches('/');
    same_place && no_user && below
}

/// The path and query of `url` as seen from `base`, which it is below.
pub(super) fn relative(base: &Url, url: &Url) -> String {
    let path = url.path().strip_prefix(base.path().trim_end_matches('/')).unwrap_or_else(|| url.path());
    let path = if path.is_empty() { "/" } else { path };
    url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

/// True if a path has only characters that mean the same to everybody, and no dot segments: it needs no parsing.
pub(super) fn is_plain(path: &str) -> bool {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|b| unreserved(b) || b == b'/')
        && path.split('/').all(|segment| !matches!(segment, "." | ".."))
        && query.bytes().all(|b| unreserved(b) || matches!(b, b'=' | b'&' | b'%' | b'+' | b',' | b':'))
}

fn check(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("does not start with a slash");
    }
    if path.starts_with("//") {
        return Err("starts with two slashes, which names a host");
    }
    if !path.bytes().all(|b| b.is_ascii_graphic()) {
        return Err("has a space, a control character or a letter beyond ASCII, which must be percent-encoded");
    }
    if path.contains('\\') {
        return Err("has a backslash, which some parsers take for a slash");
    }
    if path.contains('#') {
        return Err("has a fragment, which is never sent");
    }
    let plain = decoded(path.split('?').next().unwrap_or_default());
    if plain.iter().any(|b| b.is_ascii_control()) {
        return Err("hides a control character");
    }
    if plain.split(|b| matches!(b, b'/' | b'\\')).any(|segment| matches!(segment, b"." | b"..")) {
        return Err("has a dot segment, which could leave the base path");
    }
    Ok(())
}

/// Undoes percent-encoding until nothing changes, so that `%252e` is seen through too.
fn decoded(text: &str) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    loop {
        let once = decoded_once(&bytes);
        if once.len() == bytes.len() {
            return once;
        }
        bytes = once;
    }
}

fn decoded_once(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&first, tail)) = rest.split_first() {
        match escape(rest) {
            Some(byte) => {
                plain.push(byte);
                rest = &rest[3..];
            }
            None => {
                plain.push(first);
                rest = tail;
            }
        }
    }
    plain
}

/// The byte that `%41` at the start of `rest` stands for.
fn escape(rest: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = rest else { return None };
    let digit = |b: &u8| char::from(*b).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}
