//! The dashboard as a browser gets it.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::{AppId, TraceId};

use super::probe;

/// The page names all apps, loads nothing from elsewhere, and leads to the hops of a trace.
pub(crate) async fn dashboard(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let trace = TraceId::fresh();
    probe::report(&cx, &[probe::event(trace, "lead_captured")])?.send().await?;
    let page = cx.client.get(AppId::A8, "/?namespace=perf_test").send().await?;
    findings.status("the dashboard", 200, &page);
    let html = page.text();
    let policy = page.header("content-security-policy").unwrap_or_default().to_owned();
    findings.holds("nothing is allowed by default", policy.contains("default-src 'none'"), &policy);
    findings.holds("nothing inline is allowed", !policy.contains("unsafe"), &policy);
    let foreign = html.matches("=\"http").count() + html.matches("=\"//").count();
    findings.equal("links and sources elsewhere", &0, &foreign);
    for app in ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"] {
        let row = format!("<th scope=\"row\"><span class=\"id\">{app}</span>");
        findings.holds(&format!("a row of {app}"), html.contains(&row), "no such row");
    }
    for (what, mark) in [
        ("a language", "<html lang=\"en\">"),
        ("a way past the header", "class=\"skip\""),
        ("a main landmark", "<main id=\"main\""),
        ("a search for traces", "action=\"/lineage\""),
        ("the namespace shown is marked", "href=\"/?namespace=perf_test\" aria-current=\"page\""),
    ] {
        findings.holds(what, html.contains(mark), format!("no {mark}"));
    }
    let hops = cx.client.get(AppId::A8, &format!("/lineage?trace_id={trace}")).send().await?;
    findings.status("the lineage page", 200, &hops);
    findings.holds("it lists the hop", hops.text().contains("lead captured"), "no hop");
    let nothing = format!("/lineage?trace_id={}", TraceId::fresh());
    findings.status(
        "the page of an unknown trace",
        404,
        &cx.client.get(AppId::A8, &nothing).native_errors().send().await?,
    );
    Ok(findings)
}
