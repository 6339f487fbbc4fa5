//! What search engines and visitors find, and which rule a broken page breaks.

use std::time::Duration;

use a7_pagemaker::reference::app;
use common::check::CheckReport;
use common::check::html::Page;
use common::ids::{AppId, TraceId};
use common::service::Defect;
use common::testkit::Ecosystem;
use serde_json::json;

async fn seo(eco: &Ecosystem) -> CheckReport {
    eco.check(a7_pagemaker::suite().check("a7.seo").expect("the suite has this check")).await
}

async fn publish(eco: &Ecosystem, slug: &str) {
    let page = json!({ "slug": slug, "title": format!("Page {slug}"), "summary": "A page that a test published." });
    let reply = eco.client().post(AppId::A7, "/api/pages").json(&page).send().await.expect("A7 answers");
    assert_eq!(reply.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_page_is_named_with_the_rule_it_breaks_and_no_other() {
    for (defect, rule, pages) in [
        (Defect::A7StrayNoindex, "indexable", 1),
        (Defect::A7CanonicalElsewhere, "canonical", 1),
        (Defect::A7NoindexHeader, "indexable", 7),
        (Defect::A7StructuredDataBroken, "structured_data", 11),
        (Defect::A7ShareImageMissing, "share_image", 11),
    ] {
        let eco = Ecosystem::start_broken(vec![app()], AppId::A7, defect).await;
        let report = seo(&eco).await;
        let broken = report.broken_lines();
        let of_rule: Vec<_> = broken.iter().filter(|line| line.starts_with(&format!("{rule}: GET /"))).collect();
        let others: Vec<_> = broken.iter().filter(|line| !line.starts_with(rule)).collect();
        assert_eq!(of_rule.len(), pages, "{defect:?}: {broken:#?}");
        assert!(others.is_empty(), "{defect:?}: {others:#?}");
        eco.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_site_of_three_hundred_pages_is_read_in_time_and_what_is_left_out_is_said() {
    let eco = Ecosystem::start(vec![app()]).await;
    for number in 0..300 {
        publish(&eco, &format!("page-{number}")).await;
    }
    let report = seo(&eco).await;
    assert!(report.holds(), "{:#?}", report.broken_lines());
    let extent = &report.findings[0].seen;
    assert!(extent.starts_with("2") && extent.contains("of 311 addresses"), "{extent}");
    assert!(extent.contains("6 further pages of /browse"), "{extent}");
    let took = Duration::from_micros(report.took_us.0);
    assert!(took < Duration::from_secs(15), "the crawl took {took:?}");
    eco.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_page_carries_the_trace_it_was_asked_in_and_leads_to_the_student_app() {
    let eco = Ecosystem::start_with(vec![app()], |config| {
        config.options.insert("student_base_url".into(), "https://students.example.com/".into());
        config.options.insert("public_base_url".into(), "https://pages.example.com/".into());
    })
    .await;
    let trace = TraceId::fresh();
    let reply = eco.client().get(AppId::A7, "/p/stem-scholarships-ohio").trace(trace).send().await.unwrap();
    let page = Page::read(&reply.text());
    let html = page.all("html").next().unwrap();
    assert_eq!(html.attribute("data-trace-id"), Some(trace.to_string().as_str()));
    let cta = page.by_id("cta").unwrap();
    assert_eq!(cta.attribute("href"), Some("https://students.example.com/?from=stem-scholarships-ohio"));
    assert_eq!(page.links("canonical"), ["https://pages.example.com/p/stem-scholarships-ohio"]);
    let report = seo(&eco).await;
    assert!(report.holds(), "{:#?}", report.broken_lines());
    eco.stop().await;
}
