use super::*;

const PAGE: &str = r##"<!doctype html>
<HTML LANG=en data-analytics-id="HS-1">
<head>
<title> Awards &amp; more <b>not bold</b></title>
<META name="Robots" content='no"index'><meta property=og:url content=http://a/b?x=1&amp;y=2 defer>
<link rel="canonical nofollow" href="http://a/b"><link rel=stylesheet href=/site.css><link rel="alternate" href="/feed">
<script type="application/ld+json">{"name": "a < b </b> &amp; c"}</script>
<script src="/site.js"></script><style>h1 { content: "<a href=/never>" }</style>
</head>
<body>
<!-- <a href="/commented">no</a> -->
<h1>Awards
   you can&nbsp;win</h1>
<p data-field="balance"><b>5</b> credits</p>
<a href="/p/x?a=1&amp;b=2">One</a><a name="anchor">none</a><a href='#top'>Top</a>
<noscript><p id="without">Works <a href="/plain">without</a></p></noscript>
<img src="/i.png" alt=""><iframe src="//elsewhere/x"></iframe>
</body></html>"##;

#[test]
fn a_head_is_read_with_its_entities_decoded() {
    let page = Page::read(PAGE);
    assert_eq!(page.title().as_deref(), Some("Awards & more <b>not bold</b>"));
    assert_eq!(page.lang(), Some("en"));
    assert_eq!(page.all("html").next().unwrap().attribute("data-analytics-id"), Some("HS-1"));
    assert_eq!(page.meta("robots"), Some("no\"index"));
    assert_eq!(page.meta("og:url"), Some("http://a/b?x=1&y=2"));
    assert_eq!(page.meta("description"), None);
    assert_eq!(page.links("canonical"), ["http://a/b"]);
}

#[test]
fn scripts_are_raw_and_no_text_of_the_page() {
    let page = Page::read(PAGE);
    assert_eq!(page.scripts("application/ld+json"), [r#"{"name": "a < b </b> &amp; c"}"#]);
    assert!(!page.text().contains("content"), "{}", page.text());
    assert_eq!(page.all("b").count(), 1, "markup in a title or script is none");
}

#[test]
fn text_belongs_to_the_element_it_stands_in() {
    let page = Page::read(PAGE);
    assert_eq!(page.all("h1").next().unwrap().text(), "Awards you can win");
    assert_eq!(page.field("balance").as_deref(), Some("5 credits"));
    assert_eq!(page.by_id("without").unwrap().text(), "Works without");
    assert_eq!(page.field("nothing"), None);
}

#[test]
fn only_addresses_outside_comments_and_styles_lead_anywhere() {
    let page = Page::read(PAGE);
    assert_eq!(page.hrefs(), ["/p/x?a=1&b=2", "#top", "/plain"]);
    let loads: Vec<_> = page.loads().into_iter().map(|(node, address)| (node.name(), address)).collect();
    assert_eq!(loads, [("link", "/site.css"), ("script", "/site.js"), ("img", "/i.png"), ("iframe", "//elsewhere/x")]);
}

#[test]
fn a_form_is_read_as_it_would_be_sent() {
    let page = Page::read(
        r#"<form action="/checkout?a=1&amp;b=2" METHOD=Post><input type=hidden name=form_nonce value="n&quot;1">
        <label>Mail <input name=email></label><textarea name=why> I  would </textarea>
        <select name=goal><option value=a>A<option value=b selected>B</select>
        <button name=plan value=starter>Choose <b>Starter</b></button></form><input name=outside>"#,
    );
    let forms = page.forms();
    let [form] = forms.as_slice() else { panic!("one form, not {forms:?}") };
    assert_eq!((form.action.as_str(), form.method.as_str()), ("/checkout?a=1&b=2", "post"));
    assert_eq!(form.hidden(), [("form_nonce", "n\"1")]);
    assert_eq!(form.value("email"), Some(""));
    assert_eq!(form.value("why"), Some("I would"));
    assert_eq!(form.value("goal"), Some("b"));
    assert_eq!(form.value("outside"), None);
    let buttons: Vec<_> = form.buttons().map(|button| (button.value.as_str(), button.label.as_str())).collect();
    assert_eq!(buttons, [("starter", "Choose Starter")]);
}

#[test]
fn soup_is_no_trap() {
    assert_eq!(Page::read("").title(), None);
    assert_eq!(Page::read("<meta name=\"x").metas("x"), Vec::<&str>::new());
    let page = Page::read("</p><ul><li>one<li>two</ul><p>after</b></p>tail");
    assert_eq!(page.all("ul").next().unwrap().text(), "onetwo");
    assert_eq!(page.all("p").next().unwrap().text(), "after");
    assert_eq!(page.text(), "onetwoaftertail");
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_page(html in ".{0,400}|([<>/=\"'a-c! -]|<a |</a>|<form|<script>|</script>){0,60}") {
        let page = Page::read(&html);
        for node in page.elements() {
            let _ = (node.text(), node.inside().count(), node.attribute("href"));
        }
        let _ = (page.forms(), page.loads(), page.text());
    }
}
