//! No criterion is met by what was not shown.

use common::ids::AppId;
use common::slo::Reason;
use common::verdict::{Agreement, Claim, Confirmation, Figures, Ruling, Verdict};

use super::needs::{Need, Sources, criterion, rest};
use super::*;

const NEED: [Need; 1] = [Need("a5.b2c.money", Sources::Two)];

fn figures() -> Figures {
    Figures::counted("assertions", 11, 0).unwrap()
}

fn agreed() -> Verdict {
    let second = Confirmation::Agreed(Agreement { source: "A8".into(), matched: 11.try_into().unwrap() });
    Verdict::Pass { figures: figures(), second }
}

fn single() -> Verdict {
    Verdict::Pass { figures: figures(), second: Confirmation::SingleSource { why: "nobody else knows".into() } }
}

fn inconclusive() -> Verdict {
    Verdict::Inconclusive { reason: Reason::TooFew, figures: None, observed: "0".into(), required: "1".into() }
}

fn held() -> Verdict {
    Verdict::Held { action: "503 answers".into(), grant: "cargo xtask approve inject_503".into() }
}

fn failed() -> Verdict {
    Verdict::Fail { figures: figures(), traces: Vec::new() }
}

fn ruling(id: &str, verdict: Verdict) -> Ruling {
    let claim = Claim {
        id: id.into(),
        app: AppId::A5,
        phase: 4,
        text: "the money agrees".into(),
        kind: "check".into(),
        gate: true,
        known_issue: None,
    };
    Ruling::new(claim, verdict, "seen", "again")
}

fn standing(rulings: Vec<Ruling>) -> Standing {
    let view = RunView { rulings, ..RunView::default() };
    criterion(&view, "money", &NEED, &[], Vec::new()).standing()
}

#[test]
fn a_claim_that_needs_two_sources_counts_with_two_only() {
    assert_eq!(standing(vec![ruling("a5.b2c.money", agreed())]), Standing::Met);
    assert_eq!(standing(vec![ruling("a5.b2c.money", single())]), Standing::Undecided);
}

#[test]
fn what_is_missing_inconclusive_held_skipped_or_failed_is_never_met() {
    let skipped = Verdict::Skipped { reason: "no Stripe".into() };
    let of = |verdict| standing(vec![ruling("a5.b2c.money", verdict)]);
    assert_eq!(standing(Vec::new()), Standing::NotTried);
    assert_eq!(standing(vec![ruling("a5.other", agreed())]), Standing::NotTried);
    assert_eq!(of(inconclusive()), Standing::Undecided);
    assert_eq!(of(held()), Standing::Held);
    assert_eq!(of(skipped), Standing::NotTried);
    assert_eq!(of(failed()), Standing::NotMet);
}

#[test]
fn outages_that_wait_for_a_person_hold_every_criterion_that_needs_one() {
    let needs = [Need("a3.resilience.no_duplicate_effect", Sources::One)];
    let of = |verdict| {
        let view = RunView { rulings: vec![ruling("a3.resilience", verdict)], ..RunView::default() };
        criterion(&view, "once", &needs, &[], Vec::new()).standing()
    };
    assert_eq!(of(held()), Standing::Held);
    // A pass of the whole is no pass of a part that nobody ruled on.
    assert_eq!(of(single()), Standing::NotTried);
}

#[test]
fn who_is_blamed_for_a_funnel_does_not_hide_its_claim() {
    let needs = [Need(".b2c.signup", Sources::One)];
    let view = RunView { rulings: vec![ruling("a1.b2c.signup", failed())], ..RunView::default() };
    assert_eq!(criterion(&view, "funnel", &needs, &[], Vec::new()).standing(), Standing::NotMet);
}

#[test]
fn a_run_of_nothing_tries_no_criterion_and_confirms_nothing() {
    let view = RunView::default();
    let criteria = of(&view);
    assert_eq!(criteria.len(), 9);
    assert!(criteria.iter().all(|criterion| criterion.standing() == Standing::NotTried), "{criteria:?}");
    assert!(!is_complete(&view, &criteria));
    let text = String::from_utf8(render(&view).remove(0).bytes).unwrap();
    assert!(text.contains("**NOT CONFIRMED**: 0 of 9 criteria met."), "{text}");
}

#[test]
fn outages_without_a_grant_in_the_record_are_a_breach() {
    let mut view = crate::report::fixture::view();
    assert_eq!(leave::logged(&view).standing(), Standing::Met);
    view.approvals.retain(|noted| noted.entry.kind() != "approval_granted");
    assert_eq!(leave::logged(&view).standing(), Standing::NotMet);
    view.approvals.clear();
    assert_eq!(leave::logged(&view).standing(), Standing::NotMet);
}

#[test]
fn an_issue_that_shows_again_is_not_mended_by_its_flag_alone() {
    let view = crate::report::fixture::view();
    let criterion = issue::mended(&view);
    assert_eq!(criterion.standing(), Standing::NotMet);
    let measured = criterion.rests.iter().find(|rest| rest.what == "reduction").unwrap();
    assert_eq!(measured.standing, Standing::Met, "{measured:?}");
}

#[test]
fn only_a_run_that_meets_everything_and_is_ready_is_confirmed() {
    let met = Rest { what: "claim".into(), standing: Standing::Met, why: String::new() };
    let criterion = |rests| Criterion { text: "all", rests, files: Vec::new(), traces: Vec::new() };
    let mut view = crate::report::fixture::view();
    let ready = |view: &RunView, criteria: Vec<Criterion>| is_complete(view, &criteria);
    assert!(!ready(&view, vec![criterion(vec![met.clone()])]), "the run itself is not READY");
    view.rollup.as_mut().unwrap().grade = Grade::Ready;
    assert!(ready(&view, vec![criterion(vec![met.clone()])]));
    assert!(!ready(&view, vec![criterion(vec![met.clone()]), criterion(Vec::new())]));
    assert!(!ready(&view, Vec::new()));
}

/// A run in which everything was shown, from two sources.
fn complete() -> RunView {
    let fixture = crate::report::fixture::view();
    let mut rulings: Vec<Ruling> = Vec::new();
    for app in AppId::ALL {
        for aspect in ["errors", "p95"] {
            let mut level = ruling(&format!("{0}.{aspect}.{0}_smoke.GET /ready", app.lower()), agreed());
            (level.claim.app, level.claim.phase, level.claim.kind) = (app, 1, "slo".into());
            rulings.push(level);
        }
    }
    for Need(id, _) in criteria::named() {
        let id = if id.starts_with('.') { format!("a5{id}") } else { id.to_owned() };
        if rulings.iter().all(|known| known.claim.id != id) {
            rulings.push(ruling(&id, agreed()));
        }
    }
    let mut issue = ruling("a8.p95.a8_overview_warm.GET /api/executive/overview", agreed());
    issue.claim.known_issue = Some("A8-PERF-001".into());
    rulings.push(issue);
    let mut rollup = fixture.rollup.clone().unwrap();
    rollup.grade = Grade::Ready;
    let RunView { started, approvals, known_issues, .. } = fixture;
    RunView { started, approvals, known_issues, rulings, rollup: Some(rollup), ..RunView::default() }
}

#[test]
fn a_run_that_shows_everything_is_confirmed_and_one_claim_less_is_not() {
    let view = complete();
    assert!(is_complete(&view, &of(&view)), "{:?}", of(&view));
    let text = String::from_utf8(render(&view).remove(0).bytes).unwrap();
    assert!(text.contains("**READY**: all 9 criteria are met."), "{text}");
    for at in 0..view.rulings.len() {
        let mut less = view.clone();
        let gone = less.rulings.remove(at).claim.id;
        assert!(!is_complete(&less, &of(&less)), "{gone} is not missed");
        for verdict in [inconclusive(), held(), failed()] {
            let mut other = view.clone();
            other.rulings[at].verdict = verdict;
            assert!(!is_complete(&other, &of(&other)), "{gone} does not count");
        }
    }
}

#[test]
fn every_check_that_a_criterion_names_is_one_of_a_suite() {
    let by_phases = ["a3.autonomy", "a6.b2b.money"];
    for Need(id, _) in criteria::named() {
        let parts: Vec<&str> = id.split('.').collect();
        let [app, _] = parts[..] else { continue };
        if app.is_empty() || parts[1] == "effects" || by_phases.contains(&id) {
            continue;
        }
        assert!(crate::suites::suite(app.parse().unwrap()).check(id).is_some(), "{id}");
    }
}

#[test]
fn a_criterion_is_met_only_if_all_that_it_rests_on_is() {
    let of = |kind: usize| match kind {
        0 => agreed(),
        1 => single(),
        2 => inconclusive(),
        3 => held(),
        _ => failed(),
    };
    for kinds in (0..125).map(|n| [n % 5, n / 5 % 5, n / 25]) {
        let rests = kinds.map(|kind| rest(&ruling("a5.b2c.money", of(kind)), Sources::Two)).into();
        let criterion = Criterion { text: "all", rests, files: Vec::new(), traces: Vec::new() };
        assert_eq!(criterion.standing() == Standing::Met, kinds == [0, 0, 0], "{kinds:?}");
    }
}
