//! Does a signed decision hold? First who signed it, then for what.

use super::{Approvers, Decision, Refused, Request, Word};
use crate::clock;
use crate::signing::Envelope;

/// A decision whose signature is that of an approver who may decide on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    decision: Decision,
    by: String,
}

impl Signed {
    /// What was decided.
    #[must_use]
    pub fn decision(&self) -> &Decision {
        &self.decision
    }

    /// The approver's name.
    #[must_use]
    pub fn by(&self) -> &str {
        &self.by
    }
}

/// Who signed an envelope, and was she allowed to?
///
/// # Errors
/// [`Refused::Unreadable`], [`Refused::UnknownSigner`], [`Refused::BadSignature`], [`Refused::MayNotDecide`] or
/// [`Refused::Lifetime`].
pub fn examine(envelope: &Envelope, approvers: &Approvers) -> Result<Signed, Refused> {
    let unreadable = |why: &dyn std::fmt::Display| Refused::Unreadable(why.to_string());
    let [signature] = envelope.signatures.as_slice() else {
        return Err(unreadable(&format!("{} signatures instead of one", envelope.signatures.len())));
    };
    let approver =
        approvers.with_key(&signature.keyid).ok_or_else(|| Refused::UnknownSigner { key: signature.keyid.clone() })?;
    let bytes = envelope.pae().map_err(|error| unreadable(&error))?;
    let der = signature.der().map_err(|error| unreadable(&error))?;
    if !approver.key.verifies(&bytes, &der) {
        return Err(Refused::BadSignature { name: approver.name.clone() });
    }
    let decision = Decision::read(envelope)?;
    if !approver.actions.contains(&decision.on.action) {
        return Err(Refused::MayNotDecide { name: approver.name.clone(), action: decision.on.action });
    }
    decision.check_lifetime()?;
    Ok(Signed { decision, by: approver.name.clone() })
}

/// Is a decision about this request, and valid now?
///
/// # Errors
/// [`Refused::OtherRun`], [`Refused::OtherAction`], [`Refused::OtherScope`], [`Refused::ScopeTooSmall`],
/// [`Refused::OtherPlan`], [`Refused::NotYetValid`] or [`Refused::Expired`].
pub fn fits(decision: &Decision, request: &Request, now_ms: i64) -> Result<(), Refused> {
    let on = &decision.on;
    if on.run != request.run {
        return Err(Refused::OtherRun { decided: on.run.to_string(), asked: request.run.to_string() });
    }
    if on.action != request.action {
        return Err(Refused::OtherAction { decided: on.action, asked: request.action });
    }
    on.scope.covers(&request.scope)?;
    if on.plan_digest != request.plan_digest {
        return Err(Refused::OtherPlan { decided: on.plan_digest.clone(), asked: request.plan_digest.clone() });
    }
    if now_ms < decision.issued_ms {
        return Err(Refused::NotYetValid { from: clock::rfc3339(decision.issued_ms) });
    }
    if now_ms >= decision.expires_ms {
        return Err(Refused::Expired { at: clock::rfc3339(decision.expires_ms) });
    }
    Ok(())
}

/// Does a refusal stand against this request? For its run and action, where it touches any of the same apps, whatever its
/// bound, its plan and its times: a no has to be lifted by a yes.
#[must_use]
pub fn forbids(decision: &Decision, request: &Request) -> bool {
    let on = &decision.on;
    decision.word == Word::Refuse
        && (&on.run, on.action) == (&request.run, request.action)
        && on.scope.meets(&request.scope)
}
