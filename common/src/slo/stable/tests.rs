use super::*;

const LIMIT: f64 = 0.01;

/// A splitmix64 stream of lognormal latencies with a P95 of 120 ms and a sigma of 0.5, two a second.
struct Load(u64);

impl Load {
    fn uniform(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (((z ^ (z >> 31)) >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn latency(&mut self, factor: f64) -> u64 {
        let radius = (-2.0 * self.uniform().ln()).sqrt();
        let z = radius * (std::f64::consts::TAU * self.uniform()).cos();
        (120_000.0 * factor * (0.5 * (z - 1.644_853_627)).exp()) as u64
    }

    /// Minutes of 120 requests, with latencies scaled by a function of the position in a window, `0..1`.
    fn minutes(&mut self, count: usize, factor: impl Fn(f64) -> f64) -> Vec<Minute> {
        let minute = |minute: usize, load: &mut Self| {
            let at = |send: usize| (minute as f64 + send as f64 / 120.0) / WINDOW_MINUTES as f64;
            let latencies_us = (0..120).map(|send| load.latency(factor(at(send)))).collect();
            Minute { planned: 120, failed: vec![false; 120], latencies_us, ..Minute::default() }
        };
        (0..count).map(|at| minute(at, self)).collect()
    }

    fn window(&mut self) -> Vec<Minute> {
        self.minutes(WINDOW_MINUTES, |_| 1.0)
    }
}

/// A minute in the middle of the window, of which two minutes of the scan see half each.
fn is_middle(at: f64) -> bool {
    (7.5..8.5).contains(&(at * WINDOW_MINUTES as f64))
}

/// The published shares of stable and unstable windows, within four standard errors of 120 repetitions.
#[test]
fn even_loads_are_stable_and_drifting_ones_are_not_as_often_as_published() {
    type Case = (&'static str, fn(f64) -> f64, f64, f64);
    let cases: [Case; 7] = [
        ("none", |_| 1.0, 0.997, 0.0),
        ("linear to +30 %", |at| 1.0 + 0.3 * at, 0.0245, 0.0005),
        ("linear to +50 %", |at| 1.0 + 0.5 * at, 0.0, 0.389),
        ("+50 % from the tenth minute", |at| if at >= 10.0 / 15.0 { 1.5 } else { 1.0 }, 0.0, 1.0),
        ("twice as slow for two minutes", |at| if at < 2.0 / 15.0 { 2.0 } else { 1.0 }, 0.0, 1.0),
        ("three times as slow from 7:30 to 8:30", |at| if is_middle(at) { 3.0 } else { 1.0 }, 0.0685, 0.931),
        ("twice as slow from 7:30 to 8:30", |at| if is_middle(at) { 2.0 } else { 1.0 }, 0.917, 0.0805),
    ];
    let mut load = Load(5);
    for (name, factor, stable, unstable) in cases {
        let mut seen = [0.0_f64; 2];
        for _ in 0..120 {
            match judge_window(&load.minutes(WINDOW_MINUTES, factor), LIMIT).stability {
                Stability::Stable => seen[0] += 1.0 / 120.0,
                Stability::Unstable => seen[1] += 1.0 / 120.0,
                Stability::Undecided => {}
            }
        }
        for (seen, published) in [(seen[0], stable), (seen[1], unstable)] {
            let slack = 4.0 * (published * (1.0 - published) * (1.0 / 120.0 + 1.0 / 2_000.0)).sqrt() + 0.004;
            assert!((seen - published).abs() <= slack, "{name}: {seen}, published {published}");
        }
    }
}

#[test]
fn each_broken_condition_is_named_with_its_reason() {
    let sound = Load(1).window();
    assert_eq!(judge_window(&sound, LIMIT).reason(), Reason::Ok);
    let with = |change: &dyn Fn(&mut Vec<Minute>)| {
        let mut window = sound.clone();
        change(&mut window);
        let report = judge_window(&window, LIMIT);
        (report.flaws.first().copied(), report.reason())
    };
    let gap = with(&|window| window[4].silence = Duration::from_secs(61));
    assert_eq!(gap, (Some(Flaw::Silence { minute: 4 }), Reason::TelemetryGap));
    let unsent = with(&|window| window[7].failed.truncate(117));
    assert_eq!(unsent, (Some(Flaw::Unsent { minute: 7 }), Reason::HarnessFault));
    assert_eq!(with(&|window| window[7].failed.truncate(118)).1, Reason::Ok);
    let idle = with(&|window| (window[0].planned, window[0].failed) = (0, Vec::new()));
    assert_eq!(idle, (Some(Flaw::Unsent { minute: 0 }), Reason::HarnessFault));
    // Of 1,800 sends, 18 lie above the P99.
    assert_eq!(with(&|window| window[3].lagging = 18).1, Reason::Ok);
    assert_eq!(with(&|window| window[3].lagging = 19), (Some(Flaw::Lag), Reason::HarnessFault));
    let deploy = with(&|window| window[14].disturbed = true);
    assert_eq!(deploy, (Some(Flaw::Disturbed { minute: 14 }), Reason::Unstable));
    let fail = |minute: &mut Minute| minute.failed.iter_mut().step_by(11).for_each(|failed| *failed = true);
    let errors = with(&|window| window[5..10].iter_mut().for_each(fail));
    assert_eq!(errors, (Some(Flaw::Errors { third: 1 }), Reason::Unstable));
    assert_eq!(with(&|window| window.truncate(14)), (Some(Flaw::Length), Reason::TooFew));
    assert_eq!(judge_window(&[], LIMIT).reason(), Reason::TooFew);
}

#[test]
fn a_minute_that_never_answers_and_one_that_is_instant_are_odd() {
    for us in [NEVER_US, 1] {
        let mut window = Load(2).window();
        window[7].latencies_us = vec![us; 120];
        let report = judge_window(&window, LIMIT);
        assert!(report.flaws.contains(&Flaw::OddMinute { minute: 7 }), "{:?}", report.flaws);
    }
}

#[test]
fn a_window_without_latencies_is_not_stable() {
    let silent = Minute { planned: 120, failed: vec![false; 120], ..Minute::default() };
    let report = judge_window(&vec![silent; WINDOW_MINUTES], LIMIT);
    assert_eq!((report.stability, report.reason()), (Stability::Undecided, Reason::UndecidedStability));
}

#[test]
fn the_window_slides_past_a_slow_start() {
    let mut load = Load(3);
    let minutes = [load.minutes(4, |_| 4.0), load.minutes(20, |_| 1.0)].concat();
    assert_eq!(first_stable(&minutes, LIMIT).map(|window| window.first_minute), Ok(4));
    assert_eq!(first_stable(&minutes[..18], LIMIT), Err(Reason::Unstable));
    assert_eq!(first_stable(&minutes[..15], LIMIT), Err(Reason::TooFew));
    assert_eq!(first_stable(&[], LIMIT), Err(Reason::TooFew));
    let warm = load.minutes(WARM_UP_MINUTES + WINDOW_MINUTES, |_| 1.0);
    assert_eq!(first_stable(&warm, LIMIT).map(|window| window.first_minute), Ok(WARM_UP_MINUTES));
}

#[test]
fn after_an_hour_without_a_stable_window_the_load_is_unstable() {
    let mut minutes = Load(4).minutes(80, |_| 1.0);
    minutes.iter_mut().take(62).for_each(|minute| minute.silence = Duration::from_secs(90));
    assert_eq!(first_stable(&minutes, LIMIT), Err(Reason::Unstable));
    assert_eq!(first_stable(&minutes[..60], LIMIT), Err(Reason::TelemetryGap));
}
