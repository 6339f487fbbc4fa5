//! Asking for leave: a run that comes to a restricted action goes on only under a person's signed grant.
//!
//! Nothing here can sign. Whoever grants does so with `cargo xtask approve`, in a process of her own.

mod here;
mod tell;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::approval::{
    Action, Answer, Approvers, Entry, GateState, Grant, Noted, Register, RegisterError, Request, Scope, gates,
};
use common::clock::{self, Clock};
use common::ids::{AppId, RunId};
use common::ledger::{Ledger, LedgerError};

use super::{Run, RunError, RunStore, StoreError};
use crate::record::{Record, RunView};

/// How often a waiting run looks for an answer.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a run that a person watches waits for her unless a flag says otherwise.
const PERSON_WITHIN: Duration = Duration::from_secs(30);
/// Where runs are kept unless a flag says otherwise.
const USUAL_RUNS: &str = "target/handshake/runs";

/// What a person says to a restricted action.
pub(crate) enum Leave {
    /// The run may, now and once.
    Granted(Grant),
    /// It waits.
    Held {
        /// What waits, and why.
        action: String,
        /// The one command that grants it.
        grant: String,
    },
}

/// Where decisions and those who may make them are found, and how long a run waits for one.
#[derive(Debug, Clone)]
pub(crate) struct Desk {
    pub(crate) runs: PathBuf,
    pub(crate) approvers: PathBuf,
    /// Unless it is said: a little where a person watches, else not at all.
    pub(crate) wait: Option<Duration>,
}

impl Desk {
    /// The folder of the record of approvals.
    pub(crate) fn register(&self) -> PathBuf {
        RunStore(self.runs.clone()).beside("approvals")
    }

    /// The one command that grants a request.
    pub(crate) fn command(&self, request: &Request) -> String {
        let runs = self.runs_flag();
        format!("cargo xtask approve {} --run {} --scope {}{runs}", request.action, request.run, request.scope)
    }

    /// The command that goes on with a run afterwards.
    pub(crate) fn resume(&self, run: &RunId) -> String {
        format!("cargo xtask ecosystem --resume {run}{}", self.runs_flag())
    }

    fn runs_flag(&self) -> String {
        let usual = self.runs == Path::new(USUAL_RUNS);
        if usual { String::new() } else { format!(" --runs {}", self.runs.display()) }
    }
}

impl Run {
    /// Asks for leave, and waits for it as long as the run was told to.
    pub(crate) async fn leave(&mut self, action: Action, scope: Scope, phase: u8) -> Result<Leave, RunError> {
        let Some(started) = self.view.started.as_ref() else { return Err(RunError::Interrupted) };
        let request = Request { run: started.run_id.clone(), action, scope, plan_digest: self.plan_digest.clone() };
        let held = |why: &str| Leave::Held {
            action: format!("{}: {}{why}", action.in_words(), extent(&request.scope)),
            grant: self.desk.command(&request),
        };
        let approvers = match Approvers::load(&self.desk.approvers) {
            Ok(approvers) => approvers,
            Err(error) => return Ok(held(&format!(": nobody can grant it, {error}"))),
        };
        let desk = self.desk.clone();
        let listed = approvers.people().iter().any(|person| person.actions.contains(&action));
        let watched = self.ui.is_live() && listed;
        let wait = desk.wait.unwrap_or(if watched { PERSON_WITHIN } else { Duration::ZERO });
        // An answer that came before the question is none.
        self.ui.wants_to_answer();
        let (began, mut first) = (clock::monotonic(), true);
        loop {
            let last = began.elapsed() >= wait;
            let (answer, lines) = match ask(&desk, &request, phase, &approvers, &self.view.approvals) {
                Ok(asked) => asked,
                Err(error) => return Ok(held(&format!(": {error}"))),
            };
            let why = match answer {
                Answer::Granted(grant) => {
                    tell::tell(self, &lines).await;
                    self.adopt(lines)?;
                    let (what, by) = (extent(&request.scope), grant.by().join(" and "));
                    self.ui.note(&format!("  {}: {what}: granted by {by}", action.in_words()));
                    return Ok(Leave::Granted(grant));
                }
                Answer::Declined { by, reason } => Some(format!(": {by} refused it, {reason}")),
                Answer::Waiting { have, needed, rejected } if last => Some(waiting(have, needed, &rejected)),
                Answer::Waiting { .. } => None,
            };
            if let Some(why) = why {
                let leave = held(&why);
                tell::tell(self, &lines).await;
                self.adopt(lines)?;
                return Ok(leave);
            }
            self.go_on()?;
            if self.ui.wants_to_answer() {
                here::answer(&self.ui, &desk, &request).await;
                continue;
            }
            self.ui.waits(&desk.command(&request), wait.saturating_sub(began.elapsed()), first);
            first = false;
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    /// Notes at the end which requests nobody answered, and takes in what was decided meanwhile.
    pub(super) fn escalate(&mut self) -> Result<(), RunError> {
        let asked = self.view.approvals.iter().any(|noted| matches!(noted.entry, Entry::Requested { .. }));
        let (Some(started), true) = (&self.view.started, asked) else { return Ok(()) };
        match unanswered(&self.desk, &started.run_id) {
            Ok(lines) => self.adopt(lines),
            Err(why) => self.note(2, None, format!("the record of approvals cannot be used: {why}")),
        }
    }

    /// Takes what the record of approvals says about this run into the run's own.
    pub(super) fn adopt(&mut self, lines: Vec<Noted>) -> Result<(), RunError> {
        for noted in fresh(&self.view, lines) {
            self.record(Record::Approval(Box::new(noted)))?;
        }
        Ok(())
    }
}

/// One look at the record.
fn ask(
    desk: &Desk,
    request: &Request,
    phase: u8,
    approvers: &Approvers,
    own: &[Noted],
) -> Result<(Answer, Vec<Noted>), RegisterError> {
    let mut register = Register::open(&desk.register(), Clock::system())?;
    register.request(request, phase)?;
    let answer = register.take(request, approvers, own)?;
    Ok((answer, register.lines().to_vec()))
}

fn waiting(have: u32, needed: u32, rejected: &[common::approval::Refused]) -> String {
    let quorum = if needed > 1 { format!(" ({have} of {needed} approvers have granted it)") } else { String::new() };
    match rejected.last() {
        Some(why) => format!("{quorum}: a decision does not hold, {why}"),
        None => quorum,
    }
}

/// Escalates what waits, and gives all lines.
fn unanswered(desk: &Desk, run: &RunId) -> Result<Vec<Noted>, String> {
    let approvers = Approvers::load(&desk.approvers).map_err(|error| error.to_string())?;
    let mut register = Register::open(&desk.register(), Clock::system()).map_err(|error| error.to_string())?;
    let now = clock::unix_ms();
    for gate in gates(register.lines(), Some(run), &approvers, now) {
        if !matches!(gate.state, GateState::Waiting { .. }) {
            continue;
        }
        let asked = clock::parse_rfc3339(&gate.asked_at).unwrap_or(now);
        let waited_s = u64::try_from((now - asked) / 1_000).unwrap_or(0);
        register.escalate(&gate.request, waited_s).map_err(|error| error.to_string())?;
    }
    Ok(register.lines().to_vec())
}

/// How far, for people: `100 on embedded (A2)`.
pub(crate) fn extent(scope: &Scope) -> String {
    let apps: Vec<String> = scope.apps.iter().map(AppId::to_string).collect();
    let users = scope.vus.map(|vus| format!("{vus} ")).unwrap_or_default();
    format!("{users}on {} ({})", scope.environment, apps.join(", "))
}

/// The entries about a run that it does not have yet.
fn fresh(view: &RunView, lines: Vec<Noted>) -> Vec<Noted> {
    let Some(started) = &view.started else { return Vec::new() };
    let known: BTreeSet<&str> = view.approvals.iter().map(|noted| noted.hash.as_str()).collect();
    let own = lines.into_iter().filter(|noted| noted.entry.is_about(&started.run_id));
    own.filter(|noted| !known.contains(noted.hash.as_str())).collect()
}

/// Takes what was decided after a run into its record, so that its reports show it. False while the run goes on: it does
/// that itself.
pub(crate) fn adopt_into(folder: &Path, lines: Vec<Noted>) -> Result<bool, StoreError> {
    let mut ledger = match Ledger::resume(folder) {
        Ok(ledger) => ledger,
        Err(LedgerError::Locked { .. }) => return Ok(false),
        Err(error) => return Err(error.into()),
    };
    let view = super::view(&ledger.path())?;
    for noted in fresh(&view, lines) {
        let record = Record::Approval(Box::new(noted));
        ledger.append(record.kind(), &record)?;
    }
    ledger.sync()?;
    Ok(true)
}
