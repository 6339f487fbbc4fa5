//! The loop of learning: a page shows the arm that it is for, and what visitors do there reaches A3, once.

use common::check::{CheckContext, CheckError, Findings};
use common::client::{ClientError, Reply};
use common::ids::{AppId, TraceId};
use serde_json::{Value, json};

use super::writes::Page;

/// Two pages of two arms differ in what they ask a visitor to do.
pub(crate) async fn arm_is_shown(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let mut words = Vec::new();
    for arm in ["apply_now", "check_eligibility"] {
        let page = Page::fresh();
        let body = json!({ "slug": page.slug, "title": page.title, "summary": "A page of an arm.", "variant": arm });
        let built = cx.client.post(AppId::A7, "/api/pages").json(&body).send().await?;
        findings.status("a page for an arm", 201, &built);
        let shown = cx.client.get(AppId::A7, &format!("/p/{}", page.slug)).send().await?;
        findings.about(&shown).equal("the arm that it is marked with", &arm, &variant(&shown).as_str());
        words.push(call(&shown));
        let other =
            json!({ "slug": page.slug, "title": page.title, "summary": "A page of an arm.", "variant": "other" });
        let other = cx.client.post(AppId::A7, "/api/pages").json(&other).send().await?;
        findings.status("the same page for another arm", 409, &other);
    }
    let both = words.iter().all(|words| !words.is_empty());
    findings.holds("each has a call to action", both, format!("{words:?}"));
    findings.holds("and the two say something else", words.first() != words.last(), format!("{words:?}"));
    let wrong = json!({ "slug": Page::fresh().slug, "title": "t", "summary": "s", "variant": "No Arm" });
    findings.status("no arm", 422, &cx.client.post(AppId::A7, "/api/pages").json(&wrong).send().await?);
    Ok(findings)
}

/// The arm that a page is marked with.
fn variant(page: &Reply) -> String {
    let text = page.text();
    let from = text.split_once("data-variant=\"").and_then(|(_, rest)| rest.split_once('"'));
    from.map(|(arm, _)| arm.to_owned()).unwrap_or_default()
}

/// The words of the call to action.
fn call(page: &Reply) -> String {
    let text = page.text();
    let from = text.split_once("id=\"cta\"").and_then(|(_, rest)| rest.split_once('>'));
    from.and_then(|(_, rest)| rest.split_once('<')).map(|(words, _)| words.to_owned()).unwrap_or_default()
}

/// A run of an experiment has a page built; one visitor sees it and leaves her address, another complains. A3 believes
/// what follows from two sessions, though every request was sent twice and once more under another key.
pub(crate) async fn reach_a3(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A2)?;
    cx.want(AppId::A3)?;
    let mut findings = Findings::new();
    let experiment = experiment(&cx).await?;
    let (slug, arm) = built(&cx, &experiment).await?;
    let page = cx.client.get(AppId::A7, &format!("/p/{slug}")).send().await?;
    findings.about(&page).equal("the arm of the page is that of its run", &arm, &variant(&page));

    let (first, second) = (TraceId::fresh(), TraceId::fresh());
    let lead = json!({ "email": "test_student_e2e_01@example.com", "slug": slug });
    for key in ["one", "one", "two"] {
        told(&cx, &mut findings, "/api/cta", first, key, &json!({ "slug": slug, "kind": "impression" })).await?;
        told(&cx, &mut findings, "/api/leads", first, key, &lead).await?;
    }
    told(&cx, &mut findings, "/api/cta", second, "one", &json!({ "slug": slug, "kind": "impression" })).await?;
    told(&cx, &mut findings, "/api/cta", second, "one", &json!({ "slug": slug, "kind": "complaint" })).await?;

    // A view and a lead are worth 0.35, a view and a complaint -0.35.
    let wanted = json!({ "sessions": 2, "page_views": 2, "leads": 1, "complaints": 1, "alpha": 1.35, "beta": 3.0 });
    let look = || async {
        let seen = figures(&shown(&cx, &experiment).await?, &arm, &wanted);
        Ok((seen == wanted).then_some(()))
    };
    cx.eventually(look).await?;
    let bandit = shown(&cx, &experiment).await?;
    let seen = figures(&bandit, &arm, &wanted);
    findings.about(&bandit).equal(
        "what A3 believes of the arm after two sessions",
        &wanted.to_string(),
        &seen.to_string(),
    );
    Ok(findings)
}

async fn experiment(cx: &CheckContext) -> Result<String, CheckError> {
    let body = json!({ "arms": ["apply_now", "check_eligibility"], "seed": 401 });
    let reply = cx.client.post(AppId::A3, "/bandit/experiments").json(&body).send().await?;
    text(&reply, "/experiment_id")
}

/// The page that a run of an experiment has built, and its arm.
async fn built(cx: &CheckContext, experiment: &str) -> Result<(String, String), CheckError> {
    let body =
        json!({ "title": "A page to learn of", "summary": "Its arm is an experiment.", "experiment": experiment });
    let run = cx.client.post(AppId::A3, "/orchestration/run").json(&body).send().await?;
    let path = format!("/orchestration/runs/{}", text(&run, "/run_id")?);
    let look = || async {
        let run = cx.client.get(AppId::A3, &path).send().await?;
        let ended = run.pointer("/finished_at").is_some_and(|at| at.is_string());
        Ok(ended.then_some(run))
    };
    let run = cx.eventually(look).await?;
    let run = run.ok_or_else(|| CheckError::Broken("the run that has the page built does not end".to_owned()))?;
    Ok((text(&run, "/page_slug")?, text(&run, "/arm")?))
}

async fn told(
    cx: &CheckContext,
    findings: &mut Findings,
    path: &str,
    visit: TraceId,
    key: &str,
    body: &Value,
) -> Result<(), CheckError> {
    let kind = body["kind"].as_str().unwrap_or("lead");
    let request = cx.client.post(AppId::A7, path).trace(visit).idempotency_key(&format!("{visit}-{kind}-{key}"));
    let reply = request.json(body).send().await?;
    findings.about(&reply).holds(&format!("{kind} of a visitor is taken"), reply.is_success(), reply.status);
    Ok(())
}

async fn shown(cx: &CheckContext, experiment: &str) -> Result<Reply, ClientError> {
    cx.client.get(AppId::A3, &format!("/bandit?experiment={experiment}")).send().await
}

/// What A3 shows of an arm, as far as it is asked for; sums to nine digits.
fn figures(shown: &Reply, arm: &str, wanted: &Value) -> Value {
    let arms = shown.pointer("/arms").and_then(|arms| arms.as_array().cloned()).unwrap_or_default();
    let own = arms.into_iter().find(|own| own["arm"] == arm).unwrap_or_default();
    let names = wanted.as_object().into_iter().flatten();
    let rounded = |value: &Value| match value.as_f64().filter(|_| value.is_f64()) {
        Some(sum) => json!((sum * 1e9).round() / 1e9),
        None => value.clone(),
    };
    names.map(|(name, _)| (name.clone(), rounded(&own[name]))).collect::<serde_json::Map<_, _>>().into()
}

fn text(reply: &Reply, pointer: &str) -> Result<String, CheckError> {
    let found = reply.pointer(pointer).and_then(|found| found.as_str().map(str::to_owned));
    found.ok_or_else(|| CheckError::Broken(format!("no {pointer} in {} {}", reply.status, reply.text())))
}
