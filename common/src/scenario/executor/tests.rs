use super::*;

fn stage(duration_ms: u64, target: u32) -> Stage {
    Stage { duration_ms, target }
}

fn users(start_vus: u32, stages: &[Stage]) -> Executor {
    Executor::RampingVus { start_vus, stages: stages.to_vec(), iteration_interval_ms: None }
}

fn arrivals(start_rate: u32, stages: &[Stage]) -> Executor {
    Executor::RampingArrivalRate {
        start_rate,
        time_unit_ms: 1_000,
        stages: stages.to_vec(),
        pre_allocated_vus: 1,
        max_vus: 2,
    }
}

#[test]
fn every_problem_of_fixed_users_is_told() {
    let executor = Executor::ConstantVus { vus: 0, duration_ms: u64::MAX, iteration_interval_ms: Some(0) };
    let problems = executor.problems();
    assert_eq!(problems.len(), 3, "{problems:?}");
    assert_eq!(problems[0], "`vus` is 0; it must be at least 1");
    assert!(problems[1].contains("`duration_ms` is 18446744073709551615; it must be at most"), "{problems:?}");
}

#[test]
fn every_problem_of_counted_iterations_is_told() {
    let none = Executor::SharedIterations { vus: 0, iterations: 0, max_duration_ms: 0 };
    assert_eq!(none.problems().len(), 3);
    let none = Executor::PerVuIterations { vus: 0, iterations: 0, max_duration_ms: 0 };
    assert_eq!(none.problems().len(), 3);
    let idle = Executor::SharedIterations { vus: 5, iterations: 4, max_duration_ms: 1 };
    assert_eq!(idle.problems(), ["`iterations` (4) is less than `vus` (5): some would do nothing"]);
    let each = Executor::PerVuIterations { vus: 5, iterations: 4, max_duration_ms: 1 };
    assert_eq!(each.problems(), Vec::<String>::new());
    let many = Executor::PerVuIterations { vus: 1_000, iterations: 1_000_000_000_000, max_duration_ms: 1 };
    assert_eq!(many.problems().len(), 1);
}

#[test]
fn every_problem_of_a_fixed_rate_is_told() {
    let none =
        Executor::ConstantArrivalRate { rate: 0, time_unit_ms: 0, duration_ms: 0, pre_allocated_vus: 2, max_vus: 0 };
    let problems = none.problems();
    assert_eq!(problems.len(), 5, "{problems:?}");
    assert_eq!(problems[4], "`pre_allocated_vus` (2) is more than `max_vus` (0)");
}

#[test]
fn every_problem_of_stages_is_told() {
    for executor in [users(0, &[]), arrivals(0, &[])] {
        assert!(executor.problems()[0].contains("`stages` is empty"), "{:?}", executor.problems());
    }
    for executor in [users(3, &[stage(0, 4)]), arrivals(3, &[stage(0, 4)])] {
        assert!(executor.problems()[0].contains("together last 0 ms"), "{:?}", executor.problems());
    }
    for executor in [users(0, &[stage(10, 0), stage(0, 5)]), arrivals(0, &[stage(10, 0), stage(0, 5)])] {
        assert!(executor.problems()[0].contains("nothing would be sent"), "{:?}", executor.problems());
    }
    let endless = [stage(u64::MAX, 1), stage(u64::MAX, 2_000_000)];
    for executor in [users(2_000_000, &endless), arrivals(2_000_000, &endless)] {
        let problems = executor.problems();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[1].contains("`stages[1].target` is 2000000"), "{problems:?}");
        assert!(problems[2].contains("too long"), "{problems:?}");
    }
    let executor = Executor::RampingArrivalRate {
        start_rate: 0,
        time_unit_ms: 0,
        stages: Vec::new(),
        pre_allocated_vus: 1,
        max_vus: 0,
    };
    assert_eq!(executor.problems().len(), 4, "{:?}", executor.problems());
}

#[test]
fn jumps_and_pauses_are_fine() {
    let stages = [stage(0, 9), stage(10, 9), stage(0, 0), stage(10, 0)];
    assert_eq!(users(0, &stages).problems(), Vec::<String>::new());
    assert_eq!(arrivals(0, &stages).problems(), Vec::<String>::new());
}

#[test]
fn a_moment_has_the_kind_of_the_stage_it_falls_in() {
    let spike = users(5, &[stage(10, 5), stage(10, 50), stage(0, 60), stage(10, 60), stage(10, 0)]);
    let tags: Vec<_> = [0, 9, 10, 19, 20, 29, 30, 39, 40, 99]
        .into_iter()
        .map(|ms| spike.stage_at(Duration::from_millis(ms)).to_string())
        .collect();
    let (up, steady, down) = ("ramp_up", "steady", "ramp_down");
    assert_eq!(tags, [steady, steady, up, up, steady, steady, down, down, down, down]);
    let fixed = Executor::ConstantVus { vus: 1, duration_ms: 10, iteration_interval_ms: None };
    assert_eq!((fixed.stage_at(Duration::ZERO), fixed.has_stages()), (StageTag::Steady, false));
    assert_eq!(serde_json::to_value(StageTag::ALL).unwrap(), serde_json::json!([up, steady, down]));
}

#[test]
fn the_guard_is_asked_for_the_most_of_all_stages() {
    let executor = users(5, &[stage(10, 100), stage(10, 5)]);
    assert_eq!((executor.max_vus(), executor.rate_per_s()), (100, None));
    assert_eq!(arrivals(500, &[stage(10, 100)]).rate_per_s(), Some(500.0));
}
