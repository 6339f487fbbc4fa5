//! No mutant passes: a sound world in which everything is shown, and every way to take a piece of it away or to spoil it.
//! The claims that rest on the piece must not pass any more, and the whole must not be READY.

use common::clock;
use common::ids::{AppId, TraceId};
use common::load::TraceRecord;
use common::reconcile::{Rules, SeenEvent, Sent, Tile, TileRow, compare_tile, join};
use common::slo::{
    BetweenRuns, Decision, Design, EgrsLimits, Grade, Minute, NEVER_US, Objective, Quantile, QuantileSample,
    RegressionRule, ScoredService, Stability, Standing, WindowRules, egrs, indicator_tau, judge_regression, tau,
};
use common::telemetry::{Event, EventName, Namespace, SCHEMA_VERSION, is_reported};
use common::verdict::{
    Claim, LatencyFigures, Part, Ruling, SecondSource, SloEvidence, Steadiness, Verdict, judge_errors, judge_p95,
    roll_up,
};
use proptest::prelude::*;

const ROUTE: &str = "POST /register";
const LIMIT_US: u64 = 150_000;
const AT_MS: i64 = 1_795_255_200_000;
const N: usize = 2_400;

/// Everything that the verdicts on one route rest on.
struct World {
    samples: Vec<u64>,
    failed: Vec<bool>,
    /// The exact count above the limit, if that limit was counted.
    counted: bool,
    tau: Option<f64>,
    open_model: bool,
    stopped: bool,
    underloaded: bool,
    records: Vec<TraceRecord>,
    seen: Vec<SeenEvent>,
    has_a8: bool,
    tile: Tile,
    established: bool,
    watched: bool,
    parts: bool,
    before: Vec<u64>,
    between: Option<BetweenRuns>,
    services: Vec<ScoredService>,
}

/// What is said of it.
struct Said {
    errors: Verdict,
    p95: Verdict,
    regression: Decision,
    window: Stability,
    score: Grade,
    run: Grade,
}

/// A latency that looks random and never repeats in a pattern: 2 to 12 ms.
fn latency(at: usize, seed: u64) -> u64 {
    let z = (at as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ seed;
    let z = (z ^ (z >> 31)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    2_000 + (z >> 33) % 10_000
}

fn record(at: usize, us: u64) -> TraceRecord {
    TraceRecord {
        trace_id: TraceId::from_u128(at as u128 + 1),
        app: AppId::A6,
        route: ROUTE.into(),
        status: Some(201),
        ok: true,
        service_us: us + 500,
        app_us: Some(us),
        at_unix_ms: AT_MS,
    }
}

fn event(of: &TraceRecord) -> SeenEvent {
    let took_ms = of.app_us.unwrap_or_default() as f64 / 1_000.0;
    let event = Event {
        schema_version: SCHEMA_VERSION,
        event_id: format!("e{}", of.trace_id),
        timestamp: clock::rfc3339(AT_MS),
        app_id: AppId::A6,
        env: "embedded".into(),
        namespace: Namespace::PerfTest,
        tenant_id: "t".into(),
        release: "r".into(),
        event: EventName::RequestCompleted,
        route: "/register".into(),
        method: "POST".into(),
        status: 201,
        p50_ms: Some(took_ms),
        p95_ms: took_ms,
        error_rate_pct: None,
        uptime_sec: None,
        circuit_breaker_state: None,
        trace_id: of.trace_id,
        idempotency_key: "k".into(),
        finance_metrics: None,
        revenue_event_id: None,
        business_metrics: None,
        bandit_metrics: None,
        test_run: true,
        source: None,
        stripe_mode: None,
        sample_rate: 0.1,
    };
    SeenEvent { seq: 1, received_at_ms: AT_MS + 200, event }
}

fn objective(name: &str) -> Objective {
    Objective { name: name.into(), standing: Standing::Pass, weight: 1.0, gate: true, samples_needed: None }
}

/// A world in which all is shown.
fn sound(seed: u64) -> World {
    let samples: Vec<u64> = (0..N).map(|at| latency(at, seed)).collect();
    let records: Vec<_> = samples.iter().enumerate().map(|(at, us)| record(at, *us)).collect();
    let reported: Vec<_> = records.iter().filter(|record| is_reported(record.trace_id, 201)).collect();
    let seen: Vec<_> = reported.iter().map(|record| event(record)).collect();
    let mut told: Vec<u64> = reported.iter().filter_map(|record| record.app_us).collect();
    told.sort_unstable();
    let p95_ms = told[told.len() * 95 / 100] as f64 / 1_000.0;
    let row = TileRow {
        app_id: AppId::A6,
        method: "POST".into(),
        route: "/register".into(),
        samples: told.len() as u64,
        requests: None,
        errors: None,
        p95_ms,
    };
    let tile = Tile { as_of: Some(clock::rfc3339(AT_MS + 300)), rows: vec![row] };
    let objectives = vec![objective("p95"), objective("errors")];
    World {
        before: (0..N).map(|at| latency(at + N, seed)).collect(),
        samples,
        failed: vec![false; N],
        counted: true,
        tau: None,
        open_model: true,
        stopped: false,
        underloaded: false,
        records,
        seen,
        has_a8: true,
        tile,
        established: true,
        watched: true,
        parts: true,
        between: Some(BetweenRuns { sd: 0.01, runs: 6 }),
        services: vec![ScoredService { name: "a6".into(), weight: 1.0, objectives }],
    }
}

impl World {
    fn second(&self) -> SecondSource {
        if !self.has_a8 {
            return SecondSource::Absent { why: "there is no A8".into() };
        }
        let routes = join(&self.records, &self.seen, Rules::default());
        let Some(mut entry) = routes.into_values().next() else {
            return SecondSource::Absent { why: "nothing was expected".into() };
        };
        if entry.matched > 0 {
            compare_tile(&mut entry, Sent::records(&self.records), &self.seen, &self.tile, Rules::default());
        }
        entry.second_source()
    }

    fn minutes(&self) -> Vec<Minute> {
        let cut = |of: usize, at: usize| of * at / 15..of * (at + 1) / 15;
        let minute = |at: usize| Minute {
            planned: (cut(N, at).len()) as u64,
            failed: self.failed[cut(self.failed.len(), at)].to_vec(),
            latencies_us: self.samples[cut(self.samples.len(), at)].to_vec(),
            ..Minute::default()
        };
        (0..15).map(minute).collect()
    }

    fn parts_of<T: Copy>(&self, all: &[T], parts: usize, bad: impl Fn(T) -> bool) -> Vec<Part> {
        if !self.parts {
            return Vec::new();
        }
        let part = |at: usize| {
            let own = &all[all.len() * at / parts..all.len() * (at + 1) / parts];
            Part { n: own.len() as u64, bad: own.iter().filter(|one| bad(**one)).count() as u64 }
        };
        (0..parts).map(part).collect()
    }

    fn said(&self) -> Said {
        let over = self.samples.iter().filter(|us| **us > LIMIT_US).count() as u64;
        let rules = WindowRules { error_limit: 0.01, resolution_us: 5_000 };
        let window = rules.judge(&self.minutes()).stability;
        let steady = Steadiness {
            established: self.established,
            window: Some(window),
            flaws: String::new(),
            error_halves: self.parts_of(&self.failed, 2, |failed| failed),
            slow_thirds: self.parts_of(&self.samples, 3, |us| us > LIMIT_US),
        };
        let errors = self.failed.iter().filter(|failed| **failed).count() as u64;
        let evidence = SloEvidence {
            seconds: 18.0,
            requests: self.failed.len() as u64,
            errors,
            timeouts: 0,
            timed: self.samples.len() as u64,
            over_limit: if self.counted { over } else { self.samples.len() as u64 },
            latency: LatencyFigures { limit_ms: 150.0, ..LatencyFigures::default() },
            tau_latency: self.tau.unwrap_or_else(|| tau(&self.samples, LIMIT_US, 1.0).value),
            tau_errors: self.tau.unwrap_or_else(|| indicator_tau(self.failed.iter().copied())),
            open_model: self.open_model,
            generator_late: None,
            underloaded: self.underloaded.then(|| "dropped".to_owned()),
            stopped: self.stopped,
            cause: None,
            steady: self.watched.then_some(steady),
            second: self.second(),
            failed_traces: Vec::new(),
            slow_traces: Vec::new(),
        };
        let (errors, p95) = (judge_errors(&evidence, 1.0).0, judge_p95(&evidence).0);
        let [old, new] = [&self.before, &self.samples].map(|side| QuantileSample::of(side, Quantile::P95, 1.0));
        let design = Design::Sequential { between: self.between };
        let regression = judge_regression(&old, &new, design, RegressionRule::default()).decision;
        let rulings = [ruling("errors", errors.clone()), ruling("p95", p95.clone())];
        Said {
            errors,
            p95,
            regression,
            window,
            score: egrs(&self.services, EgrsLimits::default()).grade,
            run: roll_up(&rulings).grade,
        }
    }
}

fn ruling(id: &str, verdict: Verdict) -> Ruling {
    let claim = Claim {
        id: id.into(),
        app: AppId::A6,
        phase: 2,
        text: id.into(),
        kind: "slo".into(),
        gate: true,
        known_issue: None,
    };
    Ruling::new(claim, verdict, "", "")
}

/// What must not be shown any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lost {
    Errors,
    P95,
    Regression,
    Window,
    Score,
}

type Mutant = (&'static str, &'static [Lost], fn(&mut World, usize));

fn tile(world: &mut World) -> &mut TileRow {
    world.tile.rows.first_mut().expect("the sound world's tile has a row")
}

/// Each takes a piece away or spoils it, at a place that the number says.
const MUTANTS: &[Mutant] = &[
    ("no sample is left", &[Lost::Errors, Lost::P95, Lost::Regression, Lost::Window], |w, _| {
        w.samples.clear();
        w.failed.clear();
    }),
    ("a handful of samples is left", &[Lost::Errors, Lost::P95, Lost::Window], |w, at| {
        w.samples.truncate(1 + at % 50);
        w.failed.truncate(1 + at % 50);
    }),
    ("a tenth never answered", &[Lost::P95], |w, at| {
        (0..N).filter(|i| (i + at) % 10 == 0).for_each(|i| w.samples[i] = NEVER_US);
    }),
    ("a tenth is slow in one piece", &[Lost::P95], |w, at| {
        let from = at % (N - N / 10);
        w.samples[from..from + N / 10].fill(LIMIT_US * 2);
    }),
    ("three of a hundred failed", &[Lost::Errors], |w, at| {
        (0..N).filter(|i| (i + at) % 33 == 0).for_each(|i| w.failed[i] = true);
    }),
    ("one outage failed a fortieth", &[Lost::Errors], |w, at| {
        let from = at % (N - N / 40);
        w.failed[from..from + N / 40].fill(true);
    }),
    ("the limit was not counted", &[Lost::P95], |w, _| w.counted = false),
    ("the autocorrelation time is no number", &[Lost::Errors, Lost::P95], |w, _| w.tau = Some(f64::NAN)),
    ("the autocorrelation time is below one", &[Lost::Errors, Lost::P95], |w, _| w.tau = Some(0.3)),
    ("the samples are worth hardly any", &[Lost::Errors, Lost::P95], |w, at| {
        w.tau = Some(N as f64 / (2 + at % 25) as f64);
    }),
    ("the load waited for answers", &[Lost::P95], |w, _| w.open_model = false),
    ("the load was stopped", &[Lost::Errors, Lost::P95], |w, _| w.stopped = true),
    ("too little was sent", &[Lost::Errors, Lost::P95], |w, _| w.underloaded = true),
    ("there is no second source", &[Lost::Errors, Lost::P95], |w, _| w.has_a8 = false),
    ("the second source has nothing", &[Lost::Errors, Lost::P95], |w, _| w.seen.clear()),
    ("the second source lacks one", &[Lost::Errors, Lost::P95], |w, at| {
        let lost = at % w.seen.len();
        w.seen.remove(lost);
    }),
    ("the second source has one twice", &[Lost::Errors, Lost::P95], |w, at| {
        let twice = w.seen[at % w.seen.len()].clone();
        w.seen.push(twice);
    }),
    ("one came late", &[Lost::Errors, Lost::P95], |w, at| {
        let late = at % w.seen.len();
        w.seen[late].received_at_ms += 61_000;
    }),
    ("one has another status", &[Lost::Errors, Lost::P95], |w, at| {
        let other = at % w.seen.len();
        w.seen[other].event.status = 500;
    }),
    ("one has another duration", &[Lost::Errors, Lost::P95], |w, at| {
        let other = at % w.seen.len();
        w.seen[other].event.p95_ms *= 0.5;
    }),
    ("one has no time", &[Lost::Errors, Lost::P95], |w, at| {
        let other = at % w.seen.len();
        w.seen[other].event.timestamp = "yesterday".into();
    }),
    ("the tile is missing", &[Lost::Errors, Lost::P95], |w, _| w.tile = Tile::default()),
    ("the tile has no row", &[Lost::Errors, Lost::P95], |w, _| w.tile.rows.clear()),
    ("the tile has another route", &[Lost::Errors, Lost::P95], |w, _| tile(w).route = "/other".into()),
    ("the tile is stale", &[Lost::Errors, Lost::P95], |w, at| {
        w.tile.as_of = Some(clock::rfc3339(AT_MS - 6_000 - at as i64 % 100_000));
    }),
    ("the tile does not say how old it is", &[Lost::Errors, Lost::P95], |w, _| w.tile.as_of = None),
    ("the tile's age cannot be read", &[Lost::Errors, Lost::P95], |w, _| w.tile.as_of = Some("now".into())),
    ("the tile halves the tail", &[Lost::Errors, Lost::P95], |w, _| tile(w).p95_ms *= 0.5),
    ("the tile doubles the tail", &[Lost::Errors, Lost::P95], |w, _| tile(w).p95_ms *= 2.0),
    ("the tile's tail is no number", &[Lost::Errors, Lost::P95], |w, _| tile(w).p95_ms = f64::NAN),
    ("nobody watched the load", &[Lost::Errors, Lost::P95], |w, _| w.watched = false),
    ("the load jumps, without parts", &[Lost::P95, Lost::Window], |w, at| {
        w.samples[N / 2..].iter_mut().for_each(|us| *us += 40_000 + at as u64 % 10_000);
        w.parts = false;
    }),
    ("neither history nor samples enough", &[Lost::P95], |w, at| {
        w.established = false;
        w.samples.truncate(400 + at % 1_300);
    }),
    ("neither history nor halves", &[Lost::Errors], |w, _| (w.established, w.parts) = (false, false)),
    ("nothing to compare with", &[Lost::Regression], |w, _| w.before.clear()),
    ("nothing known between runs", &[Lost::Regression], |w, _| w.between = None),
    ("too few runs known", &[Lost::Regression], |w, at| {
        w.between = Some(BetweenRuns { sd: 0.01, runs: (at % 5) as u32 });
    }),
    ("half as slow again", &[Lost::Regression], |w, _| w.samples.iter_mut().for_each(|us| *us += *us / 2)),
    ("no service", &[Lost::Score], |w, _| w.services.clear()),
    ("a service without objectives", &[Lost::Score], |w, _| w.services[0].objectives.clear()),
    ("an objective without weight", &[Lost::Score], |w, at| w.services[0].objectives[at % 2].weight = 0.0),
    ("a weight that is no number", &[Lost::Score], |w, at| w.services[0].objectives[at % 2].weight = f64::NAN),
    ("a service without weight", &[Lost::Score], |w, _| w.services[0].weight = -1.0),
    ("an undecided gate", &[Lost::Score], |w, at| {
        w.services[0].objectives[at % 2].standing = Standing::Inconclusive;
    }),
    ("nothing is scored", &[Lost::Score], |w, _| {
        w.services[0].objectives.iter_mut().for_each(|objective| objective.standing = Standing::Info);
    }),
];

#[test]
fn in_a_sound_world_everything_is_shown() {
    for seed in 0..20 {
        let said = sound(seed).said();
        assert!(said.errors.is_pass(), "{:?}", said.errors);
        assert!(said.p95.is_pass(), "{:?}", said.p95);
        assert_eq!((said.regression, said.window), (Decision::Pass, Stability::Stable));
        assert_eq!((said.score, said.run), (Grade::Ready, Grade::Ready));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_mutant_passes(which in 0..MUTANTS.len(), at in 0..1_000_000_usize, seed in any::<u64>()) {
        let (name, lost, mutate) = MUTANTS[which];
        let mut world = sound(seed);
        mutate(&mut world, at);
        let said = world.said();
        for claim in lost {
            let passes = match claim {
                Lost::Errors => said.errors.is_pass(),
                Lost::P95 => said.p95.is_pass(),
                Lost::Regression => said.regression == Decision::Pass,
                Lost::Window => said.window == Stability::Stable,
                Lost::Score => said.score == Grade::Ready,
            };
            prop_assert!(!passes, "{name}: {claim:?} passes");
        }
        if lost.iter().any(|claim| matches!(claim, Lost::Errors | Lost::P95)) {
            prop_assert!(said.run != Grade::Ready, "{name}: the run is READY");
        }
    }
}

#[test]
fn every_mutant_is_tried_at_several_places() {
    for (name, lost, mutate) in MUTANTS {
        for at in [0, 1, 7, 1_234, 999_983] {
            let mut world = sound(at as u64);
            mutate(&mut world, at);
            let said = world.said();
            let levels = [(Lost::Errors, &said.errors), (Lost::P95, &said.p95)];
            for (_, verdict) in levels.iter().filter(|(claim, _)| lost.contains(claim)) {
                assert!(!verdict.is_pass(), "{name} at {at}: {verdict:?}");
            }
        }
    }
}
