//! The record of requests, decisions and uses, hash-chained, beside the runs: several processes write to it in turns.

use std::path::Path;

use super::judge::{Signed, examine, fits};
use super::weigh::weigh;
use super::{Action, Approvers, Entry, Noted, Refused, Request, Word};
use crate::clock::{self, Clock};
use crate::guard::ApprovedVus;
use crate::ledger::{self, Flaw, HEAD_FILE, LEDGER_FILE, Ledger, LedgerError};
use crate::signing::Envelope;

/// Clocks are set right by less than this all the time.
const SETTLING_MS: i64 = 1_000;

/// Why the record cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// No approval counts.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A line is of another kind.
    #[error("line {line} of the record of approvals is none of this version: {why}")]
    Line {
        /// From 1.
        line: u64,
        /// Why.
        why: String,
    },
}

/// Leave for one restricted action of one run, once. Only [`Register::take`] makes one, from verified decisions.
#[derive(Debug, PartialEq, Eq)]
pub struct Grant {
    request: Request,
    by: Vec<String>,
}

impl Grant {
    /// What was granted.
    #[must_use]
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Who granted it.
    #[must_use]
    pub fn by(&self) -> &[String] {
        &self.by
    }

    /// Leave for load, if it is that: as many virtual users as were asked for, though more may have been granted.
    #[must_use]
    pub fn vus(&self) -> Option<ApprovedVus> {
        let vus = self.request.scope.vus.filter(|_| self.request.action == Action::VusOver60)?;
        Some(ApprovedVus::new(vus))
    }
}

/// What the record says to a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// The run may, now and once.
    Granted(Grant),
    /// Somebody said no.
    Declined {
        /// The approver.
        by: String,
        /// Her reason.
        reason: String,
    },
    /// Too few have said yes.
    Waiting {
        /// Valid grants so far.
        have: u32,
        /// How many it takes.
        needed: u32,
        /// Decisions on this run and action that do not hold.
        rejected: Vec<Refused>,
    },
}

/// The open record. No other process reads or writes it meanwhile, so it is opened for a moment only.
#[derive(Debug)]
pub struct Register {
    ledger: Ledger,
    clock: Clock,
    lines: Vec<Noted>,
}

impl Register {
    /// Opens the record in a folder, or begins it.
    ///
    /// # Errors
    /// [`Refused::Altered`] or [`Refused::BrokenChain`] where it is not as it was written, [`Refused::ClockSetBack`] where
    /// the clock tells an earlier time than it does.
    pub fn open(dir: &Path, clock: Clock) -> Result<Self, RegisterError> {
        let ledger = Ledger::open_shared(dir).map_err(|error| broken(dir, error))?;
        let lines = read(dir)?;
        let now = clock.unix_ms();
        if now + SETTLING_MS < newest_ms(&lines) {
            let (now, newest) = (clock::rfc3339(now), clock::rfc3339(newest_ms(&lines)));
            return Err(Refused::ClockSetBack { now, newest }.into());
        }
        // All that happens while it is open has one time: that is how long it is open.
        let clock = Clock::manual(now.max(newest_ms(&lines)));
        Ok(Self { ledger: ledger.with_clock(clock.clone()), clock, lines })
    }

    /// All entries of a record, without opening it for writing; none where there is no record.
    ///
    /// # Errors
    /// As [`Register::open`], but for the clock.
    pub fn read(dir: &Path) -> Result<Vec<Noted>, RegisterError> {
        if dir.join(LEDGER_FILE).is_file() { read(dir) } else { Ok(Vec::new()) }
    }

    /// All entries so far.
    #[must_use]
    pub fn lines(&self) -> &[Noted] {
        &self.lines
    }

    /// Notes that a run asks; once, until it is used.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn request(&mut self, request: &Request, phase: u8) -> Result<(), RegisterError> {
        let last = self.lines.iter().rev().find_map(|line| match &line.entry {
            Entry::Requested { request: other, .. } if other == request => Some(true),
            Entry::Used { request: other, .. } if other == request => Some(false),
            _ => None,
        });
        if last == Some(true) {
            return Ok(());
        }
        self.note(Entry::Requested { request: request.clone(), phase })
    }

    /// Takes in a signed decision.
    ///
    /// # Errors
    /// A [`Refused`] when it was not signed by somebody who may, has no time left, or is there already.
    pub fn decide(&mut self, envelope: Envelope, approvers: &Approvers) -> Result<Signed, RegisterError> {
        let signed = examine(&envelope, approvers)?;
        let decision = signed.decision();
        // Against its own request: only its times can be wrong.
        fits(decision, &decision.on, self.clock.unix_ms())?;
        let known = self.lines.iter().find(|line| nonce_of(&line.entry).as_deref() == Some(decision.nonce.as_str()));
        if let Some(known) = known {
            return Err(Refused::Used { at: known.at.clone() }.into());
        }
        let by = signed.by().to_owned();
        let key = approvers.people().iter().find(|person| person.name == by);
        let key = key.and_then(|person| person.key.to_pem().ok()).unwrap_or_default();
        let entry = match decision.word {
            Word::Grant => Entry::Granted { by, key, envelope },
            Word::Refuse => Entry::Declined { by, key, envelope },
        };
        self.note(entry)?;
        Ok(signed)
    }

    /// Asks for leave and, if it is there, spends it. A refusal counts until somebody grants after it. What the run's `own`
    /// record says was used is spent, whatever became of this one.
    ///
    /// # Errors
    /// When the record cannot be written: then nothing is granted.
    pub fn take(&mut self, request: &Request, approvers: &Approvers, own: &[Noted]) -> Result<Answer, RegisterError> {
        let weighed = weigh(&self.lines, own, request, approvers, self.clock.unix_ms());
        for (nonce, why) in &weighed.rejected {
            let (request, nonce, why) = (request.clone(), nonce.clone(), why.to_string());
            let entry = Entry::Rejected { request, nonce, why };
            if !self.lines.iter().any(|line| line.entry == entry) {
                self.note(entry)?;
            }
        }
        if let Some(signed) = weighed.declined {
            return Ok(Answer::Declined { by: signed.by().to_owned(), reason: signed.decision().reason.clone() });
        }
        let needed = approvers.needed(request.action);
        let have = u32::try_from(weighed.good.len()).unwrap_or(u32::MAX);
        if have < needed {
            let rejected = weighed.rejected.into_iter().map(|(_, why)| why).collect();
            return Ok(Answer::Waiting { have, needed, rejected });
        }
        let by: Vec<String> = weighed.good.iter().map(|signed| signed.by().to_owned()).collect();
        let nonces = weighed.good.iter().map(|signed| signed.decision().nonce.clone()).collect();
        self.note(Entry::Used { request: request.clone(), nonces, by: by.clone() })?;
        Ok(Answer::Granted(Grant { request: request.clone(), by }))
    }

    /// Notes that a run ended without an answer; once for each request.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn escalate(&mut self, request: &Request, waited_s: u64) -> Result<(), RegisterError> {
        let last = self.lines.iter().rev().find_map(|line| match &line.entry {
            Entry::Requested { request: other, .. } if other == request => Some(false),
            Entry::Escalated { request: other, .. } if other == request => Some(true),
            _ => None,
        });
        if last == Some(true) {
            return Ok(());
        }
        self.note(Entry::Escalated { request: request.clone(), waited_s })
    }

    /// Writes an entry, safe on disk when this returns.
    fn note(&mut self, entry: Entry) -> Result<(), RegisterError> {
        let seq = self.ledger.append(entry.kind(), &entry)?.0;
        self.ledger.sync()?;
        let at = clock::rfc3339(self.clock.unix_ms());
        self.lines.push(Noted { seq, at, hash: self.ledger.head().to_owned(), entry });
        Ok(())
    }
}

fn newest_ms(lines: &[Noted]) -> i64 {
    lines.iter().filter_map(|line| clock::parse_rfc3339(&line.at).ok()).max().unwrap_or_default()
}

fn nonce_of(entry: &Entry) -> Option<String> {
    Some(super::Decision::read(entry.envelope()?).ok()?.nonce)
}

/// Reads a whole record.
fn read(dir: &Path) -> Result<Vec<Noted>, RegisterError> {
    let lines = ledger::read(&dir.join(LEDGER_FILE)).map_err(|error| broken(dir, error))?;
    // Each line is noted in the head before the next is written.
    if lines.len() > 1 && !dir.join(HEAD_FILE).is_file() {
        let what = format!("{HEAD_FILE} is gone, so lines may be missing after it");
        return Err(Refused::BrokenChain { line: lines.len(), what }.into());
    }
    let own = lines.into_iter().filter(|line| line.kind != "ledger_recovered");
    own.map(|line| {
        let entry = serde_json::from_value(line.body)
            .map_err(|error| RegisterError::Line { line: line.seq + 1, why: error.to_string() })?;
        Ok(Noted { seq: line.seq, at: line.at, hash: line.hash, entry })
    })
    .collect()
}

/// What a damaged record means for approvals.
fn broken(dir: &Path, error: LedgerError) -> RegisterError {
    let LedgerError::Corrupt { line, what, .. } = &error else { return error.into() };
    let seen = ledger::verify(&dir.join(LEDGER_FILE)).map(|seen| seen.problems).unwrap_or_default();
    let (line, what) = (*line, what.clone());
    match seen.first().map(|problem| problem.flaw) {
        Some(Flaw::Altered) => Refused::Altered { line, what }.into(),
        _ => Refused::BrokenChain { line, what }.into(),
    }
}
