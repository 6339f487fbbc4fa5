//! How many requests failed once an outage was over.

use common::slo::{self, Decision, Terms};
use common::verdict::{Figures, Ruling, Verdict};

use super::{RERUN, alone, claim};

/// After an outage, fewer than one of 100 requests may fail.
const AFTER: slo::Claim = slo::Claim::ErrorRateBelow { limit: 0.01 };

/// The requests after an outage, of whom they were asked.
pub(super) fn after(whose: &str, requests: u64, errors: u64) -> Ruling {
    let judgement = AFTER.judge(errors, requests, Terms::default());
    let claim = claim(&format!("a3.resilience.after.{whose}"), "fewer than 1 % of requests fail after an outage");
    let line = format!(
        "{errors} of {requests} requests failed after the outage, 95 % interval {:.2} % to {:.2} %",
        judgement.interval.lower * 100.0,
        judgement.interval.upper * 100.0
    );
    let Some(figures) = Figures::counted("requests", requests, errors) else {
        return Ruling::new(claim, Verdict::nothing_seen("requests", "at least 381"), line, RERUN);
    };
    let figures = Figures { judgement: Some(judgement), ..figures };
    let verdict = match judgement.decision {
        Decision::Pass => Verdict::Pass { figures, second: alone("only who asks knows whether she was answered") },
        Decision::Fail => Verdict::Fail { figures, traces: Vec::new() },
        Decision::Undecided(reason) => Verdict::Inconclusive {
            reason,
            figures: Some(figures),
            observed: format!("{requests} requests, {errors} failed"),
            required: judgement
                .samples_needed
                .map_or_else(|| "a share away from 1 %".to_owned(), |more| format!("{} requests", requests + more)),
        },
    };
    Ruling::new(claim, verdict, line, RERUN)
}
