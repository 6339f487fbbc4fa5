//! A comparison on a terminal: the verdict first, then what is slower, then every endpoint.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, LineStyle, Table, presets};
use common::slo::{Decision, NEVER_US, QuantileEstimate, QuantileRatio, Reason};

use super::rows::code;
use super::{Comparison, Counts, EndpointComparison, SideHead, named};
use crate::report::{ms, plural, printable};

/// More slower endpoints, or more notes, than this are left to the files.
const SHOWN: usize = 12;

/// The whole of it.
pub(crate) fn render(comparison: &Comparison, color: bool) -> String {
    let mut out = String::new();
    let counts = comparison.counts;
    let (word, style, meaning) = if counts.fail > 0 {
        let meaning = format!("{} proven to be more than 20 % slower at the P95.", plural(counts.fail, "endpoint"));
        (" REGRESSION ", AnsiColor::Red.on_default(), meaning)
    } else if !comparison.has_pairs() {
        let meaning = "No endpoint was measured alike on both sides.".to_owned();
        (" NOTHING COMPARABLE ", AnsiColor::Yellow.on_default(), meaning)
    } else if counts.inconclusive > 0 {
        let meaning = "No regression is proven, and not every endpoint is shown to be free of one.".to_owned();
        (" NO REGRESSION PROVEN ", AnsiColor::Yellow.on_default(), meaning)
    } else {
        let meaning = "Every endpoint is shown to be at most 20 % slower at the P95.".to_owned();
        (" NO REGRESSION ", AnsiColor::Green.on_default(), meaning)
    };
    let paint = |style: Style, text: &str| if color { format!("{style}{text}{style:#}") } else { text.to_owned() };
    let _ = writeln!(out, "\n{} {meaning}", paint(style.bold().invert(), word));
    let _ = writeln!(out, "{}", count_line(comparison));
    for (name, head) in [("before", &comparison.before), ("after ", &comparison.after)] {
        let _ = writeln!(out, "{}", paint(Style::new().dimmed(), &format!("{name} {}", head_line(head))));
    }
    slower(&mut out, comparison);
    let _ = writeln!(out, "\n{}", table(comparison));
    undecided(&mut out, comparison);
    one_sided(&mut out, comparison);
    remarks(&mut out, comparison);
    out
}

/// `12 PASS (1 slower within the limit), 0 FAIL, 3 INCONCLUSIVE of 15 endpoints, interleaved`.
fn count_line(comparison: &Comparison) -> String {
    let counts = comparison.counts;
    let slower = match counts.slower_within_limit {
        0 => String::new(),
        slower => format!(" ({slower} slower within the limit)"),
    };
    let of = plural(comparison.endpoints.len(), "endpoint");
    let Counts { pass, fail, inconclusive, .. } = counts;
    format!("{pass} PASS{slower}, {fail} FAIL, {inconclusive} INCONCLUSIVE of {of}, {}", comparison.design)
}

fn head_line(head: &SideHead) -> String {
    let conditions = &head.conditions;
    if head.run.starts_with(&format!("{}@", head.label)) {
        return format!("{}, profile {}, begun {}", head.run, conditions.profile, head.started_at);
    }
    let label = if head.label == head.run { String::new() } else { format!("{}: run ", head.label) };
    let what = format!("{}, profile {}, {}", conditions.target, conditions.profile, conditions.command);
    format!("{label}{} ({what}), begun {}", head.run, head.started_at)
}

/// What is shown to be slower at all, worst first.
fn slower(out: &mut String, comparison: &Comparison) {
    let of = |endpoint: &&EndpointComparison| endpoint.gate().and_then(|gate| gate.regression.ratio.ratio);
    let mut slower: Vec<_> = comparison.endpoints.iter().filter(|endpoint| endpoint.is_slower()).collect();
    slower.sort_by(|a, b| of(b).unwrap_or(0.0).total_cmp(&of(a).unwrap_or(0.0)));
    if slower.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nslower at the P95");
    for endpoint in slower.iter().take(SHOWN) {
        let Some(gate) = endpoint.gate() else { continue };
        let ratio = &gate.regression.ratio;
        let _ = writeln!(
            out,
            "  {} {}: {} ms, {}; {}",
            sign(endpoint.decision),
            named(endpoint),
            change(ratio),
            ratio_text(ratio),
            opinions(endpoint),
        );
    }
    more(out, slower.len());
}

/// What the second opinions say, in a few words.
fn opinions(endpoint: &EndpointComparison) -> String {
    let Some(evidence) = &endpoint.evidence else { return "no second opinion".into() };
    let bootstrap = evidence.bootstrap_p95.as_ref();
    let bootstrap = bootstrap.map(|ratio| format!("bootstrap {} to {}", limit(ratio.lower), limit(ratio.upper)));
    let shift = evidence.mann_whitney.as_ref().map(|shift| format!("A12 {:.2}", shift.a12));
    bootstrap.into_iter().chain(shift).collect::<Vec<_>>().join(", ")
}

/// Every endpoint that both sides measured.
pub(crate) fn table(comparison: &Comparison) -> String {
    let mut table = plain(["", "endpoint", "n", "P95, ms", "ratio of P95 (95 %)", "of P50", "of P99", "reason"]);
    for endpoint in comparison.endpoints.iter().filter(|endpoint| endpoint.is_pair()) {
        let Some(gate) = endpoint.gate() else { continue };
        let ratio = &gate.regression.ratio;
        let short = |at: usize| endpoint.metrics.get(at).map_or("-".into(), |one| limit(one.regression.ratio.ratio));
        let reason = match endpoint.decision.reason() {
            Reason::Ok if gate.regression.warn => "slower, within the limit".to_owned(),
            Reason::Ok => String::new(),
            reason => code(reason),
        };
        table.add_row([
            sign(endpoint.decision).to_owned(),
            named(endpoint),
            if ratio.before.n == ratio.after.n {
                ratio.before.n.to_string()
            } else {
                format!("{} → {}", ratio.before.n, ratio.after.n)
            },
            change(ratio),
            ratio_text(ratio),
            short(0),
            short(2),
            reason,
        ]);
    }
    table.trim_fmt()
}

/// A table without lines but the one below its head.
pub(crate) fn plain<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    let style = presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));
    table.load_style(style).set_content_arrangement(ContentArrangement::Disabled).set_header(head);
    table
}

/// Why, once for all endpoints with the same reason.
fn undecided(out: &mut String, comparison: &Comparison) {
    let mut reasons: Vec<(String, usize)> = Vec::new();
    for endpoint in comparison.endpoints.iter().filter(|endpoint| endpoint.is_pair()) {
        let Some(why) = &endpoint.why else { continue };
        let line = format!("{}: {}", code(endpoint.decision.reason()), printable(why));
        match reasons.iter_mut().find(|(known, _)| *known == line) {
            Some((_, count)) => *count += 1,
            None => reasons.push((line, 1)),
        }
    }
    if reasons.is_empty() {
        return;
    }
    let _ = writeln!(out, "\nnot decided");
    for (line, count) in &reasons {
        let _ = writeln!(out, "  {count} x {line}");
    }
}

fn one_sided(out: &mut String, comparison: &Comparison) {
    let lists = [("before", comparison.only(true)), ("after", comparison.only(false))];
    for (side, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
        let _ = writeln!(out, "\nonly {side}: {}", plural(list.len(), "endpoint"));
        for endpoint in list {
            let _ = writeln!(out, "  {endpoint}");
        }
    }
}

fn remarks(out: &mut String, comparison: &Comparison) {
    let unsure =
        comparison.endpoints.iter().filter(|endpoint| endpoint.is_pair() && !endpoint.independence_established);
    let unsure = unsure.count();
    let mut lines = comparison.notes.clone();
    if unsure > 0 && comparison.design == "sequential" {
        let what = plural(unsure, "endpoint");
        lines.push(format!("independence not yet established for {what}: fewer than three stable runs are known"));
    }
    for endpoint in &comparison.endpoints {
        for point in endpoint.change_points.iter().flatten() {
            let change = point.relative_change() * 100.0;
            let ago = point.after.runs;
            let what = named(endpoint);
            lines.push(format!("advice: the P95 of {what} changed by {change:+.0} % about {ago} stable runs ago"));
        }
    }
    if !lines.is_empty() {
        let _ = writeln!(out, "\nremarks");
    }
    for line in lines.iter().take(SHOWN) {
        let _ = writeln!(out, "  {}", printable(line));
    }
    more(out, lines.len());
}

fn more(out: &mut String, all: usize) {
    if all > SHOWN {
        let _ = writeln!(out, "  and {} more: see comparison.json", all - SHOWN);
    }
}

fn sign(decision: Decision) -> &'static str {
    match decision {
        Decision::Pass => "✓",
        Decision::Fail => "✗",
        Decision::Undecided(_) => "?",
    }
}

/// `1.46 [1.31 to 1.60]`.
pub(crate) fn ratio_text(ratio: &QuantileRatio) -> String {
    format!("{} [{} to {}]", limit(ratio.ratio), limit(ratio.lower), limit(ratio.upper))
}

/// `134 → 147`.
fn change(ratio: &QuantileRatio) -> String {
    format!("{} → {}", latency(ratio.before.value), latency(ratio.after.value))
}

fn limit(ratio: Option<f64>) -> String {
    ratio.map_or_else(|| "none".into(), |ratio| format!("{ratio:.2}"))
}

/// `96.3 [94.1 to 99.0]`.
pub(crate) fn bounded(of: &QuantileEstimate) -> String {
    format!("{} [{} to {}]", latency(of.value), latency(of.lower), latency(of.upper))
}

fn latency(us: Option<u64>) -> String {
    match us {
        None => "none".into(),
        Some(NEVER_US) => ms(f64::INFINITY),
        Some(us) => ms(common::units::Micros(us).as_ms()),
    }
}
