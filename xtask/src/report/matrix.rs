//! `ecosystem_slo_matrix.md`: every app at a glance, then every route with its figures.

use std::fmt::Write as _;

use common::verdict::Ruling;

use super::markdown::{cell, code, table};
use super::select::{Column, apps};
use super::state::State;
use super::{Artifact, Head, head, text};
use crate::record::RunView;

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    vec![Artifact::report("ecosystem_slo_matrix.md", markdown(view))]
}

fn markdown(view: &RunView) -> String {
    let mut out = Head::of(view).markdown("SLO matrix");
    let _ = writeln!(out, "{} {}.\n", head::meaning(view), head::timing(view));
    let apps = apps(view);
    if apps.is_empty() {
        return out;
    }
    let mut titles = vec!["app"];
    titles.extend(Column::ALL.map(Column::title));
    let rows = apps.iter().map(|app| {
        let mut row = vec![format!("**{app}** {}", app.title())];
        row.extend(Column::ALL.map(|column| {
            let cell = column.cell(view, *app);
            cell.state.map_or_else(|| "–".to_owned(), |state| format!("{state}<br>{}", cell.line))
        }));
        row
    });
    out.push_str(&table(&titles, "<<<<<<", rows));
    missing(&mut out, view);
    for app in &apps {
        let own: Vec<_> = view.rulings.iter().filter(|r| r.claim.app == *app && r.claim.kind == "slo").collect();
        if !own.is_empty() {
            let _ = writeln!(out, "## {app} {}\n", app.title());
            out.push_str(&rulings(own));
        }
    }
    legend(&mut out);
    out
}

fn missing(out: &mut String, view: &RunView) {
    if view.missing_for_ready.is_empty() {
        return;
    }
    out.push_str("## What is missing for READY\n\n");
    for line in &view.missing_for_ready {
        let _ = writeln!(out, "- {}", cell(line));
    }
    out.push('\n');
}

/// A table of rulings with limit, figures and interval.
pub(super) fn rulings<'a>(rulings: impl IntoIterator<Item = &'a Ruling>) -> String {
    let rows = rulings.into_iter().map(|ruling| {
        let n = ruling.verdict.figures().map_or_else(|| "0".into(), |figures| text::count(figures.n.get()));
        vec![
            State::of(ruling).to_string(),
            cell(&ruling.claim.text),
            seen(ruling),
            interval(ruling),
            n,
            cell(&ruling.explanation),
        ]
    });
    table(&["verdict", "claim", "seen", "95 % interval", "n", "in words"], "<<>>><", rows)
}

/// The point: the P95, the share, or how many hold.
pub(super) fn seen(ruling: &Ruling) -> String {
    let Some(figures) = ruling.verdict.figures() else { return "–".into() };
    match (&figures.latency, figures.judgement) {
        (Some(latency), _) => format!("{} ms", text::ms(latency.p95_ms)),
        (None, Some(judged)) => {
            judged.point.map_or_else(|| "–".into(), |share| format!("{} %", text::pct(share * 100.0)))
        }
        (None, None) => format!("{} of {} hold", figures.n.get().saturating_sub(figures.bad), figures.n),
    }
}

/// The interval of the point, where it has one.
pub(super) fn interval(ruling: &Ruling) -> String {
    let Some(figures) = ruling.verdict.figures() else { return "–".into() };
    match (&figures.latency, figures.judgement) {
        (Some(latency), _) => text::p95_interval(latency),
        (None, Some(judged)) => {
            let (lower, upper) = (judged.interval.lower * 100.0, judged.interval.upper * 100.0);
            format!("{} to {} %", text::pct(lower), text::pct(upper))
        }
        (None, None) => "–".into(),
    }
}

fn legend(out: &mut String) {
    out.push_str("## How to read it\n\n");
    for state in State::ALL {
        let _ = writeln!(out, "- {} — {}", code(&state.to_string()), state.meaning());
    }
}
