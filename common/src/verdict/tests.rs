//! No way leads to a pass without samples, an open schedule, a run to the end and a second source that agrees.

use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::check::{CheckReport, Finding};
use crate::ids::AppId;
use crate::slo::Stability;
use crate::units::Micros;

fn agrees() -> SecondSource {
    SecondSource::Agrees(agreement())
}

fn agreement() -> Agreement {
    Agreement { source: "A8's request events".into(), matched: NonZeroU64::new(100).unwrap() }
}

/// An even load that earlier runs bound.
fn steady() -> Steadiness {
    Steadiness { established: true, window: Some(Stability::Stable), ..Steadiness::default() }
}

/// Ten thousand requests without an error, none too slow, all as it should be.
fn flawless() -> SloEvidence {
    SloEvidence {
        seconds: 0.0,
        requests: 10_000,
        errors: 0,
        timeouts: 0,
        timed: 10_000,
        over_limit: 0,
        latency: LatencyFigures { limit_ms: 150.0, ..LatencyFigures::default() },
        tau_latency: 1.0,
        tau_errors: 1.0,
        open_model: true,
        generator_late: None,
        underloaded: None,
        stopped: false,
        cause: None,
        steady: Some(steady()),
        second: agrees(),
        failed_traces: vec![TraceId::from_u128(1)],
        slow_traces: vec![TraceId::from_u128(2)],
    }
}

/// The same with every request bad.
fn hopeless() -> SloEvidence {
    SloEvidence { errors: 10_000, over_limit: 10_000, ..flawless() }
}

fn both(evidence: &SloEvidence) -> [Verdict; 2] {
    [judge_errors(evidence, 1.0).0, judge_p95(evidence).0]
}

fn reason(verdict: &Verdict) -> Reason {
    match verdict {
        Verdict::Inconclusive { reason, .. } => *reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_load_that_was_stopped_shows_nothing_without_proof_however_good_or_bad_it_looked() {
    let cause = StopCause { sentence: "ST1: held".into(), proves_errors: false, p: None, proves_p95_above_ms: None };
    // 130 of 10,000 are a failure for who looks once, and not for who stops at the worst moment.
    let bad = SloEvidence { errors: 130, over_limit: 560, ..flawless() };
    assert!(both(&bad).iter().all(Verdict::is_fail));
    for evidence in [flawless(), bad] {
        let evidence = SloEvidence { stopped: true, cause: Some(cause.clone()), ..evidence };
        assert_eq!(both(&evidence).map(|verdict| reason(&verdict)), [Reason::Stopped; 2]);
        assert!(judge_errors(&evidence, 1.0).1.ends_with("ST1: held"));
    }
}

#[test]
fn evidence_that_holds_at_any_time_fails_a_stopped_load_and_its_p_value_is_that_of_the_evidence() {
    let cause = StopCause { sentence: "ST1: held".into(), proves_errors: false, p: None, proves_p95_above_ms: None };
    for verdict in both(&SloEvidence { stopped: true, cause: Some(cause), ..hopeless() }) {
        assert!(verdict.is_fail());
    }
}

#[test]
fn a_proof_in_one_piece_has_the_p_value_of_the_condition_and_not_that_of_the_piece() {
    let cause = StopCause { sentence: "ST2".into(), proves_errors: true, p: Some(1e-9), proves_p95_above_ms: None };
    let outage = SloEvidence { errors: 400, tau_errors: 399.0, stopped: true, cause: Some(cause), ..flawless() };
    let Verdict::Fail { figures, .. } = judge_errors(&outage, 1.0).0 else { panic!("it is proof") };
    assert!(figures.judgement.unwrap().p_fail_effective.is_some_and(|p| p <= 1e-9));
}

#[test]
fn a_stop_that_is_proof_fails_the_claim_it_proves_and_no_other() {
    let proof = |proves_errors, proves_p95_above_ms| {
        let cause = StopCause { sentence: "proof".into(), proves_errors, p: Some(1e-9), proves_p95_above_ms };
        SloEvidence { errors: 130, over_limit: 560, stopped: true, cause: Some(cause), ..flawless() }
    };
    let [errors, latency] = both(&proof(true, None));
    assert!(errors.is_fail());
    assert_eq!(reason(&latency), Reason::Stopped);
    assert_eq!(reason(&judge_errors(&proof(true, None), 5.0).0), Reason::Stopped);
    let [errors, latency] = both(&proof(false, Some(200.0)));
    assert_eq!(reason(&errors), Reason::Stopped);
    assert!(latency.is_fail());
    // A P95 above 100 ms says nothing about a limit of 150 ms, and a late generator is no witness.
    assert_eq!(reason(&judge_p95(&proof(false, Some(100.0))).0), Reason::Stopped);
    let late = SloEvidence { generator_late: Some("late".into()), ..proof(false, Some(200.0)) };
    assert_eq!(reason(&judge_p95(&late).0), Reason::HarnessFault);
}

#[test]
fn evidence_without_a_flaw_passes_and_names_the_second_source() {
    for verdict in both(&flawless()) {
        let Verdict::Pass { second: Confirmation::Agreed(agreement), .. } = &verdict else { panic!("{verdict:?}") };
        assert_eq!(agreement.matched.get(), 100);
    }
}

#[test]
fn evidence_of_nothing_but_failures_fails_and_names_traces() {
    let [errors, p95] = both(&hopeless());
    assert!(matches!(errors, Verdict::Fail { traces, .. } if traces == [TraceId::from_u128(1)]));
    assert!(matches!(p95, Verdict::Fail { traces, .. } if traces == [TraceId::from_u128(2)]));
}

#[test]
fn each_flaw_alone_keeps_flawless_figures_from_passing() {
    let gap = SecondSource::Gap { what: "A8 lacks 1".into() };
    let disagrees = SecondSource::Disagrees { what: "other figures".into() };
    let absent = SecondSource::Absent { why: "no A8".into() };
    let flaws = [
        (SloEvidence { second: gap, ..flawless() }, Reason::TelemetryGap),
        (SloEvidence { second: absent, ..flawless() }, Reason::TelemetryGap),
        (SloEvidence { second: disagrees, ..flawless() }, Reason::Disagreeing),
        (SloEvidence { stopped: true, ..flawless() }, Reason::Stopped),
        (SloEvidence { underloaded: Some("dropped".into()), ..flawless() }, Reason::HarnessFault),
        (SloEvidence { requests: 0, timed: 0, ..flawless() }, Reason::TooFew),
    ];
    for (evidence, expected) in flaws {
        for verdict in both(&evidence) {
            assert_eq!(reason(&verdict), expected, "{evidence:?}");
        }
    }
    let closed = SloEvidence { open_model: false, ..flawless() };
    assert_eq!(reason(&judge_p95(&closed).0), Reason::ClosedLoop);
}

#[test]
fn a_late_generator_excuses_slow_answers_and_no_errors() {
    let late = SloEvidence { generator_late: Some("the generator could not keep up".into()), ..hopeless() };
    let [errors, p95] = both(&late);
    assert!(errors.is_fail(), "{errors:?}");
    assert_eq!(reason(&p95), Reason::HarnessFault);
}

#[test]
fn a_late_generator_excuses_timeouts_and_not_what_fails_without_them() {
    let late = |errors, timeouts| {
        let generator_late = Some("the generator could not keep up".into());
        judge_errors(&SloEvidence { errors, timeouts, generator_late, ..flawless() }, 1.0).0
    };
    assert_eq!(reason(&late(300, 300)), Reason::HarnessFault);
    assert_eq!(reason(&late(300, 250)), Reason::HarnessFault);
    assert!(late(300, 1).is_fail(), "299 of 10,000 are above 1 % by themselves");
    let calm = SloEvidence { errors: 300, timeouts: 300, ..flawless() };
    assert!(judge_errors(&calm, 1.0).0.is_fail(), "a generator that was in time has waited for each of them");
}

#[test]
fn the_second_source_cannot_talk_a_failure_away() {
    for second in [SecondSource::Gap { what: "g".into() }, SecondSource::Absent { why: "w".into() }, agrees()] {
        for verdict in both(&SloEvidence { second, ..hopeless() }) {
            assert!(verdict.is_fail(), "{verdict:?}");
        }
    }
}

#[test]
fn a_wrong_figure_costs_the_verdict_and_not_the_program() {
    let odd = [
        SloEvidence { errors: 10_001, over_limit: 10_001, ..flawless() },
        SloEvidence { tau_latency: f64::NAN, tau_errors: f64::NAN, ..flawless() },
        SloEvidence { tau_latency: 0.5, tau_errors: 0.5, ..flawless() },
    ];
    for evidence in odd {
        for verdict in both(&evidence) {
            assert_eq!(reason(&verdict), Reason::Config, "{evidence:?}");
        }
    }
}

fn second_sources() -> impl Strategy<Value = SecondSource> {
    prop_oneof![
        Just(agrees()),
        Just(SecondSource::Disagrees { what: "d".into() }),
        Just(SecondSource::Gap { what: "g".into() }),
        Just(SecondSource::Absent { why: "w".into() }),
    ]
}

prop_compose! {
    fn any_evidence()(
        requests in prop_oneof![Just(0_u64), 0..50_u64, 0..100_000_u64],
        bad in prop_oneof![Just(0.0), Just(1.0), 0.0..1.0_f64],
        tau in prop_oneof![Just(1.0), 1.0..50.0_f64],
        flags in any::<[bool; 2]>(),
        late in option::of(Just("late".to_owned())),
        underloaded in option::of(Just("dropped".to_owned())),
        second in second_sources(),
    ) -> SloEvidence {
        let bad = (requests as f64 * bad) as u64;
        SloEvidence {
            requests,
            errors: bad,
            timed: requests,
            over_limit: bad,
            tau_latency: tau,
            tau_errors: tau,
            open_model: flags[0],
            stopped: flags[1],
            cause: None,
            generator_late: late,
            underloaded,
            second,
            ..flawless()
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_pass_has_samples_an_agreeing_second_source_and_a_whole_load(evidence in any_evidence()) {
        for verdict in both(&evidence) {
            if let Verdict::Pass { figures, second } = &verdict {
                prop_assert!(figures.n.get() == evidence.requests);
                prop_assert!(matches!(second, Confirmation::Agreed(_)));
                prop_assert!(matches!(evidence.second, SecondSource::Agrees(_)));
                prop_assert!(!evidence.stopped && evidence.underloaded.is_none());
            }
        }
        prop_assert!(!judge_p95(&evidence).0.is_pass() || evidence.open_model);
    }

    #[test]
    fn a_failure_has_samples_and_bad_ones_and_no_excuse(evidence in any_evidence()) {
        for verdict in both(&evidence) {
            if let Verdict::Fail { figures, .. } = &verdict {
                prop_assert!(figures.n.get() == evidence.requests && figures.bad > 0);
            }
        }
        let excused = evidence.generator_late.is_some() || !evidence.open_model;
        prop_assert!(!(judge_p95(&evidence).0.is_fail() && excused));
    }
}

fn findings(holds: &[bool]) -> CheckReport {
    let finding = |holds: &bool| Finding { holds: *holds, ..Finding::broken("the fee", "3000", 2_900) };
    CheckReport {
        id: "a6.quote".into(),
        claim: "quotes are right".into(),
        app: AppId::A6,
        findings: holds.iter().map(finding).collect(),
        skipped: None,
        took_us: Micros::default(),
    }
}

#[test]
fn a_check_that_asserted_nothing_does_not_pass() {
    assert_eq!(reason(&from_findings(&findings(&[]), &agrees()).0), Reason::TooFew);
}

#[test]
fn a_check_passes_if_all_holds_and_fails_if_one_does_not() {
    assert!(from_findings(&findings(&[true, true]), &agrees()).0.is_pass());
    let (verdict, line) = from_findings(&findings(&[true, false]), &agrees());
    assert!(verdict.is_fail(), "{verdict:?}");
    assert_eq!(line, "1 of 2 assertions broken; first: the fee: expected 3000, saw 2900");
}

#[test]
fn a_check_whose_second_source_disagrees_does_not_pass_and_one_without_says_so() {
    for second in [SecondSource::Gap { what: "g".into() }, SecondSource::Disagrees { what: "d".into() }] {
        assert_eq!(reason(&from_findings(&findings(&[true]), &second).0), Reason::Disagreeing);
    }
    let (verdict, _) = from_findings(&findings(&[true]), &SecondSource::Absent { why: "only A6 sees it".into() });
    let single = Confirmation::SingleSource { why: "only A6 sees it".into() };
    assert!(matches!(verdict, Verdict::Pass { second, .. } if second == single));
}

#[test]
fn a_check_that_was_skipped_is_skipped_even_if_it_found_something() {
    let report = CheckReport { skipped: Some("no A8".into()), ..findings(&[true]) };
    let (verdict, _) = from_findings(&report, &agrees());
    assert_eq!(verdict, Verdict::Skipped { reason: "no A8".into() });
}

fn ruling(kind: &str, verdict: Verdict) -> Ruling {
    let claim = Claim {
        id: format!("a6.{kind}"),
        app: AppId::A6,
        phase: 2,
        text: "it holds".into(),
        kind: kind.into(),
        gate: true,
        known_issue: None,
    };
    Ruling::new(claim, verdict, "because", "cargo xtask suite a6")
}

/// One that does not decide, as it belongs to a known issue.
fn known(verdict: Verdict) -> Ruling {
    let mut ruling = ruling("slo", verdict);
    (ruling.claim.gate, ruling.claim.known_issue) = (false, Some("A8-PERF-001".into()));
    ruling
}

fn passed() -> Verdict {
    Verdict::Pass { figures: Figures::counted("requests", 9, 0).unwrap(), second: Confirmation::Agreed(agreement()) }
}

fn failed() -> Verdict {
    Verdict::Fail { figures: Figures::counted("requests", 9, 9).unwrap(), traces: vec![TraceId::from_u128(7)] }
}

fn all_verdicts() -> Vec<Verdict> {
    let single = Confirmation::SingleSource { why: "seen from one side only".into() };
    let figures = match judge_p95(&flawless()).0 {
        Verdict::Pass { figures, .. } => figures,
        other => panic!("{other:?}"),
    };
    let (observed, required) = ("observed 640 samples".to_owned(), "required 1024".to_owned());
    vec![
        passed(),
        Verdict::Pass { figures: figures.clone(), second: single },
        failed(),
        Verdict::nothing_seen("requests", "at least 1"),
        Verdict::Inconclusive { reason: Reason::Straddles, figures: Some(figures), observed, required },
        Verdict::Held { action: "load of 200 users".into(), grant: "--approve".into() },
        Verdict::Skipped { reason: "no A8".into() },
    ]
}

#[test]
fn nothing_ruled_is_not_ready() {
    let rollup = roll_up(&[]);
    assert_eq!((rollup.grade, rollup.outcome), (Grade::NotReady, Outcome::NothingRan));
    assert_eq!((rollup.grade.as_str(), exit_code(rollup.outcome, false)), ("NOT READY", 4));
    assert!(rollup.apps.is_empty());
}

#[test]
fn all_passed_is_ready() {
    let rollup = roll_up(&[ruling("slo", passed()), ruling("check", passed())]);
    assert_eq!((rollup.grade, rollup.outcome), (Grade::Ready, Outcome::Ready));
    assert_eq!((rollup.tally.pass, exit_code(rollup.outcome, true)), (2, 0));
    assert_eq!(rollup.apps[&AppId::A6].0, Grade::Ready);
}

#[test]
fn passes_that_do_not_decide_make_nothing_ready() {
    assert_ne!(roll_up(&[known(passed())]).grade, Grade::Ready);
}

#[test]
fn a_failure_decides_whatever_else_passed_and_a_broken_check_outweighs_a_broken_level() {
    let level = [ruling("check", passed()), ruling("slo", failed())];
    let rollup = roll_up(&level);
    assert_eq!((rollup.grade, exit_code(rollup.outcome, false)), (Grade::NotReady, 99));
    assert_eq!(rollup.failed, ["a6.slo"]);
    let check = [ruling("slo", failed()), ruling("check", failed())];
    assert_eq!(exit_code(roll_up(&check).outcome, false), 100);
}

#[test]
fn a_known_issue_that_shows_is_conditional_and_named() {
    let rollup = roll_up(&[ruling("slo", passed()), ruling("check", passed()), known(failed()), known(failed())]);
    assert_eq!((rollup.grade, rollup.outcome), (Grade::Conditional, Outcome::Conditional));
    assert_eq!((rollup.tally.fail, rollup.tally.known), (0, 2));
    assert_eq!(rollup.known_issues, ["A8-PERF-001"]);
    assert!(rollup.failed.is_empty());
    assert_eq!((exit_code(rollup.outcome, false), exit_code(rollup.outcome, true)), (0, 3));
}

#[test]
fn whatever_is_undecided_held_or_skipped_keeps_a_run_from_being_ready() {
    for verdict in all_verdicts().into_iter().skip(3) {
        let rollup = roll_up(&[ruling("slo", passed()), ruling("check", verdict.clone())]);
        assert_eq!(rollup.grade, Grade::Conditional, "{verdict:?}");
        assert_eq!(rollup.undecided, ["a6.check"]);
    }
}

#[test]
fn every_outcome_has_its_exit_code() {
    let codes = [
        (Outcome::Ready, 0),
        (Outcome::Conditional, 0),
        (Outcome::NothingRan, 4),
        (Outcome::SloBreached, 99),
        (Outcome::CheckFailed, 100),
        (Outcome::BadConfiguration, 104),
        (Outcome::Interrupted, 105),
    ];
    for (outcome, code) in codes {
        assert_eq!(exit_code(outcome, false), code, "{outcome:?}");
    }
}

#[test]
fn every_verdict_is_read_back_as_it_was_written_alone_and_in_its_ruling() {
    for verdict in all_verdicts() {
        let json = serde_json::to_value(&verdict).unwrap();
        assert_eq!(json["verdict"], verdict.as_str());
        assert_eq!(serde_json::from_value::<Verdict>(json).unwrap(), verdict);
        let ruling = ruling("slo", verdict);
        let text = serde_json::to_string(&ruling).unwrap();
        assert_eq!(serde_json::from_str::<Ruling>(&text).unwrap(), ruling, "{text}");
    }
}

#[test]
fn a_written_pass_without_samples_is_not_read() {
    let mut json = serde_json::to_value(passed()).unwrap();
    json["figures"]["n"] = 0.into();
    assert!(serde_json::from_value::<Verdict>(json).is_err());
    assert_eq!(Figures::counted("requests", 0, 0), None);
}
