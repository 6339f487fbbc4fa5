//! The end of a run on a terminal and in GitHub's summary: verdict first, then what failed and how to see it again.

use std::fmt::Write as _;
use std::path::Path;

use anstyle::{AnsiColor, Style};
use comfy_table::{ContentArrangement, LineStyle, Table, presets};
use common::slo::Direction;
use common::verdict::{Grade, Statement};

use crate::record::RunView;
use crate::report::{
    Counts, Head, REPORTS, State, alike, apps, cell, code, decided, github, glance, grade, graded, meaning, needs,
    plural, printable, range, terminal, timing, undecided,
};

/// More undecided claims than this are left to the report.
const SHOWN: usize = 12;
const WIDTH: u16 = 110;

/// The verdict for a terminal.
pub(crate) fn render_verdict_block(view: &RunView, color: bool) -> String {
    let head = Head::of(view);
    let paint = Paint(color);
    let mut out = String::new();
    let word = paint.on(grade_style(grade(view)).bold().invert(), &format!(" {} ", head.grade));
    let _ = writeln!(out, "\n{word} {}", meaning(view));
    let line = format!("{}, profile {}, {}, run {}", head.target, head.profile, timing(view), head.run_id);
    let _ = writeln!(out, "{}", paint.on(Style::new().dimmed(), &line));
    if view.rollup.is_none() && !view.rulings.is_empty() {
        let _ = writeln!(out, "{} were ruled on before it stopped", plural(view.rulings.len(), "claim"));
    } else {
        let _ = writeln!(out, "{}{}", Counts::of(view, None).line(), together(view));
        score(&mut out, view);
        by_app(&mut out, view);
    }
    failed(&mut out, view, paint);
    waiting(&mut out, view, paint);
    missing(&mut out, view, paint);
    out
}

/// Where the reports are, once they are written.
pub(crate) fn render_place(output: &Path) -> String {
    let output = output.strip_prefix(".").unwrap_or(output);
    let report = output.join(REPORTS).join("report.html");
    format!("\nreport: {}, with summary.json and junit.xml beside it\n", report.display())
}

/// How many verdicts were taken together, as each has its chance to be wrong.
fn together(view: &RunView) -> String {
    let judged = view.rollup.as_ref().map_or(0, |rollup| rollup.judged_together);
    if judged == 0 { String::new() } else { format!("; {judged} judged together") }
}

/// The score as an interval, and how it changed.
fn score(out: &mut String, view: &RunView) {
    let Some(rollup) = &view.rollup else { return };
    let _ = writeln!(out, "readiness score (EGRS) {} of 100", range(rollup.egrs.score));
    let Some(change) = &view.change else { return };
    let direction = change.delta.map_or(Direction::NoProvenChange, |delta| delta.direction).as_str();
    let moved = plural(change.transitions.len(), "claim");
    let was = format!("{} {}", change.grade.as_str(), range(change.score));
    let _ = writeln!(out, "since run {} ({was}): {direction}, {moved} came out differently", change.before);
}

fn by_app(out: &mut String, view: &RunView) {
    let mut table = table(["app", "grade", "score", "verdicts"]);
    let rollup = view.rollup.as_ref();
    for app in apps(view) {
        let grade = graded(view, app).map_or("not tried", Grade::as_str);
        let at = rollup.and_then(|rollup| rollup.services.iter().position(|service| service.name == app.lower()));
        let own = at.and_then(|at| rollup.and_then(|rollup| rollup.egrs.services.get(at)));
        let score = own.map(|score| range(*score)).unwrap_or_default();
        let counts = Counts::of(view, Some(app)).line();
        table.add_row([format!("{app} {}", app.title()), grade.to_owned(), score, counts]);
    }
    if table.row_count() > 0 {
        let _ = writeln!(out, "\n{}", table.trim_fmt());
    }
}

fn failed(out: &mut String, view: &RunView, paint: Paint) {
    let failed: Vec<_> = decided(view).collect();
    if failed.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint.on(Style::new().bold(), &format!("{} failed", plural(failed.len(), "claim"))));
    for ruling in failed {
        let sign = paint.on(AnsiColor::Red.on_default().bold(), State::Fail.sign());
        let _ = writeln!(out, "{sign} {}", terminal(&Statement::from(ruling)));
        if !ruling.rerun.is_empty() {
            let _ = writeln!(out, "  see it again: {}", paint.on(AnsiColor::Cyan.on_default(), &ruling.rerun));
        }
    }
}

fn waiting(out: &mut String, view: &RunView, paint: Paint) {
    let waiting: Vec<_> = undecided(view).collect();
    if waiting.is_empty() {
        return;
    }
    let title = format!("{} not decided", plural(waiting.len(), "claim"));
    let _ = writeln!(out, "\n{}", paint.on(Style::new().bold(), &title));
    let mut table = table(["", "claim", "observed", "required"]);
    let groups = alike(&waiting);
    for (ruling, more) in groups.iter().take(SHOWN) {
        let (observed, required) = needs(ruling);
        let others = if *more > 0 { format!(" (and {more} like it)") } else { String::new() };
        let claim = format!("{} {}{others}", ruling.claim.app, ruling.claim.text);
        table.add_row([State::of(ruling).to_string(), claim, observed, required].map(|text| printable(&text)));
    }
    let _ = writeln!(out, "{}", table.trim_fmt());
    let left: usize = groups.iter().skip(SHOWN).map(|(_, more)| more + 1).sum();
    if left > 0 {
        let _ = writeln!(out, "and {left} more in the report");
    }
}

/// What GitHub shows beside a run.
pub(crate) fn github_annotations(view: &RunView) -> Vec<String> {
    view.rulings.iter().filter_map(github).collect()
}

fn missing(out: &mut String, view: &RunView, paint: Paint) {
    // What failed or is not decided stands above.
    let told = |line: &&String| {
        let failed = view.rulings.iter().filter(|ruling| ruling.claim.gate && ruling.verdict.is_fail());
        undecided(view).chain(failed).any(|ruling| line.starts_with(&ruling.claim.id))
    };
    let rest: Vec<_> = view.missing_for_ready.iter().filter(|line| !told(line)).collect();
    if rest.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{}", paint.on(Style::new().bold(), "also missing for READY"));
    for line in rest {
        let _ = writeln!(out, "  {}", printable(line));
    }
}

fn table<const N: usize>(head: [&str; N]) -> Table {
    let mut table = Table::new();
    let style = presets::NOTHING.header_separator(LineStyle::none().fill('─').junction('─'));
    table.load_style(style).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(WIDTH).set_header(head);
    table
}

fn grade_style(grade: Grade) -> Style {
    match grade {
        Grade::Ready => AnsiColor::Green.on_default(),
        Grade::Conditional => AnsiColor::Yellow.on_default(),
        Grade::NotReady => AnsiColor::Red.on_default(),
    }
}

#[derive(Clone, Copy)]
struct Paint(bool);

impl Paint {
    fn on(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// The verdict as Markdown for `$GITHUB_STEP_SUMMARY`.
pub(crate) fn github_summary(view: &RunView) -> String {
    let head = Head::of(view);
    let mut out = head.markdown(&format!("Handshake: {}", head.grade));
    let counts = format!("{}{}", Counts::of(view, None).line(), together(view));
    let _ = writeln!(out, "{} {}. {counts}.\n", meaning(view), timing(view));
    let mut scored = String::new();
    score(&mut scored, view);
    scored.lines().for_each(|line| out.push_str(&format!("{line}.\n\n")));
    let mut failed = decided(view).peekable();
    if failed.peek().is_some() {
        out.push_str("## What failed\n\n");
    }
    for ruling in failed {
        let claim = &ruling.claim;
        let sign = State::Fail.sign();
        let _ = writeln!(out, "- {sign} **{}** {}: {}", claim.app, cell(&claim.text), cell(&ruling.explanation));
        if !ruling.rerun.is_empty() {
            let _ = writeln!(out, "  <br>{}", code(&ruling.rerun));
        }
    }
    if !view.missing_for_ready.is_empty() {
        out.push_str("\n## What is missing for READY\n\n");
    }
    for line in &view.missing_for_ready {
        let _ = writeln!(out, "- {}", cell(line));
    }
    if !apps(view).is_empty() {
        let _ = writeln!(out, "\n## Every app at a glance\n\n{}", glance(view));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;

    #[test]
    fn the_place_of_the_reports_follows_where_they_were_asked_for() {
        let of = |output: &str| render_place(Path::new(output));
        assert!(of(".").contains("\nreport: tests/perf/reports/report.html, with"), "{}", of("."));
        assert!(of("/tmp/a").contains("report: /tmp/a/tests/perf/reports/report.html, with"), "{}", of("/tmp/a"));
    }

    #[test]
    fn the_verdict_block_reads_like_this() {
        insta::assert_snapshot!(render_verdict_block(&fixture::view(), false));
    }

    #[test]
    fn the_summary_on_github_reads_like_this() {
        insta::assert_snapshot!(github_summary(&fixture::view()));
    }

    #[test]
    fn the_grade_is_the_first_word() {
        assert!(render_verdict_block(&fixture::view(), false).trim_start().starts_with("NOT READY"));
    }

    #[test]
    fn colour_is_left_out_when_not_wanted() {
        assert!(!render_verdict_block(&fixture::view(), false).contains('\u{1b}'));
        assert!(render_verdict_block(&fixture::view(), true).contains('\u{1b}'));
    }

    #[test]
    fn a_run_in_which_nothing_ran_is_not_ready() {
        let empty = RunView::default();
        for text in [render_verdict_block(&empty, false), github_summary(&empty)] {
            assert!(text.contains("NOT READY") && text.contains("Nothing ran"), "{text}");
        }
    }
}
