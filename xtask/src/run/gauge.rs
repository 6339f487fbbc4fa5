//! Several loads as one needle: what a person watches while they run side by side.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use common::load::LiveWindow;

use crate::ui::Tick;

/// The newest second of each load, and the sums of all.
#[derive(Debug, Default)]
pub(crate) struct Gauge(Mutex<BTreeMap<String, (LiveWindow, Sums)>>);

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    requests: u64,
    errors: u64,
    worst_p95_ms: f64,
    most_vus: u32,
}

impl Gauge {
    /// Takes a load's second and gives the state of all.
    pub(crate) fn take(&self, scenario: &str, window: &LiveWindow) -> Tick {
        let mut loads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sums = loads.get(scenario).map(|(_, sums)| *sums).unwrap_or_default();
        let sums = Sums {
            requests: sums.requests + window.steps.iter().map(|step| step.count).sum::<u64>(),
            errors: sums.errors + window.steps.iter().map(|step| step.errors).sum::<u64>(),
            worst_p95_ms: sums.worst_p95_ms.max(window.p95_ms.unwrap_or(0.0)),
            most_vus: sums.most_vus.max(window.vus),
        };
        loads.insert(scenario.to_owned(), (window.clone(), sums));
        let now = loads.values().map(|(window, _)| window);
        let requests: u64 = now.clone().map(|window| window.rps).sum();
        let errors: u64 = now.clone().flat_map(|window| &window.steps).map(|step| step.errors).sum();
        Tick {
            elapsed_s: as_f64(now.clone().map(|window| window.elapsed_s).max().unwrap_or(0)),
            vus: now.clone().map(|window| window.vus).sum(),
            rps: as_f64(requests),
            p95_ms: now.clone().filter_map(|window| window.p95_ms).fold(0.0, f64::max),
            error_pct: percent(errors, requests),
            dropped: now.map(|window| window.dropped).sum(),
        }
    }

    /// All seconds of all loads: the most users, requests per second on average, the worst second's P95.
    pub(crate) fn whole(&self) -> Tick {
        let loads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed_s = as_f64(loads.values().map(|(window, _)| window.elapsed_s).max().unwrap_or(0));
        let requests: u64 = loads.values().map(|(_, sums)| sums.requests).sum();
        let errors: u64 = loads.values().map(|(_, sums)| sums.errors).sum();
        Tick {
            elapsed_s,
            vus: loads.values().map(|(_, sums)| sums.most_vus).sum(),
            rps: if elapsed_s > 0.0 { as_f64(requests) / elapsed_s } else { 0.0 },
            p95_ms: loads.values().map(|(_, sums)| sums.worst_p95_ms).fold(0.0, f64::max),
            error_pct: percent(errors, requests),
            dropped: loads.values().map(|(window, _)| window.dropped).sum(),
        }
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { as_f64(part) * 100.0 / as_f64(whole) }
}

fn as_f64(value: u64) -> f64 {
    u32::try_from(value).map_or(f64::from(u32::MAX), f64::from)
}
