//! Rulings as objectives of a score: what each is about, and how much it counts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Ruling, Verdict};
use crate::ids::AppId;
use crate::slo::{self, Objective, ScoredService, Standing};

/// What a claim is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Aspect {
    /// The 95th percentile of a route.
    Latency,
    /// The share of failures of a route.
    Errors,
    /// Answered health probes over all runs.
    Uptime,
    /// How the app does what it promises: functional checks, journeys, shapes.
    Function,
    /// Whether the command center knows what happened.
    Telemetry,
    /// The latency beside that of an earlier version.
    Regression,
    /// The room between latency and limit.
    Headroom,
    /// The error budget.
    Burn,
}

impl Aspect {
    /// By the claim's kind, and for service levels by what was judged, or by the id where nothing was.
    #[must_use]
    pub fn of(ruling: &Ruling) -> Self {
        match ruling.claim.kind.as_str() {
            "slo" => Self::of_level(ruling),
            "telemetry" => Self::Telemetry,
            "uptime" => Self::Uptime,
            "regression" => Self::Regression,
            "headroom" => Self::Headroom,
            "burn" => Self::Burn,
            _ => Self::Function,
        }
    }

    fn of_level(ruling: &Ruling) -> Self {
        match ruling.verdict.figures().and_then(|figures| figures.judgement.as_ref()).map(|judged| judged.claim) {
            Some(slo::Claim::QuantileWithin { .. }) => Self::Latency,
            Some(slo::Claim::ErrorRateBelow { .. } | slo::Claim::ErrorRateAtMost { .. }) => Self::Errors,
            None if ruling.claim.id.contains(".p95") => Self::Latency,
            None if ruling.claim.id.contains(".error") => Self::Errors,
            Some(slo::Claim::SuccessAtLeast { .. }) | None => Self::Function,
        }
    }

    /// How much all claims of an app on this count together.
    #[must_use]
    pub fn weight(self) -> f64 {
        match self {
            Self::Latency | Self::Errors | Self::Uptime | Self::Function => 2.0,
            Self::Telemetry | Self::Regression | Self::Headroom | Self::Burn => 1.0,
        }
    }
}

/// The apps that have rulings, each with its claims as objectives; all apps count the same.
///
/// The claims of an app on one aspect share the weight of that aspect, so that an app with many routes is not judged by
/// latency alone. A known issue that shows costs half its points; held and skipped claims are undecided.
#[must_use]
pub fn scored(rulings: &[Ruling]) -> Vec<ScoredService> {
    let of_app = |app: AppId| rulings.iter().filter(move |ruling| ruling.claim.app == app);
    let apps = AppId::ALL.into_iter().filter(|app| of_app(*app).next().is_some());
    let service = |app: AppId| {
        let mut sizes: BTreeMap<Aspect, f64> = BTreeMap::new();
        of_app(app).for_each(|ruling| *sizes.entry(Aspect::of(ruling)).or_default() += 1.0);
        let share = |ruling: &Ruling| {
            let aspect = Aspect::of(ruling);
            aspect.weight() / sizes.get(&aspect).copied().unwrap_or(1.0)
        };
        let objectives = of_app(app).map(|ruling| objective(ruling, share(ruling))).collect();
        ScoredService { name: app.lower().to_owned(), weight: 1.0, objectives }
    };
    apps.map(service).collect()
}

fn objective(ruling: &Ruling, weight: f64) -> Objective {
    let standing = match ruling.verdict {
        Verdict::Pass { .. } => Standing::Pass,
        Verdict::Fail { .. } if ruling.claim.gate => Standing::Fail,
        Verdict::Fail { .. } => Standing::Warn,
        Verdict::Inconclusive { .. } | Verdict::Held { .. } | Verdict::Skipped { .. } => Standing::Inconclusive,
    };
    let judgement = ruling.verdict.figures().and_then(|figures| figures.judgement.as_ref());
    let samples_needed = judgement.and_then(|judged| judged.samples_needed);
    Objective { name: ruling.claim.id.clone(), standing, weight, gate: ruling.claim.gate, samples_needed }
}
