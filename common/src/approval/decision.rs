//! What a person decides, and the bytes of it that she signs.

use serde::{Deserialize, Serialize};

use super::{Action, Approvers, Refused, Request, Scope};
use crate::clock;
use crate::ids::RunId;
use crate::signing::{Envelope, pae};

/// The type of the payload of an envelope.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// The longest that a decision is valid, 7 days in milliseconds.
pub const LONGEST_MS: i64 = 7 * 24 * 3_600_000;

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "urn:handshake:approval:v1";

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// The run may.
    Grant,
    /// It may not.
    Refuse,
}

/// What was decided on a request. Times are Unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Yes or no.
    pub word: Word,
    /// On what: run, action, upper bound of the scope, plan.
    pub on: Request,
    /// Valid from.
    pub issued_ms: i64,
    /// Valid until, without that millisecond.
    pub expires_ms: i64,
    /// 32 hex digits, never twice.
    pub nonce: String,
    /// In the approver's words; may be empty for a grant.
    pub reason: String,
}

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The pen failed.
    #[error("it was not signed: {0}")]
    Pen(String),
    /// It cannot hold.
    #[error(transparent)]
    Refused(#[from] Refused),
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    _type: String,
    subject: [Subject; 1],
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: RunId,
    digest: Digest,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digest {
    sha256: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    decision: Word,
    action: Action,
    scope: Scope,
    issued_at: String,
    expires_at: String,
    nonce: String,
    reason: String,
}

impl Word {
    /// As it is signed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Grant => "grant",
            Self::Refuse => "refusal",
        }
    }
}

impl Decision {
    /// A decision of now, with a fresh nonce.
    #[must_use]
    pub fn new(word: Word, on: Request, now_ms: i64, lasts_ms: i64, reason: &str) -> Self {
        Self {
            word,
            on,
            issued_ms: now_ms,
            expires_ms: now_ms.saturating_add(lasts_ms),
            nonce: uuid::Uuid::new_v4().simple().to_string(),
            reason: reason.to_owned(),
        }
    }

    /// The payload of the envelope, as the documentation of [`crate::approval`] shows it.
    #[must_use]
    pub fn payload(&self) -> Vec<u8> {
        let statement = Statement {
            _type: STATEMENT.to_owned(),
            subject: [Subject {
                name: self.on.run.clone(),
                digest: Digest { sha256: self.on.plan_digest.trim_start_matches("sha256:").to_owned() },
            }],
            predicate_type: PREDICATE.to_owned(),
            predicate: Predicate {
                decision: self.word,
                action: self.on.action,
                scope: self.on.scope.clone(),
                issued_at: clock::rfc3339(self.issued_ms),
                expires_at: clock::rfc3339(self.expires_ms),
                nonce: self.nonce.clone(),
                reason: self.reason.clone(),
            },
        };
        serde_json::to_vec(&statement).unwrap_or_default()
    }

    /// Signs it with whatever signs: `pen` gets the bytes and gives an ECDSA signature in DER. Whose it is follows from
    /// the keys of the approvers.
    ///
    /// # Errors
    /// [`SignError::Pen`] when nothing was signed, [`SignError::Refused`] when the signer is not listed, may not decide on
    /// this, or the lifetime is out of bounds: it would never be accepted.
    pub fn sign(
        &self,
        approvers: &Approvers,
        pen: impl FnOnce(&[u8]) -> Result<Vec<u8>, String>,
    ) -> Result<Envelope, SignError> {
        self.check_lifetime()?;
        let payload = self.payload();
        let bytes = pae(PAYLOAD_TYPE, &payload);
        let signature = pen(&bytes).map_err(SignError::Pen)?;
        let signer = approvers.people().iter().find(|person| person.key.verifies(&bytes, &signature));
        let signer = signer.ok_or_else(|| Refused::UnknownSigner { key: "that signed".to_owned() })?;
        if !signer.actions.contains(&self.on.action) {
            return Err(Refused::MayNotDecide { name: signer.name.clone(), action: self.on.action }.into());
        }
        Ok(Envelope::new(PAYLOAD_TYPE, &payload, &signer.key.id(), &signature))
    }

    /// Reads the payload of an envelope; says nothing about who signed it.
    ///
    /// # Errors
    /// [`Refused::Unreadable`] for anything that is not exactly such a statement.
    pub fn read(envelope: &Envelope) -> Result<Self, Refused> {
        let unreadable = |why: &dyn std::fmt::Display| Refused::Unreadable(why.to_string());
        if envelope.payload_type != PAYLOAD_TYPE {
            return Err(unreadable(&format!("the payload is of type {}", envelope.payload_type)));
        }
        let payload = envelope.payload().map_err(|error| unreadable(&error))?;
        let statement: Statement = serde_json::from_slice(&payload).map_err(|error| unreadable(&error))?;
        if statement._type != STATEMENT || statement.predicate_type != PREDICATE {
            return Err(unreadable(&format!("the statement is about {}", statement.predicate_type)));
        }
        let Statement { subject: [subject], predicate, .. } = statement;
        let time = |text: &str| clock::parse_rfc3339(text).map_err(|error| unreadable(&error));
        Ok(Self {
            word: predicate.decision,
            on: Request {
                run: subject.name,
                action: predicate.action,
                scope: predicate.scope,
                plan_digest: format!("sha256:{}", subject.digest.sha256),
            },
            issued_ms: time(&predicate.issued_at)?,
            expires_ms: time(&predicate.expires_at)?,
            nonce: predicate.nonce,
            reason: predicate.reason,
        })
    }

    /// Is it valid for some time, and not for too long?
    pub(super) fn check_lifetime(&self) -> Result<(), Refused> {
        let lasts = self.expires_ms.saturating_sub(self.issued_ms);
        if lasts > 0 && lasts <= LONGEST_MS { Ok(()) } else { Err(Refused::Lifetime) }
    }
}
