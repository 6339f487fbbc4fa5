//! What the engine itself costs, without a network: `cargo bench -p common`.

use std::hint::black_box;

use common::ids::AppId;
use common::load::Latency;
use common::load::bench::{Bench, last_start};
use common::scenario::Step;
use common::slo::{
    Claim, GateEvidence, Judgement, Measured, Minute, Quantile, Reason, Terms, WindowRules, bucket_interval,
    decide_family, tau, tau_at_limit,
};
use common::verdict::{self, Figures, Ruling, Verdict, roll_up};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};

/// Latencies between 1 and 65 ms in an order without pattern.
fn latency_us(at: u64) -> u64 {
    1_000 + (at.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 48)
}

fn filled(count: u64) -> Latency {
    let mut latency = Latency::new();
    (0..count).for_each(|at| latency.record(latency_us(at)));
    latency
}

fn schedule(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("schedule");
    group.throughput(Throughput::Elements(1_800_000));
    group.bench_function("an hour at 500 a second", |bencher| bencher.iter(|| last_start(black_box(500))));
    group.finish();
}

fn render(criterion: &mut Criterion) {
    let mut plain = Bench::new(Step::get("plain", "/"));
    let body = serde_json::json!({ "key": "{{idempotency_key}}", "n": "{{iteration}}", "at": "{{now_ms}}" });
    let mut filled = Bench::new(Step::post("filled", "/orders/{{uuid}}").header("x-user", "{{vu}}").json(body));
    criterion.bench_function("render a GET with its trace", |bencher| bencher.iter(|| plain.render().len()));
    criterion.bench_function("render a POST with six places", |bencher| bencher.iter(|| filled.render().len()));
}

fn record(criterion: &mut Criterion) {
    let mut bench = Bench::new(Step::get("plain", "/"));
    let mut at = 0;
    criterion.bench_function("record one answer", |bencher| {
        bencher.iter(|| {
            at += 1;
            bench.record(latency_us(at));
        });
    });
    let mut latency = Latency::new();
    criterion.bench_function("record one sample in a histogram", |bencher| {
        bencher.iter(|| {
            at += 1;
            latency.record(latency_us(at));
        });
    });
}

fn merge(criterion: &mut Criterion) {
    let parts: Vec<_> = (0..1_000).map(|part| filled(1_000 + part)).collect();
    let mut group = criterion.benchmark_group("merge");
    group.sample_size(10);
    group.bench_function("1,000 histograms", |bencher| {
        bencher.iter_batched(
            Latency::new,
            |mut all| {
                parts.iter().for_each(|part| all.add(part));
                all.count()
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// From ten million samples, and the 65,536 of them that are kept in order, to the judgement and its figures.
fn judge(criterion: &mut Criterion) {
    let latency = filled(10_000_000);
    let kept: Vec<_> = (0..65_536).map(latency_us).collect();
    let over = (0..10_000_000).filter(|at| latency_us(*at) > 60_000).count() as u64;
    let mut group = criterion.benchmark_group("verdict");
    group.sample_size(10);
    group.bench_function("ten million samples", |bencher| {
        bencher.iter(|| {
            let tau = tau(&kept, 60_000, 1.0).value;
            let terms = Terms { tau, ..Terms::default() };
            let judgement = Claim::QuantileWithin { quantile: Quantile::P95 }.judge(over, latency.count(), terms);
            let interval = bucket_interval(latency.histogram(), latency.beyond(), Quantile::P95, 0.95, tau);
            (judgement, interval, latency.summary())
        });
    });
    group.finish();
}

/// Sixty endpoints from their samples to one word: autocorrelation, two judgements each, the evenness of the load, Holm
/// over all of them, the score.
fn whole(criterion: &mut Criterion) {
    let samples: Vec<u64> = (0..1_900).map(latency_us).collect();
    let mut group = criterion.benchmark_group("roll-up");
    group.sample_size(10);
    group.bench_function("sixty endpoints of 1,900 samples", |bencher| {
        bencher.iter(|| {
            let mut gates = Vec::new();
            let mut rulings = Vec::new();
            for at in 0..60_u64 {
                let rules = WindowRules { error_limit: 0.01, resolution_us: 7_500 };
                black_box(rules.judge(&slices(&samples)));
                let tau = tau_at_limit(&samples, 150_000, 7_500, 15.0).value;
                let terms = Terms { tau, ..Terms::default() };
                let latency = Claim::QuantileWithin { quantile: Quantile::P95 }.judge(at, 1_900, terms);
                let errors = Claim::ErrorRateBelow { limit: 0.01 }.judge(at % 3, 1_900, Terms::default());
                for judgement in [latency, errors] {
                    gates.push(GateEvidence { first: Measured::of(&judgement, 0, 1), again: None });
                    rulings.push(ruling(rulings.len(), judgement));
                }
            }
            (decide_family(&gates), roll_up(&rulings))
        });
    });
    group.finish();
}

fn slices(samples: &[u64]) -> Vec<Minute> {
    let slice = |own: &[u64]| Minute {
        planned: own.len() as u64,
        failed: vec![false; own.len()],
        latencies_us: own.to_vec(),
        ..Minute::default()
    };
    samples.chunks(samples.len().div_ceil(15)).map(slice).collect()
}

fn ruling(at: usize, judgement: Judgement) -> Ruling {
    let id = format!("a{}.{at}", at % 8 + 1);
    let (app, text, kind) = (AppId::ALL[at % 8], id.clone(), "slo".to_owned());
    let claim = verdict::Claim { id, app, phase: 2, text, kind, gate: true, known_issue: None };
    let figures = Figures::counted("requests", judgement.n, judgement.k);
    let figures = figures.map(|figures| Figures { judgement: Some(judgement), ..figures });
    let (observed, required) = (String::new(), String::new());
    Ruling::new(claim, Verdict::Inconclusive { reason: Reason::Straddles, figures, observed, required }, "", "")
}

criterion_group!(benches, schedule, render, record, merge, judge, whole);
criterion_main!(benches);
