//! The request that follows a redirect, made from the one that was answered with it.

use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST};

use crate::contract::header;
use crate::guard::Permit;
use crate::ids::TraceParent;
use crate::load::redirect::Onward;

use super::{Cookies, Parts, push_body, push_header, push_trace};

impl Parts<'_> {
    /// Writes the request that a redirect of this one asks for: the same headers, but credentials do not go to another
    /// app (`same_app` is false), and headers of the body go only with it.
    pub(crate) fn render_onward(
        &self,
        onward: &Onward,
        permit: &Permit,
        same_app: bool,
        parent: TraceParent,
        cookies: Cookies<'_>,
    ) -> Vec<u8> {
        let path = permit.path_and_query();
        let mut out = format!("{} {path} HTTP/1.1\r\n", onward.method).into_bytes();
        push_header(HOST.as_str(), permit.authority().as_bytes(), &mut out);
        for (name, value) in &self.headers {
            let replaced = [HOST, CONTENT_LENGTH, COOKIE].contains(name)
                || [header::TRACEPARENT, header::TRACE_ID].contains(&name.as_str());
            let of_the_body = [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE].contains(name);
            if !replaced && (onward.keeps_body || !of_the_body) && (same_app || *name != AUTHORIZATION) {
                push_header(name.as_str(), value.as_bytes(), &mut out);
            }
        }
        push_trace(parent, &mut out);
        let mut sent = Vec::new();
        if cookies.write(path.as_bytes(), &mut sent) {
            push_header(COOKIE.as_str(), &sent, &mut out);
        }
        push_body(&onward.method, if onward.keeps_body { self.body } else { &[] }, &mut out);
        out
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use http::Method;
    use url::Url;

    use super::*;
    use crate::guard::Guard;
    use crate::ids::AppId;
    use crate::load::jar::Jar;
    use crate::load::random::Ids;
    use crate::target::Environment;

    const REQUEST: &[u8] = b"POST /login?x=1 HTTP/1.1\r\nhost: 127.0.0.1:7101\r\ncontent-type: text/plain\r\n\
        authorization: Bearer t0k\r\naccept: text/html\r\ntraceparent: 00-old\r\nx-trace-id: old\r\ncookie: old=1\r\n\
        content-length: 2\r\n\r\nhi";

    fn follow(to: &str, keeps_body: bool, same_app: bool) -> String {
        let guard = Guard::new(Environment::embedded(BTreeMap::from([(AppId::A1, 7101), (AppId::A5, 7105)])));
        let method = if keeps_body { Method::POST } else { Method::GET };
        let onward = Onward { method, url: Url::parse(to).unwrap(), keeps_body };
        let permit = guard.permit_url(&onward.method, &onward.url).unwrap();
        let mut ids = Ids::fresh();
        let trace = ids.trace();
        let mut jar = Jar::default();
        jar.store(1, "127.0.0.1", "/", "sid=s; Path=/", 0);
        let cookies = Cookies { jar: &jar, origin: 1, now_unix_ms: 0 };
        let request = Parts::of(REQUEST).unwrap();
        let text = request.render_onward(&onward, &permit, same_app, ids.span_of(trace), cookies);
        String::from_utf8(text).unwrap().replace(&trace.to_string(), "TRACE")
    }

    #[test]
    fn a_get_that_follows_a_form_has_fresh_cookies_and_no_body() {
        let text = follow("http://127.0.0.1:7101/home?y=2#top", false, true);
        assert!(text.starts_with("GET /home?y=2 HTTP/1.1\r\nhost: 127.0.0.1:7101\r\n"), "{text}");
        assert!(text.contains("accept: text/html\r\n") && text.contains("authorization: Bearer t0k\r\n"), "{text}");
        assert!(text.contains("x-trace-id: TRACE\r\ncookie: sid=s\r\n\r\n") && !text.contains("old"), "{text}");
        assert!(!text.contains("content-"), "{text}");
    }

    #[test]
    fn a_body_goes_along_where_the_status_keeps_it() {
        let text = follow("http://127.0.0.1:7101/login2", true, true);
        assert!(text.starts_with("POST /login2 ") && text.ends_with("content-length: 2\r\n\r\nhi"), "{text}");
        assert!(text.contains("content-type: text/plain\r\n"), "{text}");
    }

    #[test]
    fn credentials_do_not_go_to_another_app() {
        let text = follow("http://127.0.0.1:7105/", false, false);
        assert!(text.contains("host: 127.0.0.1:7105\r\n") && !text.contains("t0k"), "{text}");
    }
}
