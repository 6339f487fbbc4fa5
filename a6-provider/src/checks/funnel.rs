//! Registration, stages and listings.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::{AppId, TraceId};
use serde_json::json;

use super::journey;

/// A repeated registration is the same provider; a fresh key is another one.
pub(crate) async fn register_once(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let (body, key) = (journey::registration(), uuid::Uuid::now_v7().to_string());
    let send = || cx.client.post(AppId::A6, "/register").idempotency_key(&key).json(&body);
    let first = send().send().await?;
    findings.status("a registration", 201, &first);
    findings.json_at("the stage of a new provider", &first, "/stage", &json!("lead"));
    let id = journey::text_at(&first, "/provider_id")?;
    let again = send().send().await?;
    findings.status("the same registration again", 201, &again);
    findings.json_at("the same provider", &again, "/provider_id", &json!(id));
    findings.holds("the repeat is marked as replayed", again.is_replayed(), "no `idempotency-replayed: true`");
    let other = cx.client.post(AppId::A6, "/register").idempotency_key(&key).json(&journey::registration());
    findings.status("the same key with another body", 422, &other.send().await?);
    let shown = cx.client.get(AppId::A6, &format!("/api/providers/{id}")).send().await?;
    findings.status("the provider", 200, &shown);
    findings.json_at("its stage", &shown, "/stage", &json!("lead"));
    findings.holds("no address is shown", !shown.text().contains('@'), "an e-mail address");
    for (what, bad) in [
        ("a registration without a name", json!({ "name": " ", "email": "a@example.com" })),
        ("a registration without an address", json!({ "name": "Aurora", "email": "nobody" })),
        ("a country that is none", json!({ "name": "Aurora", "email": "a@example.com", "country": "Atlantis" })),
    ] {
        findings.status(what, 422, &cx.client.post(AppId::A6, "/register").json(&bad).send().await?);
    }
    Ok(findings)
}

/// One step forward at a time; skips, repeats and returns are 409.
pub(crate) async fn stage_order(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let id = journey::provider(&cx, TraceId::fresh()).await?;
    let path = format!("/api/providers/{id}/stage");
    let walk = [
        ("live", 409),
        ("lead", 409),
        ("demo", 200),
        ("live", 409),
        ("contract", 200),
        ("demo", 409),
        ("live", 200),
        ("live", 409),
        ("customer", 422),
    ];
    for (at, (stage, status)) in walk.into_iter().enumerate() {
        let reply = cx.client.post(AppId::A6, &path).json(&json!({ "stage": stage })).send().await?;
        findings.status(&format!("move {} of the walk, to {stage}", at + 1), status, &reply);
    }
    let shown = cx.client.get(AppId::A6, &format!("/api/providers/{id}")).send().await?;
    findings.json_at("the stage in the end", &shown, "/stage", &json!("live"));
    let stranger = cx.client.post(AppId::A6, "/api/providers/prv_unknown/stage").json(&json!({ "stage": "demo" }));
    findings.status("a move of a stranger", 404, &stranger.send().await?);
    Ok(findings)
}

/// Draft, publish, publish again.
pub(crate) async fn listing(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let provider = journey::provider(&cx, TraceId::fresh()).await?;
    let draft = json!({ "provider_id": provider, "title": "Aurora STEM Award", "award_minor": 100_000 });
    let reply = cx.client.post(AppId::A6, "/api/listings").json(&draft).send().await?;
    findings.status("a draft", 201, &reply);
    findings.json_at("its status", &reply, "/status", &json!("draft"));
    let path = format!("/api/listings/{}", journey::text_at(&reply, "/listing_id")?);
    let published = cx.client.post(AppId::A6, &format!("{path}/publish")).send().await?;
    findings.json_at("its status once published", &published, "/status", &json!("published"));
    let at = published.pointer("/published_at");
    let again = cx.client.post(AppId::A6, &format!("{path}/publish")).send().await?;
    findings.equal("the time of publishing, asked again", &at, &again.pointer("/published_at"));
    let shown = cx.client.get(AppId::A6, &path).send().await?;
    findings.json_at("what readers see", &shown, "/status", &json!("published"));
    let orphan = json!({ "provider_id": "prv_unknown", "title": "Aurora STEM Award", "award_minor": 100_000 });
    findings.status(
        "a draft of a stranger",
        422,
        &cx.client.post(AppId::A6, "/api/listings").json(&orphan).send().await?,
    );
    let free = json!({ "provider_id": provider, "title": "Aurora STEM Award", "award_minor": 0 });
    findings.status("an award of nothing", 422, &cx.client.post(AppId::A6, "/api/listings").json(&free).send().await?);
    let nowhere = cx.client.post(AppId::A6, "/api/listings/lst_unknown/publish").send().await?;
    findings.status("publishing what is not there", 404, &nowhere);
    Ok(findings)
}
