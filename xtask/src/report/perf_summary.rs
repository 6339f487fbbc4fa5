//! `ecosystem_perf_summary.md`: every route under its baseline, then the shapes beyond it with what they stored.

use std::fmt::Write as _;

use common::verdict::Verdict;

use super::markdown::{cell, code, table};
use super::{Artifact, Head, head, text};
use crate::record::{RouteFigures, RunView, ShapeRun};

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    vec![Artifact::report("ecosystem_perf_summary.md", markdown(view))]
}

fn markdown(view: &RunView) -> String {
    let mut out = Head::of(view).markdown("Performance summary");
    let _ = writeln!(out, "{} {}.\n", head::meaning(view), head::timing(view));
    out.push_str("## Baseline\n\nResponse times count from the intended start: what a user waits.\n\n");
    let own: Vec<_> = view.figures.iter().filter(|figures| figures.phase == 2).collect();
    if own.is_empty() {
        out.push_str("No route was under load.\n\n");
    } else {
        let heads = ["app", "route", "load", "requests", "per s", "errors", "P50", "P95", "P95, 95 %", "P99", "limit"];
        out.push_str(&table(&heads, "<<<>>>>>>>>", own.into_iter().map(route)));
    }
    out.push_str("## Beyond the baseline\n\n");
    if view.shapes.is_empty() {
        out.push_str("No ramp, spike, soak or burst was run; the verdicts say why.\n\n");
    } else {
        out.push_str(&shapes(&view.shapes));
    }
    out.push_str(&held(view));
    out
}

/// What waits for a person, with the command that grants it.
fn held(view: &RunView) -> String {
    let rows = view.rulings.iter().filter_map(|ruling| match &ruling.verdict {
        Verdict::Held { action, grant } => {
            Some(vec![ruling.claim.app.to_string(), cell(&ruling.claim.text), cell(action), code(grant)])
        }
        _ => None,
    });
    let rows: Vec<_> = rows.collect();
    if rows.is_empty() {
        return String::new();
    }
    let table = table(&["app", "claim", "waits for", "grant it"], "<<<<", rows);
    format!(
        "## Held for a person\n\nAfter a grant, `cargo xtask ecosystem --resume` goes on with these alone.\n\n{table}"
    )
}

fn route(of: &RouteFigures) -> Vec<String> {
    let response = &of.response;
    vec![
        of.app.to_string(),
        code(&of.route),
        cell(&of.scenario),
        text::count(of.requests),
        text::pct(of.requests_per_s),
        text::count(of.errors),
        format!("{} ms", text::ms(response.p50_ms)),
        format!("{} ms", text::ms(response.p95_ms)),
        text::p95_interval(response),
        format!("{} ms", text::ms(response.p99_ms)),
        format!("{} ms", text::ms(response.limit_ms)),
    ]
}

/// Shaped loads: their figures, their stages, the knee, and what was stored.
pub(super) fn shapes<'a>(shapes: impl IntoIterator<Item = &'a ShapeRun>) -> String {
    let mut out = String::new();
    for shape in shapes {
        let _ = writeln!(out, "### {} {}: {}\n", shape.app, code(&shape.id), cell(&shape.title));
        let _ =
            writeln!(out, "{}\n", facts(shape).map(|(name, value)| format!("- {name}: {}", cell(&value))).join("\n"));
        let rows = shape.stages.iter().map(|stage| {
            vec![
                stage.stage.clone(),
                format!("{} to {} s", stage.from_s, stage.until_s),
                stage.users.to_string(),
                text::count(stage.requests),
                text::count(stage.errors),
                format!("{} ms", text::ms(stage.worst_p95_ms)),
            ]
        });
        let heads = ["stage", "when", "most users", "requests", "errors", "P95 of the worst second"];
        out.push_str(&table(&heads, "<>>>>>", rows));
    }
    out
}

/// What a shape came to, in words.
pub(super) fn facts(shape: &ShapeRun) -> [(&'static str, String); 5] {
    let figures = &shape.figures;
    let lasted = format!(
        "{} of the {} it lasts in full, {} requests",
        text::duration(figures.duration_s),
        text::duration(shape.full_s),
        text::count(figures.requests)
    );
    let response = format!(
        "P50 {} ms, P95 {} ms ({}), P99 {} ms, limit {} ms",
        text::ms(figures.response.p50_ms),
        text::ms(figures.response.p95_ms),
        text::p95_interval(&figures.response),
        text::ms(figures.response.p99_ms),
        text::ms(figures.response.limit_ms)
    );
    let (low, high) = figures.error_interval_pct;
    let errors = format!(
        "{} ({} %, {} to {} %)",
        text::count(figures.errors),
        text::pct(figures.error_rate_pct),
        text::pct(low),
        text::pct(high)
    );
    [("lasted", lasted), ("response", response), ("errors", errors), ("knee", knee(shape)), ("stored", stored(shape))]
}

fn knee(shape: &ShapeRun) -> String {
    let most = shape.points.iter().map(|point| point.users).max().unwrap_or(0);
    match &shape.knee {
        Some(knee) => format!(
            "at {} users and {} requests/s, second {}: {}",
            knee.users,
            text::count(knee.requests),
            knee.t_s,
            knee.why
        ),
        None => format!("none up to {most} users"),
    }
}

/// The line on what was stored, its second source with it.
pub(super) fn stored(shape: &ShapeRun) -> String {
    shape.stored.as_ref().map_or_else(|| "not asked in this shape".into(), |proof| proof.judge().1)
}
