//! What a decision allows, and everything it does not.

use proptest::prelude::*;

use super::*;

/// A record with this envelope in it, whoever put it there.
fn holding(envelope: Envelope) -> TempDir {
    let dir = asked();
    let entry = Entry::Granted { by: "Ada".into(), key: String::new(), envelope };
    crate::ledger::Ledger::open_shared(dir.path())
        .unwrap()
        .with_clock(Clock::manual(NOW))
        .append(entry.kind(), &entry)
        .unwrap();
    dir
}

#[test]
fn a_grant_allows_what_was_asked_once() {
    let (people, dir) = (people(), asked());
    let envelope = decision(Word::Grant).sign(&people.approvers, |bytes| Ok(people.ada.sign(bytes))).unwrap();
    at(dir.path(), 0).decide(envelope, &people.approvers).unwrap();
    let Answer::Granted(grant) = at(dir.path(), 1).take(&request(), &people.approvers, &[]).unwrap() else { panic!() };
    assert_eq!((grant.by(), grant.vus().unwrap().max_vus()), (["Ada".to_owned()].as_slice(), 100));
    assert_eq!(rejected(dir.path(), &request(), &people), [Refused::Used { at: crate::clock::rfc3339(NOW + 1) }]);
}

#[test]
fn nothing_is_allowed_before_somebody_says_so() {
    let (people, dir) = (people(), asked());
    assert_eq!(rejected(dir.path(), &request(), &people), []);
}

#[test]
fn no_byte_of_what_was_signed_can_be_altered() {
    let people = people();
    let mut other = decision(Word::Grant);
    let signature = people.ada.sign(&crate::signing::pae(PAYLOAD_TYPE, &other.payload()));
    other.on.scope.vus = Some(200);
    let forged = Envelope::new(PAYLOAD_TYPE, &other.payload(), &people.ada.public().id(), &signature);
    let dir = holding(forged);
    assert_eq!(rejected(dir.path(), &request(), &people), [Refused::BadSignature { name: "Ada".into() }]);
}

#[test]
fn a_stranger_allows_nothing_even_under_anothers_key_id() {
    let people = people();
    let key = people.mallory.public().id();
    let dir = holding(sealed(&decision(Word::Grant), &people.mallory));
    assert_eq!(rejected(dir.path(), &request(), &people), [Refused::UnknownSigner { key }]);

    let payload = decision(Word::Grant).payload();
    let signature = people.mallory.sign(&crate::signing::pae(PAYLOAD_TYPE, &payload));
    let dir = holding(Envelope::new(PAYLOAD_TYPE, &payload, &people.ada.public().id(), &signature));
    assert_eq!(rejected(dir.path(), &request(), &people), [Refused::BadSignature { name: "Ada".into() }]);
}

#[test]
fn an_approver_decides_only_on_what_is_hers() {
    let people = people();
    let request = Request { action: Action::Inject503, ..request() };
    let decision = Decision::new(Word::Grant, request.clone(), NOW, HOUR, "");
    let dir = holding(sealed(&decision, &people.bob));
    let why = Refused::MayNotDecide { name: "Bob".into(), action: Action::Inject503 };
    assert_eq!(rejected(dir.path(), &request, &people), std::slice::from_ref(&why));
    let signed = decision.sign(&people.approvers, |bytes| Ok(people.bob.sign(bytes)));
    assert!(matches!(signed, Err(SignError::Refused(refused)) if refused == why));
    let signed = decision.sign(&people.approvers, |bytes| Ok(people.mallory.sign(bytes)));
    assert!(matches!(signed, Err(SignError::Refused(Refused::UnknownSigner { .. }))));
}

/// What is asked, other than what was granted, and the words for it.
fn elsewhere() -> Vec<(Request, &'static str)> {
    let granted = request();
    let scope = |scope: Scope| Request { scope, ..granted.clone() };
    vec![
        (
            Request { run: "20261122t101500-1a2b3c4d".parse().unwrap(), ..granted.clone() },
            "it was given for run 20261121t101500-1a2b3c4d, not for 20261122t101500-1a2b3c4d",
        ),
        (Request { action: Action::Inject503, ..granted.clone() }, "it allows vus_over_60, not inject_503"),
        (
            scope(Scope::new("staging", [AppId::A2]).with_vus(100)),
            "it covers env=embedded,apps=a2,vus=100, not env=staging,apps=a2,vus=100",
        ),
        (scope(Scope::new("embedded", [AppId::A2, AppId::A6]).with_vus(100)), "not env=embedded,apps=a2+a6,vus=100"),
        (scope(Scope::new("embedded", [AppId::A2])), "not env=embedded,apps=a2"),
        (scope(Scope::new("embedded", []).with_vus(1)), "it covers env=embedded,apps=a2,vus=100"),
        (
            scope(Scope::new("embedded", [AppId::A2]).with_vus(101)),
            "it allows 100 virtual users at most, and 101 are asked for",
        ),
        (
            Request { plan_digest: crate::signing::sha256(b"another plan"), ..granted.clone() },
            "and the run has the plan sha256:",
        ),
    ]
}

#[test]
fn a_decision_counts_for_its_run_action_scope_and_plan_only() {
    let granted = decision(Word::Grant);
    fits(&granted, &request(), NOW).unwrap();
    let mut words = Vec::new();
    for (asked, expected) in elsewhere() {
        let why = fits(&granted, &asked, NOW).unwrap_err();
        assert!(why.to_string().contains(expected), "{why}\nlacks {expected}");
        words.push(std::mem::discriminant(&why));
    }
    words.dedup();
    assert_eq!(words.len(), 5, "run, action, scope, bound and plan have words of their own");
}

#[test]
fn the_same_decision_on_another_run_allows_nothing() {
    let (people, dir) = (people(), asked());
    at(dir.path(), 0).decide(sealed(&decision(Word::Grant), &people.ada), &people.approvers).unwrap();
    for (asked, _) in elsewhere() {
        let answer = at(dir.path(), 1).take(&asked, &people.approvers, &[]).unwrap();
        assert!(matches!(answer, Answer::Waiting { have: 0, .. }), "{asked:?}: {answer:?}");
    }
}

#[test]
fn a_decision_has_its_time() {
    let granted = decision(Word::Grant);
    let of = |ms: i64| fits(&granted, &request(), NOW + ms);
    assert_eq!(of(-1).unwrap_err(), Refused::NotYetValid { from: crate::clock::rfc3339(NOW) });
    assert_eq!((of(0), of(2 * HOUR - 1)), (Ok(()), Ok(())));
    assert_eq!(of(2 * HOUR).unwrap_err(), Refused::Expired { at: crate::clock::rfc3339(NOW + 2 * HOUR) });

    let people = people();
    let dir = holding(sealed(&Decision::new(Word::Grant, request(), NOW - HOUR, HOUR, ""), &people.ada));
    assert!(matches!(rejected(dir.path(), &request(), &people)[..], [Refused::Expired { .. }]));
    for lasts in [0, -1, LONGEST_MS + 1] {
        let decision = Decision::new(Word::Grant, request(), NOW, lasts, "");
        let signed = decision.sign(&people.approvers, |bytes| Ok(people.ada.sign(bytes)));
        assert!(matches!(signed, Err(SignError::Refused(Refused::Lifetime))), "{lasts}");
        assert_eq!(examine(&sealed(&decision, &people.ada), &people.approvers).unwrap_err(), Refused::Lifetime);
    }
}

#[test]
fn the_clock_may_not_be_set_back() {
    let (people, dir) = (people(), asked());
    let early = Register::open(dir.path(), Clock::manual(NOW - HOUR));
    let (now, newest) = (crate::clock::rfc3339(NOW - HOUR), crate::clock::rfc3339(NOW));
    assert_eq!(refused(early), Refused::ClockSetBack { now, newest });
    at(dir.path(), -999).take(&request(), &people.approvers, &[]).unwrap();
}

#[test]
fn the_same_envelope_is_taken_in_once() {
    let (people, dir) = (people(), asked());
    let envelope = sealed(&decision(Word::Grant), &people.ada);
    at(dir.path(), 0).decide(envelope.clone(), &people.approvers).unwrap();
    assert!(matches!(refused(at(dir.path(), 1).decide(envelope, &people.approvers)), Refused::Used { .. }));
}

#[test]
fn a_refusal_counts_until_somebody_grants_after_it() {
    let (people, dir) = (people(), asked());
    at(dir.path(), 0).decide(sealed(&decision(Word::Grant), &people.ada), &people.approvers).unwrap();
    at(dir.path(), 1).decide(sealed(&decision(Word::Refuse), &people.bob), &people.approvers).unwrap();
    let answer = at(dir.path(), 2).take(&request(), &people.approvers, &[]).unwrap();
    assert_eq!(answer, Answer::Declined { by: "Bob".into(), reason: "for the release".into() });
    at(dir.path(), 3).decide(sealed(&decision(Word::Grant), &people.ada), &people.approvers).unwrap();
    let answer = at(dir.path(), 4).take(&request(), &people.approvers, &[]).unwrap();
    assert!(matches!(answer, Answer::Granted(_)), "{answer:?}");
}

#[test]
fn a_refusal_does_not_lapse_and_holds_for_less_than_it_was_given_for() {
    let (people, dir) = (people(), asked());
    let lasting = Decision::new(Word::Grant, request(), NOW, LONGEST_MS, "");
    at(dir.path(), 0).decide(sealed(&lasting, &people.ada), &people.approvers).unwrap();
    at(dir.path(), 1).decide(sealed(&decision(Word::Refuse), &people.bob), &people.approvers).unwrap();
    let fewer = Request { scope: Scope::new("embedded", [AppId::A2]).with_vus(80), ..request() };
    for asked in [request(), fewer] {
        let answer = at(dir.path(), 3 * HOUR).take(&asked, &people.approvers, &[]).unwrap();
        assert!(matches!(&answer, Answer::Declined { by, .. } if by == "Bob"), "{answer:?}");
    }
}

#[test]
fn a_spent_grant_lifts_the_refusal_before_it_and_allows_nothing_more() {
    let (people, dir) = (people(), asked());
    at(dir.path(), 0).decide(sealed(&decision(Word::Refuse), &people.bob), &people.approvers).unwrap();
    at(dir.path(), 1).decide(sealed(&decision(Word::Grant), &people.ada), &people.approvers).unwrap();
    let answer = at(dir.path(), 2).take(&request(), &people.approvers, &[]).unwrap();
    assert!(matches!(answer, Answer::Granted(_)), "{answer:?}");
    assert!(matches!(rejected(dir.path(), &request(), &people)[..], [Refused::Used { .. }]));
}

#[test]
fn a_grant_that_the_runs_own_record_knows_as_used_stays_spent() {
    let (people, dir) = (people(), asked());
    at(dir.path(), 0).decide(sealed(&decision(Word::Grant), &people.ada), &people.approvers).unwrap();
    let other = tempfile::tempdir().unwrap();
    for file in [crate::ledger::LEDGER_FILE, crate::ledger::HEAD_FILE] {
        std::fs::copy(dir.path().join(file), other.path().join(file)).unwrap();
    }
    at(dir.path(), 1).take(&request(), &people.approvers, &[]).unwrap();
    let own = Register::read(dir.path()).unwrap();
    let answer = at(other.path(), 2).take(&request(), &people.approvers, &own).unwrap();
    assert!(matches!(&answer, Answer::Waiting { rejected, .. } if matches!(rejected[..], [Refused::Used { .. }])));
}

#[test]
fn a_quorum_needs_different_people() {
    let (people, dir) = (people_with("quorum:\n  vus_over_60: 2\n"), asked());
    for ms in 0..2 {
        at(dir.path(), ms).decide(sealed(&decision(Word::Grant), &people.ada), &people.approvers).unwrap();
    }
    let answer = at(dir.path(), 2).take(&request(), &people.approvers, &[]).unwrap();
    assert!(matches!(answer, Answer::Waiting { have: 1, needed: 2, .. }), "{answer:?}");
    at(dir.path(), 3).decide(sealed(&decision(Word::Grant), &people.bob), &people.approvers).unwrap();
    let Answer::Granted(grant) = at(dir.path(), 4).take(&request(), &people.approvers, &[]).unwrap() else { panic!() };
    assert_eq!(grant.by(), ["Ada", "Bob"]);
}

#[test]
fn only_leave_for_load_is_leave_for_users() {
    let people = people();
    let dir = tempfile::tempdir().unwrap();
    let request = Request { action: Action::Inject503, scope: Scope::new("embedded", [AppId::A3]), ..request() };
    let decision = Decision::new(Word::Grant, request.clone(), NOW, HOUR, "");
    at(dir.path(), 0).decide(sealed(&decision, &people.ada), &people.approvers).unwrap();
    let Answer::Granted(grant) = at(dir.path(), 0).take(&request, &people.approvers, &[]).unwrap() else { panic!() };
    assert!(grant.vus().is_none());
}

#[test]
fn gates_tell_what_waits_what_is_granted_and_what_is_spent() {
    let (people, dir) = (people(), asked());
    let state = |ms: i64| {
        let lines = Register::read(dir.path()).unwrap();
        let mut all = gates(&lines, Some(&request().run), &people.approvers, NOW + ms);
        assert_eq!(all.len(), 1);
        all.remove(0)
    };
    assert_eq!(state(0).state, GateState::Waiting { have: 0, needed: 1, rejected: Vec::new() });
    at(dir.path(), 0).escalate(&request(), 7).unwrap();
    at(dir.path(), 0).escalate(&request(), 7).unwrap();
    assert!(state(0).escalated);
    at(dir.path(), 1).decide(sealed(&decision(Word::Grant), &people.ada), &people.approvers).unwrap();
    assert!(matches!(state(1).state, GateState::Granted { .. }));
    let late = state(3 * HOUR).state;
    assert!(matches!(&late, GateState::Waiting { rejected, .. } if matches!(rejected[..], [Refused::Expired { .. }])));
    at(dir.path(), 2).take(&request(), &people.approvers, &[]).unwrap();
    assert!(matches!(state(3).state, GateState::Used { .. }));
    at(dir.path(), 4).request(&request(), 2).unwrap();
    assert!(matches!(state(5).state, GateState::Waiting { .. }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_scope_is_read_back_from_its_text(vus in prop::option::of(0..10_000_u32), apps in prop::sample::subsequence(&AppId::ALL, 1..=8)) {
        let scope = Scope { vus, ..Scope::new("staging", apps) };
        prop_assert_eq!(scope.to_string().parse::<Scope>().unwrap(), scope);
    }

    #[test]
    fn a_decision_covers_no_more_than_its_bound(most in 0..1_000_u32, asked in 0..1_000_u32) {
        let of = |vus| Scope::new("embedded", [AppId::A2]).with_vus(vus);
        prop_assert_eq!(of(most).covers(&of(asked)).is_ok(), asked <= most);
    }
}
