//! `a4_stream_metrics.md` and `.json`: what a reader of a stream waits for, the goodput, and the same streams in the
//! definitions of other tools.

use std::fmt::Write as _;

use common::load::{Dialect, DialectRow, DialectTable};
use serde::Serialize;

use super::markdown::{cell, code, table};
use super::{Artifact, Head, json, text};
use crate::record::{RouteFigures, RunView, StreamFigures};

/// Width and height of the plot of first tokens.
const PLOT: (f64, f64) = (640.0, 180.0);

/// Two files for each app that streamed; none for the others.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let mut apps: Vec<_> = streamed(view).map(|(figures, _)| figures.app).collect();
    apps.dedup();
    let files = apps.into_iter().flat_map(|app| {
        let own: Vec<_> = streamed(view).filter(|(figures, _)| figures.app == app).collect();
        let mut out = Head::of(view).markdown(&format!("{app} streams"));
        own.iter().for_each(|(figures, stream)| section(&mut out, figures, stream));
        let routes = own.into_iter().map(|(figures, stream)| Route {
            route: &figures.route,
            scenario: &figures.scenario,
            phase: figures.phase,
            stream,
        });
        let all = All { schema: "handshake-streams/1", head: Head::of(view), routes: routes.collect() };
        let name = format!("{}_stream_metrics", app.lower());
        [Artifact::report(&format!("{name}.md"), out), Artifact::report(&format!("{name}.json"), json(&all))]
    });
    files.collect()
}

#[derive(Serialize)]
struct All<'a> {
    schema: &'static str,
    #[serde(flatten)]
    head: Head,
    routes: Vec<Route<'a>>,
}

#[derive(Serialize)]
struct Route<'a> {
    route: &'a str,
    scenario: &'a str,
    phase: u8,
    stream: &'a StreamFigures,
}

fn streamed(view: &RunView) -> impl Iterator<Item = (&RouteFigures, &StreamFigures)> {
    view.figures.iter().filter_map(|figures| Some((figures, figures.stream.as_ref()?)))
}

/// The streams of a run in a tool's definitions, for a terminal.
pub(crate) fn dialect_lines(view: &RunView, dialect: Dialect) -> Vec<String> {
    let mut lines = Vec::new();
    for (figures, stream) in streamed(view) {
        for table in stream.dialects.iter().filter(|table| table.dialect == dialect) {
            lines.push(format!("{} of {} in the words of {dialect}", figures.route, figures.scenario));
            lines.push(format!("  {}", counted(table, stream)));
            let rows = table.rows.iter().map(|row| {
                let name = format!("{} ({})", row.metric, row.unit);
                format!("  {name:<44} {:<52} = {}", values(row), row.formula)
            });
            lines.extend(rows);
            lines.push(format!("  {}", table.about));
        }
    }
    if lines.is_empty() {
        lines.push("no streams were measured".to_owned());
    }
    lines
}

fn counted(table: &DialectTable, stream: &StreamFigures) -> String {
    let mut line = format!("{} of {} streams succeeded ({})", table.succeeded, table.streams, table.success);
    if table.errors_here > 0 {
        let _ = write!(line, "; {} of them are errors here", table.errors_here);
    }
    if stream.logs_not_kept > 0 {
        let _ = write!(line, "; {} more streams, whose logs were not kept, are left out", stream.logs_not_kept);
    }
    line
}

fn values(row: &DialectRow) -> String {
    let values = row.figures.iter().map(|(name, value)| match name.as_str() {
        "value" => value.to_string(),
        name => format!("{name} {value}"),
    });
    let values: Vec<String> = values.collect();
    if values.is_empty() { "–".to_owned() } else { values.join(", ") }
}

fn section(out: &mut String, figures: &RouteFigures, stream: &StreamFigures) {
    let _ = writeln!(out, "## {} in {}\n", code(&figures.route), cell(&figures.scenario));
    let cut_off = if stream.cut_off > 0 { format!(", {} cut off at the end", stream.cut_off) } else { String::new() };
    let _ = writeln!(
        out,
        "{} streams, {} whole{cut_off}; {} tokens ({} billed), {:.1} tokens/s in all.\n",
        text::count(stream.streams),
        text::count(stream.whole),
        text::count(stream.tokens),
        text::count(stream.billed_tokens),
        stream.tokens_per_s,
    );
    for (fault, count) in &stream.faults {
        let _ = writeln!(out, "- **{}**: {}", cell(fault), text::count(*count));
    }
    let _ = writeln!(out, "{}\n", goodput(stream));
    let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{} ms", text::ms(value)));
    let rows = stream.latencies.iter().map(|latency| {
        let figures = [latency.p50_ms, latency.p90_ms, latency.p95_ms, latency.p99_ms, latency.max_ms];
        let mut row = vec![format!("**{}**", cell(&latency.metric)), cell(&latency.formula)];
        row.extend(figures.map(shown));
        row.extend([text::count(latency.n), text::count(latency.timeouts)]);
        row
    });
    let head = ["metric", "formula", "P50", "P90", "P95", "P99", "max", "n", "timeouts"];
    out.push_str(&table(&head, "<<>>>>>>>", rows));
    if let Some(plot) = plot(&stream.ttft_distribution) {
        let _ = writeln!(out, "Time to first token by percentile:\n\n{plot}\n");
    }
    stream.dialects.iter().for_each(|own| in_words(out, own, stream));
}

fn goodput(stream: &StreamFigures) -> String {
    let limits = stream.rules.goodput;
    let named = [("TTFT", limits.ttft_ms), ("TPOT", limits.tpot_ms), ("E2E to the last token", limits.e2e_ms)];
    let named: Vec<_> = named.iter().filter_map(|(name, limit)| Some(format!("{name} ≤ {} ms", (*limit)?))).collect();
    let limits = if named.is_empty() { "a whole stream".to_owned() } else { named.join(", ") };
    let good = &stream.goodput;
    let (lower, upper) = good.interval_pct;
    format!(
        "**Goodput** ({limits}): {:.2} requests/s; {} of {} = {} % (95 % interval {} to {} %, Wilson). Errors and timeouts \
         are in the denominator.",
        good.per_s,
        text::count(good.good),
        text::count(good.of),
        text::pct(good.share_pct),
        text::pct(lower),
        text::pct(upper),
    )
}

fn in_words(out: &mut String, own: &DialectTable, stream: &StreamFigures) {
    let _ =
        writeln!(out, "### In the words of {}\n\n{}. {}\n", own.dialect, cell(&counted(own, stream)), cell(&own.about));
    let rows = own.rows.iter().map(|row| {
        vec![
            format!("**{}**", cell(&row.metric)),
            cell(&row.unit),
            values(row),
            cell(&row.formula),
            code(&row.source),
            text::count(row.n),
        ]
    });
    out.push_str(&table(&["metric", "unit", "figures", "formula", "source", "n"], "<<<<<>", rows));
}

/// Percentiles as a line; nothing without two of them.
fn plot(points: &[(f64, f64)]) -> Option<String> {
    let most = points.iter().map(|(_, ms)| *ms).fold(0.0, f64::max);
    if points.len() < 2 || most <= 0.0 {
        return None;
    }
    let (width, height) = PLOT;
    let place =
        |(percent, ms): &(f64, f64)| format!("{:.1},{:.1}", percent / 100.0 * width, height - ms / most * height);
    let line: Vec<String> = points.iter().map(place).collect();
    Some(format!(
        "<svg viewBox=\"0 -16 {width} {}\" role=\"img\" aria-label=\"time to first token by percentile, at most {} ms\">\
         <text y=\"-4\" font-size=\"12\">{} ms</text><polyline points=\"{}\" fill=\"none\" stroke=\"currentColor\"/></svg>",
        height + 20.0,
        text::ms(most),
        text::ms(most),
        line.join(" "),
    ))
}

#[cfg(test)]
mod tests {
    use common::load::{Chunk, ChunkKind, ChunkLog, StreamFault, StreamReport};
    use common::scenario::{GoodputLimits, StreamRules};

    use super::*;
    use crate::record::Record;
    use crate::report::fixture;

    /// The fixture's run with streams under its first load of phase 2.
    fn view() -> RunView {
        let goodput = GoodputLimits { ttft_ms: Some(500), tpot_ms: None, e2e_ms: None };
        let mut report = StreamReport::new(StreamRules { goodput, ..StreamRules::default() });
        for at_us in [20_000, 25_000, 600_000] {
            let chunk = |after| Chunk { at_us: at_us + after, kind: ChunkKind::Content, tokens: 1, bytes: 9 };
            let chunks = vec![chunk(0), chunk(2_000), chunk(5_000)];
            let log = ChunkLog { chunks, closed_us: Some(at_us + 6_000), ..ChunkLog::default() };
            report.record(&log, (at_us == 600_000).then_some(StreamFault::Truncated));
        }
        let stream = crate::run::stream_figures(&report, 2.0);
        let mut records = fixture::records();
        let probed = records.iter_mut().find_map(|record| match record {
            Record::Probed(figures) if figures.phase == 2 => Some(figures),
            _ => None,
        });
        probed.unwrap().stream = Some(stream);
        RunView::of(
            records.into_iter().map(|record| serde_json::from_value(serde_json::to_value(record).unwrap()).unwrap()),
        )
    }

    #[test]
    fn streams_are_told_with_their_goodput_and_in_three_tools_words() {
        let files = render(&view());
        assert_eq!(files.len(), 2);
        let text = String::from_utf8(files[0].bytes.clone()).unwrap();
        for part in [
            "2 of 3 = 66.7 %",
            "TTFT ≤ 500 ms",
            "20.8 to 93.9 %",
            "ended without [DONE]",
            "<polyline",
            "In the words of vllm",
            "In the words of guidellm",
            "In the words of aiperf",
        ] {
            assert!(text.contains(part), "no {part} in\n{text}");
        }
        let parsed: serde_json::Value = serde_json::from_slice(&files[1].bytes).unwrap();
        assert_eq!(parsed["routes"][0]["stream"]["goodput"]["good"], 2);
    }

    #[test]
    fn a_terminal_gets_one_tools_words_with_the_formula_beside_each_number() {
        let lines = dialect_lines(&view(), Dialect::Vllm).join("\n");
        assert!(lines.contains("TPOT (ms)") && lines.contains("= (latency − ttft) / (output tokens − 1)"), "{lines}");
        assert!(!lines.contains("guidellm"));
        assert_eq!(dialect_lines(&fixture::view(), Dialect::Vllm), ["no streams were measured"]);
    }
}
