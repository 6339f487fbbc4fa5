//! Where a redirect leads, as a browser takes it (RFC 9110, 15.4; Fetch, "HTTP-redirect fetch").

use http::Method;
use url::Url;

/// The request that a redirect asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Onward {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// Headers that describe the body go with the body.
    pub(crate) keeps_body: bool,
}

/// The request that an answer leads to; `None` if it is no redirect.
///
/// # Errors
/// When a redirect has no location, or one that is no URL.
pub(crate) fn onward(
    status: u16,
    location: Option<&str>,
    method: &Method,
    from: &Url,
) -> Result<Option<Onward>, String> {
    let becomes_get = match status {
        301 | 302 => *method == Method::POST,
        303 => *method != Method::HEAD,
        307 | 308 => false,
        _ => return Ok(None),
    };
    let location = location.ok_or_else(|| format!("status {status} redirects without a location"))?;
    let url = from
        .join(location)
        .map_err(|error| format!("status {status} redirects to {:?}: {error}", without_values(location)))?;
    let method = if becomes_get { Method::GET } else { method.clone() };
    Ok(Some(Onward { method, url, keeps_body: !becomes_get }))
}

/// A location with the names of its query's parameters and without their values or a fragment: what may be shown.
pub(crate) fn without_values(location: &str) -> String {
    let shown = location.split('#').next().unwrap_or_default();
    let Some((path, query)) = shown.split_once('?') else { return shown.to_owned() };
    let names = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) => format!("{name}=…"),
        None => "…".to_owned(),
    });
    format!("{path}?{}", names.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn go(status: u16, location: &str, method: &Method) -> Onward {
        let from = Url::parse("http://127.0.0.1:7101/a/login?x=1").unwrap();
        onward(status, Some(location), method, &from).unwrap().unwrap()
    }

    #[test]
    fn a_location_is_taken_from_where_it_was_said() {
        for (location, expected) in [
            ("/home", "http://127.0.0.1:7101/home"),
            ("done?y=2", "http://127.0.0.1:7101/a/done?y=2"),
            ("//other.test/x", "http://other.test/x"),
            ("https://other.test:8443/x", "https://other.test:8443/x"),
            ("?page=2", "http://127.0.0.1:7101/a/login?page=2"),
        ] {
            assert_eq!(go(302, location, &Method::GET).url.as_str(), expected);
        }
    }

    #[test]
    fn a_sent_form_becomes_a_get_unless_the_status_forbids_it() {
        for (status, method, after, keeps_body) in [
            (301, Method::POST, Method::GET, false),
            (302, Method::POST, Method::GET, false),
            (302, Method::PUT, Method::PUT, true),
            (303, Method::PUT, Method::GET, false),
            (303, Method::HEAD, Method::HEAD, true),
            (307, Method::POST, Method::POST, true),
            (308, Method::POST, Method::POST, true),
        ] {
            let onward = go(status, "/x", &method);
            assert_eq!((onward.method, onward.keeps_body), (after, keeps_body), "{status} {method}");
        }
    }

    #[test]
    fn a_redirect_to_nowhere_is_an_error_and_other_answers_are_none() {
        let from = Url::parse("http://127.0.0.1:1/").unwrap();
        for status in [200, 201, 300, 304, 404] {
            assert_eq!(onward(status, Some("/x"), &Method::GET, &from), Ok(None));
        }
        assert!(onward(302, None, &Method::GET, &from).unwrap_err().contains("without a location"));
        let broken = onward(302, Some("http://[::1/?code=secret"), &Method::GET, &from).unwrap_err();
        assert!(broken.contains("code=…") && !broken.contains("secret"), "{broken}");
    }

    #[test]
    fn values_of_a_query_are_not_shown() {
        assert_eq!(without_values("http://a.test/cb?code=s3cret&state=x&flag#f"), "http://a.test/cb?code=…&state=…&…");
        assert_eq!(without_values("/home"), "/home");
    }
}
