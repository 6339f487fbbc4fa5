//! Error budgets: factors, what is used of a budget, and which alerts fire.

use std::time::Duration;

use serde_json::Value;

use super::super::{BURN_ALERTS, Budget, BurnState, BurnWindow, burn_factor};
use super::inputs::list;
use super::{Report, Tolerance, Unusable, count, number, text};

/// The longest series a case may spell out, in minutes: a decade.
const MAX_MINUTES: u64 = 5_256_000;

pub(super) fn burn_rate(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let (expect, tolerance) = (&case["expect"], Tolerance::of(&report.tolerance["burn"])?);
    match text(case, "kind")? {
        "factor" => {
            let long = Duration::from_secs(count(case, "long_window_s")?);
            let factor = burn_factor(number(case, "budget_fraction")?, days(case, "period_days")?, long);
            report.near("factor", Some(factor), &expect["factor"], tolerance);
            Ok(())
        }
        "budget" => budget(case, report),
        "windows" => {
            let window = |name: &str| {
                let pair = &case["windows"][name];
                Some(BurnWindow { bad: pair[0].as_u64()?, total: pair[1].as_u64()? })
            };
            alerts(case, &window, report)
        }
        "series" => {
            let minutes = minutes(case)?;
            alerts(case, &|name| in_last(&minutes, name), report)
        }
        other => Err(Unusable::new(format!("no kind `{other}` of burn rate"))),
    }
}

fn days(case: &Value, field: &str) -> Result<Duration, Unusable> {
    let seconds = number(case, field)? * 86_400.0;
    Duration::try_from_secs_f64(seconds).map_err(|error| Unusable::new(format!("`{field}`: {error}")))
}

fn budget(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let seen = BurnWindow { bad: count(case, "bad")?, total: count(case, "total")? };
    let budget = 1.0 - number(case, "slo")?;
    let left = Budget::after(seen, budget, days(case, "elapsed_days")?, days(case, "period_days")?)
        .ok_or_else(|| Unusable::new("a budget without events"))?;
    let (expect, tolerance) = (&case["expect"], Tolerance::of(&report.tolerance["budget"])?);
    report.near("burn_rate", Some(left.burn), &expect["burn_rate"], tolerance);
    report.near("events", Some(left.events), &expect["period_budget_events"], tolerance);
    report.near("used", Some(left.used), &expect["budget_used_fraction"], tolerance);
    report.near("minutes", Some(left.minutes), &expect["budget_minutes"], tolerance);
    report.near("days", left.days_left, &expect["days_to_exhaustion"], tolerance);
    report.bounds("burn_ci", left.interval, &expect["burn_ci"], tolerance);
    Ok(())
}

/// Every minute of a series that is written as runs of equal ones: how many, bad, total.
fn minutes(case: &Value) -> Result<Vec<BurnWindow>, Unusable> {
    let mut minutes = Vec::new();
    let told = count(case, "t_minutes")?;
    for run in list(case, "minutes")? {
        let [Some(times), Some(bad), Some(total)] = [0, 1, 2].map(|at| run[at].as_u64()) else {
            return Err(Unusable::new("a run of minutes that is not three counts"));
        };
        let times = usize::try_from(times.min(MAX_MINUTES)).unwrap_or_default();
        minutes.extend(std::iter::repeat_n(BurnWindow { bad, total }, times));
        if minutes.len() as u64 > told.min(MAX_MINUTES) {
            break;
        }
    }
    (minutes.len() as u64 == told).then_some(minutes).ok_or_else(|| Unusable::new("a series of another length"))
}

/// Sums the last minutes; `None` if the series is shorter than the window.
fn in_last(minutes: &[BurnWindow], window: &str) -> Option<BurnWindow> {
    let (number, unit) = window.split_at(window.len().checked_sub(1)?);
    let in_unit = match unit {
        "d" => 1_440,
        "h" => 60,
        _ => 1,
    };
    let length = number.parse::<usize>().ok()? * in_unit;
    let last = minutes.get(minutes.len().checked_sub(length)?..)?;
    let sum = |of: fn(&BurnWindow) -> u64| last.iter().map(of).fold(0, u64::saturating_add);
    Some(BurnWindow { bad: sum(|minute| minute.bad), total: sum(|minute| minute.total) })
}

/// A window's name, `30m`, `6h` or `3d`.
fn named(length: Duration) -> String {
    let minutes = length.as_secs() / 60;
    if minutes.is_multiple_of(1_440) {
        format!("{}d", minutes / 1_440)
    } else if minutes.is_multiple_of(60) {
        format!("{}h", minutes / 60)
    } else {
        format!("{minutes}m")
    }
}

fn alerts(case: &Value, window: &dyn Fn(&str) -> Option<BurnWindow>, report: &mut Report<'_>) -> Result<(), Unusable> {
    let slo = number(case, "slo")?;
    let budget_ppm = ((1.0 - slo) * 1e6).round() as u64;
    let tolerance = Tolerance::of(&report.tolerance["burn"])?;
    for alert in BURN_ALERTS {
        let expect = &case["expect"]["alerts"][alert.name];
        let (Some(long), Some(short)) = (window(&named(alert.long)), window(&named(alert.short))) else {
            report.same(alert.name, (), &expect["fires"]);
            continue;
        };
        let state = alert.state(long, short, budget_ppm);
        report.same(alert.name, matches!(state, BurnState::Fires | BurnState::TooFew), &expect["fires"]);
        if !expect["fires_guarded"].is_null() {
            report.same(alert.name, state == BurnState::Fires, &expect["fires_guarded"]);
        }
        report.near("burn_long", long.rate(1.0 - slo), &expect["burn_long"], tolerance);
        report.near("burn_short", short.rate(1.0 - slo), &expect["burn_short"], tolerance);
    }
    Ok(())
}
