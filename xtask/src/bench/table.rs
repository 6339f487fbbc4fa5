//! Figures as tables: for the terminal, and as Markdown to be pasted into a document.

use comfy_table::{Table, presets};

use super::bars::{Bar, Wanted};
use super::load::Case;
use super::paired::{Spread, figures};
use super::tools::Tool;

/// How a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Terminal,
    Markdown,
}

fn table(style: Style, header: &[&str]) -> Table {
    let mut table = Table::new();
    match style {
        Style::Terminal => table.load_style(presets::UTF8_BORDERS_ONLY),
        Style::Markdown => table.load_style(presets::ASCII_MARKDOWN),
    };
    table.set_header(header);
    table
}

/// All tools in all cases.
pub(crate) fn cases(cases: &[Case], style: Style) -> String {
    let header = [
        "server",
        "connections",
        "generator",
        "requests/s",
        "to wrk",
        "CPU per request",
        "to wrk",
        "peak memory",
        "server busy",
        "errors",
    ];
    let mut table = table(style, &header);
    for case in cases {
        for (tool, figures) in figures(Tool::Wrk, &case.slices) {
            let ratio = |ratio: Option<Spread>| ratio.map_or_else(|| "1".to_owned(), |ratio| spread(ratio, "x"));
            table.add_row([
                case.server.name().to_owned(),
                case.connections.to_string(),
                tool.name().to_owned(),
                format!("{:.0}", figures.rps.median),
                ratio(figures.rps_ratio),
                format!("{:.1} µs", figures.cpu_us.median),
                ratio(figures.cpu_ratio),
                mebibytes(figures.peak_rss_bytes),
                format!("{:.0} %", figures.server_cpu.median * 100.0),
                figures.errors.to_string(),
            ]);
        }
    }
    table.to_string()
}

/// What was asked and what was got.
pub(crate) fn bars(bars: &[Bar], style: Style) -> String {
    let mut table = table(style, &["what is asked", "bar", "measured", ""]);
    for bar in bars {
        let wanted = match bar.wanted {
            Wanted::AtLeast(least) => format!("≥ {least} {}", bar.unit),
            Wanted::AtMost(most) => format!("≤ {most} {}", bar.unit),
        };
        let met = if bar.met() { "met" } else { "MISSED" };
        table.add_row([bar.what.clone(), wanted, spread(bar.got, bar.unit), met.to_owned()]);
    }
    table.to_string()
}

/// Rows of text under a header.
pub(crate) fn rows(header: &[&str], rows: &[Vec<String>], style: Style) -> String {
    let mut table = table(style, header);
    rows.iter().for_each(|row| {
        table.add_row(row);
    });
    table.to_string()
}

fn spread(spread: Spread, unit: &str) -> String {
    let Spread { median, min, max } = spread;
    let digits = if median.abs() >= 100.0 { 1 } else { 2 };
    if min.total_cmp(&max).is_eq() {
        return format!("{median:.digits$} {unit}");
    }
    format!("{median:.digits$} {unit} ({min:.digits$}–{max:.digits$})")
}

#[expect(clippy::cast_precision_loss, reason = "bytes to show")]
pub(crate) fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::paired::Slice;
    use crate::bench::server::ServerKind;

    #[test]
    fn the_tables_as_a_document_shows_them() {
        let slice =
            |tool, rps, cpu_us| Slice { tool, rps, cpu_us, errors: 0, peak_rss_bytes: 7 << 20, server_cpu: 0.7 };
        let wrk = slice(Tool::Wrk, 80_000.0, 11.0);
        let own = |rps| slice(Tool::Handshake, rps, 9.0);
        let slices = vec![wrk, own(104_000.0), wrk, own(108_000.0), wrk];
        let case = Case { server: ServerKind::Fixed, connections: 64, slices };
        let all = super::super::bars::of_case(&case);
        let text = format!("{}\n\n{}", cases(&[case], Style::Markdown), bars(&all, Style::Markdown));
        insta::assert_snapshot!(text);
    }
}
