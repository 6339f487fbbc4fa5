//! Journeys of a funnel as walked: how many came through, and where the first one broke.

use common::ids::{AppId, TraceId};
use common::load::{Journey, LoadError, LoadReport};
use common::slo::{Claim as Share, Decision, Terms};
use common::verdict::{Claim, Confirmation, Figures, Ruling, Verdict};

use super::journeys;

/// Journeys through a funnel.
#[derive(Default)]
pub(super) struct Walks {
    pub(super) completed: Vec<Journey>,
    pub(super) stumbled: Vec<Journey>,
    /// Where the first broken journey broke, and why.
    pub(super) broke: Option<(AppId, String)>,
}

impl Walks {
    /// The journeys of a load; `app` is blamed where not a single request came to an end and nothing says whose fault it is.
    pub(super) fn of(result: Result<LoadReport, LoadError>, app: AppId) -> Self {
        let all = match result {
            Ok(report) => report.journeys,
            Err(error) => return Self { broke: Some(blamed(&error, app)), ..Self::default() },
        };
        let (completed, stumbled): (Vec<_>, Vec<_>) = all.into_iter().partition(|journey| journey.ok);
        let broke = stumbled.iter().find_map(journeys::broken).map(|hop| (hop.app, journeys::in_words(hop)));
        Self { completed, stumbled, broke }
    }

    /// Walks that were begun; one that could not even connect counts.
    pub(super) fn tried(&self) -> u64 {
        let walked = (self.completed.len() + self.stumbled.len()) as u64;
        if walked == 0 { u64::from(self.broke.is_some()) } else { walked }
    }
}

/// Whose fault it is that no request came to an end.
fn blamed(error: &LoadError, app: AppId) -> (AppId, String) {
    let app = match error {
        LoadError::Unreachable { app, .. } | LoadError::Tls { app, .. } => *app,
        _ => app,
    };
    (app, error.to_string())
}

/// "At least so many come through", by the lower end of Wilson's interval.
pub(super) struct Through {
    pub(super) claim: Claim,
    pub(super) target: f64,
    pub(super) tried: u64,
    pub(super) done: u64,
    /// Traces of those that did not.
    pub(super) failed: Vec<TraceId>,
    /// What broke first.
    pub(super) broke: Option<String>,
    /// Who else saw those that came through.
    pub(super) second: Confirmation,
    pub(super) rerun: &'static str,
}

impl Through {
    pub(super) fn ruled(self) -> Ruling {
        let judgement = Share::SuccessAtLeast { target: self.target }.judge(self.done, self.tried, Terms::default());
        let Some(mut figures) = Figures::counted("walks", self.tried, self.tried - self.done) else {
            let why = self.broke.map_or_else(|| "no walk was tried".to_owned(), |broke| format!("not tried: {broke}"));
            return Ruling::new(self.claim, Verdict::nothing_seen("walks", "at least 35"), why, self.rerun);
        };
        figures.judgement = Some(judgement);
        let broke = self.broke.map(|what| format!("; first broken hop: {what}"));
        let line = format!(
            "{} of {} walks came through, at least {:.1} % at 95 % confidence{}",
            self.done,
            self.tried,
            judgement.interval.lower * 100.0,
            broke.unwrap_or_default()
        );
        let verdict = match judgement.decision {
            Decision::Pass => Verdict::Pass { figures, second: self.second },
            Decision::Fail => Verdict::Fail { figures, traces: self.failed },
            Decision::Undecided(reason) => Verdict::Inconclusive {
                reason,
                figures: Some(figures),
                observed: format!("observed {} walks, {} through", self.tried, self.done),
                required: judgement.samples_needed.map_or_else(
                    || format!("required: a share away from {:.0} %", self.target * 100.0),
                    |more| format!("required {} walks", self.tried + more),
                ),
            },
        };
        Ruling::new(self.claim, verdict, line, self.rerun)
    }
}
