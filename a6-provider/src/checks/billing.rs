//! Fee, markup and rounding.

use common::check::{CheckContext, CheckError, Findings};
use common::ids::AppId;
use serde_json::json;

/// `GET /api/billing` states 3 % and 4x.
pub(crate) async fn facts(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let reply = cx.client.get(AppId::A6, "/api/billing").send().await?;
    findings.status("the billing facts", 200, &reply);
    let fee = reply.pointer("/provider_fee_pct").and_then(|fee| fee.as_f64());
    findings.equal("the platform fee in percent", &Some(3.0), &fee);
    let markup = reply.pointer("/ai_markup_factor").and_then(|factor| factor.as_f64());
    findings.equal("the AI markup", &Some(4.0), &markup);
    findings.json_at("the currency", &reply, "/currency", &json!("USD"));
    Ok(findings)
}

/// Gross, AI cost → fee, AI price, AI margin, total; all in cents, worked out by hand.
const GOLDEN: [[i64; 6]; 9] = [
    [100_000, 0, 3_000, 0, 0, 103_000],
    [0, 1_000, 0, 4_000, 3_000, 4_000],
    [100_000, 1_000, 3_000, 4_000, 3_000, 107_000],
    // 1.5 cents of fee round up; 1.47 and 0.48 down; 0.51 up.
    [50, 0, 2, 0, 0, 52],
    [49, 0, 1, 0, 0, 50],
    [16, 0, 0, 0, 0, 16],
    [17, 0, 1, 0, 0, 18],
    // An odd sum: 3 % of 12,345.67 is 370.3701; four times 8.91 is 35.64.
    [1_234_567, 891, 37_037, 3_564, 2_673, 1_275_168],
    // Above what 32 bits hold.
    [900_000_000_050, 7, 27_000_000_002, 28, 21, 927_000_000_080],
];

/// Quotes keep the golden sums, and their parts add up.
pub(crate) async fn quote_golden(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    for [gross, ai_cost, fee, ai_price, ai_margin, total] in GOLDEN {
        let body = json!({ "gross_minor": gross, "ai_cost_minor": ai_cost });
        let reply = cx.client.post(AppId::A6, "/api/billing/quote").json(&body).send().await?;
        let what = |part: &str| format!("the {part} on {gross} and AI cost of {ai_cost} cents");
        findings.json_at(&what("gross"), &reply, "/gross_minor", &json!(gross));
        findings.json_at(&what("AI cost"), &reply, "/ai_cost_minor", &json!(ai_cost));
        findings.json_at(&what("fee"), &reply, "/fee_minor", &json!(fee));
        findings.json_at(&what("AI price"), &reply, "/ai_price_minor", &json!(ai_price));
        findings.json_at(&what("AI margin"), &reply, "/ai_margin_minor", &json!(ai_margin));
        findings.json_at(&what("total"), &reply, "/total_minor", &json!(total));
    }
    Ok(findings)
}

/// Negative, fractional, huge and textual amounts are 422.
pub(crate) async fn quote_refuses(cx: CheckContext) -> Result<Findings, CheckError> {
    let mut findings = Findings::new();
    let senseless = [
        ("a negative gross", r#"{"gross_minor":-1,"ai_cost_minor":0}"#),
        ("a negative AI cost", r#"{"gross_minor":0,"ai_cost_minor":-1}"#),
        ("fractions of a cent", r#"{"gross_minor":10.5,"ai_cost_minor":0}"#),
        ("a whole number written as a float", r#"{"gross_minor":10.0,"ai_cost_minor":0}"#),
        ("more than any award", r#"{"gross_minor":9223372036854775807,"ai_cost_minor":0}"#),
        ("more than 64 bits", r#"{"gross_minor":99999999999999999999999,"ai_cost_minor":0}"#),
        ("text for a number", r#"{"gross_minor":"100000","ai_cost_minor":0}"#),
        ("no gross at all", r#"{"ai_cost_minor":1000}"#),
    ];
    for (what, body) in senseless {
        let reply = cx.client.post(AppId::A6, "/api/billing/quote").body(body, "application/json").send().await?;
        findings.status(what, 422, &reply);
    }
    let negative = cx.client.post(AppId::A6, "/api/billing/quote").json(&json!({ "gross_minor": -1 })).send().await?;
    findings.json_at("the field at fault is named", &negative, "/pointer", &json!("/gross_minor"));
    Ok(findings)
}
