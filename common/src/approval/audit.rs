//! Does a record of approvals make sense as a whole? For those who were not there, with the keys that it names itself.

use std::collections::BTreeMap;

use super::judge::{fits, forbids};
use super::{Decision, Entry, Refused, Word};
use crate::clock;
use crate::signing::{Envelope, PublicKey};

/// Everything about the entries of one run (each with its time, in order) that does not fit together: signatures that are
/// not of the key named, words that are entered as their opposite, uses without a grant, twice, too late, against a refusal,
/// or of another run, action, scope or plan, and times that run backwards. Whether a key is that of a person who may decide is not in the record: compare it with `approvers.yaml`.
#[must_use]
pub fn audit(entries: &[(String, Entry)]) -> Vec<String> {
    let mut audit = Audit::default();
    for (at, entry) in entries {
        audit.take(at, entry);
    }
    audit.problems
}

#[derive(Default)]
struct Audit {
    problems: Vec<String>,
    newest_ms: i64,
    asked: Vec<super::Request>,
    grants: BTreeMap<String, Decision>,
    /// With the name of whoever refused; those lifted by a later grant are gone.
    refusals: Vec<(String, Decision)>,
    used: BTreeMap<String, String>,
}

impl Audit {
    fn take(&mut self, at: &str, entry: &Entry) {
        let Ok(now) = clock::parse_rfc3339(at) else {
            self.problems.push(format!("`{at}` is no time"));
            return;
        };
        if now < self.newest_ms {
            let (now, newest) = (at.to_owned(), clock::rfc3339(self.newest_ms));
            self.problems.push(Refused::ClockSetBack { now, newest }.to_string());
        }
        self.newest_ms = self.newest_ms.max(now);
        match entry {
            Entry::Requested { request, .. } => self.asked.push(request.clone()),
            Entry::Granted { by, key, envelope } => {
                if let Some(decision) = self.signed(by, key, envelope, Word::Grant) {
                    self.refusals.retain(|(_, refusal)| !forbids(refusal, &decision.on));
                    self.grants.insert(decision.nonce.clone(), decision);
                }
            }
            Entry::Declined { by, key, envelope } => {
                let refusal = self.signed(by, key, envelope, Word::Refuse);
                self.refusals.extend(refusal.map(|decision| (by.clone(), decision)));
            }
            Entry::Used { request, nonces, .. } => self.used(at, now, request, nonces),
            Entry::Rejected { .. } | Entry::Escalated { .. } => {}
        }
    }

    fn signed(&mut self, by: &str, key: &str, envelope: &Envelope, entered: Word) -> Option<Decision> {
        let read = || -> Result<Decision, String> {
            let key = PublicKey::from_pem(key).map_err(|error| format!("the key of {by}: {error}"))?;
            let bytes = envelope.pae().map_err(|error| error.to_string())?;
            let signature = envelope.signatures.first().ok_or("an envelope has no signature")?;
            let der = signature.der().map_err(|error| error.to_string())?;
            if !key.verifies(&bytes, &der) {
                return Err(Refused::BadSignature { name: by.to_owned() }.to_string());
            }
            let decision = Decision::read(envelope).map_err(|why| why.to_string())?;
            decision.check_lifetime().map_err(|why| format!("what {by} signed: {why}"))?;
            let (signed, entered) = (decision.word.as_str(), entered.as_str());
            if signed != entered {
                return Err(format!("what {by} signed is a {signed}, and it is entered as a {entered}"));
            }
            Ok(decision)
        };
        match read() {
            Ok(decision) => Some(decision),
            Err(why) => {
                self.problems.push(why);
                None
            }
        }
    }

    fn used(&mut self, at: &str, now: i64, request: &super::Request, nonces: &[String]) {
        let what = format!("{} of run {}", request.action, request.run);
        if !self.asked.contains(request) {
            self.problems.push(format!("{what} was used without having been asked for"));
        }
        if nonces.is_empty() {
            self.problems.push(format!("{what} was used without a grant"));
        }
        for (by, _) in self.refusals.iter().filter(|(_, refusal)| forbids(refusal, request)) {
            self.problems.push(format!("{what} was used although {by} had refused it"));
        }
        for nonce in nonces {
            let held = match self.grants.get(nonce) {
                None => Err(format!("{what} was used under {nonce}, which nobody granted before")),
                Some(decision) => fits(decision, request, now).map_err(|why| format!("{what}: {why}")),
            };
            let before = self.used.insert(nonce.clone(), at.to_owned());
            let once = before.map_or(Ok(()), |at| Err(format!("{what}: {}", Refused::Used { at })));
            self.problems.extend([held, once].into_iter().filter_map(Result::err));
        }
    }
}
