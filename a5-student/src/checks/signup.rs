//! Signing up, in and out.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Session;
use common::ids::AppId;
use serde_json::json;

use super::journey::{self, Student};

/// The person who chose a plan and signed up is on her dashboard, and still there at the next request.
pub(crate) async fn lands(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A1)?;
    let mut findings = Findings::new();
    let student = Student::new();
    let (session, page) = journey::sign_up(&cx, &student, "/signup?plan=starter").await?;
    findings.status(&format!("{}, the end of the sign-up", page.request()), 200, &page);
    findings.equal("its app", &AppId::A5, &page.app);
    findings.equal("its path", &"/dashboard", &page.url().path());
    let welcome = format!("Welcome, {}", student.name);
    findings.holds("it greets the student by name", page.text().contains(&welcome), format!("no {welcome:?}"));
    findings.holds("it shows the address", page.text().contains(&student.email), "another");
    findings.holds("it shows the chosen plan", page.text().contains("data-field=\"plan\">Starter"), "another");
    for _ in 0..3 {
        let again = session.get(AppId::A5, "/dashboard").send().await?;
        findings.status("GET /dashboard again, with the cookie a5_session", 200, &again);
    }
    let me = session.get(AppId::A5, "/api/me").send().await?;
    findings.json_at("the student as data", &me, "/email", &json!(student.email));
    findings.json_at("her plan", &me, "/plan", &json!("starter"));
    findings.json_at("its price", &me, "/price_minor", &json!(900));
    Ok(findings)
}

/// The logout ends the session of A5 for good; A1 still knows the browser, and another browser needs the password.
pub(crate) async fn log_in_again(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A1)?;
    let mut findings = Findings::new();
    let student = Student::new();
    let (session, _) = journey::sign_up(&cx, &student, "/signup").await?;
    let cookie = session.cookie(AppId::A5, "/", "a5_session").unwrap_or_default();
    let out = session.post(AppId::A5, "/logout").header("accept", "text/html").form(&[]).send().await?;
    findings.status("the logout", 303, &out);
    let removed = out.header_all("set-cookie").iter().any(|line| line.starts_with("a5_session=;"));
    findings.holds("it removes the cookie", removed, out.header_all("set-cookie").join(" | "));
    let bye = journey::open(&session, "/signed-out").await?;
    findings.status("the page after it", 200, &bye);
    let old = cx.client.get(AppId::A5, "/dashboard").header("cookie", &format!("a5_session={cookie}")).send().await?;
    findings.status("the old cookie", 401, &old);
    let back = journey::open(&session, "/login").await?;
    findings.equal("the login while A1 still knows the browser", &"/dashboard", &back.url().path());
    let elsewhere = Session::new(&cx.client);
    let page = journey::log_in(&elsewhere, &student).await?;
    findings.equal("the login in another browser", &"/dashboard", &page.url().path());
    findings.holds("it is the same student", page.text().contains(&student.email), "another");
    Ok(findings)
}

/// A code is only taken in the browser that asked for it, and only once.
pub(crate) async fn callback_refuses(cx: CheckContext) -> Result<Findings, CheckError> {
    cx.want(AppId::A1)?;
    let mut findings = Findings::new();
    let session = Session::new(&cx.client);
    for path in ["/auth/callback", "/auth/callback?code=made-up&state=made-up"] {
        let reply = session.get(AppId::A5, path).native_errors().send().await?;
        findings.status(path, 400, &reply);
    }
    let (session, _) = journey::sign_up(&cx, &Student::new(), "/signup").await?;
    let start = session.get(AppId::A5, "/login").send().await?;
    let back = session.follow(&start)?.send().await?;
    findings.status("A1 sends the known browser straight back", 303, &back);
    let location = back.header("location").unwrap_or_default();
    let path = location.find("/auth/callback").map_or("", |at| &location[at..]);
    let stolen = Session::new(&cx.client).get(AppId::A5, path).native_errors().send().await?;
    findings.status("the callback in another browser", 400, &stolen);
    let own = session.follow(&back)?.send().await?;
    findings.status("the callback in its own", 303, &own);
    let lines = own.header_all("set-cookie");
    let line = lines.iter().find(|line| line.starts_with("a5_session=")).copied().unwrap_or_default();
    for attribute in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=28800"] {
        let there = line.split("; ").any(|part| part == attribute);
        findings.holds(&format!("the session's cookie has {attribute}"), there, "it lacks it");
    }
    let again = session.follow(&back)?.native_errors().send().await?;
    findings.status("the callback a second time", 400, &again);
    Ok(findings)
}
