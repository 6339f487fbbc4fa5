//! What every report begins with: the run, its target, its profile and its grade.

use common::ids::AppId;
use common::verdict::Grade;
use schemars::JsonSchema;
use serde::Serialize;

use super::text::{duration, moment};
use crate::record::RunView;

/// The first fields of every report.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Head {
    /// The run; `none` if none began.
    pub(crate) run_id: String,
    /// `embedded`, `staging`, …
    pub(crate) target: String,
    /// `quick`, `standard`, `full`.
    pub(crate) profile: String,
    /// `READY`, `CONDITIONAL` or `NOT READY`.
    pub(crate) grade: &'static str,
}

impl Head {
    /// Of this run.
    pub(crate) fn of(view: &RunView) -> Self {
        let started = view.started.as_ref();
        let text = |of: fn(&crate::record::RunStarted) -> String| started.map_or_else(|| "none".to_owned(), of);
        Self {
            run_id: text(|run| run.run_id.to_string()),
            target: text(|run| run.target.clone()),
            profile: text(|run| run.profile.clone()),
            grade: grade(view).as_str(),
        }
    }

    /// The title and the table under it.
    pub(crate) fn markdown(&self, title: &str) -> String {
        format!(
            "# {title}\n\n| run | target | profile | grade |\n|---|---|---|---|\n| `{}` | {} | {} | **{}** |\n\n",
            self.run_id, self.target, self.profile, self.grade
        )
    }
}

/// The grade of a run. Without a roll-up or without any ruling it is never READY.
pub(crate) fn grade(view: &RunView) -> Grade {
    match &view.rollup {
        Some(rollup) if !view.rulings.is_empty() => rollup.grade,
        _ => Grade::NotReady,
    }
}

/// How many claims came out how.
#[derive(Debug, Clone, Copy, Default, Serialize, JsonSchema)]
pub(crate) struct Counts {
    pub(crate) pass: u32,
    /// Failures that decide.
    pub(crate) fail: u32,
    /// Failures of known issues and of claims that do not decide.
    pub(crate) known: u32,
    pub(crate) inconclusive: u32,
    pub(crate) held: u32,
    pub(crate) skipped: u32,
}

impl Counts {
    /// Of the run, or of one of its apps; zeros without a roll-up.
    pub(crate) fn of(view: &RunView, app: Option<AppId>) -> Self {
        let tally = view.rollup.as_ref().map(|rollup| match app {
            Some(app) => rollup.apps.get(&app).map(|(_, tally)| *tally).unwrap_or_default(),
            None => rollup.tally,
        });
        let tally = tally.unwrap_or_default();
        let (pass, fail, known) = (tally.pass, tally.fail, tally.known);
        Self { pass, fail, known, inconclusive: tally.inconclusive, held: tally.held, skipped: tally.skipped }
    }

    /// `31 pass, 1 inconclusive`, without zeros.
    pub(crate) fn line(self) -> String {
        let all = [
            (self.fail, "fail"),
            (self.known, "known"),
            (self.inconclusive, "inconclusive"),
            (self.held, "held"),
            (self.skipped, "skipped"),
            (self.pass, "pass"),
        ];
        let some: Vec<_> = all.iter().filter(|(n, _)| *n > 0).map(|(n, word)| format!("{n} {word}")).collect();
        if some.is_empty() { "no claim".into() } else { some.join(", ") }
    }
}

/// The word on one app; absent if nothing was tried on it or the run did not end.
pub(crate) fn graded(view: &RunView, app: AppId) -> Option<Grade> {
    view.rollup.as_ref().and_then(|rollup| rollup.apps.get(&app)).map(|(grade, _)| *grade)
}

/// What the grade means here, in a sentence.
pub(crate) fn meaning(view: &RunView) -> String {
    if view.rulings.is_empty() {
        return "Nothing ran, so nothing is shown. No claim was tried.".into();
    }
    if view.rollup.is_none() {
        return "The run did not come to its end, so its claims are not rolled up.".into();
    }
    let tally = Counts::of(view, None);
    match grade(view) {
        Grade::Ready => "Every claim that decides was shown, and nothing is missing.".into(),
        Grade::Conditional if tally.known > 0 => {
            "Nothing that decides failed, but a known issue showed again or something is not shown yet.".into()
        }
        Grade::Conditional => "Nothing failed, but something that decides is not shown yet.".into(),
        Grade::NotReady if tally.fail == 0 => "Nothing that decides was shown.".into(),
        Grade::NotReady => "At least one claim that decides was shown to be broken.".into(),
    }
}

/// When it began and how long it took, in words.
pub(crate) fn timing(view: &RunView) -> String {
    let began = view.started.as_ref().map(|run| moment(&run.at));
    match (began, &view.finished) {
        (Some(began), Some((_, took_s, _))) => format!("{began}, took {}", duration(*took_s)),
        (Some(began), None) => format!("{began}, did not end"),
        (None, _) => "did not begin".into(),
    }
}
