//! A deployed app behind the proxy: callers see one host, the app another.

use axum::http::HeaderMap;
use axum::http::header::{LOCATION, SET_COOKIE};
use url::Url;

use super::{cookie, head};

/// Turns what an answer says about the app's own host back to the proxy's: redirects lead through the proxy again, and
/// cookies are taken by callers that know its address only.
pub(super) fn seen_from_proxy(headers: &mut HeaderMap, app: &Url, proxy: &Url) {
    head::map_values(headers, &LOCATION, |location| through(location, app, proxy));
    head::map_values(headers, &SET_COOKIE, |value| cookie::remove(value, "Domain"));
}

fn through(location: &str, app: &Url, proxy: &Url) -> String {
    let Ok(mut url) = location.parse::<Url>() else { return location.to_owned() };
    if url.origin() != app.origin() {
        return location.to_owned();
    }
    let prefix = app.path().trim_end_matches('/');
    let path = url.path().strip_prefix(prefix).unwrap_or(url.path()).to_owned();
    url.set_path(&path);
    let rest = &url[url::Position::BeforePath..];
    format!("{}{rest}", proxy.as_str().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn redirects_to_the_app_lead_through_the_proxy_and_others_stay() {
        let (app, proxy) = ("https://a6.example.com/six/".parse().unwrap(), "http://127.0.0.1:9000/".parse().unwrap());
        for (location, seen) in [
            ("https://a6.example.com/six/login?a=1#b", "http://127.0.0.1:9000/login?a=1#b"),
            ("https://a1.example.com/login", "https://a1.example.com/login"),
            ("/login", "/login"),
        ] {
            assert_eq!(through(location, &app, &proxy), seen);
        }
        let mut headers = HeaderMap::new();
        headers.append(SET_COOKIE, HeaderValue::from_static("a=1; Domain=a6.example.com; Secure"));
        seen_from_proxy(&mut headers, &app, &proxy);
        assert_eq!(headers[SET_COOKIE], "a=1; Secure");
    }
}
