//! The loads that run just now, each with its last seconds: a line with a sparkline, and the status block.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use common::load::{Latency, LiveWindow};
use common::units::Micros;

use crate::report::{duration, ms, pct};

/// Seconds that a sparkline shows.
const SPARK: usize = 40;
const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// What is planned of a load.
#[derive(Debug, Clone)]
pub(crate) struct LoadPlan {
    pub(crate) scenario: String,
    /// Warm-up included.
    pub(crate) seconds: f64,
}

/// One load as it runs.
#[derive(Debug)]
struct Running {
    seconds: f64,
    window: LiveWindow,
    response: Latency,
    requests: u64,
    errors: u64,
    p95_ms: VecDeque<Option<f64>>,
}

/// All loads that run just now.
#[derive(Debug, Default)]
pub(super) struct Board(BTreeMap<String, Running>);

impl Board {
    /// Takes a second of a load.
    pub(super) fn take(&mut self, plan: &LoadPlan, window: &LiveWindow) {
        let running = self.0.entry(plan.scenario.clone()).or_insert_with(|| Running {
            seconds: plan.seconds,
            window: window.clone(),
            response: Latency::new(),
            requests: 0,
            errors: 0,
            p95_ms: VecDeque::new(),
        });
        running.window = window.clone();
        for step in &window.steps {
            running.requests += step.count;
            running.errors += step.errors;
            step.buckets.iter().for_each(|(us, count)| running.response.record_many(*us, *count));
            running.response.record_infinite_many(step.infinite);
        }
        if running.p95_ms.len() >= SPARK {
            running.p95_ms.pop_front();
        }
        running.p95_ms.push_back(window.p95_ms);
    }

    /// Forgets all: they are over.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// A line for each load, by name: time, users, pace, P95 of the last second, errors, and the P95 of the last seconds.
    pub(super) fn lines(&self) -> Vec<(String, String)> {
        let width = self.0.keys().map(|name| name.chars().count()).max().unwrap_or(0);
        let line = |(name, running): (&String, &Running)| {
            let window = &running.window;
            let text = format!(
                "{name:width$}  {:>3} VUs {:>5}/s  P95 {:>7} ms  {:>5} % errors  {}",
                window.vus,
                window.rps,
                window.p95_ms.map_or_else(|| "–".to_owned(), ms),
                pct(share(running.errors, running.requests)),
                sparkline(running.p95_ms.iter().copied()),
            );
            (name.clone(), text)
        };
        self.0.iter().map(line).collect()
    }

    /// All that is known of each load, for whoever asks.
    pub(super) fn status(&self) -> String {
        if self.0.is_empty() {
            return "status: no load runs just now".to_owned();
        }
        let mut text = format!("status: {} load{}", self.0.len(), if self.0.len() == 1 { "" } else { "s" });
        for (name, running) in &self.0 {
            let quantile = |percent: u64| {
                let us = running.response.quantile(percent, 100);
                us.map_or_else(|| "–".to_owned(), |us| ms(Micros(us).as_ms()))
            };
            let window = &running.window;
            let lag = window.lag_p99_ms.map_or_else(|| "–".to_owned(), ms);
            let near = window.nearest_stop.as_ref().map_or_else(
                || "nothing is near to stopping it".to_owned(),
                |margin| format!("nearest stop at {} %: {}", pct(margin.share * 100.0), margin.sentence),
            );
            let _infallible = write!(
                text,
                "\n  {name}: {} of {}, {} VUs, {} requests/s\n    P50 {} ms, P95 {} ms, P99 {} ms, {} errors in {} requests\n    \
                 {} iterations dropped, {} waiting, schedule lag P99 {lag} ms\n    {near}",
                duration(seconds(window.elapsed_s)),
                duration(running.seconds),
                window.vus,
                window.rps,
                quantile(50),
                quantile(95),
                quantile(99),
                running.errors,
                running.requests,
                window.dropped,
                window.waiting,
            );
        }
        text
    }
}

/// Blocks between the least and the greatest; a space where there is no value.
fn sparkline(values: impl Iterator<Item = Option<f64>> + Clone) -> String {
    let known = values.clone().flatten();
    let (low, high) = known.fold((f64::INFINITY, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
    // A line that hardly moves is drawn low and flat, not as mountains.
    let span = (high - low).max(high * 0.1).max(f64::MIN_POSITIVE);
    values.map(|value| value.map_or(' ', |value| BLOCKS[step((value - low) / span)])).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 7")]
fn step(part: f64) -> usize {
    (part * 7.0).round().clamp(0.0, 7.0) as usize
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { seconds(part) * 100.0 / seconds(whole) }
}

fn seconds(value: u64) -> f64 {
    u32::try_from(value).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use common::ids::AppId;
    use common::load::LiveStep;
    use common::slo::StopMargin;

    use super::*;

    fn window(elapsed_s: u64, p95_ms: Option<f64>) -> LiveWindow {
        let step = LiveStep {
            name: "quote".to_owned(),
            app: AppId::A6,
            sent: 100,
            count: 100,
            errors: 1,
            samples: 99,
            over: Vec::new(),
            infinite: 0,
            buckets: vec![(10_000, 90), (50_000, 9)],
            first_byte_buckets: Vec::new(),
        };
        LiveWindow {
            elapsed_s,
            warm_up: false,
            stage: common::scenario::StageTag::Steady,
            vus: 20,
            rps: 100,
            p95_ms,
            error_rate: Some(0.01),
            waiting: 2,
            dropped: 3,
            total: 100 * elapsed_s,
            iterations: 0,
            lag_p99_ms: Some(0.2),
            nearest_stop: Some(StopMargin { share: 0.5, sentence: "ST2 errors of quote: 8 of the 16".to_owned() }),
            steps: vec![step],
        }
    }

    fn board() -> Board {
        let mut board = Board::default();
        let plan = LoadPlan { scenario: "a6.baseline".to_owned(), seconds: 18.5 };
        for (elapsed_s, p95_ms) in (1..).zip([Some(10.0), Some(20.0), None, Some(45.0), Some(80.0)]) {
            board.take(&plan, &window(elapsed_s, p95_ms));
        }
        board
    }

    #[test]
    fn a_line_shows_the_last_second_and_the_way_there() {
        insta::assert_snapshot!(board().lines()[0].1, @"a6.baseline   20 VUs   100/s  P95    80.0 ms      1 % errors  ▁▂ ▅█");
    }

    #[test]
    fn the_status_tells_everything_of_each_load_and_how_near_a_stop_is() {
        insta::assert_snapshot!(board().status(), @r"
        status: 1 load
          a6.baseline: 5.0 s of 19 s, 20 VUs, 100 requests/s
            P50 10.0 ms, P95 50.0 ms, P99 50.0 ms, 5 errors in 500 requests
            3 iterations dropped, 2 waiting, schedule lag P99 0.20 ms
            nearest stop at 50 %: ST2 errors of quote: 8 of the 16
        ");
        assert_eq!(Board::default().status(), "status: no load runs just now");
    }

    #[test]
    fn a_sparkline_keeps_to_the_last_seconds_and_does_not_make_mountains_of_noise() {
        let mut board = Board::default();
        let plan = LoadPlan { scenario: "a".to_owned(), seconds: 100.0 };
        for elapsed_s in 1..=100 {
            board.take(&plan, &window(elapsed_s, Some(100.0 + (elapsed_s % 2) as f64)));
        }
        let line = board.lines().remove(0).1;
        let spark: String = line.chars().filter(|letter| BLOCKS.contains(letter)).collect();
        assert_eq!(spark.chars().count(), SPARK);
        assert!(spark.chars().all(|letter| ['▁', '▂'].contains(&letter)), "{spark}");
    }
}
