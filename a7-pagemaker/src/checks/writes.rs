//! Publishing, leads and calls to action.

use common::check::{CheckContext, CheckError, Findings};
use common::client::{ClientError, Reply, Request};
use common::ids::{AppId, TraceId};
use common::telemetry::EventName;
use serde_json::{Value, json};

/// A synthetic page with a slug of its own.
pub(crate) struct Page {
    pub(crate) slug: String,
    pub(crate) title: String,
    trace: TraceId,
}

impl Page {
    pub(crate) fn fresh() -> Self {
        let id = uuid::Uuid::now_v7();
        Self { slug: format!("test-page-{id}"), title: format!("Test page {id}"), trace: TraceId::fresh() }
    }

    fn body(&self, summary: &str) -> Value {
        json!({ "slug": self.slug, "title": self.title, "summary": summary })
    }

    fn request(&self, cx: &CheckContext) -> Request {
        cx.client.post(AppId::A7, "/api/pages").trace(self.trace)
    }

    /// Publishes it; without that the caller cannot go on.
    pub(crate) async fn publish(&self, cx: &CheckContext) -> Result<Reply, CheckError> {
        let reply = self.request(cx).json(&self.body("A page that a test published.")).send().await?;
        if reply.status != 201 {
            return Err(CheckError::Broken(format!("a page was not published: {} {}", reply.status, reply.text())));
        }
        Ok(reply)
    }
}

/// Built once for its key and once for its slug; other content under the slug is a conflict.
pub(crate) async fn publish_once(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let page = Page::fresh();
    let body = page.body("The words that came first.");
    let key = uuid::Uuid::now_v7().to_string();
    let first = page.request(&cx).idempotency_key(&key).json(&body).send().await?;
    findings.status("a build", 201, &first);
    findings.json_at("the slug", &first, "/slug", &json!(page.slug));
    let url = first.pointer("/url").and_then(|url| url.as_str().map(str::to_owned)).unwrap_or_default();
    findings.holds("the address ends in the slug", url.ends_with(&format!("/p/{}", page.slug)), &url);
    let replayed = page.request(&cx).idempotency_key(&key).json(&body).send().await?;
    findings.status("the same request again", 201, &replayed);
    findings.holds("it is replayed", replayed.is_replayed(), "no `idempotency-replayed: true`");
    let same = page.request(&cx).json(&body).send().await?;
    findings.status("the same page under a fresh key", 200, &same);
    let other = page.request(&cx).json(&page.body("The words that came second.")).send().await?;
    findings.status("another page under the same slug", 409, &other);
    let shown = cx.client.get(AppId::A7, &format!("/p/{}", page.slug)).send().await?;
    findings.status("the page", 200, &shown);
    findings.holds(
        "it says what was published first",
        shown.text().contains("The words that came first."),
        "other content",
    );
    for (what, bad) in [
        ("a slug with capitals", json!({ "slug": "No Good", "title": "T", "summary": "S" })),
        ("a page without a title", json!({ "slug": format!("{}-x", page.slug), "title": "", "summary": "S" })),
    ] {
        findings.status(what, 422, &cx.client.post(AppId::A7, "/api/pages").json(&bad).send().await?);
    }
    let script = Page { title: "<script>alert(1)</script>".into(), ..Page::fresh() };
    script.publish(&cx).await?;
    let shown = cx.client.get(AppId::A7, &format!("/p/{}", script.slug)).send().await?;
    findings.about(&shown).holds("markup in a title stays text", !shown.text().contains("<script>alert"), "a script");
    Ok(findings)
}

/// Stored, once for a key, mailed in the end.
pub(crate) async fn lead(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let key = uuid::Uuid::now_v7().to_string();
    let body = json!({ "email": "test_student_e2e_01@example.com", "interest": "engineering" });
    let send = || cx.client.post(AppId::A7, "/api/leads").idempotency_key(&key).json(&body);
    let first = send().send().await?;
    findings.holds("a lead is answered 201 or 202", matches!(first.status, 201 | 202), first.status);
    let Some(id) = first.pointer("/lead_id").and_then(|id| id.as_str().map(str::to_owned)) else {
        return Err(CheckError::Broken(format!("a lead without an id: {}", first.text())));
    };
    let again = send().send().await?;
    findings.json_at("the same lead for the same key", &again, "/lead_id", &json!(id));
    let path = format!("/api/leads/{id}");
    let stored = cx.client.get(AppId::A7, &path).send().await?;
    findings.status("the stored lead", 200, &stored);
    findings.json_at("its interest", &stored, "/interest", &json!("engineering"));
    findings.holds("no address is shown", !stored.text().contains('@'), "an e-mail address");
    if stored.status == 200 {
        let mailed = cx
            .eventually(|| async {
                let stored = cx.client.get(AppId::A7, &path).send().await?;
                Ok((stored.pointer("/status") == Some(json!("mailed"))).then_some(()))
            })
            .await?;
        findings.holds("its e-mail goes out", mailed.is_some(), "not within the arrival limit");
    }
    for (what, bad) in [
        ("a lead without an address", json!({ "email": "nobody" })),
        ("a lead from a page that is not there", json!({ "email": "a@example.com", "slug": "no-such-page" })),
    ] {
        findings.status(what, 422, &cx.client.post(AppId::A7, "/api/leads").json(&bad).send().await?);
    }
    Ok(findings)
}

/// The whole way of a page shows in A8 under one trace.
pub(crate) async fn events_in_a8(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A8)?;
    let mut findings = Findings::new();
    let page = Page::fresh();
    page.publish(&cx).await?;
    let seen = cx.client.post(AppId::A7, "/api/cta").trace(page.trace);
    let seen = seen.json(&json!({ "slug": page.slug, "kind": "impression" })).send().await?;
    findings.status("an impression", 201, &seen);
    let lead = json!({ "email": "test_student_e2e_01@example.com", "slug": page.slug });
    let lead = cx.client.post(AppId::A7, "/api/leads").trace(page.trace).json(&lead).send().await?;
    findings.holds("a lead is taken", lead.is_success(), lead.status);
    let names =
        [EventName::PageBuildRequested, EventName::PagePublished, EventName::CtaImpression, EventName::LeadCaptured];
    for name in names {
        let event = cx.event_in_a8(page.trace, name).await?;
        findings.holds(&format!("A8's lineage has `{name}`"), event.is_some(), "nothing within the arrival limit");
        let app = event.as_ref().and_then(|event| event.get("app_id").cloned());
        findings.equal(&format!("who reports `{name}`"), &Some(json!("A7")), &app);
        let told = event.is_some_and(|event| event.to_string().contains('@'));
        findings.holds(&format!("`{name}` carries no address"), !told, "an e-mail address");
    }
    Ok(findings)
}

/// An impression and a click are each counted once, however often they are sent, and reported as what they are.
pub(crate) async fn beacons(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A8)?;
    let mut findings = Findings::new();
    let page = Page::fresh();
    page.publish(&cx).await?;
    for kind in ["impression", "click"] {
        let key = uuid::Uuid::now_v7().to_string();
        let beacon = json!({ "slug": page.slug, "kind": kind });
        let send = || {
            let request = cx.client.post(AppId::A7, "/api/cta").trace(page.trace).idempotency_key(&key);
            request.json(&beacon).send()
        };
        let first = send().await?;
        findings.status(&format!("a beacon of a {kind}"), 201, &first);
        let again = send().await?;
        findings.holds(&format!("the same {kind} again is replayed"), again.is_replayed(), again.status);
    }
    // Reports leave in order: with the click here, all before it are here too.
    let seen = cx
        .eventually(|| async {
            let rates = reported(&cx, page.trace).await?;
            Ok(rates.contains(&json!(1.0)).then_some(rates))
        })
        .await?;
    let seen = match seen {
        Some(seen) => seen,
        None => reported(&cx, page.trace).await?,
    };
    findings.equal("beacons in A8's lineage, by their rate", &vec![json!(0.0), json!(1.0)], &seen);
    for (what, bad) in [
        ("a beacon of another kind", json!({ "slug": page.slug, "kind": "glance" })),
        ("a beacon of a page that is not there", json!({ "slug": "no-such-page", "kind": "click" })),
    ] {
        findings.status(what, 422, &cx.client.post(AppId::A7, "/api/cta").json(&bad).send().await?);
    }
    Ok(findings)
}

/// The click-through rate of each beacon that A8 has in this trace: 0 for an impression, 1 for a click.
async fn reported(cx: &CheckContext, trace: TraceId) -> Result<Vec<Value>, ClientError> {
    let lineage = cx.client.get(AppId::A8, &format!("/api/lineage/{trace}")).send().await?;
    let events = lineage.pointer("/events").and_then(|events| events.as_array().cloned()).unwrap_or_default();
    let beacons = events.iter().filter(|seen| seen["event"]["event"] == EventName::CtaImpression.as_str());
    Ok(beacons.map(|seen| seen["event"]["business_metrics"]["ctr"].clone()).collect())
}
