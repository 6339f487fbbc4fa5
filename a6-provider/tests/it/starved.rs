//! A generator that gets too little of the processor blames itself, whatever the app seems to do.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use common::load::{self, LoadOptions, LoadReport};
use common::slo::Reason;
use common::testkit::Ecosystem;
use common::verdict::{SecondSource, Verdict, judge_errors, judge_p95};
use rustix::process::setpriority_process;
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use super::second_source::{LIMIT, evidence, workload};

/// The last of the cores that this process may use.
fn one_core() -> CpuSet {
    let all = sched_getaffinity(None).expect("the system tells the cores of a thread");
    let last = (0..CpuSet::MAX_CPU).rev().find(|cpu| all.is_set(*cpu)).expect("a thread runs on a core");
    let mut one = CpuSet::new();
    one.set(last);
    one
}

/// Runs with the least weight there is on one core, beside two loops that want all of it until it has ended.
fn starved<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    let (core, over) = (one_core(), Arc::new(AtomicBool::new(false)));
    thread::scope(|scope| {
        for _ in 0..2 {
            let over = Arc::clone(&over);
            scope.spawn(move || {
                sched_setaffinity(None, &core).expect("a thread may keep to one core");
                while !over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let worker = scope.spawn(move || {
            sched_setaffinity(None, &core).expect("a thread may keep to one core");
            setpriority_process(None, 19).expect("a thread may become less important");
            work()
        });
        let done = worker.join();
        over.store(true, Ordering::Relaxed);
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn load(eco: &Ecosystem) -> LoadReport {
    let options = LoadOptions { limits: vec![LIMIT], ..LoadOptions::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(load::run(&workload("a6_billing"), &eco.guard(), options)).expect("A6 can be loaded")
}

#[test]
fn a_starved_generator_is_blamed_and_the_app_is_not() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime starts");
    let eco = runtime.block_on(Ecosystem::start(vec![a6_provider::reference::app()]));
    let report = starved(|| load(&eco));
    let step = &report.steps[0];
    let late = report.health.blames_itself(LIMIT).expect("a generator without a processor is late");
    assert!(late.contains("the generator could not keep up") && late.contains("waiting for a CPU"), "{late}");
    let evidence = evidence(&report, step, SecondSource::Absent { why: "A6 runs alone".to_owned() });
    let (latency, line) = judge_p95(&evidence);
    assert!(matches!(&latency, Verdict::Inconclusive { reason: Reason::HarnessFault, .. }), "{latency:?}: {line}");
    assert!(line.contains("the generator could not keep up"), "{line}");
    assert!(!judge_errors(&evidence, 1.0).0.is_fail());
    runtime.block_on(eco.stop());
}
