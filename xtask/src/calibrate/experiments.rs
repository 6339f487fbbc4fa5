//! Which rates are published, how each is rerun, and what is shown of it.

use common::slo::golden::{Unusable, text};
use serde_json::Value;

use super::figure::{Effort, Figure};
use super::{duet, exact, looks, ratios, simulated, windows};

/// Reruns a cell.
type Rerun = fn(&Value, Effort) -> Result<Vec<Figure>, Unusable>;

/// One table of published rates.
pub(super) struct Experiment {
    /// The name in the cells.
    pub(super) name: &'static str,
    /// The name in the document.
    pub(super) title: &'static str,
    /// What the document says of it.
    pub(super) about: &'static str,
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
        about: "*point_FAIL* goes by the sample's P95 alone.",
        shown: &["PASS", "FAIL", "point_FAIL"],
        by_chance: false,
        rerun: |cell, _| exact::p95_verdict(cell),
    },
    Experiment {
        name: "p95_verdict_mc",
        title: "P95 within 150 ms, correlated samples",
        about: "Where slow runs are long and samples few, the samples alone do not show it; history does.",
        shown: &["naive.PASS", "naive.FAIL", "adj.PASS", "adj.FAIL", "adj_prior.PASS", "adj_prior.FAIL"],
        by_chance: true,
        rerun: simulated::p95_verdict,
    },
    Experiment {
        name: "quantile_ci_coverage",
        title: "Coverage of the 95 % interval of a quantile",
        about: "*mean_tau* is the mean autocorrelation time: so many samples are worth one independent one.",
        shown: &["naive", "adjusted", "mean_tau"],
        by_chance: true,
        rerun: simulated::quantile_coverage,
    },
    Experiment {
        name: "ratio_mover",
        title: "Ratio of a quantile to the one before, at most 1.2",
        about: "Both samples come from one process. A true ratio other than 1 moves the limits by its logarithm. Half the\n\
                width of the limits is a median, in percent of the ratio; none where most lack a limit.",
        shown: &[
            "coverage",
            "median_halfwidth_pct",
            "1.0.PASS",
            "1.1.PASS",
            "1.2.PASS",
            "1.2.FAIL",
            "1.3.FAIL",
            "1.5.FAIL",
        ],
        by_chance: true,
        rerun: ratios::mover,
    },
    Experiment {
        name: "duet_vs_sequential",
        title: "Ratio of P95, one run after the other and in turns",
        about: "1,800 lognormal samples of each version. *env* is the standard deviation of what differs from run to run,\n\
                *ratio* the true one. *sequential* takes one run of each, as if nothing differed; *with_between_run* knows six baseline\n\
                runs; *interleaved* lets versions take turns of half a minute in one session. Every run drifts by half as much as runs\n\
                differ. The shape of that drift is not published, so it was chosen by what reproduces the figures: of nine shapes, the\n\
                four that return agree, with a memory of 10, 30, 100 or 600 samples (the last is used); three straight lines and two\n\
                single waves do not.",
        shown: &[
            "sequential.PASS",
            "sequential.FAIL",
            "sequential.coverage",
            "sequential.with_between_run.PASS",
            "sequential.with_between_run.FAIL",
            "sequential.with_between_run.coverage",
            "interleaved.PASS",
            "interleaved.FAIL",
            "interleaved.coverage",
        ],
        by_chance: true,
        rerun: duet::duet_vs_sequential,
    },
    Experiment {
        name: "peeking",
        title: "P95 within 150 ms, looked at while samples come in",
        about: "Independent lognormal samples. Looking every hundred samples until something shows is wrong eight times as\n\
                often as one look; three declared looks and the e-process are not.",
        shown: &[
            "single_1800.PASS",
            "single_1800.FAIL",
            "naive_every_100_to_10000.PASS",
            "naive_every_100_to_10000.FAIL",
            "three_looks.PASS",
            "three_looks.FAIL",
            "eprocess.PASS",
            "eprocess.FAIL",
            "eprocess.median_n_to_decide",
        ],
        by_chance: true,
        rerun: looks::peeking,
    },
    Experiment {
        name: "stable_window",
        title: "A window of a quarter of an hour, disturbed",
        about: "1,800 samples, two a second, from the end of the warm-up. *minute_scan* is how often some minute is odd.",
        shown: &["STABLE", "UNSTABLE", "UNDECIDED", "minute_scan"],
        by_chance: true,
        rerun: windows::stable_window,
    },
    Experiment {
        name: "error_rate_exact",
        title: "Error rate below 1 %",
        about: "*pass_max_k* and *fail_min_k* are the most errors that pass, -1 for none, and the fewest that fail; the other\n\
                columns are named by the true rate.",
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
        about: "*cp* is the interval of Clopper and Pearson, *hull* holds it and Wilson's; *wilson_cc* is Wilson's, corrected\n\
                for continuity.",
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
