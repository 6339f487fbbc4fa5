//! Pages as visitors and search engines see them.

use common::check::{CheckContext, CheckError, Findings};
use common::client::Reply;
use common::ids::AppId;
use serde_json::{Value, json};

use super::{html, writes};

/// Address and heading of each fixed page.
const FIXED: [(&str, &str); 4] = [
    ("/", "Scholarships you can win"),
    ("/browse", "All scholarships"),
    ("/browse/states", "Scholarships by state"),
    ("/browse/majors", "Scholarships by major"),
];

/// Each page is the right one, in its own words, from its own origin.
pub(crate) async fn are_themselves(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let fresh = writes::Page::fresh();
    fresh.publish(&cx).await?;
    let own = (format!("/p/{}", fresh.slug), fresh.title.clone());
    let all = FIXED.iter().map(|(path, heading)| ((*path).to_owned(), (*heading).to_owned())).chain([own]);
    for (path, heading) in all {
        let reply = cx.client.get(AppId::A7, &path).send().await?;
        findings.status(&path, 200, &reply);
        let kind = reply.header("content-type").unwrap_or_default().to_owned();
        findings.holds(&format!("{path} is HTML"), kind.starts_with("text/html"), &kind);
        let text = reply.text();
        findings.equal(&format!("the heading of {path}"), &Some(heading.as_str()), &html::text_of(&text, "h1"));
        let language = html::tags(&text, "html").first().and_then(|tag| tag.get("lang").cloned());
        findings.equal(&format!("the language of {path}"), &Some("en".to_owned()), &language);
        policy(&mut findings, &path, &reply);
        own_origin(&mut findings, &path, &text);
    }
    let reply = cx.client.get(AppId::A7, "/p/no-such-page-anywhere").send().await?;
    findings.status("a page that was never published", 404, &reply);
    Ok(findings)
}

fn policy(findings: &mut Findings, path: &str, reply: &Reply) {
    let policy = reply.header("content-security-policy").unwrap_or_default().to_owned();
    let closed = policy.contains("default-src 'none'") || policy.contains("default-src 'self'");
    findings.holds(&format!("{path} has a closed content security policy"), closed, &policy);
    let strict = !policy.contains("unsafe-inline") && !policy.contains("unsafe-eval") && !policy.contains('*');
    findings.holds(&format!("the policy of {path} has no holes"), strict, &policy);
}

/// Scripts, styles and images come from this origin.
fn own_origin(findings: &mut Findings, path: &str, text: &str) {
    let sources = [("script", "src"), ("img", "src"), ("link", "href"), ("iframe", "src")];
    for (tag, attribute) in sources {
        for found in html::tags(text, tag) {
            let Some(source) = found.get(attribute) else { continue };
            if tag == "link" && found.get("rel").is_some_and(|rel| rel == "canonical") {
                continue;
            }
            let own = source.starts_with('/') && !source.starts_with("//");
            findings.holds(&format!("{path} loads its {tag} from its own origin"), own, source);
        }
    }
}

/// What search engines and link previews need.
pub(crate) async fn are_findable(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let fresh = writes::Page::fresh();
    fresh.publish(&cx).await?;
    let own = format!("/p/{}", fresh.slug);
    for path in FIXED.iter().map(|(path, _)| *path).chain([own.as_str()]) {
        let reply = cx.client.get(AppId::A7, path).send().await?;
        findings.about(&reply);
        let text = reply.text();
        let canonical: Vec<_> = html::tags(&text, "link")
            .into_iter()
            .filter(|tag| tag.get("rel").is_some_and(|rel| rel == "canonical"))
            .collect();
        findings.equal(&format!("canonical links of {path}"), &1, &canonical.len());
        let to = canonical.first().and_then(|tag| tag.get("href").cloned()).unwrap_or_default();
        let fits = to.starts_with("http") && to.ends_with(path);
        findings.holds(&format!("the canonical address of {path} is its own, in full"), fits, &to);
        indexable(&mut findings, path, &reply, &text);
        for name in ["description", "og:title", "og:description", "og:url", "og:image"] {
            let content = html::meta(&text, name).unwrap_or_default();
            findings.holds(&format!("{path} has {name}"), content.len() >= 5, &content);
        }
        let analytics = html::tags(&text, "html").first().and_then(|tag| tag.get("data-analytics-id").cloned());
        let given = analytics.as_ref().is_some_and(|id| !id.is_empty());
        findings.holds(&format!("{path} names its analytics id"), given, analytics.unwrap_or_default());
        let data =
            text.split_once("<script type=\"application/ld+json\">").and_then(|(_, rest)| rest.split_once("</script>"));
        let data: Option<Value> = data.and_then(|(data, _)| serde_json::from_str(data).ok());
        let context = data.as_ref().and_then(|data| data.get("@context").cloned());
        findings.equal(
            &format!("the vocabulary of the structured data of {path}"),
            &Some(json!("https://schema.org")),
            &context,
        );
    }
    share_image(&cx, &mut findings).await?;
    Ok(findings)
}

fn indexable(findings: &mut Findings, path: &str, reply: &Reply, text: &str) {
    let robots = html::meta(text, "robots").unwrap_or_default();
    let header = reply.header("x-robots-tag").unwrap_or_default();
    let hidden = [robots.as_str(), header].iter().any(|rule| rule.contains("noindex") || rule.contains("none"));
    findings.holds(&format!("{path} may be indexed"), !hidden, format!("robots {robots:?}, header {header:?}"));
}

async fn share_image(cx: &CheckContext, findings: &mut Findings) -> Result<(), CheckError> {
    let home = cx.client.get(AppId::A7, "/").send().await?.text();
    let image = html::meta(&home, "og:image").unwrap_or_default();
    let path = image.splitn(4, '/').nth(3).map_or_else(|| "/".to_owned(), |path| format!("/{path}"));
    let reply = cx.client.get(AppId::A7, &path).send().await?;
    findings.status("the share image", 200, &reply);
    let kind = reply.header("content-type").unwrap_or_default().to_owned();
    findings.holds("the share image is an image", kind.starts_with("image/"), &kind);
    findings.holds("the share image has content", reply.body.len() > 500, reply.body.len());
    Ok(())
}

/// Three fresh pages are listed, and so is every page that `/browse` shows.
pub(crate) async fn sitemap(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let mut expected = Vec::new();
    for _ in 0..3 {
        let page = writes::Page::fresh();
        page.publish(&cx).await?;
        expected.push(format!("/p/{}", page.slug));
    }
    let browse = cx.client.get(AppId::A7, "/browse").send().await?.text();
    let shown = html::tags(&browse, "a").into_iter().filter_map(|tag| tag.get("href").cloned());
    expected.extend(shown.filter(|href| href.starts_with("/p/")));
    expected.extend(FIXED.iter().map(|(path, _)| (*path).to_owned()));
    let sitemap = cx.client.get(AppId::A7, "/sitemap.xml").send().await?;
    findings.status("the sitemap", 200, &sitemap);
    let text = sitemap.text();
    findings.holds(
        "the sitemap is one",
        text.contains("<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">"),
        &text,
    );
    for path in &expected {
        findings.holds(
            &format!("the sitemap lists {path}"),
            text.contains(&format!("{path}</loc>")),
            "no such address",
        );
    }
    let robots = cx.client.get(AppId::A7, "/robots.txt").send().await?;
    findings.status("robots.txt", 200, &robots);
    let rules = robots.text();
    findings.holds("robots.txt names the sitemap", rules.contains("/sitemap.xml"), &rules);
    let closed = rules.lines().any(|line| line.trim().eq_ignore_ascii_case("disallow: /"));
    findings.holds("robots.txt does not shut crawlers out", !closed, &rules);
    Ok(findings)
}
