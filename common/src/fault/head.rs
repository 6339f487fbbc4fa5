//! Heads of messages: what a proxy must not pass on, and what rules change.

use axum::http::header::{CONNECTION, CONTENT_LENGTH, EXPECT, SET_COOKIE, TE, TRANSFER_ENCODING, UPGRADE};
use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::{Action, Part, Pattern, cookie};

/// Removes what concerns one connection alone (RFC 9110, section 7.6.1).
pub(super) fn drop_hop_headers(headers: &mut HeaderMap) {
    if let Some(named) = headers.remove(CONNECTION) {
        for name in named.to_str().unwrap_or_default().split(',').map(str::trim) {
            if HeaderName::from_bytes(name.as_bytes()).is_ok_and(|name| name != CONTENT_LENGTH) {
                headers.remove(name);
            }
        }
    }
    for name in [TRANSFER_ENCODING, TE, UPGRADE, EXPECT] {
        headers.remove(name);
    }
    headers.remove("keep-alive");
    headers.remove("proxy-connection");
}

/// Changes the head of a message; true if anything is different now.
pub(super) fn change(headers: &mut HeaderMap, part: Part, action: &Action) -> bool {
    match action {
        Action::SetHeader(set) if set.part == part => put(headers, &set.name, &set.value),
        Action::RemoveHeader(header) if header.part == part => headers.remove(&header.name).is_some(),
        Action::RewriteHeader(rewrite) if rewrite.part == part => {
            let Ok(name) = HeaderName::from_bytes(rewrite.name.as_bytes()) else { return false };
            map_values(headers, &name, |value| rewrite.find.replace(value, &rewrite.replace))
        }
        Action::SetCookie(set) if part == Part::Answer => {
            cookies(headers, set.cookie.as_deref(), |value| cookie::set(value, &set.attribute, set.value.as_deref()))
        }
        Action::RemoveCookie(of) if part == Part::Answer => {
            cookies(headers, of.cookie.as_deref(), |value| cookie::remove(value, &of.attribute))
        }
        Action::RewriteCookie(rewrite) if part == Part::Answer => {
            let (find, by): (&Pattern, _) = (&rewrite.find, &rewrite.replace);
            cookies(headers, rewrite.cookie.as_deref(), |value| cookie::rewrite(value, &rewrite.attribute, find, by))
        }
        _ => false,
    }
}

fn put(headers: &mut HeaderMap, name: &str, value: &str) -> bool {
    let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) else {
        return false;
    };
    let differs = headers.get(&name) != Some(&value);
    headers.insert(name, value);
    differs
}

fn cookies(headers: &mut HeaderMap, wanted: Option<&str>, change: impl Fn(&str) -> String) -> bool {
    map_values(
        headers,
        &SET_COOKIE,
        |value| {
            if cookie::is_for(value, wanted) { change(value) } else { value.to_owned() }
        },
    )
}

/// Changes each value of a header; a value that is no text stays.
pub(super) fn map_values(headers: &mut HeaderMap, name: &HeaderName, change: impl Fn(&str) -> String) -> bool {
    let before: Vec<_> = headers.get_all(name).iter().cloned().collect();
    let changed = |value: &HeaderValue| {
        let new = value.to_str().ok().map(&change)?;
        HeaderValue::from_str(&new).ok()
    };
    let after: Vec<_> = before.iter().map(|value| changed(value).unwrap_or_else(|| value.clone())).collect();
    if before == after {
        return false;
    }
    headers.remove(name);
    for value in after {
        headers.append(name, value);
    }
    true
}
