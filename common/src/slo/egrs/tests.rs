use proptest::prelude::*;

use super::*;

fn objective(standing: Standing, weight: f64, gate: bool) -> Objective {
    Objective { name: format!("{standing:?}{weight}"), standing, weight, gate, samples_needed: None }
}

fn service(name: &str, weight: f64, objectives: Vec<Objective>) -> ScoredService {
    ScoredService { name: name.into(), weight, objectives }
}

fn grade(services: &[ScoredService]) -> (Grade, GradeReason) {
    let scored = egrs(services, EgrsLimits::default());
    (scored.grade, scored.reason)
}

/// One service in which `standing` is a gate and weighs as much as a pass beside it.
fn half(standing: Standing) -> Vec<ScoredService> {
    vec![service("a1", 1.0, vec![objective(standing, 1.0, true), objective(Standing::Pass, 1.0, true)])]
}

const CONFIG: (Grade, GradeReason) = (Grade::NotReady, GradeReason::Config);

#[test]
fn what_cannot_be_scored_is_never_ready() {
    let pass = || vec![objective(Standing::Pass, 1.0, true)];
    assert_eq!(grade(&[]), CONFIG);
    for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(grade(&[service("a1", weight, pass())]), CONFIG);
        assert_eq!(grade(&[service("a1", 1.0, pass()), service("a2", weight, pass())]), CONFIG);
        assert_eq!(grade(&[service("a1", 1.0, vec![objective(Standing::Pass, weight, true)])]), CONFIG);
    }
    assert_eq!(grade(&[service("a1", 1.0, pass()), service("a2", 1.0, vec![])]), CONFIG);
    assert_eq!(grade(&[service("a1", 1.0, vec![objective(Standing::Info, 1.0, false)])]), CONFIG);
}

#[test]
fn what_is_undecided_spans_the_score_and_is_listed_with_what_it_needs() {
    let mut services = half(Standing::Inconclusive);
    services[0].objectives[0].samples_needed = Some(1_440);
    let scored = egrs(&services, EgrsLimits::default());
    assert_eq!(scored.score, Score { low: 50.0, high: 100.0 });
    assert_eq!((scored.grade, scored.reason), (Grade::Conditional, GradeReason::UndecidedOrLow));
    let open = UndecidedObjective { objective: "a1/Inconclusive1".into(), samples_needed: Some(1_440) };
    assert_eq!(scored.undecided, [open]);
}

#[test]
fn a_failed_gate_beats_any_score_and_a_warning_costs_half() {
    assert_eq!(grade(&half(Standing::Fail)), (Grade::NotReady, GradeReason::Gate));
    assert_eq!(egrs(&half(Standing::Warn), EgrsLimits::default()).score, Score { low: 75.0, high: 75.0 });
    assert_eq!(grade(&half(Standing::Pass)), (Grade::Ready, GradeReason::Ok));
    let soft =
        vec![service("a1", 1.0, vec![objective(Standing::Fail, 1.0, false), objective(Standing::Pass, 1.0, true)])];
    assert_eq!(grade(&soft), (Grade::NotReady, GradeReason::Score));
}

#[test]
fn a_gate_that_only_informs_is_not_shown() {
    let services =
        vec![service("a1", 1.0, vec![objective(Standing::Pass, 1.0, true), objective(Standing::Info, 1.0, true)])];
    assert_eq!(grade(&services), (Grade::Conditional, GradeReason::UndecidedOrLow));
}

#[test]
fn a_mean_at_the_limit_is_at_it_whatever_its_rounding() {
    let services: Vec<_> = (0..3)
        .map(|at| {
            service(
                &at.to_string(),
                0.1,
                vec![objective(Standing::Pass, 0.9, true), objective(Standing::Fail, 0.1, false)],
            )
        })
        .collect();
    assert_eq!(grade(&services), (Grade::Ready, GradeReason::Ok));
}

#[test]
fn only_ranges_that_do_not_meet_prove_a_change() {
    let scored = |standing| egrs(&half(standing), EgrsLimits::default());
    let direction = |before, after| delta(&scored(before), &scored(after)).map(|delta| delta.direction);
    assert_eq!(direction(Standing::Fail, Standing::Pass), Some(Direction::Improved));
    assert_eq!(direction(Standing::Pass, Standing::Warn), Some(Direction::Regressed));
    assert_eq!(direction(Standing::Inconclusive, Standing::Pass), Some(Direction::NoProvenChange));
    assert_eq!(delta(&egrs(&[], EgrsLimits::default()), &scored(Standing::Pass)), None);
}

#[test]
fn a_transition_names_what_is_new_what_is_gone_and_what_changed() {
    let named = |name: &str, standing| Objective { name: name.into(), ..objective(standing, 1.0, true) };
    let before = [service("a1", 1.0, vec![named("p95", Standing::Pass), named("burn", Standing::Fail)])];
    let after = [service("a1", 1.0, vec![named("p95", Standing::Fail), named("uptime", Standing::Pass)])];
    let changed: Vec<_> = transitions(&before, &after).into_iter().map(|t| (t.objective, t.before, t.after)).collect();
    assert_eq!(
        changed,
        [
            ("burn".to_owned(), Some(Standing::Fail), None),
            ("p95".to_owned(), Some(Standing::Pass), Some(Standing::Fail)),
            ("uptime".to_owned(), None, Some(Standing::Pass)),
        ]
    );
    assert_eq!(transitions(&after, &after), []);
}

fn standings() -> impl Strategy<Value = Standing> {
    prop::sample::select(vec![Standing::Pass, Standing::Warn, Standing::Fail, Standing::Inconclusive, Standing::Info])
}

fn ecosystems() -> impl Strategy<Value = Vec<ScoredService>> {
    let objectives = prop::collection::vec((standings(), 0.5..4.0_f64, any::<bool>()), 0..6);
    let services = prop::collection::vec((0.5..4.0_f64, objectives), 0..5);
    services.prop_map(|services| {
        let made = services.into_iter().enumerate().map(|(at, (weight, objectives))| {
            let of = |(standing, weight, gate)| objective(standing, weight, gate);
            service(&at.to_string(), weight, objectives.into_iter().map(of).collect())
        });
        made.collect()
    })
}

proptest! {
    #[test]
    fn scores_are_ranges_within_a_hundred_and_ready_is_earned(services in ecosystems()) {
        let scored = egrs(&services, EgrsLimits::default());
        for score in scored.services.iter().chain([&scored.score]) {
            prop_assert!(0.0 <= score.low && score.low <= score.high + 1e-9 && score.high <= 100.0 + 1e-9, "{score:?}");
        }
        if scored.grade == Grade::Ready {
            prop_assert!(scored.score.low >= 90.0 - 1e-9 && scored.failed_gates.is_empty());
        }
        prop_assert_eq!(transitions(&services, &services), vec![]);
    }

    #[test]
    fn deciding_what_was_open_never_leaves_the_range(services in ecosystems(), passes in any::<bool>()) {
        let mut decided = services.clone();
        let to = if passes { Standing::Pass } else { Standing::Fail };
        for objective in decided.iter_mut().flat_map(|service| &mut service.objectives) {
            if objective.standing == Standing::Inconclusive {
                objective.standing = to;
            }
        }
        let (open, closed) = (egrs(&services, EgrsLimits::default()), egrs(&decided, EgrsLimits::default()));
        prop_assert!(closed.score.low >= open.score.low - 1e-9 && closed.score.high <= open.score.high + 1e-9);
        prop_assert!((closed.score.high - closed.score.low).abs() < 1e-9);
    }
}
