//! What follows a sign-up: the first question, a document, the CRM, the run of A3.

use common::check::{CheckContext, CheckError, Findings};
use common::client::{Reply, Session};
use common::ids::AppId;
use common::telemetry::EventName;
use serde_json::{Value, json};

use super::{html, payment};

/// Minutes from the sign-up to the first value, at most.
const TTFV_LIMIT_MIN: f64 = 5.0;

/// The first question is answered for one credit, once, and A8 hears of it.
pub(crate) async fn guided_action(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A4)?;
    cx.want(AppId::A8)?;
    let mut findings = Findings::new();
    let session = payment::buyer(&cx).await?;
    let form = session.get(AppId::A5, "/onboarding").header("accept", "text/html").native_errors().send().await?;
    findings.status("GET /onboarding", 200, &form);
    let nonce = nonce_of(&form)?;
    for time in ["once", "twice"] {
        let fields = [("form_nonce", nonce.as_str()), ("goal", "next_step")];
        let answer = session.post(AppId::A5, "/onboarding").form(&fields).native_errors().send().await?;
        findings.status(&format!("POST /onboarding, the form sent {time}"), 200, &answer);
        let has_answer = answer.text().contains("data-field=\"answer\"");
        findings.holds(&format!("POST /onboarding shows the answer, the form sent {time}"), has_answer, "no answer");
        payment::balance_is(&mut findings, &session, &format!("after the form was sent {time}"), 4).await?;
    }
    let record = payment::record(&cx, session.trace()).await?;
    let ttfv_ms = record.pointer("/activations/0/ttfv_ms").and_then(|ms| ms.as_f64());
    findings.about(&record);
    findings.holds("GET /api/transactions holds the activation", ttfv_ms.is_some(), "none");
    spent_in_a8(&cx, &mut findings, &session).await?;
    let used = cx.event_in_a8(session.trace(), EventName::ActivationFirstUse).await?;
    let minutes = used.as_ref().and_then(|event| event.pointer("/business_metrics/ttfv_min")?.as_f64());
    let fits = minutes.is_some_and(|minutes| (0.0..TTFV_LIMIT_MIN).contains(&minutes));
    let seen = format!("{minutes:?} minutes");
    findings.holds(
        "POST /onboarding: activation_first_use is in A8, less than 5 minutes after the sign-up",
        fits,
        &seen,
    );
    let agrees = minutes.zip(ttfv_ms).is_some_and(|(minutes, ms)| (minutes * 60_000.0 - ms).abs() < 1.0);
    findings.holds("A8 and A5 agree on the time to first value", agrees, format!("{seen}, {ttfv_ms:?} ms"));
    Ok(findings)
}

async fn spent_in_a8(cx: &CheckContext, findings: &mut Findings, session: &Session) -> Result<(), CheckError> {
    let spent = cx.event_in_a8(session.trace(), EventName::CreditDecrement).await?;
    let money = |field: &str| spent.as_ref().and_then(|event| event["finance_metrics"][field].as_i64());
    findings.holds("POST /onboarding: credit_decrement is in A8", spent.is_some(), "not within the patience");
    findings.equal("the AI cost it names, in cents", &Some(1), &money("ai_cost_minor"));
    findings.equal("the AI price it names, in cents", &Some(4), &money("ai_price_minor"));
    Ok(())
}

fn nonce_of(form: &Reply) -> Result<String, CheckError> {
    let lacking = || CheckError::Broken(format!("{} answered {} without a form", form.request(), form.status));
    html::hidden(&form.text(), "form_nonce").map(str::to_owned).ok_or_else(lacking)
}

/// A document is kept once, read by A4, and A8 hears of it.
pub(crate) async fn document_outcome(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A4)?;
    cx.want(AppId::A8)?;
    let mut findings = Findings::new();
    let session = payment::buyer(&cx).await?;
    let list = session.get(AppId::A5, "/documents").header("accept", "text/html").native_errors().send().await?;
    findings.status("GET /documents", 200, &list);
    let body = upload(&nonce_of(&list)?);
    let mut leads_to = Vec::new();
    for _ in 0..2 {
        let request = session.post(AppId::A5, "/documents");
        let sent = request.body(body.clone(), "multipart/form-data; boundary=handshake").native_errors().send().await?;
        findings.status("POST /documents", 303, &sent);
        leads_to.push(sent.header("location").unwrap_or_default().to_owned());
    }
    findings.equal("where POST /documents leads, the form sent twice", &leads_to[0], &leads_to[1]);
    let is_read = |record: &Value| record["documents"][0]["state"] == "analyzed";
    let record = payment::settled(&cx, session.trace(), is_read).await?;
    findings.json_at("the document in GET /api/transactions", &record, "/documents/0/state", &json!("analyzed"));
    let kept = record.pointer("/documents").and_then(|kept| kept.as_array().map(Vec::len));
    findings.equal("documents kept", &Some(1), &kept);
    let page = session.get(AppId::A5, &leads_to[0]).header("accept", "text/html").native_errors().send().await?;
    findings.status(&format!("GET {}", leads_to[0]), 200, &page);
    let text = page.text();
    for (what, mark) in [("outcome", "data-field=\"outcome\""), ("count of words", "data-field=\"words\">8<")] {
        findings.holds(&format!("GET {} shows the {what}", leads_to[0]), text.contains(mark), format!("no {mark}"));
    }
    let told = cx.event_in_a8(session.trace(), EventName::DocumentIngested).await?;
    findings.holds("POST /documents: document_ingested is in A8", told.is_some(), "not within the patience");
    Ok(findings)
}

fn upload(nonce: &str) -> String {
    let part =
        |head: &str, text: &str| format!("--handshake\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n");
    let file = "name=\"file\"; filename=\"activities.txt\"\r\nContent-Type: text/plain";
    [
        part("name=\"form_nonce\"", nonce),
        part("name=\"title\"", "Activities"),
        part(file, "I tutor 12 younger students in mathematics weekly."),
        "--handshake--\r\n".to_owned(),
    ]
    .concat()
}

/// The CRM knows of a new student.
pub(crate) async fn crm_record(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let session = payment::buyer(&cx).await?;
    let is_recorded = |record: &Value| record["sign_ups"][0]["crm"] == "recorded";
    let record = payment::settled(&cx, session.trace(), is_recorded).await?;
    let what = "the CRM's record of the sign-up in GET /api/transactions";
    findings.json_at(what, &record, "/sign_ups/0/crm", &json!("recorded"));
    let sign_ups = record.pointer("/sign_ups").and_then(|all| all.as_array().map(Vec::len));
    findings.equal("sign-ups in the trace", &Some(1), &sign_ups);
    Ok(findings)
}

/// A3 is asked for one run, in the trace of the sign-up.
pub(crate) async fn asks_a3(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A3)?;
    let mut findings = Findings::new();
    let session = payment::buyer(&cx).await?;
    let is_asked = |record: &Value| record["runs"][0]["state"] == "asked";
    let record = payment::settled(&cx, session.trace(), is_asked).await?;
    let what = "A5's request to A3 POST /orchestration/run, in GET /api/transactions";
    findings.json_at(what, &record, "/runs/0/state", &json!("asked"));
    let runs = record.pointer("/runs").and_then(|runs| runs.as_array().map(Vec::len));
    findings.equal("runs asked for in the trace", &Some(1), &runs);
    let run_id = record.pointer("/runs/0/run_id").unwrap_or_default();
    let path = format!("/orchestration/runs/{}", run_id.as_str().unwrap_or("none"));
    let run = cx.client.get(AppId::A3, &path).send().await?;
    findings.status("the run at A3", 200, &run);
    findings.json_at("the trace of the run at A3", &run, "/trace_id", &json!(session.trace()));
    Ok(findings)
}
