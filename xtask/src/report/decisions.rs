//! What a run asked of people, and what came of it, as far as its own record tells.

use common::approval::{Action, Decision, Entry, Noted, Request, Word, forbids};
use common::ids::AppId;
use common::target::VUS_WITHOUT_APPROVAL;
use schemars::JsonSchema;
use serde::Serialize;

use super::text;
use crate::record::{RunView, ShapeRun};

/// One request of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request,
    pub(super) phase: u8,
    pub(super) at: &'a str,
    pub(super) answer: Answer,
}

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answer {
    /// Nobody decided; `ended` if the run came to its end without an answer.
    Waits { ended: bool },
    /// Granted, and not used.
    Granted { by: String, at: String },
    /// The run went on under it.
    Used { by: String, at: String },
    /// Refused.
    Refused { by: String, reason: String },
}

/// How many requests came out how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct AnswerCounts {
    requested: u64,
    /// Nobody decided.
    waiting: u64,
    /// Granted, and not used.
    granted: u64,
    /// Granted and used.
    used: u64,
    refused: u64,
}

impl Answer {
    /// The word for it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Waits { .. } => "WAITS",
            Self::Granted { .. } => "GRANTED",
            Self::Used { .. } => "USED",
            Self::Refused { .. } => "REFUSED",
        }
    }

    /// Who, when and why, in words.
    pub(super) fn in_words(&self) -> String {
        match self {
            Self::Waits { ended: true } => "nobody had answered when the run ended".to_owned(),
            Self::Waits { ended: false } => "nobody decided yet".to_owned(),
            Self::Granted { by, at } => format!("granted by {by} at {at}, not used"),
            Self::Used { by, at } => format!("granted by {by}, used at {at}"),
            Self::Refused { by, reason } if reason.is_empty() => format!("refused by {by}"),
            Self::Refused { by, reason } => format!("refused by {by}: {reason}"),
        }
    }
}

/// The requests of the run, in the order in which they were made.
pub(super) fn asked(view: &RunView) -> Vec<Asked<'_>> {
    let mut all: Vec<Asked<'_>> = Vec::new();
    for noted in &view.approvals {
        if let Entry::Requested { request, phase } = &noted.entry
            && !all.iter().any(|known| known.request == request)
        {
            all.push(Asked { request, phase: *phase, at: &noted.at, answer: answer(view, request) });
        }
    }
    all
}

/// The last word on a request counts.
fn answer(view: &RunView, asked: &Request) -> Answer {
    let mut answer = Answer::Waits { ended: false };
    for noted in &view.approvals {
        let at = text::moment(&noted.at);
        match &noted.entry {
            Entry::Used { request, by, .. } if request == asked => answer = Answer::Used { by: by.join(" and "), at },
            Entry::Escalated { request, .. } if request == asked => match &mut answer {
                Answer::Waits { ended } => *ended = true,
                Answer::Granted { .. } | Answer::Used { .. } | Answer::Refused { .. } => {}
            },
            Entry::Granted { by, .. } if decided(noted).is_some_and(|on| grants(&on, asked)) => {
                answer = Answer::Granted { by: by.clone(), at };
            }
            Entry::Declined { by, .. } => {
                if let Some(on) = decided(noted).filter(|on| forbids(on, asked)) {
                    answer = Answer::Refused { by: by.clone(), reason: on.reason };
                }
            }
            _ => {}
        }
    }
    answer
}

/// What a person signed.
fn decided(noted: &Noted) -> Option<Decision> {
    noted.entry.envelope().and_then(|envelope| Decision::read(envelope).ok())
}

fn grants(decision: &Decision, asked: &Request) -> bool {
    let on = &decision.on;
    decision.word == Word::Grant
        && on.action == asked.action
        && on.plan_digest == asked.plan_digest
        && on.scope.covers(&asked.scope).is_ok()
}

/// How many came out how.
pub(super) fn counts(view: &RunView) -> AnswerCounts {
    let all = asked(view);
    let of = |word: &str| all.iter().filter(|one| one.answer.word() == word).count() as u64;
    AnswerCounts {
        requested: all.len() as u64,
        waiting: of("WAITS"),
        granted: of("GRANTED"),
        used: of("USED"),
        refused: of("REFUSED"),
    }
}

/// Uses of an action whose grants the record has, all of them.
pub(super) fn used(view: &RunView, wanted: Action) -> bool {
    view.approvals.iter().any(|noted| match &noted.entry {
        Entry::Used { request, .. } => request.action == wanted && granted(view, noted),
        _ => false,
    })
}

/// Uses without a grant in the record.
pub(super) fn ungranted(view: &RunView) -> usize {
    let uses = view.approvals.iter().filter(|noted| matches!(noted.entry, Entry::Used { .. }));
    uses.filter(|noted| !granted(view, noted)).count()
}

/// A restricted action of which the record has what came of it and no grant that was used for it: the app that it was about,
/// and what was done.
pub(crate) fn unapproved(view: &RunView) -> Option<(AppId, String)> {
    let over = |shape: &&ShapeRun| shape.points.iter().any(|point| point.users > VUS_WITHOUT_APPROVAL);
    let crowd = view.shapes.iter().find(over).filter(|_| !used(view, Action::VusOver60));
    let crowd = crowd.map(|shape| (shape.app, format!("{} had {}", shape.id, Action::VusOver60.in_words())));
    let disturbed = (view.resilience.is_some() || view.effects.is_some()) && !used(view, Action::Inject503);
    let outage = disturbed.then(|| (AppId::A3, format!("phase 7 did this: {}", Action::Inject503.in_words())));
    let spent = (ungranted(view) > 0).then(|| (AppId::A8, "a grant was used that nobody signed".to_owned()));
    crowd.or(outage).or(spent)
}

/// True if every grant that a use spent stands before it.
fn granted(view: &RunView, used: &Noted) -> bool {
    let Entry::Used { nonces, .. } = &used.entry else { return false };
    let before = view.approvals.iter().filter(|noted| noted.seq < used.seq);
    let grants = before.filter(|noted| matches!(noted.entry, Entry::Granted { .. })).filter_map(decided);
    let grants = grants.filter(|decision| decision.word == Word::Grant);
    let known: Vec<String> = grants.map(|decision| decision.nonce).collect();
    !nonces.is_empty() && nonces.iter().all(|nonce| known.contains(nonce))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_that_was_used_is_told_with_who_gave_it() {
        let view = crate::report::fixture::view();
        let all = asked(&view);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].answer.in_words(), "granted by Ada Lovelace, used at 2026-11-21 10:17:41 UTC");
        assert!(used(&view, Action::Inject503) && !used(&view, Action::VusOver60));
        assert_eq!(ungranted(&view), 0);
    }

    #[test]
    fn a_grant_for_another_plan_or_scope_answers_nothing() {
        let mut view = crate::report::fixture::view();
        view.approvals.retain(|noted| noted.entry.kind() != "approval_used");
        assert_eq!(asked(&view)[0].answer.word(), "GRANTED");
        if let Entry::Requested { request, .. } = &mut view.approvals[0].entry {
            request.plan_digest = "sha256:other".into();
        }
        assert_eq!(asked(&view)[0].answer.word(), "WAITS");
    }

    #[test]
    fn a_run_that_asked_nobody_counts_nothing() {
        assert_eq!(counts(&RunView::default()).requested, 0);
        assert_eq!(counts(&crate::report::fixture::held()).waiting, 1);
    }
}
