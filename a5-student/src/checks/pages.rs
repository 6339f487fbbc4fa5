//! The public pages, and the one that is not.

use common::check::{CheckContext, CheckError, Findings};
use common::client::{Reply, Session};
use common::ids::AppId;

use super::{html, journey};

/// Both pages are what they claim to be, and their sign-up links lead to A1's form.
pub(crate) async fn landing_and_pricing(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    for (path, heading) in [("/", "Scholarships that fit you"), ("/pricing", "Plans and prices")] {
        let reply = cx.client.get(AppId::A5, path).send().await?;
        findings.status(path, 200, &reply);
        is_page(&mut findings, path, &reply);
        let page = reply.text();
        findings.holds(&format!("the heading of {path}"), page.contains(heading), html::title(&page).unwrap_or("-"));
        let links = html::attributes(&page, "href");
        let sign_ups: Vec<_> = links.iter().filter(|link| link.starts_with("/signup")).collect();
        findings.holds(&format!("{path} links to the sign-up"), !sign_ups.is_empty(), links.join(" "));
        cx.want(AppId::A1)?;
        for link in sign_ups {
            let form = journey::open(&Session::new(&cx.client), &link.replace("&amp;", "&")).await?;
            findings.equal(&format!("the app that {link} leads to"), &AppId::A1, &form.app);
            findings.status(&format!("the form behind {link}"), 200, &form);
            let has_form = html::hidden(&form.text(), "form_nonce").is_some();
            findings.holds(&format!("{link} ends at a form"), has_form, "no form");
        }
    }
    let pricing = cx.client.get(AppId::A5, "/pricing").send().await?.text();
    for (plan, price) in [("free", "$0.00"), ("starter", "$9.00"), ("scholar", "$19.00")] {
        let link = format!("/signup?plan={plan}");
        findings.holds(&format!("a button for {plan}"), pricing.contains(&link), "no such link");
        findings.holds(&format!("the price of {plan}"), pricing.contains(price), format!("no {price}"));
    }
    Ok(findings)
}

fn is_page(findings: &mut Findings, path: &str, reply: &Reply) {
    let kind = reply.header("content-type").unwrap_or("none").to_owned();
    findings.holds(&format!("{path} is HTML"), kind.starts_with("text/html"), kind);
    let page = reply.text();
    findings.holds(&format!("{path} has a title"), html::title(&page).is_some(), "no title");
    findings.holds(&format!("{path} names its language"), page.contains("<html lang=\"en\">"), "no lang");
    findings.holds(&format!("{path} has a main part"), page.contains("<main"), "no main");
}

/// Without scripts and frames, and nothing from elsewhere: by the header, and by what the page asks for.
pub(crate) async fn policy(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    for path in ["/", "/pricing"] {
        let reply = cx.client.get(AppId::A5, path).send().await?;
        findings.status(path, 200, &reply);
        let policy = reply.header("content-security-policy").unwrap_or_default().to_owned();
        for wanted in ["default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"] {
            findings.holds(&format!("the policy of {path} says {wanted}"), policy.contains(wanted), &policy);
        }
        for loose in ["unsafe-inline", "unsafe-eval", "http:", "https:", "*"] {
            findings.holds(&format!("the policy of {path} is without {loose}"), !policy.contains(loose), &policy);
        }
        findings.equal("the type is not guessed", &Some("nosniff"), &reply.header("x-content-type-options"));
        let page = reply.text();
        let loaded = ["src", "href", "action"].map(|name| html::attributes(&page, name)).concat();
        findings.holds(&format!("{path} refers to something"), !loaded.is_empty(), "no links at all");
        for address in loaded {
            let own = address.starts_with('#') || (address.starts_with('/') && !address.starts_with("//"));
            findings.holds(&format!("{path} refers to itself alone"), own, address);
        }
        for sheet in html::attributes(&page, "href").into_iter().filter(|link| link.starts_with("/assets/")) {
            let asset = cx.client.get(AppId::A5, sheet).send().await?;
            findings.status(&format!("the asset {sheet}"), 200, &asset);
        }
    }
    Ok(findings)
}

/// A program gets 401, a browser is sent to the login; neither sees anything.
pub(crate) async fn dashboard_refuses(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    for path in ["/dashboard", "/onboarding", "/documents", "/credits", "/checkout/return", "/api/me", "/api/credits"] {
        let reply = cx.client.get(AppId::A5, path).send().await?;
        findings.status(&format!("{path} without a session"), 401, &reply);
        let forged = cx.client.get(AppId::A5, path).header("cookie", "a5_session=forged-by-a-stranger").send().await?;
        findings.status(&format!("{path} with a forged session"), 401, &forged);
    }
    let browser = cx.client.get(AppId::A5, "/dashboard").header("accept", "text/html").send().await?;
    findings.status("the dashboard in a browser", 303, &browser);
    findings.equal("where it leads", &Some("/login"), &browser.header("location"));
    Ok(findings)
}

/// A page's name travels from the landing page into every sign-up link; what is no name does not.
pub(crate) async fn attribution(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    for path in ["/", "/pricing"] {
        let visit = format!("{path}?from=stem-awards-in-ohio");
        let reply = cx.client.get(AppId::A5, &visit).send().await?;
        findings.status(&format!("GET {visit}"), 200, &reply);
        let page = reply.text();
        let links: Vec<_> = html::attributes(&page, "href").into_iter().filter(|l| l.starts_with("/signup")).collect();
        findings.holds(&format!("GET {visit} links to the sign-up"), !links.is_empty(), "no link");
        for link in links {
            let carries = link.ends_with("from=stem-awards-in-ohio");
            findings.holds(&format!("a sign-up link of GET {visit} carries `from`"), carries, link);
        }
    }
    let reply = cx.client.get(AppId::A5, "/?from=%22%3E%3Cscript%3E").send().await?;
    let page = reply.text();
    findings.about(&reply);
    findings.holds("what is no page's name is ignored", !page.contains("from="), "it is in the page");
    Ok(findings)
}
