//! How a shaped load went over time: its seconds with their users, its stages, and the knee.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use common::load::LiveWindow;
use common::scenario::Executor;

use crate::record::{Knee, Second, ShapePoint, StageFigures};

/// A knee is no single bad second.
const IN_A_ROW: usize = 2;

/// The users of each second, as the live windows tell them.
#[derive(Debug, Default)]
pub(super) struct Users(Mutex<BTreeMap<u32, u32>>);

impl Users {
    pub(super) fn take(&self, window: &LiveWindow) {
        let second = u32::try_from(window.elapsed_s.saturating_sub(1)).unwrap_or(u32::MAX);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(second, window.vus);
    }

    fn at(&self, second: u32) -> u32 {
        let users = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        users.range(..=second).next_back().map_or(0, |(_, users)| *users)
    }
}

/// The seconds of the load with their users.
pub(super) fn points(executor: &Executor, series: &[Second], users: &Users) -> Vec<ShapePoint> {
    // The last window is told when the users have gone already.
    let last = |second: u32| planned(executor, second + 1).unwrap_or_else(|| users.at(second.saturating_sub(1)));
    let seen = |second: u32| Some(users.at(second)).filter(|users| *users > 0);
    let point = |second: &Second| ShapePoint {
        t_s: second.t_s,
        users: seen(second.t_s).unwrap_or_else(|| last(second.t_s)),
        requests: second.requests,
        errors: second.errors,
        p95_ms: second.p95_ms,
    };
    series.iter().filter(|second| second.requests > 0).map(point).collect()
}

/// The users that the executor means to have then; absent where answers decide.
fn planned(executor: &Executor, second: u32) -> Option<u32> {
    match executor {
        Executor::ConstantVus { vus, .. } => Some(*vus),
        Executor::RampingVus { stages, .. } => {
            let at_ms = u64::from(second) * 1_000;
            let spans = spans(executor);
            let of = spans.iter().zip(stages).find(|(span, _)| at_ms <= span.2);
            of.map_or_else(|| stages.last().map(|stage| stage.target), |(_, stage)| Some(stage.target))
        }
        _ => None,
    }
}

/// The first second from which the app was over its limits for two seconds in a row.
pub(super) fn knee(points: &[ShapePoint], limit_ms: f64, error_pct: f64) -> Option<Knee> {
    let errors = |point: &ShapePoint| 100.0 * as_f64(point.errors) / as_f64(point.requests.max(1)) >= error_pct;
    let slow = |point: &ShapePoint| point.p95_ms > limit_ms;
    let first = |bad: &dyn Fn(&ShapePoint) -> bool, why: String| {
        let run = points.windows(IN_A_ROW).find(|run| run.iter().all(bad))?;
        Some((run[0].clone(), why))
    };
    let found = [
        first(&slow, format!("P95 above {limit_ms:.0} ms for {IN_A_ROW} seconds in a row")),
        first(&errors, format!("{error_pct} % errors or more for {IN_A_ROW} seconds in a row")),
    ];
    let (at, why) = found.into_iter().flatten().min_by_key(|(point, _)| point.t_s)?;
    Some(Knee { t_s: at.t_s, users: at.users, requests: at.requests, p95_ms: at.p95_ms, why })
}

/// Figures over the stages of the load: rising, steady, falling.
pub(super) fn stages(executor: &Executor, points: &[ShapePoint]) -> Vec<StageFigures> {
    let all = spans(executor).into_iter().map(|(stage, from_ms, until_ms)| {
        let within = |point: &&ShapePoint| (from_ms..until_ms).contains(&(u64::from(point.t_s) * 1_000 + 500));
        let own: Vec<_> = points.iter().filter(within).collect();
        StageFigures {
            stage: stage.to_owned(),
            from_s: whole_s(from_ms),
            until_s: whole_s(until_ms),
            users: own.iter().map(|point| point.users).max().unwrap_or(0),
            requests: own.iter().map(|point| point.requests).sum(),
            errors: own.iter().map(|point| point.errors).sum(),
            worst_p95_ms: own.iter().map(|point| point.p95_ms).fold(0.0, f64::max),
        }
    });
    // A stage shorter than the seconds that are counted has no figures of its own.
    all.filter(|stage| stage.requests > 0).collect()
}

/// Name, begin and end of each stage, in milliseconds.
fn spans(executor: &Executor) -> Vec<(&'static str, u64, u64)> {
    let (start, stages) = match executor {
        Executor::RampingVus { start_vus, stages, .. } => (*start_vus, stages),
        Executor::RampingArrivalRate { start_rate, stages, .. } => (*start_rate, stages),
        other => return vec![("steady", 0, u64::try_from(other.duration().as_millis()).unwrap_or(u64::MAX))],
    };
    let (mut at, mut from) = (0, start);
    let mut spans = Vec::with_capacity(stages.len());
    for stage in stages {
        let name = match stage.target.cmp(&from) {
            std::cmp::Ordering::Greater => "ramp-up",
            std::cmp::Ordering::Equal => "steady",
            std::cmp::Ordering::Less => "ramp-down",
        };
        spans.push((name, at, at + stage.duration_ms));
        (at, from) = (at + stage.duration_ms, stage.target);
    }
    spans
}

fn whole_s(ms: u64) -> u32 {
    u32::try_from((ms + 500) / 1_000).unwrap_or(u32::MAX)
}

fn as_f64(value: u64) -> f64 {
    u32::try_from(value).map_or(f64::from(u32::MAX), f64::from)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use common::scenario::{Shape, TimeScale};

    use super::*;

    fn points_of(p95_ms: &[f64]) -> Vec<ShapePoint> {
        let point = |(t_s, p95_ms): (u32, &f64)| ShapePoint {
            t_s,
            users: 10 + 5 * t_s,
            requests: 100,
            errors: 0,
            p95_ms: *p95_ms,
        };
        (0..).zip(p95_ms).map(point).collect()
    }

    #[test]
    fn the_knee_is_where_it_first_stays_slow_and_one_slow_second_is_none() {
        let knee = |p95_ms: &[f64]| super::knee(&points_of(p95_ms), 125.0, 1.0);
        assert_eq!(knee(&[20.0, 300.0, 30.0, 40.0]), None);
        let found = knee(&[20.0, 300.0, 30.0, 126.0, 400.0]).unwrap();
        assert_eq!((found.t_s, found.users), (3, 25));
        assert!(found.why.contains("125 ms"), "{}", found.why);
    }

    #[test]
    fn a_second_whose_users_had_gone_before_it_was_told_has_those_that_were_meant() {
        let second = |t_s| Second { t_s, requests: 9, errors: 0, p50_ms: 1.0, p95_ms: 1.0, p99_ms: 1.0 };
        let users = Users::default();
        users.0.lock().unwrap().extend([(0, 35), (1, 0)]);
        let ramp =
            Shape::Ramp.executor(TimeScale::FULL.with(Shape::Ramp, Duration::from_secs(2)), Duration::from_secs(1));
        let points = points(&ramp, &[second(0), second(1)], &users);
        assert_eq!(points.iter().map(|point| point.users).collect::<Vec<_>>(), [35, 60]);
    }

    #[test]
    fn errors_make_a_knee_too() {
        let mut points = points_of(&[20.0; 5]);
        points[1].errors = 1;
        points[2].errors = 7;
        assert_eq!(super::knee(&points, 125.0, 1.0).unwrap().t_s, 1);
    }

    #[test]
    fn a_spike_has_a_rise_a_top_and_a_fall() {
        let spike = Shape::Spike.executor(TimeScale::FULL, Duration::from_millis(500));
        let seconds: Vec<f64> = vec![20.0; 600];
        let stages = stages(&spike, &points_of(&seconds));
        let told: Vec<_> = stages.iter().map(|stage| (stage.stage.as_str(), stage.from_s, stage.until_s)).collect();
        let expected = [
            ("steady", 0, 120),
            ("ramp-up", 120, 150),
            ("steady", 150, 450),
            ("ramp-down", 450, 480),
            ("steady", 480, 600),
        ];
        assert_eq!(told, expected);
        assert_eq!(stages.iter().map(|stage| stage.requests).sum::<u64>(), 60_000);
    }
}
