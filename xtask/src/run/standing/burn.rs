//! The error budget: does any burn-rate alert fire in the run, minute by minute? A window longer than the run has no data,
//! which is not the same as quiet.

use std::collections::BTreeMap;
use std::time::Duration;

use common::clock;
use common::ids::AppId;
use common::slo::{BURN_ALERTS, BURN_PERIOD, Budget, BurnAlert, BurnState, BurnWindow, Reason};
use common::verdict::{Confirmation, Figures, Verdict};

use crate::cli::Profile;
use crate::record::RunView;
use crate::report::duration;

/// The share of requests that may fail, in millionths.
const BUDGET_PPM: u64 = 10_000;
/// The same as a share.
const BUDGET: f64 = 0.01;

/// Judges "SLO burn is 0": no alert fires in any minute, every alert whose window fits the run can be evaluated, and the
/// budget is not shown to burn faster than it may.
pub(super) fn judge(view: &RunView, app: AppId, profile: Profile) -> (Verdict, String) {
    let minutes = minutes(view, app);
    let all = sum(minutes.values());
    let elapsed = Duration::from_secs(60 * minutes.len() as u64);
    let Some(figures) = Figures::counted("requests", all.total, all.bad) else {
        return (Verdict::nothing_seen("requests", "some"), "no request was sent, so no budget can burn".into());
    };
    let fired: Vec<_> = BURN_ALERTS.iter().filter(|alert| fires(alert, &minutes)).collect();
    let fitting = BURN_ALERTS.iter().filter(|alert| alert.long <= elapsed).count();
    let budget = Budget::after(all, BUDGET, elapsed, BURN_PERIOD);
    let (burn, lower) = budget.map_or((0.0, 0.0), |budget| (budget.burn, budget.interval.lower));
    let line = format!(
        "{} of {} requests failed, burn {burn:.2} (at least {lower:.2}); {fitting} of {} alerts have a window that fits {}",
        all.bad,
        all.total,
        BURN_ALERTS.len(),
        duration(elapsed.as_secs_f64())
    );
    if let Some(alert) = fired.iter().find(|alert| alert.pages) {
        return (Verdict::Fail { figures, traces: Vec::new() }, format!("{line}; {} fires", alert.name));
    }
    let shortest = BURN_ALERTS.iter().map(|alert| alert.long).min().unwrap_or_default();
    let undecided = |reason, observed: String, required: String| Verdict::Inconclusive {
        reason,
        figures: Some(figures.clone()),
        observed,
        required,
    };
    let verdict = if fitting == 0 {
        let how = if profile == Profile::Full { "a longer run" } else { "`--profile full`" };
        let lasts = |of: Duration| duration(of.as_secs_f64());
        undecided(Reason::TooFew, format!("{} of load", lasts(elapsed)), format!("{} of load: {how}", lasts(shortest)))
    } else if !fired.is_empty() || burn > 1.0 || lower >= 1.0 {
        undecided(Reason::Straddles, format!("burn {burn:.2}"), "a burn of at most 1, and no ticket".to_owned())
    } else {
        let why = "the second source confirms the requests that it rests on".to_owned();
        Verdict::Pass { figures: figures.clone(), second: Confirmation::SingleSource { why } }
    };
    (verdict, line)
}

/// The app's requests by minute of the clock, over all loads.
fn minutes(view: &RunView, app: AppId) -> BTreeMap<i64, BurnWindow> {
    let mut minutes: BTreeMap<i64, BurnWindow> = BTreeMap::new();
    let own = view.figures.iter().chain(view.shapes.iter().map(|shape| &shape.figures));
    for figures in own.filter(|figures| figures.app == app) {
        let Ok(began_ms) = clock::parse_rfc3339(&figures.started_at) else { continue };
        for second in &figures.series {
            let minute = minutes.entry((began_ms + i64::from(second.t_s) * 1_000) / 60_000).or_default();
            minute.bad += second.errors;
            minute.total += second.requests;
        }
    }
    minutes
}

fn sum<'a>(minutes: impl Iterator<Item = &'a BurnWindow>) -> BurnWindow {
    minutes.fold(BurnWindow::default(), |sum, minute| BurnWindow {
        bad: sum.bad + minute.bad,
        total: sum.total + minute.total,
    })
}

/// True if the alert fires at the end of any minute that its long window fits before.
fn fires(alert: &BurnAlert, minutes: &BTreeMap<i64, BurnWindow>) -> bool {
    let Some(first) = minutes.keys().next().copied() else { return false };
    let span = |of: Duration| i64::try_from(of.as_secs() / 60).unwrap_or(i64::MAX);
    let (long, short) = (span(alert.long), span(alert.short));
    minutes.keys().filter(|now| **now - first + 1 >= long).any(|now| {
        let window = |length: i64| sum(minutes.range(now - length + 1..=*now).map(|(_, minute)| minute));
        alert.state(window(long), window(short), BUDGET_PPM) == BurnState::Fires
    })
}
