//! Made-up runs for tests: latencies from a fixed generator, everything else from the recorded run.

use std::sync::OnceLock;

use common::ids::{AppId, RunId};
use common::load::PackedSamples;
use common::slo::{Quantile, QuantileSample, Stability, WindowReport, quantile_ratio};

use crate::record::{RouteFigures, RunView};
use crate::report::fixture;

/// `20261101t000007-5e8d0000` for 7: later numbers are newer.
pub(crate) fn run_id(number: u32) -> RunId {
    format!("20261101t{number:06}-5e8d0000").parse().unwrap()
}

/// The recorded run, made once.
fn recorded() -> &'static RunView {
    static RECORDED: OnceLock<RunView> = OnceLock::new();
    RECORDED.get_or_init(fixture::view)
}

/// A run that ended and measured this.
pub(crate) fn run(number: u32, figures: Vec<RouteFigures>) -> RunView {
    let recorded = recorded();
    let mut started = recorded.started.clone().unwrap();
    started.run_id = run_id(number);
    RunView {
        started: Some(started),
        inventory: recorded.inventory.clone(),
        finished: recorded.finished.clone(),
        figures,
        ..RunView::default()
    }
}

/// A stable load on one route of A6.
pub(crate) fn load(samples: Vec<u32>) -> RouteFigures {
    let template = recorded().figures.iter().find(|figures| figures.app == AppId::A6 && figures.phase == 2).unwrap();
    let us: Vec<u64> = samples.iter().map(|us| u64::from(*us)).collect();
    let side = QuantileSample::of(&us, Quantile::P50, 1.0);
    RouteFigures {
        scenario: "a6_register".into(),
        requests: us.len() as u64,
        errors: 0,
        tau: side.tau(),
        window: Some(WindowReport {
            stability: Stability::Stable,
            flaws: Vec::new(),
            medians: quantile_ratio(&side, &side, 0.95, None),
        }),
        samples: PackedSamples(samples),
        ..template.clone()
    }
}

/// Independent latencies in microseconds around a median, lognormal with a spread of 0.32.
pub(crate) fn latencies(seed: u64, n: u32, median_ms: f64) -> Vec<u32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x51af_d7ed_558c_cd00;
    let mut uniform = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX)
    };
    let mut normal = move || (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
    (0..n).map(|_| format!("{:.0}", median_ms * 1_000.0 * (0.32 * normal()).exp()).parse().unwrap()).collect()
}
