//! ST5: the pages of the error budget over the windows that fit into the load.

use std::time::Duration;

use super::super::burn::{BURN_ALERTS, BURN_PERIOD, BurnAlert, BurnState, BurnWindow};
use super::StopFigures;
use super::rolling::Rolling;
use super::rules::StopRules;

/// The pages of one step. A window longer than the load is never looked at: it has no data.
#[derive(Debug)]
pub(super) struct Burning(Vec<Page>);

#[derive(Debug)]
struct Page {
    alert: BurnAlert,
    long_s: u64,
    long: Rolling,
    short: Rolling,
}

impl Burning {
    pub(super) fn new(rules: &StopRules, run: Duration) -> Self {
        let pages = BURN_ALERTS.into_iter().filter(|alert| alert.pages).filter_map(|alert| {
            let (long_s, short_s) = (rules.shrink(alert.long), rules.shrink(alert.short));
            (long_s <= run.as_secs()).then(|| Page {
                alert,
                long_s,
                long: Rolling::new(long_s),
                short: Rolling::new(short_s),
            })
        });
        Self(pages.collect())
    }

    pub(super) fn push(&mut self, n: u64, k: u64) {
        for page in &mut self.0 {
            page.long.push(n, k);
            page.short.push(n, k);
        }
    }

    /// The first page that fires, with its figures in words.
    pub(super) fn page(&self, budget_ppm: u64) -> Option<(StopFigures, String)> {
        self.0.iter().filter(|page| page.long.is_full()).find_map(|page| {
            let long = BurnWindow { bad: page.long.k(), total: page.long.n() };
            let short = BurnWindow { bad: page.short.k(), total: page.short.n() };
            if page.alert.state(long, short, budget_ppm) != BurnState::Fires {
                return None;
            }
            let factor = page.alert.factor(BURN_PERIOD);
            let what = format!(
                "{} errors in {} requests of {} s and {} in {} of the last part use up the error budget more than {factor} times too fast",
                long.bad, long.total, page.long_s, short.bad, short.total
            );
            let figures = StopFigures { window_s: page.long_s, n: long.total, k: long.bad, ..StopFigures::default() };
            Some((figures, what))
        })
    }
}
