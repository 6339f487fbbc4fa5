//! What a run writes into its ledger, and a reader's view of it. Reports are pure functions of [`RunView`].

mod approval;
mod browser;
mod effects;
mod learning;
mod resilience;
mod route;
mod shape;
mod stream;
mod students;

use std::collections::BTreeMap;

use common::approval::Noted;
use common::check::{CheckReport, Finding};
use common::contract::Contract;
use common::ids::{AppId, RunId, TraceId};
use common::load::Journey;
use common::reconcile::Reconciliation;
use common::slo::{Delta, Score, Transition};
use common::verdict::{Grade, LatencyFigures, Rollup, Ruling};
use serde::{Deserialize, Serialize};

use crate::history::History;

pub(crate) use browser::{BrowserCase, BrowserHop, BrowserRun};
pub(crate) use effects::{EFFECT_APPS, EffectsCell, EffectsReport};
pub(crate) use learning::Learning;
pub(crate) use resilience::{
    AttemptsCompared, CrashOutage, Cycle, OwnOutage, PartyOutage, Resilience, RunsSeen, Share,
};
pub(crate) use route::{Exemplar, Generator, RouteFigures, Second};
pub(crate) use shape::{Knee, ShapePoint, ShapeRun, StageFigures};
pub(crate) use stream::{Goodput, StreamFigures, StreamLatency};
pub(crate) use students::{StudentSeen, StudentWalk, StudentWalks};

/// One line of the ledger.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(crate) enum Record {
    RunStarted(RunStarted),
    RunResumed {
        at: String,
        torn_bytes: u64,
    },
    /// What waited for a person is tried, now that she granted it.
    HeldResumed {
        at: String,
        parts: Vec<String>,
    },
    PhaseStarted {
        phase: u8,
        title: String,
        at: String,
    },
    /// What earlier runs say, as this one takes it into account.
    Remembered(Box<History>),
    Inventory(Inventory),
    Probed(Box<RouteFigures>),
    Reconciled {
        phase: u8,
        reconciliation: Reconciliation,
    },
    Checked {
        phase: u8,
        report: CheckReport,
    },
    Shaped(Box<ShapeRun>),
    KnownIssue(KnownIssue),
    Funnel(Funnel),
    AuthTrace(Box<AuthTrace>),
    Students(Box<StudentWalks>),
    Browser(Box<BrowserRun>),
    Effects(Box<EffectsReport>),
    Learning(Box<Learning>),
    Resilience(Box<Resilience>),
    Approval(Box<Noted>),
    Ruled(Ruling),
    Note {
        phase: u8,
        app: Option<AppId>,
        text: String,
    },
    PhaseFinished {
        phase: u8,
        at: String,
        took_s: f64,
    },
    RolledUp {
        rollup: Rollup,
        missing_for_ready: Vec<String>,
        /// Absent for the first run of its kind.
        #[serde(default)]
        change: Option<Change>,
    },
    RunFinished {
        at: String,
        took_s: f64,
        exit_code: u8,
    },
}

impl Record {
    /// The kind of the line in the ledger.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::RunStarted(_) => "run_started",
            Self::RunResumed { .. } => "run_resumed",
            Self::HeldResumed { .. } => "held_resumed",
            Self::PhaseStarted { .. } => "phase_started",
            Self::Remembered(_) => "remembered",
            Self::Inventory(_) => "inventory",
            Self::Probed(_) => "probed",
            Self::Reconciled { .. } => "reconciled",
            Self::Checked { .. } => "checked",
            Self::Shaped(_) => "shaped",
            Self::KnownIssue(_) => "known_issue",
            Self::Funnel(_) => "funnel",
            Self::AuthTrace(_) => "auth_trace",
            Self::Students(_) => "students",
            Self::Browser(_) => "browser",
            Self::Effects(_) => "effects",
            Self::Learning(_) => "learning",
            Self::Resilience(_) => "resilience",
            Self::Approval(_) => "approval",
            Self::Ruled(_) => "ruled",
            Self::Note { .. } => "note",
            Self::PhaseFinished { .. } => "phase_finished",
            Self::RolledUp { .. } => "rolled_up",
            Self::RunFinished { .. } => "run_finished",
        }
    }
}

/// How a run began.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunStarted {
    pub(crate) run_id: RunId,
    pub(crate) at: String,
    /// `ecosystem`, `suite a6`.
    pub(crate) command: String,
    /// `embedded`, `staging`, …
    pub(crate) target: String,
    /// `quick`, `standard`, `full`.
    pub(crate) profile: String,
    /// The harness's own version.
    pub(crate) version: String,
    pub(crate) cores: u32,
    pub(crate) apps: BTreeMap<AppId, String>,
    /// The one workload that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) scenario: Option<String>,
    /// The one check that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) check: Option<String>,
    pub(crate) phases: Vec<PlannedPhase>,
    /// What embedded apps were told to do wrong, `A2 P95Ms(195)`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) defects: Vec<String>,
}

/// A phase as planned.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PlannedPhase {
    pub(crate) phase: u8,
    pub(crate) title: String,
    pub(crate) planned_s: f64,
}

/// What phase 0 found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Inventory {
    pub(crate) apps: Vec<InventoryApp>,
    pub(crate) secrets: Vec<SecretPresence>,
}

/// One app in the inventory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct InventoryApp {
    pub(crate) contract: Contract,
    pub(crate) base_url: String,
    pub(crate) reachable: bool,
    /// What the app says it is; absent if it does not answer.
    pub(crate) release: Option<String>,
    pub(crate) scenarios: Vec<String>,
    pub(crate) checks: Vec<String>,
    pub(crate) faults: Vec<String>,
    /// Routes of the contract that the app does not serve.
    pub(crate) missing_routes: Vec<String>,
}

/// A secret by name, never by value.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SecretPresence {
    pub(crate) name: String,
    pub(crate) needed_for: String,
    pub(crate) present: bool,
}

/// A known issue, measured again.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KnownIssue {
    /// `A8-PERF-001`.
    pub(crate) id: String,
    pub(crate) app: AppId,
    pub(crate) title: String,
    /// What would mend it, with the flag that does.
    pub(crate) proposal: String,
    pub(crate) measurements: Vec<Measurement>,
}

/// One measurement of a known issue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Measurement {
    /// `cold`, `warm`, `flag a8_tile_cache on`.
    pub(crate) label: String,
    pub(crate) note: String,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) latency: LatencyFigures,
    pub(crate) slowest: Vec<TraceId>,
}

/// One walk through a funnel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Funnel {
    /// `b2b`.
    pub(crate) id: String,
    pub(crate) title: String,
    /// `A7 → A6 → A2 → A8`.
    pub(crate) path: String,
    pub(crate) trace_id: TraceId,
    pub(crate) walks: u64,
    pub(crate) completed: u64,
    pub(crate) hops: Vec<Hop>,
    pub(crate) findings: Vec<Finding>,
    /// Milliseconds from the last hop until A8 showed the money; absent if it never did.
    pub(crate) visible_after_ms: Option<i64>,
    /// The money as A8's finance tile shows it for this trace, beside the literal expectation.
    pub(crate) money: Vec<MoneyLine>,
}

/// Sign-ins over the OIDC code flow.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AuthTrace {
    pub(crate) scenario: String,
    pub(crate) scenario_digest: String,
    pub(crate) started_at: String,
    pub(crate) tried: u64,
    pub(crate) succeeded: u64,
    /// Each step over all sign-ins.
    pub(crate) hops: Vec<AuthHop>,
    pub(crate) journeys: Vec<Journey>,
}

/// One step of the flow over all sign-ins; times from the sending to the last byte.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AuthHop {
    pub(crate) step: String,
    pub(crate) app: AppId,
    pub(crate) route: String,
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) p50_ms: Option<f64>,
    pub(crate) p95_ms: Option<f64>,
    pub(crate) max_ms: Option<f64>,
    pub(crate) limit_ms: u64,
}

/// One step of a funnel.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Hop {
    pub(crate) app: AppId,
    pub(crate) name: String,
    pub(crate) request: String,
    pub(crate) status: u16,
    pub(crate) ms: f64,
    pub(crate) ok: bool,
    /// What was wrong.
    pub(crate) error: Option<String>,
}

/// One amount, expected and seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MoneyLine {
    pub(crate) what: String,
    pub(crate) expected_minor: i64,
    pub(crate) seen_minor: Option<i64>,
    pub(crate) currency: String,
}

/// What changed since the last run of the same command, target and profile.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Change {
    pub(crate) before: RunId,
    pub(crate) grade: Grade,
    pub(crate) score: Score,
    /// How the score changed; absent where one of the two could not be scored.
    pub(crate) delta: Option<Delta>,
    /// Claims that stand differently, are new or are gone.
    pub(crate) transitions: Vec<Transition>,
}

/// A run as its ledger tells it, grouped for reading. Nothing is computed here.
#[derive(Debug, Clone, Default)]
pub(crate) struct RunView {
    pub(crate) started: Option<RunStarted>,
    pub(crate) history: Option<History>,
    pub(crate) inventory: Inventory,
    pub(crate) phases: Vec<PhaseView>,
    pub(crate) figures: Vec<RouteFigures>,
    pub(crate) reconciliations: Vec<(u8, Reconciliation)>,
    pub(crate) checks: Vec<(u8, CheckReport)>,
    pub(crate) shapes: Vec<ShapeRun>,
    pub(crate) known_issues: Vec<KnownIssue>,
    pub(crate) funnels: Vec<Funnel>,
    pub(crate) auth_trace: Option<AuthTrace>,
    pub(crate) students: Option<StudentWalks>,
    pub(crate) browser: Option<BrowserRun>,
    pub(crate) effects: Option<EffectsReport>,
    pub(crate) learning: Option<Learning>,
    pub(crate) resilience: Option<Resilience>,
    /// Requests, decisions and uses, as far as this run saw them.
    pub(crate) approvals: Vec<Noted>,
    pub(crate) rulings: Vec<Ruling>,
    pub(crate) notes: Vec<(u8, Option<AppId>, String)>,
    pub(crate) rollup: Option<Rollup>,
    pub(crate) missing_for_ready: Vec<String>,
    pub(crate) change: Option<Change>,
    /// When it ended, how long it took, its exit code; absent if it did not end.
    pub(crate) finished: Option<(String, f64, u8)>,
    pub(crate) resumed: u32,
}

/// A phase as it went.
#[derive(Debug, Clone)]
pub(crate) struct PhaseView {
    pub(crate) phase: u8,
    pub(crate) title: String,
    pub(crate) started_at: String,
    pub(crate) took_s: Option<f64>,
}

impl RunView {
    /// Groups the records of a run. Of a phase that was begun again after a resume, only the last attempt counts.
    pub(crate) fn of(records: impl IntoIterator<Item = Record>) -> Self {
        let mut view = Self::default();
        for record in records {
            view.add(record);
        }
        view
    }

    /// Takes in one more record.
    pub(crate) fn add(&mut self, record: Record) {
        match record {
            Record::RunStarted(started) => self.started = Some(started),
            Record::RunResumed { .. } => self.resumed += 1,
            Record::HeldResumed { .. } => {
                self.resumed += 1;
                self.finished = None;
            }
            Record::PhaseStarted { phase, title, at } => {
                self.forget_phase(phase);
                self.phases.push(PhaseView { phase, title, started_at: at, took_s: None });
            }
            Record::Remembered(history) => self.history = Some(*history),
            Record::Inventory(inventory) => self.inventory = inventory,
            Record::Probed(figures) => self.measure(*figures),
            Record::Reconciled { phase, reconciliation } => self.reconciliations.push((phase, reconciliation)),
            Record::Checked { phase, report } => self.checks.push((phase, report)),
            Record::Shaped(shape) => self.shapes.push(*shape),
            Record::KnownIssue(issue) => self.known_issues.push(issue),
            Record::Funnel(funnel) => self.funnels.push(funnel),
            Record::AuthTrace(trace) => self.auth_trace = Some(*trace),
            Record::Students(walks) => self.students = Some(*walks),
            Record::Browser(run) => self.browser = Some(*run),
            Record::Effects(report) => self.effects = Some(*report),
            Record::Learning(learning) => self.learning = Some(*learning),
            Record::Resilience(seen) => self.resilience = Some(*seen),
            Record::Approval(noted) if self.approvals.iter().any(|known| known.hash == noted.hash) => {}
            Record::Approval(noted) => self.approvals.push(*noted),
            Record::Ruled(ruling) => self.rule(ruling),
            Record::Note { phase, app, text } => self.notes.push((phase, app, text)),
            Record::PhaseFinished { phase, took_s, .. } => {
                if let Some(view) = self.phases.iter_mut().find(|view| view.phase == phase) {
                    view.took_s = Some(took_s);
                }
            }
            Record::RolledUp { rollup, missing_for_ready, change } => {
                self.rollup = Some(rollup);
                self.change = change;
                self.missing_for_ready = missing_for_ready;
            }
            Record::RunFinished { at, took_s, exit_code } => self.finished = Some((at, took_s, exit_code)),
        }
    }

    /// A workload that is measured again at another pace takes the place of the first measurement.
    fn measure(&mut self, fresh: RouteFigures) {
        let is_same = |known: &RouteFigures| {
            let place = |of: &RouteFigures| (of.phase, of.attempt, of.app, of.scenario.clone(), of.route.clone());
            place(known) == place(&fresh) && known.executor != fresh.executor
        };
        match self.figures.iter_mut().find(|known| is_same(known)) {
            Some(known) => *known = fresh,
            None => self.figures.push(fresh),
        }
    }

    /// The last word on a claim counts, at the place of the first.
    fn rule(&mut self, ruling: Ruling) {
        match self.rulings.iter_mut().find(|earlier| earlier.claim.id == ruling.claim.id) {
            Some(earlier) => *earlier = ruling,
            None => self.rulings.push(ruling),
        }
    }

    fn forget_phase(&mut self, phase: u8) {
        self.phases.retain(|view| view.phase != phase);
        self.figures.retain(|figures| figures.phase != phase);
        self.reconciliations.retain(|(of, ..)| *of != phase);
        self.shapes.retain(|shape| shape.phase != phase);
        self.checks.retain(|(of, _)| *of != phase);
        self.rulings.retain(|ruling| ruling.claim.phase != phase);
        self.notes.retain(|(of, ..)| *of != phase);
        if phase == 2 {
            self.known_issues.clear();
        }
        if phase == 3 {
            self.funnels.clear();
            self.auth_trace = None;
            self.students = None;
            self.browser = None;
        }
        if phase == 6 {
            self.learning = None;
        }
        if phase == 7 {
            self.effects = None;
            self.resilience = None;
        }
    }
}
