//! All faults there are: those of the apps' suites, those that only a run sees, and those of a foreign file.

use std::borrow::Cow;

use common::history::Fault as Disturbance;
use common::ids::AppId;
use common::suite::Fault;

use super::{foreign, runs, sample};
use crate::cli::FaultsArgs;
use crate::suites;

/// A fault, and how it is tried.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) fault: Fault,
    pub(crate) by: By,
}

/// What is to notice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum By {
    /// One check of a suite.
    Check,
    /// Any check of the app: a foreign rule that names none.
    AnyCheck,
    /// Any claim of a run of this command.
    AnyClaim { command: Cow<'static, str> },
    /// A claim about outages: `a3.resilience.breaker_opens`.
    Outages,
    /// A claim about effects under this fault: `a2.effects`.
    Effects { under: Disturbance },
    /// A claim of a run of this command: `suite b2c`, `suite a2 --scenario a2_single`.
    Run { command: Cow<'static, str> },
}

impl Case {
    /// The run that may notice what no check did: the whole suite of the app, for a foreign rule that names nothing.
    pub(crate) fn under_load(&self) -> Self {
        let command = Cow::Owned(format!("suite {}", self.fault.at().lower()));
        Self { by: By::AnyClaim { command }, ..self.clone() }
    }

    /// What can see the fault, for people: `suite b2c`, `outages`, `effects of A6 under kill`.
    pub(crate) fn seen_in(&self) -> String {
        match &self.by {
            By::Check | By::AnyCheck => "checks".to_owned(),
            By::Run { command } | By::AnyClaim { command } => command.to_string(),
            By::Outages => "outages".to_owned(),
            By::Effects { under } => format!("effects of {} under {under}", self.fault.blames),
        }
    }

    /// True if only one app is looked at there, so that no other can be blamed.
    pub(crate) fn looks_at_one(&self) -> bool {
        match &self.by {
            By::Check | By::AnyCheck => false,
            By::Run { command } | By::AnyClaim { command } => !command.starts_with("suite b2"),
            By::Outages | By::Effects { .. } => true,
        }
    }

    /// True if a whole run is needed, which wants the machine for itself.
    pub(crate) fn is_run(&self) -> bool {
        matches!(self.by, By::Run { .. } | By::AnyClaim { .. })
    }
}

/// Every fault of this version, in the order of apps, then those of runs.
pub(crate) fn all() -> Vec<Case> {
    let of_apps = AppId::ALL.into_iter().flat_map(|app| suites::suite(app).faults);
    let of_apps = of_apps.map(|fault| {
        let by = if fault.caught_by.contains(".resilience.") { By::Outages } else { By::Check };
        Case { fault, by }
    });
    of_apps.chain(runs::all()).collect()
}

/// What the flags ask for.
///
/// # Errors
/// A file or an id that does not fit, in words.
pub(crate) fn chosen(args: &FaultsArgs) -> Result<Vec<Case>, String> {
    let cases = match &args.catalog {
        Some(file) => foreign::read(file, args.at)?,
        None => all(),
    };
    let unknown: Vec<_> =
        args.only.iter().filter(|id| cases.iter().all(|case| !matches_id(case, id))).map(String::as_str).collect();
    if !unknown.is_empty() {
        let known = cases.iter().map(|case| case.fault.id.as_str()).collect::<Vec<_>>().join(", ");
        return Err(format!("--only {}: there are {known}", unknown.join(", ")));
    }
    let wanted = |case: &Case| args.only.is_empty() || args.only.iter().any(|id| matches_id(case, id));
    let cases: Vec<Case> = cases.into_iter().filter(wanted).collect();
    Ok(match args.sample {
        Some(size) => sample::of(cases, size, args.seed),
        None => cases,
    })
}

/// An id as a whole, or all of an app: `a6`.
fn matches_id(case: &Case, id: &str) -> bool {
    case.fault.id == id || case.fault.id.split('.').next() == Some(id)
}
