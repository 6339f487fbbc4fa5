//! A run: phases in order, everything recorded, a verdict at the end.

mod audit;
mod before;
mod confirm;
mod data;
mod figures;
mod gauge;
mod halt;
mod held;
mod inventory;
mod known_issues;
mod leave;
mod load;
mod logs;
mod plan;
mod prior;
mod probe;
mod resiliency;
mod runner;
mod safety;
mod second_source;
mod shapes;
mod smoke;
mod standing;
mod stops;
mod store;
mod streams;
mod window;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use common::check::CheckContext;
use common::client::ClientError;
use common::clock;
use common::guard::{ApprovedVus, Guard};
use common::ids::AppId;
use common::ledger::{Ledger, LedgerError};
use common::scenario::Scenario;
use common::verdict::{Claim, Figures, Ruling, Verdict};
use tokio_util::sync::CancellationToken;

use crate::embedded::{Embedded, EmbeddedError};
use crate::history::EndpointKey;
use crate::record::{Record, RunView};
use crate::ui::Ui;

pub(crate) use audit::checks;
pub(crate) use data::records;
use prior::Prior;

pub(crate) use gauge::Gauge;
pub(crate) use leave::{Desk, adopt_into, extent};
pub(crate) use plan::{Funnel, Plan, Selection, Wire};
pub(crate) use probe::{groups, slo_of};
pub(crate) use runner::{Settled, Setup, begin, environment, resume};
pub(crate) use shapes::ids as shape_ids;
pub(crate) use store::{RunStore, StoreError, view, write};
#[cfg(test)]
pub(crate) use streams::figures as stream_figures;

/// Why a run ended without a verdict.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// The record cannot be written: without it, nothing counts.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// The embedded ecosystem did not start.
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    /// The client cannot be built.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// Runs or reports cannot be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A flag, a file or a name does not fit.
    #[error("{0}")]
    Configuration(String),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}

/// A run under way.
pub(crate) struct Run {
    ledger: Ledger,
    /// The last run of the same kind.
    before: Option<before::Before>,
    pub(crate) view: RunView,
    pub(crate) ui: Arc<Ui>,
    pub(crate) plan: Plan,
    pub(crate) guard: Arc<Guard>,
    /// A person's leave for more virtual users than are free, while what she granted goes on.
    pub(crate) approved: Option<ApprovedVus>,
    /// Where people's decisions are found.
    pub(crate) desk: Desk,
    /// Of what really runs; a decision counts for one plan.
    plan_digest: String,
    pub(crate) context: CheckContext,
    pub(crate) embedded: Option<Embedded>,
    pub(crate) stop: CancellationToken,
    /// Where baselines lie.
    baselines: PathBuf,
    /// Where the files of feeders lie.
    data: PathBuf,
    /// Apps that get no further load, each with the stop that spares it.
    stopped: BTreeMap<AppId, String>,
    mourned: BTreeSet<AppId>,
}

impl Run {
    /// Writes a record and takes it into the view.
    pub(crate) fn record(&mut self, record: Record) -> Result<(), RunError> {
        self.ledger.append(record.kind(), &record)?;
        if let Record::Ruled(ruling) = &record {
            self.ui.ruled(ruling);
        }
        self.view.add(record);
        Ok(())
    }

    /// What earlier runs say about an endpoint.
    fn prior(&self, of: &EndpointKey) -> Prior {
        self.view.history.as_ref().map_or(Prior::NONE, |history| Prior::of(history, of))
    }

    /// Writes a remark and shows it.
    pub(crate) fn note(&mut self, phase: u8, app: Option<AppId>, text: impl Into<String>) -> Result<(), RunError> {
        let text = text.into();
        self.ui.note(&text);
        self.record(Record::Note { phase, app, text })
    }

    /// The records that a workload needs.
    pub(crate) fn records(&self, scenario: &Scenario) -> Result<Vec<common::scenario::Record>, RunError> {
        data::records(&self.data, self.embedded.is_some(), scenario).map_err(RunError::Configuration)
    }

    /// Where what the browser keeps of failures lies.
    pub(crate) fn browser_folder(&self) -> PathBuf {
        let folder = self.ledger.dir().join("browser");
        // Playwright runs elsewhere.
        std::path::absolute(&folder).unwrap_or(folder)
    }

    /// Where the record and the apps' data lie.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.ledger.dir()
    }

    /// Makes sure that all records so far are on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), RunError> {
        Ok(self.ledger.sync()?)
    }

    /// Fails if somebody asked the run to stop.
    pub(crate) fn go_on(&self) -> Result<(), RunError> {
        if self.stop.is_cancelled() { Err(RunError::Interrupted) } else { Ok(()) }
    }

    /// True if the app's process ended on its own.
    pub(crate) fn is_dead(&self, app: AppId) -> bool {
        self.embedded.as_ref().is_some_and(|embedded| embedded.deaths().iter().any(|death| death.app == app))
    }

    /// Blames each embedded app that ended on its own, once.
    pub(crate) fn mourn(&mut self, phase: u8) -> Result<(), RunError> {
        let deaths = self.embedded.as_ref().map(Embedded::deaths).unwrap_or_default();
        for death in deaths {
            if !self.mourned.insert(death.app) {
                continue;
            }
            let app = death.app;
            let claim = Claim {
                id: format!("{}.alive", app.lower()),
                app,
                phase,
                text: "stays alive for the whole run".to_owned(),
                kind: "check".into(),
                gate: true,
                known_issue: None,
            };
            let line = format!("{app}'s process ended on its own ({}) in phase {phase}", death.how);
            let Some(figures) = Figures::counted("processes", 1, 1) else { continue };
            let verdict = Verdict::Fail { figures, traces: Vec::new() };
            let rerun = format!("cargo xtask suite {}", app.lower());
            self.record(Record::Ruled(Ruling::new(claim, verdict, line, rerun)))?;
        }
        Ok(())
    }

    /// The current time as records state it.
    pub(crate) fn at() -> String {
        clock::rfc3339(clock::unix_ms())
    }
}
