//! What keeps strangers and browsers out of trouble: keys where the contract says so, and headers on every answer.

use http::Method;

use super::conformance::{Probe, example_of, path_of};
use super::{CheckContext, CheckError, Findings};
use crate::client::{Reply, Request};
use crate::contract::{Auth, Contract, Route, header};
use crate::settings::Secret;

/// A key that nobody has.
const WRONG_KEY: &str = "handshake-wrong-key";
/// Words of a stack trace, which tells strangers what an app is made of.
const INSIDE: [&str; 6] =
    ["panicked at", "stack backtrace", "Traceback (most recent call last)", ".rs:", "at java.", "sqlx::"];

/// Asks every route that wants a key without one, with a wrong one, with the key of other routes, and with the right one
/// in the wrong place: each is refused with 401 and learns nothing of the key.
///
/// # Errors
/// [`CheckError::Skip`] when the contract has no such route, or this environment may only be looked at; a client error when
/// the app does not answer.
pub async fn keys_wanted(cx: &CheckContext, contract: &Contract) -> Result<Findings, CheckError> {
    let keyed = contract.routes.iter().filter(|route| matches!(route.auth, Auth::AdminKey | Auth::TelemetryKey));
    let writable = cx.client.guard().environment().policy() == crate::target::Policy::ReadWrite;
    let keyed: Vec<_> = keyed.filter(|route| writable || route.method == "GET").collect();
    if keyed.is_empty() {
        return Err(CheckError::Skip(
            "the target may only be looked at, and no route that only looks wants a key".into(),
        ));
    }
    let mut findings = Findings::new();
    for route in keyed {
        for (how, request) in wrong_ways(cx, contract, route) {
            let reply = request.send().await?;
            findings.status(&format!("{} {how}", route.name()), 401, &reply);
            let keys = [&cx.admin_key, &cx.telemetry_key].into_iter().flatten();
            let silent =
                keys.into_iter().all(|key| !reply.text().contains(key.expose())) && !reply.text().contains(WRONG_KEY);
            findings.about(&reply).holds(
                &format!("{} {how} repeats no key", route.name()),
                silent,
                "a key in the answer",
            );
        }
    }
    Ok(findings)
}

fn wrong_ways(cx: &CheckContext, contract: &Contract, route: &Route) -> Vec<(&'static str, Request)> {
    let (name, other_key) = match route.auth {
        Auth::AdminKey => (header::ADMIN_KEY, &cx.telemetry_key),
        _ => (header::TELEMETRY_KEY, &cx.admin_key),
    };
    let request = |query: &str| {
        let method: Method = route.method.parse().unwrap_or(Method::GET);
        let path = format!("{}{query}", path_of(route));
        example_of(route, cx.client.request(contract.app, method, &path))
    };
    let mut ways = vec![
        ("without a key", request("")),
        ("with a wrong key", request("").header(name, WRONG_KEY)),
        ("with an empty key", request("").header(name, "")),
        ("with the word of a bearer", request("").bearer(WRONG_KEY)),
    ];
    if let Some(key) = other_key.as_ref().map(Secret::expose) {
        ways.push(("with the key of other routes", request("").header(name, key)));
    }
    ways
}

/// Asks every page and every open route, an address that is not there and one that is asked wrongly: each answer forbids
/// guessing its type and leaking addresses, pages also who may frame them and what may run, cookies are kept from scripts,
/// and nothing tells of the inside.
///
/// # Errors
/// A client error when the app does not answer.
pub async fn security_headers(cx: &CheckContext, contract: &Contract) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let mut asked: Vec<Request> =
        vec![cx.client.get(contract.app, "/no/such/path"), cx.client.get(contract.app, "/health?a=%ff%3Cscript%3E")];
    for route in &contract.routes {
        let probe = Probe { cx, app: contract.app, route };
        if probe.is_plainly_asked() {
            asked.push(probe.request());
        }
    }
    for request in asked {
        let reply = request.native_errors().send().await?;
        looked_at(&reply, &mut findings);
    }
    Ok(findings)
}

fn looked_at(reply: &Reply, findings: &mut Findings) {
    let name = |what: &str| format!("{}: {what}", reply.request());
    let has = |header: &str| reply.header(header).unwrap_or_default().to_ascii_lowercase();
    findings.about(reply);
    findings.equal(&name("x-content-type-options"), "nosniff", has("x-content-type-options").as_str());
    let referrer = has("referrer-policy");
    let close = ["no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"];
    findings.holds(&name("a referrer-policy that keeps addresses"), close.contains(&referrer.as_str()), &referrer);
    let open_to_all = has("access-control-allow-origin") == "*" && has("access-control-allow-credentials") == "true";
    findings.holds(&name("cookies are not for every origin"), !open_to_all, "access-control-allow-origin: *");
    let version = has("server").bytes().any(|byte| byte.is_ascii_digit()) || reply.header("x-powered-by").is_some();
    findings.holds(&name("no version of what it is made of"), !version, has("server"));
    let text = reply.text();
    let inside = INSIDE.iter().find(|words| text.contains(**words));
    findings.holds(&name("nothing of the inside"), inside.is_none(), inside.copied().unwrap_or_default());
    if has("content-type").starts_with("text/html") {
        let policy = has("content-security-policy");
        let framed = policy.contains("frame-ancestors") || reply.header("x-frame-options").is_some();
        findings.holds(&name("says who may frame the page"), framed, &policy);
        let strict = policy.contains("default-src") && !policy.contains("unsafe-eval");
        findings.holds(&name("a content-security-policy"), strict, &policy);
    }
    if reply.url().scheme() == "https" {
        findings.holds(&name("strict-transport-security"), !has("strict-transport-security").is_empty(), "none");
    }
    for cookie in reply.header_all("set-cookie") {
        let lower = cookie.to_ascii_lowercase();
        let kept = lower.contains("; secure") && lower.contains("; httponly") && lower.contains("; samesite=");
        let shown = cookie.split('=').next().unwrap_or_default();
        findings.holds(&name("cookies are Secure, HttpOnly and have SameSite"), kept, shown);
    }
}
