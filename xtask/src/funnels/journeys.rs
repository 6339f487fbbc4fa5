//! Journeys as data: a suite's scenario walked again and again by one user, one journey after the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use common::ids::AppId;
use common::load::{self, Journey, JourneyHop, LiveWindow, LoadError, LoadOptions, LoadReport};
use common::scenario::Scenario;

use crate::record::Hop;
use crate::run::{Gauge, Run, RunError};
use crate::suites;
use crate::ui::LoadPlan;

/// Failed journeys without a good one after which no more are begun.
const ENOUGH_FAILURES: u64 = 5;
/// Journeys that take longer than their pace are still walked, one after the other, for this long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Walks a scenario `times`, at most once in each `pace`. `Err` is why not a single request came to an end.
pub(super) async fn walk(
    run: &mut Run,
    app: AppId,
    id: &str,
    times: u64,
    pace: Duration,
) -> Result<(Scenario, Result<LoadReport, LoadError>), RunError> {
    let suite = suites::suite(app);
    let unknown = || RunError::Configuration(format!("{app} has no scenario {id}"));
    let times_u32 = u32::try_from(times).unwrap_or(u32::MAX);
    let scenario = suite.scenario(id).cloned().ok_or_else(unknown)?.constant_vus(1, pace * times_u32, pace);
    let stop = run.stop.child_token();
    let (first, last) = (scenario.steps.first(), scenario.steps.last());
    let watch = Watch {
        first: first.map_or_else(String::new, |step| step.name.clone()),
        last: last.map_or_else(String::new, |step| step.name.clone()),
        begun: AtomicU64::new(0),
        good: AtomicU64::new(0),
    };
    let stopper = stop.clone();
    let (ui, gauge) = (Arc::clone(&run.ui), Arc::new(Gauge::default()));
    let needle = Arc::clone(&gauge);
    let plan = LoadPlan { scenario: id.to_owned(), seconds: (pace * times_u32).as_secs_f64() };
    let on_window = move |window: &LiveWindow| {
        ui.load_window(&plan, window);
        ui.load_tick(needle.take(&plan.scenario, window));
        if watch.is_hopeless(window) {
            stopper.cancel();
        }
    };
    let options = LoadOptions {
        records: run.records(&scenario)?,
        journeys: usize::try_from(times).unwrap_or(usize::MAX),
        drain: PATIENCE,
        graceful_stop: PATIENCE + Duration::from_secs(10),
        stop,
        on_window: Some(Arc::new(on_window)),
        ..LoadOptions::default()
    };
    run.ui.load_started(id, &scenario.title, (pace * times_u32).as_secs_f64());
    let result = load::run(&scenario, &run.guard, options).await;
    run.ui.load_finished(id, gauge.whole());
    Ok((scenario, result))
}

/// Looks while journeys are walked whether any gets to its last step.
struct Watch {
    first: String,
    last: String,
    begun: AtomicU64,
    good: AtomicU64,
}

impl Watch {
    fn is_hopeless(&self, window: &LiveWindow) -> bool {
        let of = |name: &str| {
            let step = window.steps.iter().find(|step| step.name == name);
            step.map_or((0, 0), |step| (step.count, step.count - step.errors))
        };
        let (begun, good) = (of(&self.first).0, of(&self.last).1);
        let begun = self.begun.fetch_add(begun, Ordering::Relaxed) + begun;
        let good = self.good.fetch_add(good, Ordering::Relaxed) + good;
        good == 0 && begun > ENOUGH_FAILURES
    }
}

/// The first request of a journey that went wrong.
pub(super) fn broken(journey: &Journey) -> Option<&JourneyHop> {
    journey.hops.iter().find(|hop| hop.error.is_some())
}

/// What went wrong at a request: `A6 listing (status 500 instead of 201)`.
pub(super) fn in_words(hop: &JourneyHop) -> String {
    let why = hop.error.as_deref().unwrap_or("no reason");
    format!("{} {} ({why})", hop.app, hop.step.replace('_', " "))
}

/// The requests of a journey as the record keeps them.
pub(super) fn hops(journey: &Journey) -> Vec<Hop> {
    let hop = |hop: &JourneyHop| Hop {
        app: hop.app,
        name: hop.step.replace('_', " "),
        request: format!("{} {}", hop.method, path(&hop.url)),
        status: hop.status.unwrap_or(0),
        ms: common::units::Micros(hop.duration_us).as_ms(),
        ok: hop.error.is_none(),
        error: hop.error.clone(),
    };
    journey.hops.iter().map(hop).collect()
}

fn path(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.find('/').map_or("/", |at| &after_scheme[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_an_address_is_what_follows_its_host() {
        assert_eq!(path("http://127.0.0.1:7106/api/listings"), "/api/listings");
        assert_eq!(path("http://127.0.0.1:7106"), "/");
    }
}
