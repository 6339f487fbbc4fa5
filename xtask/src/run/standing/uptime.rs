//! Uptime: the share of health probes that an app answered, over this run and earlier ones. One run cannot show it: 99.9 %
//! needs 3,838 probes without a failure.

use common::ids::AppId;
use common::slo::{self, Decision, Reason, Terms};
use common::verdict::{Confirmation, Figures, Verdict};

use crate::record::RunView;

/// Fewer than one probe of a thousand may fail.
const CLAIM: slo::Claim = slo::Claim::ErrorRateBelow { limit: 0.001 };

/// Judges the probes of all runs together.
pub(super) fn judge(view: &RunView, app: AppId) -> (Verdict, String) {
    let smoke = format!("{}_smoke", app.lower());
    let own = view.figures.iter().filter(|figures| figures.app == app && figures.scenario == smoke);
    let (requests, failures, tau) = own.fold((0, 0, 1.0_f64), |(n, k, tau), figures| {
        (n + figures.requests, k + figures.errors, tau.max(figures.tau_errors))
    });
    let earlier = view.history.as_ref().and_then(|history| history.uptime.iter().find(|uptime| uptime.app == app));
    let (runs, n, k) = earlier.map_or((0, 0, 0), |up| (up.runs, up.requests, up.failures));
    let tau = earlier.map_or(tau, |up| tau.max(up.tau_errors));
    let (n, k) = (requests + n, failures + k);
    let judgement = CLAIM.judge(k, n, Terms { tau, ..Terms::default() });
    let line = format!(
        "{k} of {n} health probes failed in this run and {runs} earlier ones, 95 % interval {:.3} % to {:.3} %",
        judgement.interval.lower * 100.0,
        judgement.interval.upper * 100.0
    );
    let Some(figures) = Figures::counted("health probes", n, k) else {
        return (Verdict::nothing_seen("health probes", "at least 3838"), line);
    };
    let figures = Figures { judgement: Some(judgement), ..figures };
    let undecided = |reason, figures, required: String| {
        let observed = format!("{n} health probes, {k} failed");
        Verdict::Inconclusive { reason, figures: Some(figures), observed, required }
    };
    let verdict = match judgement.decision {
        Decision::Pass => {
            let why = "only who probes knows whether a probe was answered".to_owned();
            Verdict::Pass { figures, second: Confirmation::SingleSource { why } }
        }
        // Two windows that both show it: the earlier runs, and this one by itself.
        Decision::Fail if failures > 0 && k > failures => Verdict::Fail { figures, traces: Vec::new() },
        Decision::Fail => undecided(Reason::Unconfirmed, figures, "failures in another run, too".to_owned()),
        Decision::Undecided(reason) => {
            let runs = judgement
                .samples_needed
                .zip(std::num::NonZeroU64::new(requests))
                .map(|(more, each)| (more.div_ceil(each.get()), n + more));
            let required = runs.map_or_else(
                || "a share of failures that is not at the limit".to_owned(),
                |(runs, n)| format!("{n} at this rate, about {runs} more runs"),
            );
            undecided(reason, figures, required)
        }
    };
    (verdict, line)
}
