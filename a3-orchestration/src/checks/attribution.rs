//! From a page back to the run that published it.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

use super::{asked, run_id, start, until_ended};

/// A run publishes a page; a second run, which the page led to, tells of the first, and so does what it records in A2.
pub(crate) async fn keeps_the_arm(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A2)?;
    cx.want(AppId::A7)?;
    let mut findings = Findings::new();
    let first = run_id(&start(&cx, TraceId::fresh(), "A page that leads on").await?)?;
    let Some(published) = until_ended(&cx, &first).await? else {
        return Err(CheckError::Broken("the run that publishes the page does not end".to_owned()));
    };
    let slug = text(&published, "/page_slug")?;
    let source = json!({ "slug": slug, "run_id": first, "arm": text(&published, "/arm")? });
    is_public(&cx, &mut findings, &slug).await?;

    let trace = TraceId::fresh();
    let reply = from(&cx, trace, &slug).await?;
    findings.status("asking for a run that a page led to", 202, &reply);
    let second = run_id(&reply)?;
    let ended = until_ended(&cx, &second).await?;
    let seen = ended.as_ref().and_then(|run| run.pointer("/attributed_to"));
    findings.equal("what the run is put down to", &Some(source.clone()), &seen);
    let lineage = cx.client.get(AppId::A2, &format!("/api/v1/lineage/{trace}")).send().await?;
    let events = lineage.pointer("/events").and_then(|events| events.as_array().cloned()).unwrap_or_default();
    let told: Vec<&Value> = events
        .iter()
        .filter(|event| event["subject"] == second.as_str())
        .map(|event| &event["payload"]["attributed_to"])
        .collect();
    findings.about(&lineage).equal("what A2 was told of it", &vec![&source], &told);

    let stranger = run_id(&from(&cx, TraceId::fresh(), "no-run-made-this-page").await?)?;
    let stranger = cx.client.get(AppId::A3, &format!("/orchestration/runs/{stranger}")).send().await?;
    let alone = json!({ "slug": "no-run-made-this-page" });
    findings.json_at("a page of nobody's is known by its slug", &stranger, "/attributed_to", &alone);
    let wrong = from(&cx, TraceId::fresh(), "Not a slug").await?;
    findings.status("asking with what is no slug", 422, &wrong);
    Ok(findings)
}

async fn from(cx: &CheckContext, trace: TraceId, slug: &str) -> Result<Reply, CheckError> {
    let mut body = asked("A run that a page led to");
    body["from_slug"] = json!(slug);
    Ok(cx.client.post(AppId::A3, "/orchestration/run").trace(trace).json(&body).send().await?)
}

fn text(reply: &Reply, pointer: &str) -> Result<String, CheckError> {
    let found = reply.pointer(pointer).and_then(|found| found.as_str().map(str::to_owned));
    found.ok_or_else(|| CheckError::Broken(format!("no {pointer} in the run: {}", reply.text())))
}

/// The page of a run can be read, and search engines are told of it, as soon as the run has ended.
async fn is_public(cx: &CheckContext, findings: &mut Findings, slug: &str) -> Result<(), CheckError> {
    let page = cx.client.get(AppId::A7, &format!("/p/{slug}")).send().await?;
    findings.status("the page of the run", 200, &page);
    let sitemap = cx.client.get(AppId::A7, "/sitemap.xml").send().await?;
    let listed = sitemap.text().contains(&format!("/p/{slug}</loc>"));
    findings.about(&sitemap).holds("the sitemap lists it", listed, format!("no /p/{slug}"));
    Ok(())
}
