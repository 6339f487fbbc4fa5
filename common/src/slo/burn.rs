//! Burn rate: how fast errors use up the budget that a service level leaves, and the alerts on it.
//!
//! An alert fires when a long and a short window both burn faster than its factor (Google, Site Reliability Workbook,
//! chapter 5; the ticket of one day is Sloth's). Shares are compared as integers, so that "exactly at the factor" does
//! not fire by a rounding error.

use std::time::Duration;

use super::interval::Interval;
use super::proportion::hull;

/// The period that a budget is for.
pub const BURN_PERIOD: Duration = Duration::from_secs(30 * 24 * 3_600);
/// With fewer bad events than this in the short window, no guarded alert fires.
const LEAST_BAD_SHORT: u64 = 2;
/// The same of the long window.
const LEAST_BAD_LONG: u64 = 5;

/// Counts of one window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BurnWindow {
    /// Events that used budget.
    pub bad: u64,
    /// All events.
    pub total: u64,
}

/// An alert on two windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BurnAlert {
    /// `page_fast`, `page_slow`, `ticket_fast`, `ticket_slow`.
    pub name: &'static str,
    /// True if it wakes somebody; such an alert stops a load.
    pub pages: bool,
    /// The window that shows that it matters.
    pub long: Duration,
    /// The window that shows that it still goes on: a twelfth of the long one.
    pub short: Duration,
    /// The share of the budget that is used up in the long window at the alert's factor, in thousandths.
    pub budget_permille: u64,
}

/// The usual four for a period of 30 days: factors 14.4, 6, 3 and 1.
pub const BURN_ALERTS: [BurnAlert; 4] = [
    alert("page_fast", true, 3_600, 20),
    alert("page_slow", true, 6 * 3_600, 50),
    alert("ticket_fast", false, 24 * 3_600, 100),
    alert("ticket_slow", false, 72 * 3_600, 100),
];

const fn alert(name: &'static str, pages: bool, long_s: u64, budget_permille: u64) -> BurnAlert {
    let (long, short) = (Duration::from_secs(long_s), Duration::from_secs(long_s / 12));
    BurnAlert { name, pages, long, short, budget_permille }
}

/// What an alert says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BurnState {
    /// Both windows burn faster than the factor, on enough bad events.
    Fires,
    /// Both windows burn faster, but on so few events that one more or less would change it.
    TooFew,
    /// At least one window does not.
    Quiet,
    /// A window holds no event at all: there is nothing to say, which is not the same as quiet.
    NoData,
}

impl BurnAlert {
    /// How many times faster than the budget allows: `budget share x period / long window`.
    #[must_use]
    pub fn factor(&self, period: Duration) -> f64 {
        burn_factor(self.budget_permille as f64 / 1_000.0, period, self.long)
    }

    /// Compares both windows with the factor for a period of 30 days. `budget_ppm` is the share of events that may be
    /// bad, in millionths: 10,000 for "fewer than 1 %".
    #[must_use]
    pub fn state(&self, long: BurnWindow, short: BurnWindow, budget_ppm: u64) -> BurnState {
        if long.total == 0 || short.total == 0 {
            return BurnState::NoData;
        }
        let over = |window: BurnWindow| {
            let seen = u128::from(window.bad) * 1_000_000 * 1_000 * u128::from(self.long.as_secs());
            let allowed = u128::from(window.total) * u128::from(budget_ppm) * u128::from(self.budget_permille);
            seen > allowed * u128::from(BURN_PERIOD.as_secs())
        };
        match over(long) && over(short) {
            true if short.bad >= LEAST_BAD_SHORT && long.bad >= LEAST_BAD_LONG => BurnState::Fires,
            true => BurnState::TooFew,
            false => BurnState::Quiet,
        }
    }
}

impl BurnWindow {
    /// `(bad / total) / budget`; `None` without events. `budget` is the share that may be bad, in `0..1`.
    #[must_use]
    pub fn rate(self, budget: f64) -> Option<f64> {
        (self.total > 0).then(|| self.bad as f64 / self.total as f64 / budget)
    }
}

/// What is left of an error budget.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Budget {
    /// Bad events that the period allows at the rate of events so far.
    pub events: f64,
    /// The share of them that is used; above 1 when the budget is overdrawn.
    pub used: f64,
    /// Minutes of total outage that the period allows.
    pub minutes: f64,
    /// Days until nothing is left at the burn so far; 0 if nothing is, `None` if nothing burns.
    pub days_left: Option<f64>,
    /// Burn since the beginning.
    pub burn: f64,
    /// The 95 % interval of the burn: the hull of the share of bad events over the budget.
    pub interval: Interval,
}

impl Budget {
    /// The budget of a `period` after `elapsed` of it; `budget` is the share that may be bad, in `0..1`. `None` without
    /// events or time.
    #[must_use]
    pub fn after(seen: BurnWindow, budget: f64, elapsed: Duration, period: Duration) -> Option<Self> {
        let burn = seen.rate(budget).filter(|_| !elapsed.is_zero())?;
        let (bad, total) = (seen.bad as f64, seen.total as f64);
        let events = budget * total * (period.as_secs_f64() / elapsed.as_secs_f64());
        let used = bad / events;
        let days = period.as_secs_f64() / 86_400.0;
        let share = hull(bad, total, 0.95);
        Some(Self {
            events,
            used,
            minutes: budget * period.as_secs_f64() / 60.0,
            days_left: (burn > 0.0).then(|| ((1.0 - used) * days / burn).max(0.0)),
            burn,
            interval: Interval { lower: share.lower / budget, upper: share.upper / budget },
        })
    }
}

/// `budget_fraction x period / long window`.
#[must_use]
pub fn burn_factor(budget_fraction: f64, period: Duration, long: Duration) -> f64 {
    budget_fraction * period.as_secs_f64() / long.as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burn_of_exactly_the_factor_does_not_fire() {
        let page = BURN_ALERTS[0];
        let short = BurnWindow { bad: 600, total: 600 };
        let at = BurnWindow { bad: 864, total: 60_000 };
        assert_eq!(page.state(at, short, 1_000), BurnState::Quiet);
        assert_eq!(page.state(BurnWindow { bad: 865, ..at }, short, 1_000), BurnState::Fires);
    }

    #[test]
    fn without_events_an_alert_is_not_quiet_but_blind() {
        let none = BurnWindow::default();
        assert_eq!(BURN_ALERTS[0].state(none, none, 1_000), BurnState::NoData);
    }

    #[test]
    fn the_factors_are_those_of_the_workbook() {
        let factors = BURN_ALERTS.map(|alert| (alert.factor(BURN_PERIOD) * 10.0).round() / 10.0);
        assert!(
            factors.iter().zip([14.4, 6.0, 3.0, 1.0]).all(|(got, known)| (got - known).abs() < 1e-9),
            "{factors:?}"
        );
    }
}
