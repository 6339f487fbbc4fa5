//! The readiness score as ranges beside each other, and what changed since the last run.

use common::slo::{Direction, Score, Standing, Transition};

use super::head;
use crate::record::RunView;
use crate::report::range;

/// The score of the run.
pub(super) struct Scored {
    pub(super) bars: Vec<Bar>,
    /// `146 claims were judged together`.
    pub(super) together: u64,
    pub(super) since: Option<Since>,
}

/// One range on the scale of 100.
pub(super) struct Bar {
    pub(super) name: String,
    pub(super) class: &'static str,
    /// The worst it can be, and how much it may be more, with one digit.
    pub(super) low: String,
    pub(super) more: String,
    pub(super) text: String,
}

/// What changed since the last run of the same kind.
pub(super) struct Since {
    pub(super) run: String,
    pub(super) was: String,
    pub(super) word: &'static str,
    pub(super) moved: Vec<String>,
}

/// The score of a run that was rolled up.
pub(super) fn scored(view: &RunView) -> Option<Scored> {
    let rollup = view.rollup.as_ref()?;
    let whole = bar("all".to_owned(), super::grade_class(head::grade(view)), rollup.egrs.score);
    let apps = rollup.services.iter().zip(&rollup.egrs.services).map(|(service, score)| {
        let grade = rollup.apps.iter().find(|(app, _)| app.lower() == service.name);
        let class = grade.map_or("skipped", |(_, (grade, _))| super::grade_class(*grade));
        bar(service.name.to_uppercase(), class, *score)
    });
    let since = view.change.as_ref().map(|change| Since {
        run: change.before.to_string(),
        was: format!("{} at {}", change.grade.as_str(), range(change.score)),
        word: change.delta.map_or(Direction::NoProvenChange, |delta| delta.direction).as_str(),
        moved: change.transitions.iter().map(moved).collect(),
    });
    Some(Scored { bars: std::iter::once(whole).chain(apps).collect(), together: rollup.judged_together, since })
}

fn bar(name: String, class: &'static str, score: Score) -> Bar {
    let more = score.high - score.low;
    Bar { name, class, low: format!("{:.1}", score.low), more: format!("{more:.1}"), text: range(score) }
}

/// `a6.uptime: INCONCLUSIVE, now PASS`.
fn moved(of: &Transition) -> String {
    let word = |standing: Option<Standing>| match standing {
        Some(Standing::Pass) => "PASS",
        Some(Standing::Warn) => "KNOWN ISSUE",
        Some(Standing::Fail) => "FAIL",
        Some(Standing::Inconclusive) => "undecided",
        Some(Standing::Info) => "not scored",
        None => "not there",
    };
    format!("{}: {}, now {}", of.objective, word(of.before), word(of.after))
}
