//! What a criterion needs of one claim, and how the ruling on it counts.

use common::ids::{AppId, TraceId};
use common::verdict::{Aspect, Confirmation, Ruling, Verdict};

use super::{Criterion, Rest, Standing};
use crate::record::RunView;
use crate::report::{claims, select};

/// Of a claim without a ruling.
const UNRULED: &str = "no ruling in this run; cargo xtask ecosystem tries it";

/// How many sources a pass must have to count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sources {
    /// The claim can be seen from one side only, or reads its effects back itself.
    One,
    /// A second source must have agreed.
    Two,
}

/// A claim that a criterion needs. What begins with `.` is its end: whose claim it is follows from who was blamed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Need(pub(super) &'static str, pub(super) Sources);

/// A criterion that rests on claims.
pub(super) fn criterion(
    view: &RunView,
    text: &'static str,
    needs: &[Need],
    files: &[&'static str],
    traces: Vec<TraceId>,
) -> Criterion {
    let own = needs.iter().flat_map(|need| ruled(view, *need));
    let shown = own.filter(|ruling| ruling.verdict.is_fail()).flat_map(|ruling| select::traces(ruling).iter().copied());
    Criterion {
        text,
        rests: needs.iter().flat_map(|need| rests(view, *need)).collect(),
        files: files.to_vec(),
        traces: claims::once(shown.chain(traces)),
    }
}

fn ruled(view: &RunView, Need(id, _): Need) -> Vec<&Ruling> {
    if id.starts_with('.') {
        return view.rulings.iter().filter(|ruling| ruling.claim.id.ends_with(id)).collect();
    }
    claims::ruled(view, id).into_iter().collect()
}

fn rests(view: &RunView, need: Need) -> Vec<Rest> {
    let Need(id, sources) = need;
    let own = ruled(view, need);
    if own.is_empty() {
        let what = id.trim_start_matches('.').to_owned();
        return vec![Rest { what, standing: Standing::NotTried, why: UNRULED.to_owned() }];
    }
    let named = |rest: Rest| if id.starts_with('.') { rest } else { Rest { what: id.to_owned(), ..rest } };
    own.into_iter().map(|ruling| named(rest(ruling, sources))).collect()
}

/// How a ruling counts.
pub(super) fn rest(ruling: &Ruling, sources: Sources) -> Rest {
    let (standing, why) = match &ruling.verdict {
        Verdict::Pass { second: Confirmation::Agreed(_), .. } => {
            (Standing::Met, format!("{} (two sources)", ruling.explanation))
        }
        Verdict::Pass { .. } if sources == Sources::One => (Standing::Met, ruling.explanation.clone()),
        Verdict::Pass { second: Confirmation::SingleSource { why }, .. } => {
            (Standing::Undecided, format!("passed from one source only, and two are needed: {why}"))
        }
        Verdict::Fail { .. } => (Standing::NotMet, ruling.explanation.clone()),
        Verdict::Inconclusive { required, .. } => {
            (Standing::Undecided, format!("{}; needed: {required}", ruling.explanation))
        }
        Verdict::Held { action, grant } => (Standing::Held, format!("waits for a person: {action}; {grant}")),
        Verdict::Skipped { reason } => (Standing::NotTried, reason.clone()),
    };
    Rest { what: ruling.claim.id.clone(), standing, why }
}

/// The smoke service levels of an app: errors and latency, each from two sources.
pub(super) fn smoke(view: &RunView, app: AppId) -> Vec<Rest> {
    [(Aspect::Errors, "errors"), (Aspect::Latency, "P95")].into_iter().flat_map(|of| levels(view, app, of)).collect()
}

fn levels(view: &RunView, app: AppId, (aspect, name): (Aspect, &str)) -> Vec<Rest> {
    let of = |ruling: &&Ruling| {
        let claim = &ruling.claim;
        claim.phase == 1 && claim.app == app && claim.kind == "slo" && Aspect::of(ruling) == aspect
    };
    let own: Vec<Rest> = view.rulings.iter().filter(of).map(|ruling| rest(ruling, Sources::Two)).collect();
    if own.is_empty() {
        let what = format!("{app} smoke, {name}");
        return vec![Rest { what, standing: Standing::NotTried, why: UNRULED.to_owned() }];
    }
    own
}
