//! Which rates are published, how each is rerun, and what is shown of it.

use common::slo::golden::{Check, Unusable, text};
use serde_json::Value;

use super::figure::{Effort, Figure};
use super::{exact, simulated};

/// Reruns a cell.
type Rerun = fn(&Value, Effort) -> Result<Vec<Figure>, Unusable>;

/// One table of published rates.
pub(super) struct Experiment {
    /// The name in the cells.
    pub(super) name: &'static str,
    /// The name in the document.
    pub(super) title: &'static str,
    /// The figures that the document shows; all are compared.
    pub(super) shown: &'static [&'static str],
    /// True if it is simulated.
    pub(super) by_chance: bool,
    rerun: Rerun,
}

/// All tables, in the order of the document.
pub(super) const EXPERIMENTS: &[Experiment] = &[
    Experiment {
        name: "p95_verdict_exact_iid",
        title: "P95 within 150 ms, independent samples",
        shown: &["PASS", "FAIL", "point_FAIL"],
        by_chance: false,
        rerun: |cell, _| exact::p95_verdict(cell),
    },
    Experiment {
        name: "p95_verdict_mc",
        title: "P95 within 150 ms, correlated samples",
        shown: &["naive.PASS", "naive.FAIL", "adj.PASS", "adj.FAIL", "adj_prior.PASS", "adj_prior.FAIL"],
        by_chance: true,
        rerun: simulated::p95_verdict,
    },
    Experiment {
        name: "quantile_ci_coverage",
        title: "Coverage of the 95 % interval of a quantile",
        shown: &["naive", "adjusted", "mean_tau"],
        by_chance: true,
        rerun: simulated::quantile_coverage,
    },
    Experiment {
        name: "error_rate_exact",
        title: "Error rate below 1 %",
        shown: &[
            "hull.pass_max_k",
            "hull.fail_min_k",
            "hull.0.005.PASS",
            "hull.0.01.PASS",
            "hull.0.01.FAIL",
            "hull.0.02.FAIL",
        ],
        by_chance: false,
        rerun: |cell, _| exact::error_rate(cell),
    },
    Experiment {
        name: "proportion_coverage_exact",
        title: "Coverage of the 95 % interval of a share",
        shown: &["wilson.two_sided", "wilson_cc.two_sided", "cp.two_sided", "hull.two_sided"],
        by_chance: false,
        rerun: |cell, _| exact::proportion_coverage(cell),
    },
];

/// The experiment that a cell belongs to.
pub(super) fn of(cell: &Value) -> Result<&'static Experiment, Unusable> {
    let name = text(cell, "experiment")?;
    let found = EXPERIMENTS.iter().find(|experiment| experiment.name == name);
    found.ok_or_else(|| Unusable::new(format!("no experiment `{name}`")))
}

/// Reruns a cell.
pub(super) fn rerun(cell: &Value, effort: Effort) -> Result<Vec<Figure>, Unusable> {
    (of(cell)?.rerun)(cell, effort)
}

/// Compares a cell of a golden file of the kind `calibration`.
pub(super) const CALIBRATION: (&str, Check) = ("calibration", |cell, report| {
    for figure in rerun(cell, Effort::Full)? {
        let Figure { name, published, got, .. } = &figure;
        report.compare(name, figure.agrees(), told(*got), told(*published));
    }
    Ok(())
});

/// A figure in words, `null` where it does not exist.
fn told(figure: Option<f64>) -> String {
    figure.map_or_else(|| "null".to_owned(), |figure| figure.to_string())
}
