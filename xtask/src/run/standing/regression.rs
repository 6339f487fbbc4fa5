//! No route more than 20 % slower than in the saved baseline. One run after the other shows that it is not; that it is, only
//! versions that take turns show.

use common::clock;
use common::ids::AppId;
use common::slo::{Decision, Reason};
use common::verdict::{Confirmation, Figures, Verdict};

use crate::baseline::{Baseline, BaselineError};
use crate::compare::{Comparison, How, named, of_view};
use crate::history::History;
use crate::record::RunView;

/// Compares a run with its baseline; `None` where nothing was measured.
pub(super) fn compare(view: &RunView, baseline: Result<Baseline, BaselineError>) -> Result<Comparison, String> {
    let baseline = baseline.map_err(|error| error.to_string())?;
    let Some((started, history)) = view.started.as_ref().zip(view.history.clone()) else {
        return Err("nothing is known of earlier runs".to_owned());
    };
    let history: History = history.or_richer(Some(baseline.history.clone()));
    let sides = [baseline.side("the baseline"), of_view("this run", view, started)];
    Ok(Comparison::of(&sides, How::Sequential { history: &history }, clock::rfc3339(clock::unix_ms())))
}

/// Judges the routes of an app together: the claim holds if it holds for each.
pub(super) fn judge(compared: &Result<Comparison, String>, app: AppId) -> (Verdict, String) {
    let undecided = |reason, figures, observed: String, required: &str| {
        let required = required.to_owned();
        Verdict::Inconclusive { reason, figures, observed, required }
    };
    let compared = match compared {
        Ok(compared) => compared,
        Err(why) => {
            let required = "a baseline: `cargo xtask baseline save` after a stable run";
            return (undecided(Reason::NoBaseline, None, "no baseline".to_owned(), required), why.clone());
        }
    };
    let own: Vec<_> = compared.endpoints.iter().filter(|endpoint| endpoint.app == app).collect();
    let open: Vec<_> = own.iter().filter(|endpoint| endpoint.decision != Decision::Pass).collect();
    let shown = own.len() - open.len();
    let run = &compared.before.run;
    let line = format!("{shown} of {} routes are shown to be at most 20 % slower than in run {run}", own.len());
    let Some(figures) = Figures::counted("routes", own.len() as u64, open.len() as u64) else {
        return (Verdict::nothing_seen("routes to compare", "a route on both sides"), line);
    };
    let Some(first) = open.first() else {
        let why = "both sides are the probe's own samples".to_owned();
        return (Verdict::Pass { figures, second: Confirmation::SingleSource { why } }, line);
    };
    let why = first.why.clone().unwrap_or_else(|| "it is slower".to_owned());
    let line = format!("{line}; {}: {why}", named(first));
    let required =
        "five stable runs to know what differs anyway, or two targets that take turns: `cargo xtask compare`";
    (undecided(first.decision.reason(), Some(figures), format!("{} routes not shown", open.len()), required), line)
}
