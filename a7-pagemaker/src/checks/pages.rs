//! Pages as visitors and search engines see them.

use common::check::html::Page;
use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::ids::AppId;

use super::writes;

/// Address and heading of each fixed page.
pub(super) const FIXED: [(&str, &str); 4] = [
    ("/", "Scholarships you can win"),
    ("/browse", "All scholarships"),
    ("/browse/states", "Scholarships by state"),
    ("/browse/majors", "Scholarships by major"),
];

/// Each page is the right one, in its own words, from its own origin.
pub(crate) async fn are_themselves(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let fresh = writes::Page::fresh();
    fresh.publish(&cx).await?;
    let own = (format!("/p/{}", fresh.slug), fresh.title.clone());
    let all = FIXED.iter().map(|(path, heading)| ((*path).to_owned(), (*heading).to_owned())).chain([own]);
    for (path, heading) in all {
        let reply = cx.client.get(AppId::A7, &path).send().await?;
        findings.status(&path, 200, &reply);
        let kind = reply.header("content-type").unwrap_or_default().to_owned();
        findings.holds(&format!("{path} is HTML"), kind.starts_with("text/html"), &kind);
        let page = Page::read(&reply.text());
        let shown = page.all("h1").next().map(|node| node.text());
        findings.equal(&format!("the heading of {path}"), &Some(heading), &shown);
        findings.equal(&format!("the language of {path}"), &Some("en"), &page.lang());
        policy(&mut findings, &path, &reply);
        own_origin(&mut findings, &path, &page);
    }
    let reply = cx.client.get(AppId::A7, "/p/no-such-page-anywhere").send().await?;
    findings.status("a page that was never published", 404, &reply);
    Ok(findings)
}

fn policy(findings: &mut Findings, path: &str, reply: &Reply) {
    let policy = reply.header("content-security-policy").unwrap_or_default().to_owned();
    let closed = policy.contains("default-src 'none'") || policy.contains("default-src 'self'");
    findings.holds(&format!("{path} has a closed content security policy"), closed, &policy);
    let strict = !policy.contains("unsafe-inline") && !policy.contains("unsafe-eval") && !policy.contains('*');
    findings.holds(&format!("the policy of {path} has no holes"), strict, &policy);
}

/// Scripts, styles and images come from this origin.
fn own_origin(findings: &mut Findings, path: &str, page: &Page) {
    for (node, source) in page.loads() {
        let own = source.starts_with('/') && !source.starts_with("//");
        findings.holds(&format!("{path} loads its {} from its own origin", node.name()), own, source);
    }
}
