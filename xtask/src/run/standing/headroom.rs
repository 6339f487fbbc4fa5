//! Room for growth: the P95 of each route of the baseline within 80 % of its limit.

use common::ids::AppId;
use common::slo::{Decision, Judgement, Quantile, Reason, Terms, headroom_limit_us, latency_headroom};
use common::units::Micros;
use common::verdict::{Aspect, Confirmation, Figures, Verdict};

use crate::history::{EndpointKey, keyed};
use crate::record::{RouteFigures, RunView};

/// One route with what its samples say about its headroom.
struct Judged<'a> {
    figures: &'a RouteFigures,
    judgement: Judgement,
    /// True if the P95 itself was shown to be within its limit.
    passes: bool,
}

/// Judges the routes of an app together: the claim holds if it holds for each.
pub(super) fn judge(view: &RunView, app: AppId) -> (Verdict, String) {
    let belongs = |figures: &RouteFigures| {
        let known = figures.tags.iter().any(|tag| tag.starts_with("known_issue:"));
        figures.app == app && figures.phase == 2 && figures.window.is_some() && !known
    };
    let keyed = keyed(view).into_iter().filter(|(_, figures)| belongs(figures));
    let first: Vec<_> = keyed.map(|(key, figures)| judged(view, &key, figures)).collect();
    let Some(worst) = first.iter().min_by(|a, b| room(a.figures).total_cmp(&room(b.figures))) else {
        let verdict = Verdict::nothing_seen("requests of a baseline", "a baseline");
        return (verdict, "no baseline was measured, so its headroom is not known".into());
    };
    let line = format!(
        "{}; {} of {} routes are shown to leave a fifth free",
        told(worst),
        first.iter().filter(|one| one.shown()).count(),
        first.len()
    );
    let decisive = first.iter().find(|one| one.judgement.decision == Decision::Fail);
    let Some(open) = decisive.or_else(|| first.iter().find(|one| !one.shown())) else {
        let why = "it rests on the samples of the P95 claims, which the second source confirms".to_owned();
        return match figures(worst) {
            Some(figures) => (Verdict::Pass { figures, second: Confirmation::SingleSource { why } }, line),
            None => (Verdict::nothing_seen("requests", "a baseline"), line),
        };
    };
    let again = view.figures.iter().filter(|figures| figures.attempt == 2 && same(figures, open.figures));
    let confirmed = again.map(judgement).any(|judgement| judgement.decision == Decision::Fail);
    if open.judgement.decision == Decision::Fail
        && confirmed
        && let Some(figures) = figures(open)
    {
        let traces = open.figures.slowest.iter().map(|exemplar| exemplar.trace_id).collect();
        return (Verdict::Fail { figures, traces }, format!("{}, in two windows", told(open)));
    }
    (undecided(open), format!("{line}; not shown: {}", told(open)))
}

impl Judged<'_> {
    fn shown(&self) -> bool {
        self.judgement.decision == Decision::Pass && self.passes
    }
}

fn judged<'a>(view: &RunView, key: &EndpointKey, figures: &'a RouteFigures) -> Judged<'a> {
    let p95 = view.rulings.iter().find(|ruling| {
        let own = ruling.claim.id.ends_with(&format!("{}.{}", key.scenario, key.route));
        own && Aspect::of(ruling) == Aspect::Latency
    });
    let passes = p95.is_some_and(|ruling| ruling.verdict.is_pass());
    Judged { figures, judgement: judgement(figures), passes }
}

fn judgement(figures: &RouteFigures) -> Judgement {
    let limit_us = Micros::from_ms(limit_ms(figures)).0;
    latency_headroom(&figures.samples.to_us(), limit_us, Quantile::P95, Terms::default())
}

fn undecided(open: &Judged<'_>) -> Verdict {
    let (reason, observed, required) = match open.judgement.decision {
        Decision::Fail => {
            (Reason::Unconfirmed, "one window of measurement", "a second window that shows it".to_owned())
        }
        Decision::Pass => {
            (Reason::UndecidedStability, "a P95 that is not shown by itself", "a P95 that is shown".to_owned())
        }
        Decision::Undecided(reason) => {
            let needed = open.judgement.samples_needed.map(|more| open.judgement.n + more);
            let needed = needed.map_or_else(|| "more samples".to_owned(), |n| format!("{n} samples at this rate"));
            (reason, "a P95 near 80 % of its limit, or few samples", needed)
        }
    };
    let observed = format!("{}: {observed}", open.figures.route);
    Verdict::Inconclusive { reason, figures: figures(open), observed, required }
}

fn figures(of: &Judged<'_>) -> Option<Figures> {
    let counted = Figures::counted("requests", of.judgement.n, of.judgement.k)?;
    Some(Figures { judgement: Some(of.judgement), ..counted })
}

/// `P95 of POST /register 41.2 ms of 150 ms`.
fn told(of: &Judged<'_>) -> String {
    let (route, p95, limit) = (&of.figures.route, of.figures.response.p95_ms, of.figures.response.limit_ms);
    let free = Micros(headroom_limit_us(Micros::from_ms(limit_ms(of.figures)).0)).as_ms();
    format!("P95 of {route} {p95:.1} ms, {free:.0} ms leave a fifth of {limit:.0} ms free")
}

fn same(a: &RouteFigures, b: &RouteFigures) -> bool {
    a.scenario == b.scenario && a.route == b.route
}

/// The free share of the limit.
fn room(figures: &RouteFigures) -> f64 {
    1.0 - figures.response.p95_ms / figures.response.limit_ms.max(1.0)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "limits are whole milliseconds")]
fn limit_ms(figures: &RouteFigures) -> u64 {
    figures.response.limit_ms.max(0.0) as u64
}
