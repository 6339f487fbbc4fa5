//! The scholarship search.

use std::collections::BTreeSet;

use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::ids::AppId;
use serde_json::Value;

const PATH: &str = "/api/v1/scholarships";

pub(crate) async fn etag(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let first = cx.client.get(AppId::A2, PATH).send().await?;
    findings.status("a page", 200, &first);
    let Some(tag) = first.header("etag") else {
        findings.holds("it has an ETag", false, "none");
        return Ok(findings);
    };
    let unchanged = cx.client.get(AppId::A2, PATH).header("if-none-match", tag).send().await?;
    findings.status("the page for those who have it", 304, &unchanged);
    findings.equal("its body in bytes", &0, &unchanged.body.len());
    let stale = cx.client.get(AppId::A2, PATH).header("if-none-match", "\"of-another-day\"").send().await?;
    findings.status("the page for those who have another", 200, &stale);
    let other = cx.client.get(AppId::A2, &format!("{PATH}?limit=1")).header("if-none-match", tag).send().await?;
    findings.status("another page with the first one's tag", 200, &other);
    Ok(findings)
}

pub(crate) async fn paging(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let mut seen = BTreeSet::new();
    let mut total = None;
    let mut path = format!("{PATH}?q=engineering&limit=7");
    let mut given = 0;
    for _ in 0..200 {
        let page = cx.client.get(AppId::A2, &path).send().await?;
        if !findings.status("a page of a search", 200, &page) {
            return Ok(findings);
        }
        let items = items(&page);
        given += items.len();
        let fits = items.iter().all(|item| item.to_string().to_lowercase().contains("engineering"));
        findings.holds("every item of the page matches the search", fits, page.text());
        seen.extend(items.iter().map(|item| item["id"].to_string()));
        total = total.or_else(|| page.pointer("/total").and_then(|total| total.as_u64()));
        match page.pointer("/next").as_ref().and_then(Value::as_str) {
            Some(next) => path = format!("{PATH}?q=engineering&limit=7&cursor={next}"),
            None => break,
        }
    }
    findings.holds("the search finds more than one page", given > 7, given);
    findings.equal("scholarships given twice", &0, &(given - seen.len()));
    findings.equal("scholarships given in all", &total, &Some(given as u64));
    let bad = cx.client.get(AppId::A2, &format!("{PATH}?limit=0")).send().await?;
    findings.status("a page of no items", 422, &bad);
    Ok(findings)
}

fn items(page: &Reply) -> Vec<Value> {
    page.pointer("/items").and_then(|items| items.as_array().cloned()).unwrap_or_default()
}
