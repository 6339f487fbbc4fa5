//! Each claim with the evidence that lets it pass, that breaks it, and that decides nothing.

use common::ids::TraceId;
use common::slo::{BackoffFindings, BackoffRule, FailedAttempt};
use common::verdict::{Confirmation, Ruling, Verdict};

use super::*;
use crate::record::{AttemptsCompared, CrashOutage, OwnOutage, RunsSeen, Share};
use crate::report::fixture;

/// A drive in which everything held.
fn healthy() -> Resilience {
    let mut seen = fixture::view().resilience.unwrap();
    for outage in &mut seen.parties {
        outage.compared.matched = outage.compared.listed;
        (outage.compared.unreported, outage.compared.examples) = (0, Vec::new());
        outage.after = Share { requests: 400, errors: 0 };
    }
    seen.own = OwnOutage { asked: 12, answered_503: 6, taken: 12, after: Share { requests: 400, errors: 0 } };
    seen.attempts = AttemptsCompared { listed: 48, refused: 48, matched: 48, ..AttemptsCompared::default() };
    seen
}

fn ruled(seen: &Resilience, what: &str) -> Ruling {
    let id = format!("a3.resilience.{what}");
    rulings(seen).into_iter().find(|ruling| ruling.claim.id == id).unwrap_or_else(|| panic!("no ruling on {id}"))
}

/// What is ruled once `change` was made to a drive in which everything held.
fn with(what: &str, change: impl FnOnce(&mut Resilience)) -> &'static str {
    let mut seen = healthy();
    change(&mut seen);
    ruled(&seen, what).verdict.as_str()
}

#[test]
fn all_claims_pass_where_everything_held_and_none_without_evidence() {
    let seen = healthy();
    for ruling in rulings(&seen) {
        assert!(ruling.verdict.is_pass(), "{}: {:?}", ruling.claim.id, ruling.verdict);
    }
    let nothing = Resilience {
        parties: Vec::new(),
        backoff: BackoffFindings::of(PAUSES, &[]),
        attempts: AttemptsCompared::default(),
        retry_after: BackoffFindings::of(PAUSES, &[]),
        own: OwnOutage::default(),
        crash: CrashOutage::default(),
        runs: RunsSeen::default(),
        ..seen
    };
    for ruling in rulings(&nothing) {
        assert_eq!(ruling.verdict.as_str(), "INCONCLUSIVE", "{}", ruling.claim.id);
    }
}

#[test]
fn one_outage_that_opens_no_breaker_or_tries_in_vain_never_breaks_the_claim() {
    assert_eq!(with("breaker_opens", |seen| seen.parties[0].cycles[2].opened_after_ms = None), "FAIL");
    assert_eq!(with("breaker_opens", |seen| seen.parties[1].cycles[0].trial_failed = false), "FAIL");
    assert_eq!(
        with("breaker_opens", |seen| seen.parties.iter_mut().for_each(|one| one.cycles.clear())),
        "INCONCLUSIVE"
    );
}

#[test]
fn one_breaker_that_stays_open_breaks_the_recovery() {
    let again = |seen: &mut Resilience| {
        let recovery = &mut seen.parties[0].recovery;
        recovery.n -= 1;
    };
    assert_eq!(with("recovers", again), "FAIL");
    assert_eq!(with("recovers", |seen| seen.parties.clear()), "INCONCLUSIVE");
}

#[test]
fn a_change_that_one_source_alone_knows_or_no_breaker_makes_breaks_the_claim() {
    for spoil in [
        (|seen| seen.parties[0].compared.unreported = 1) as fn(&mut Resilience),
        |seen| seen.parties[0].compared.unlisted = 1,
        |seen| seen.parties[1].compared.illegal = 1,
        |seen| seen.parties[1].compared.early_trials = 1,
    ] {
        assert_eq!(with("transitions_reported", spoil), "FAIL");
    }
    assert_eq!(with("transitions_reported", |seen| seen.parties.clear()), "INCONCLUSIVE");
    let second = ruled(&healthy(), "transitions_reported").verdict;
    assert!(matches!(second, Verdict::Pass { second: Confirmation::Agreed(_), .. }), "{second:?}");
}

const PAUSES: BackoffRule = BackoffRule { base_ms: 100, cap_ms: 5_000 };

fn failed(pause_ms: u64, retry_after_ms: Option<u64>, waited_ms: i64) -> FailedAttempt {
    FailedAttempt { number: 1, ended_ms: 0, pause_ms, retry_after_ms, next_ms: Some(waited_ms) }
}

#[test]
fn pauses_pass_with_both_sources_and_fail_when_either_knows_better() {
    let second = ruled(&healthy(), "backoff").verdict;
    assert!(
        matches!(&second, Verdict::Pass { second: Confirmation::Agreed(agreed), .. } if agreed.matched.get() == 48)
    );
    assert_eq!(with("backoff", |seen| seen.attempts.unlisted = 1), "FAIL", "A3 hides an attempt");
    assert_eq!(with("backoff", |seen| seen.attempts.never_refused = 1), "FAIL", "A3 makes an attempt up");
    let at_once: Vec<_> = (0..30).map(|_| failed(0, None, 5)).collect();
    assert_eq!(with("backoff", |seen| seen.backoff = BackoffFindings::of(PAUSES, &at_once)), "FAIL");
    let cut = [failed(90, None, 20)];
    assert_eq!(with("backoff", |seen| seen.backoff = BackoffFindings::of(PAUSES, &cut)), "FAIL");
}

#[test]
fn few_pauses_decide_nothing_and_an_a3_that_lists_none_of_what_was_refused_fails() {
    let few = [failed(40, None, 60), failed(70, None, 90)];
    assert_eq!(with("backoff", |seen| seen.backoff = BackoffFindings::of(PAUSES, &few)), "INCONCLUSIVE");
    let silent = |seen: &mut Resilience| {
        seen.backoff = BackoffFindings::of(PAUSES, &[]);
        seen.attempts = AttemptsCompared { refused: 40, unlisted: 40, ..AttemptsCompared::default() };
    };
    assert_eq!(with("backoff", silent), "FAIL");
}

#[test]
fn one_attempt_before_the_time_that_was_asked_for_breaks_the_claim() {
    let unheard = [failed(1_000, Some(1_000), 1_010), failed(50, Some(1_000), 60)];
    assert_eq!(with("retry_after", |seen| seen.retry_after = BackoffFindings::of(PAUSES, &unheard)), "FAIL");
    assert_eq!(with("retry_after", |seen| seen.retry_after = BackoffFindings::of(PAUSES, &[])), "INCONCLUSIVE");
}

#[test]
fn a_request_that_was_never_taken_breaks_the_claim_and_no_503_is_no_outage() {
    assert_eq!(with("taken_again", |seen| seen.own.taken = 11), "FAIL");
    assert_eq!(with("taken_again", |seen| seen.own.answered_503 = 0), "INCONCLUSIVE");
}

#[test]
fn a_run_that_a_kill_took_along_breaks_the_claim_and_none_under_way_shows_nothing() {
    assert_eq!(with("runs_survive", |seen| seen.crash.completed = 5), "FAIL");
    assert_eq!(with("runs_survive", |seen| seen.crash = CrashOutage::default()), "INCONCLUSIVE");
    let mut seen = healthy();
    seen.crash.completed = 0;
    seen.crash.not_started = Some("A3 did not start within 20 s".into());
    let ruling = ruled(&seen, "runs_survive");
    assert!(ruling.verdict.is_fail() && ruling.explanation.contains("did not start within 20 s"), "{ruling:?}");
}

#[test]
fn a_run_that_left_something_twice_or_nothing_or_never_ended_breaks_the_claim() {
    let trace = TraceId::from_u128(5);
    for spoil in [
        (|runs, trace| runs.twice.push(trace)) as fn(&mut RunsSeen, TraceId),
        |runs, trace| runs.without_effect.push(trace),
        |runs, trace| runs.unfinished.push(trace),
    ] {
        let mut seen = healthy();
        spoil(&mut seen.runs, trace);
        let Verdict::Fail { figures, traces } = ruled(&seen, "no_duplicate_effect").verdict else {
            panic!("no failure")
        };
        assert_eq!((figures.bad, traces), (1, vec![trace]));
    }
    assert_eq!(with("no_duplicate_effect", |seen| seen.runs = RunsSeen::default()), "INCONCLUSIVE");
}

#[test]
fn forty_runs_of_which_none_completed_are_no_pass() {
    let unfinished = (0..40).map(TraceId::from_u128).collect();
    let runs = RunsSeen { asked: 40, completed: 0, unfinished, ..RunsSeen::default() };
    let mut seen = healthy();
    seen.runs = runs;
    let ruling = ruled(&seen, "no_duplicate_effect");
    assert!(ruling.verdict.is_fail(), "{ruling:?}");
    assert!(ruling.explanation.contains("0 of 40 runs completed"), "{}", ruling.explanation);
}

#[test]
fn the_share_after_an_outage_needs_enough_requests_to_pass_and_enough_errors_to_fail() {
    let after = |requests, errors| with("after.a7", |seen| seen.parties[0].after = Share { requests, errors });
    assert_eq!(after(400, 0), "PASS");
    assert_eq!(after(380, 0), "INCONCLUSIVE");
    assert_eq!(after(400, 3), "INCONCLUSIVE");
    assert_eq!(after(400, 20), "FAIL");
    assert_eq!(after(0, 0), "INCONCLUSIVE");
    assert_eq!(with("after.own", |seen| seen.own.after = Share { requests: 20, errors: 20 }), "FAIL");
}

#[test]
fn nothing_passes_where_the_harness_could_not_go_on_and_what_failed_has_failed() {
    let mut seen = healthy();
    seen.broke_off = Some("no proxy stands before A3".into());
    seen.own.taken = 3;
    for ruling in rulings(&seen) {
        let wanted = if ruling.claim.id == "a3.resilience.taken_again" { "FAIL" } else { "INCONCLUSIVE" };
        assert_eq!(ruling.verdict.as_str(), wanted, "{}", ruling.claim.id);
    }
    assert!(matches!(
        ruled(&seen, "recovers").verdict,
        Verdict::Inconclusive { reason: Reason::HarnessFault, observed, .. } if observed.contains("no proxy")
    ));
}
