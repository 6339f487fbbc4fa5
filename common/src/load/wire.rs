//! A step's request, compiled once into bytes with places to fill, and filled for each request without allocating.

mod onward;

use bytes::Bytes;
use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::contract::header;
use crate::guard::Guard;
use crate::ids::{AppId, TraceParent};

use super::jar::Jar;
use super::template::{Template, Values, push_decimal, push_hex};

/// The most header lines of a request that is taken apart again.
const MAX_HEADERS: usize = 256;

/// A compiled request.
#[derive(Debug)]
pub(crate) struct Wire {
    method: Method,
    path: PathPlan,
    /// Header lines that are the same every time.
    fixed: Vec<u8>,
    filled: Vec<(HeaderName, Template)>,
    body: BodyPlan,
    /// The step sends a cookie header of its own making.
    own_cookies: bool,
}

/// The cookies that may go along with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cookies<'a> {
    pub(crate) jar: &'a Jar,
    pub(crate) origin: usize,
    pub(crate) now_unix_ms: i64,
}

impl Cookies<'_> {
    fn write(self, path: &[u8], out: &mut Vec<u8>) -> bool {
        let path = std::str::from_utf8(path).unwrap_or_default();
        !self.jar.is_empty() && self.jar.write(self.origin, path, self.now_unix_ms, out)
    }
}

/// How the path comes about.
#[derive(Debug)]
pub(crate) enum PathPlan {
    /// The same every time; permitted once.
    Fixed(String),
    /// Filled in; each one passes the guard.
    Filled {
        app: AppId,
        template: Template,
        /// What comes before it, from the base URL of the app.
        prefix: String,
    },
}

/// How the body comes about.
#[derive(Debug)]
pub(crate) enum BodyPlan {
    Fixed(Bytes),
    Filled(Template),
}

impl Wire {
    /// Compiles a request; `fixed` are all headers that are not filled in, `Host` among them.
    pub(crate) fn new(
        method: Method,
        path: PathPlan,
        fixed: &HeaderMap,
        filled: Vec<(HeaderName, Template)>,
        body: BodyPlan,
    ) -> Self {
        let mut lines = Vec::new();
        for (name, value) in fixed {
            push_header(name.as_str(), value.as_bytes(), &mut lines);
        }
        let own_cookies = fixed.contains_key(COOKIE) || filled.iter().any(|(name, _)| *name == COOKIE);
        Self { method, path, fixed: lines, filled, body, own_cookies }
    }

    /// Writes the request into `out`, whose old content goes; `room` is room to work in. The trace goes along in
    /// `traceparent` and `x-trace-id`, what fits of the cookies in `cookie` unless the step sends its own. A path that is
    /// filled in passes the guard.
    ///
    /// # Errors
    /// What could not be filled in, or why the path may not be asked for.
    pub(crate) fn render(
        &self,
        guard: &Guard,
        values: &mut Values<'_>,
        cookies: Option<Cookies<'_>>,
        room: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        out.clear();
        out.extend_from_slice(self.method.as_str().as_bytes());
        out.push(b' ');
        let from = out.len();
        match &self.path {
            PathPlan::Fixed(path) => out.extend_from_slice(path.as_bytes()),
            PathPlan::Filled { app, template, prefix } => {
                room.clear();
                template.fill(values, room)?;
                let path = std::str::from_utf8(room).map_err(|_| "path: it is not UTF-8".to_owned())?;
                if guard.permits_plain(*app, &self.method, path) {
                    out.extend_from_slice(prefix.as_bytes());
                    out.extend_from_slice(room);
                } else {
                    let permit = guard.permit(*app, &self.method, path).map_err(|refusal| refusal.to_string())?;
                    out.extend_from_slice(permit.path_and_query().as_bytes());
                }
            }
        }
        let path = from..out.len();
        out.extend_from_slice(b" HTTP/1.1\r\n");
        out.extend_from_slice(&self.fixed);
        for (name, template) in &self.filled {
            out.extend_from_slice(name.as_str().as_bytes());
            out.extend_from_slice(b": ");
            let from = out.len();
            template.fill(values, out)?;
            check_value(name, &out[from..])?;
            out.extend_from_slice(b"\r\n");
        }
        push_trace(values.parent, out);
        if let Some(cookies) = cookies.filter(|_| !self.own_cookies) {
            room.clear();
            if cookies.write(&out[path], room) {
                push_header(COOKIE.as_str(), room, out);
            }
        }
        match &self.body {
            BodyPlan::Fixed(bytes) => push_body(&self.method, bytes, out),
            BodyPlan::Filled(template) => {
                room.clear();
                template.fill(values, room)?;
                push_body(&self.method, room, out);
            }
        }
        Ok(())
    }
}

fn push_body(method: &Method, body: &[u8], out: &mut Vec<u8>) {
    let says_length = !body.is_empty() || !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    if says_length {
        out.extend_from_slice(b"content-length: ");
        push_decimal(body.len() as u64, out);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
}

fn push_header(name: &str, value: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

fn push_trace(parent: TraceParent, out: &mut Vec<u8>) {
    let trace = parent.trace.as_u128();
    out.extend_from_slice(header::TRACEPARENT.as_bytes());
    out.extend_from_slice(b": 00-");
    push_hex(&trace.to_be_bytes(), out);
    out.push(b'-');
    push_hex(&parent.span.to_be_bytes(), out);
    out.extend_from_slice(b"-01\r\n");
    out.extend_from_slice(header::TRACE_ID.as_bytes());
    out.extend_from_slice(b": ");
    push_hex(&trace.to_be_bytes(), out);
    out.extend_from_slice(b"\r\n");
}

/// A filled value must not end its line and begin another.
fn check_value(name: &HeaderName, value: &[u8]) -> Result<(), String> {
    if value.iter().all(|byte| *byte == b'\t' || (*byte >= 0x20 && *byte != 0x7f)) {
        Ok(())
    } else {
        Err(format!("header {name}: the value has control characters"))
    }
}

/// A rendered request, taken apart again: for HTTP/2 and for people.
#[derive(Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) method: Method,
    pub(crate) path: &'a str,
    pub(crate) headers: HeaderMap,
    pub(crate) body: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Reads a rendered request.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn of(request: &'a [u8]) -> Result<Self, String> {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut parsed = httparse::Request::new(&mut headers);
        let status = parsed.parse(request).map_err(|error| error.to_string())?;
        let (httparse::Status::Complete(len), Some(method), Some(path)) = (status, parsed.method, parsed.path) else {
            return Err("the request is not whole".to_owned());
        };
        let mut headers = HeaderMap::new();
        for line in parsed.headers.iter() {
            let name = HeaderName::from_bytes(line.name.as_bytes()).map_err(|error| error.to_string())?;
            headers.append(name, HeaderValue::from_bytes(line.value).map_err(|error| error.to_string())?);
        }
        let method = Method::from_bytes(method.as_bytes()).map_err(|error| error.to_string())?;
        Ok(Self { method, path, headers, body: &request[len..] })
    }
}
