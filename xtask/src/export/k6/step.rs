//! One step as statements.

use std::fmt::Write;

use common::scenario::{BodyTemplate, Scenario, Step, StreamKind};

use super::executor::plain_duration;
use super::expect::{checks, response_callback, taken};
use super::literal::{Escape, in_backticks, json, key, template, text, wrapped};

/// The statements of a step, indented by two. `takes_vars` says whether the iteration has a `vars`.
pub(super) fn statements(scenario: &Scenario, step: &Step, last: bool) -> Result<String, String> {
    let mut out = format!("\n  // {}\n", one_line(&step.route_name()));
    if step.stream == Some(StreamKind::Sse) {
        out.push_str("  // A stream: k6 reads it whole and knows one duration; it does not time the chunks.\n");
    }
    if step.follow_redirects > 0 {
        out.push_str("  // Redirects are followed; each hop is a request of its own in k6's counts.\n");
    }
    let path = template(&step.request.path, Escape::Percent)?;
    let base = format!("BASES.{}", scenario.app_of(step));
    let url = match path.strip_prefix('`') {
        Some(rest) => format!("`${{{base}}}{rest}"),
        None => format!("`${{{base}}}{}`", in_backticks(&step.request.path)),
    };
    let (method, name) = (text(&step.request.method), text(&step.name));
    out.push_str("  call = next(trace);\n");
    let request = match body(step)? {
        None => format!("  answer = http.request({method}, {url}, null, params(call, {name}, {}));", params(step, 2)?),
        Some(body) => {
            let params = params(step, 4)?;
            format!(
                "  answer = http.request(\n    {method},\n    {url},\n    {body},\n    params(call, {name}, {params}),\n  );"
            )
        }
    };
    out.push_str(&request);
    out.push('\n');
    out.push_str(&judgement(step, last)?);
    if step.think_time_ms > 0 {
        writeln!(out, "  sleep({}); // {}", seconds(step.think_time_ms), plain_duration(step.think_time_ms))
            .expect("writing to a string does not fail");
    }
    Ok(out)
}

#[expect(clippy::cast_precision_loss, reason = "pauses are far below 2^53 ms")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1_000.0
}

/// A comment must not go on in the next line.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn judgement(step: &Step, last: bool) -> Result<String, String> {
    let predicates = checks(step)?.into_iter().map(|(name, predicate)| format!("{}: (r) => {predicate}", text(&name)));
    let expectations = lines(&predicates.collect::<Vec<_>>());
    let name = text(&step.name);
    if step.extract.is_empty() {
        return Ok(format!("  judge(answer, {name}, {expectations});\n"));
    }
    let extracts = step.extract.iter().map(|extract| Ok(format!("{}: (r) => {}", key(&extract.name), taken(extract)?)));
    let extracts = lines(&extracts.collect::<Result<Vec<_>, String>>()?);
    let call = format!("judge(answer, {name}, {expectations}, vars, {extracts})");
    // Later steps build on what this one takes.
    Ok(if last { format!("  {call};\n") } else { format!("  if (!{call}) return;\n") })
}

/// One part a line.
fn lines(parts: &[String]) -> String {
    format!("{{\n{}  }}", parts.iter().map(|part| format!("    {part},\n")).collect::<String>())
}

fn params(step: &Step, indent: usize) -> Result<String, String> {
    let mut parts = vec![format!("responseCallback: {}", response_callback(step))];
    if step.follow_redirects > 0 {
        parts.push(format!("redirects: {}", step.follow_redirects));
    }
    let mut headers = Vec::new();
    let own_type = step.request.headers.contains_key("content-type");
    if let Some(body) = step.request.body.as_ref().filter(|_| !own_type) {
        headers.push(format!("'content-type': {}", text(body.content_type())));
    }
    for (name, value) in &step.request.headers {
        headers.push(format!("{}: {}", key(name), template(value, Escape::None)?));
    }
    if !headers.is_empty() {
        parts.push(format!("headers: {}", wrapped(&headers, ["{", "}"], " ", indent + 2)));
    }
    let pad = " ".repeat(indent);
    Ok(format!("{{\n{}{pad}}}", parts.iter().map(|part| format!("{pad}  {part},\n")).collect::<String>()))
}

fn body(step: &Step) -> Result<Option<String>, String> {
    let Some(body) = &step.request.body else { return Ok(None) };
    Ok(Some(match body {
        BodyTemplate::Json(value) => format!("JSON.stringify({})", json(value, 4)?),
        BodyTemplate::Text(source) => template(source, Escape::None)?,
        BodyTemplate::Form(fields) => {
            let fields =
                fields.iter().map(|(name, value)| Ok(format!("[{}, {}]", text(name), template(value, Escape::None)?)));
            format!("form({})", wrapped(&fields.collect::<Result<Vec<_>, String>>()?, ["[", "]"], "", 4))
        }
    }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::ids::AppId;

    use super::*;

    fn rendered(step: Step) -> String {
        let scenario = Scenario::new("x", AppId::A3, "x");
        statements(&scenario, &step, false).unwrap()
    }

    #[test]
    fn a_step_that_later_ones_build_on_ends_the_iteration_when_it_fails() {
        let js = rendered(Step::post("run", "/run").hardened().extract_json("id", "/run_id"));
        assert!(js.contains("if (!judge(answer, 'run', {"), "{js}");
        assert!(js.contains("id: (r) => scalar(at(r, '/run_id')),"), "{js}");
        assert!(js.contains("'x-idempotency-key': call.key"), "{js}");
    }

    #[test]
    fn a_pause_and_a_stream_are_told() {
        let js = rendered(Step::get("chat", "/c").sse().think(Duration::from_millis(250)));
        assert!(js.contains("does not time the chunks") && js.ends_with("sleep(0.25); // 250ms\n"), "{js}");
    }

    #[test]
    fn values_of_a_form_are_encoded_by_the_script() {
        let js = rendered(Step::post("token", "/t").form(&[("a b", "{{uuid}}&x")]));
        assert!(js.contains("form([['a b', `${uuid()}&x`]])"), "{js}");
    }
}
