//! What the browser did: `a5_e2e_results.json` and `a5_playwright_report.html`, one page that needs nothing else.

use askama::Template;
use serde::Serialize;

use super::text::{duration, ms};
use super::{Artifact, Head, json};
use crate::record::{BrowserCase, BrowserHop, BrowserRun, RunView};

#[derive(Serialize)]
struct Results<'a> {
    schema: &'static str,
    #[serde(flatten)]
    head: Head,
    /// Absent if no browser was started.
    #[serde(flatten)]
    run: Option<&'a BrowserRun>,
}

#[derive(Template)]
#[template(path = "browser.html")]
struct Page {
    head: Head,
    verdict: &'static str,
    lead: String,
    missing: Option<String>,
    specs: Vec<Spec>,
}

struct Spec {
    file: String,
    cases: Vec<Case>,
}

struct Case {
    title: String,
    outcome: String,
    took: String,
    trace: Option<String>,
    cause: Option<String>,
    why: Option<String>,
    evidence: Vec<String>,
    hops: Vec<Hop>,
}

struct Hop {
    app: String,
    request: String,
    status: String,
    is_bad: bool,
    took: String,
    leads: String,
    cookies: Vec<String>,
}

/// Both files.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let run = view.browser.as_ref();
    let results = Results { schema: "handshake-browser/1", head: Head::of(view), run };
    let html = page(view, run).render().expect("the page is text, and memory takes it");
    vec![Artifact::report("a5_e2e_results.json", json(&results)), Artifact::report("a5_playwright_report.html", html)]
}

fn page(view: &RunView, run: Option<&BrowserRun>) -> Page {
    let cases = run.map_or(&[][..], |run| &run.cases);
    let count = |outcome: &str| cases.iter().filter(|case| case.outcome == outcome).count();
    let (passed, failed, skipped) = (count("passed"), count("failed"), count("skipped"));
    let verdict = match (failed, passed) {
        (1.., _) => "fail",
        (0, 1..) if skipped == 0 => "pass",
        _ => "skipped",
    };
    let took = run.map_or_else(String::new, |run| format!(" in {}", duration(run.took_s)));
    Page {
        head: Head::of(view),
        verdict,
        lead: format!("{passed} passed, {failed} failed, {skipped} skipped{took}"),
        missing: match run {
            None => Some("Nothing ran: no browser was started in this run.".to_owned()),
            Some(run) => run.missing.clone(),
        },
        specs: specs(cases),
    }
}

fn specs(cases: &[BrowserCase]) -> Vec<Spec> {
    let mut specs: Vec<Spec> = Vec::new();
    for case in cases {
        match specs.iter_mut().find(|spec| spec.file == case.file) {
            Some(spec) => spec.cases.push(shown(case)),
            None => specs.push(Spec { file: case.file.clone(), cases: vec![shown(case)] }),
        }
    }
    specs
}

#[expect(clippy::cast_precision_loss, reason = "a test takes far less than 2^53 ms")]
fn shown(case: &BrowserCase) -> Case {
    Case {
        title: case.title.clone(),
        outcome: case.outcome.clone(),
        took: duration(case.took_ms as f64 / 1_000.0),
        trace: case.trace_id.map(|id| id.to_string()),
        cause: case.cause.clone(),
        why: case.why.clone(),
        evidence: case.evidence.clone(),
        hops: case.hops.iter().map(hop).collect(),
    }
}

fn hop(hop: &BrowserHop) -> Hop {
    Hop {
        app: hop.app.map_or_else(|| "elsewhere".to_owned(), |app| app.to_string()),
        request: format!("{} {}", hop.method, hop.path),
        status: hop.status.map_or_else(|| "none".to_owned(), |status| status.to_string()),
        is_bad: hop.status.is_none_or(|status| status >= 400),
        took: hop.ms.map(ms).unwrap_or_default(),
        leads: hop.redirects_to.clone().unwrap_or_default(),
        cookies: hop.set_cookies.clone(),
    }
}
