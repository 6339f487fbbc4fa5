//! k6 (Go, a JavaScript engine a user) and k9 (Rust, a declarative plan), which writes the same summary.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{Said, TOOLS, Work};

const SUMMARY: &str = "summary.json";

/// Users without a pause; bodies are thrown away.
pub(super) fn arguments(command: &mut Command, work: &Work<'_>) -> Result<(), String> {
    let executor = format!("executor: 'constant-vus', vus: {}, duration: '{}s'", work.connections, work.seconds);
    run(command, work.folder, &script(&executor, &work.url()))
}

/// `rate` arrivals a second on at most `max_vus` users, half of which stand ready.
pub(crate) fn open_model(command: &mut Command, work: &Work<'_>, rate: u32, max_vus: u32) -> Result<(), String> {
    let executor = format!(
        "executor: 'constant-arrival-rate', rate: {rate}, timeUnit: '1s', duration: '{}s', preAllocatedVUs: {}, maxVUs: {max_vus}",
        work.seconds,
        max_vus.div_ceil(2)
    );
    run(command, work.folder, &script(&executor, &work.url()))
}

fn script(executor: &str, url: &str) -> String {
    format!(
        "import http from 'k6/http';\nexport const options = {{\n  discardResponseBodies: true,\n  scenarios: {{ bench: {{ {executor} \
         }} }},\n  summaryTrendStats: ['count', 'p(50)', 'p(95)', 'p(99)', 'max'],\n}};\nexport default function () {{\n  \
         http.get('{url}');\n}}\n"
    )
}

fn run(command: &mut Command, folder: &Path, script: &str) -> Result<(), String> {
    let file = folder.join("script.js");
    std::fs::write(&file, script).map_err(|error| format!("k6's script: {error}"))?;
    command.args(["run", "-q", "--no-usage-report", "--summary-export"]).arg(folder.join(SUMMARY)).arg(file);
    Ok(())
}

/// k9 as it is fastest: a plan, in which no Python runs.
pub(super) fn k9_arguments(command: &mut Command, work: &Work<'_>) -> Result<(), String> {
    let (vus, seconds, url) = (work.connections, work.seconds, work.url());
    let plan = format!(
        "options:\n  vus: {vus}\n  duration: {seconds}s\nflows:\n  default:\n    - request:\n        url: \"{url}\"\n"
    );
    let file = work.folder.join("plan.yaml");
    std::fs::write(&file, plan).map_err(|error| format!("k9's plan: {error}"))?;
    let packages = std::env::current_dir().map_err(|error| error.to_string())?.join(TOOLS);
    command.env("PYTHONPATH", packages);
    command.args(["run", "-q", "--no-color", "--discard-response-bodies", "--summary-export"]);
    command.arg(work.folder.join(SUMMARY)).arg(file);
    Ok(())
}

/// Reads the exported summary.
pub(super) fn read_file(folder: &Path) -> Result<Said, String> {
    read(&summary(folder)?)
}

/// The exported summary, once: the next run must not be taken for this one.
pub(crate) fn summary(folder: &Path) -> Result<Value, String> {
    let file = folder.join(SUMMARY);
    let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    std::fs::remove_file(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn read(summary: &Value) -> Result<Said, String> {
    let metrics = &summary["metrics"];
    let number = |value: &Value, what: &str| value.as_f64().ok_or_else(|| format!("no {what}"));
    let requests = number(&metrics["http_reqs"]["count"], "http_reqs.count")?;
    let rate = number(&metrics["http_reqs"]["rate"], "http_reqs.rate")?;
    // Of a rate, `passes` counts what is true: requests that failed.
    let errors = number(&metrics["http_req_failed"]["passes"], "http_req_failed.passes")?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are whole and not negative")]
    let whole = |count: f64| count as u64;
    Ok(Said { requests: whole(requests), errors: whole(errors), seconds: requests / rate })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exported_summary_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let text = r#"{"metrics":{"http_reqs":{"count":300,"rate":100.0},"http_req_failed":{"passes":2,"fails":298,"value":0.0067}}}"#;
        std::fs::write(folder.path().join(SUMMARY), text).unwrap();
        assert_eq!(read_file(folder.path()).unwrap(), Said { requests: 300, errors: 2, seconds: 3.0 });
        assert!(read_file(folder.path()).is_err());
    }

    #[test]
    fn a_script_names_its_executor_and_its_target() {
        insta::assert_snapshot!(script("executor: 'constant-vus', vus: 20, duration: '3s'", "http://127.0.0.1:1/"));
    }
}
