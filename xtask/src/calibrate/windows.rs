//! Cells that disturb a quarter of an hour: how often it is called stable, unstable or neither.

use common::slo::golden::{Unusable, text};
use common::slo::{Flaw, Minute, Stability, WINDOW_MINUTES, judge_window};
use serde_json::Value;

use super::figure::{Effort, Figure};
use super::simulation::{Simulation, units};

/// No request fails, so that any limit of the error rate is kept.
const ERROR_LIMIT: f64 = 0.01;

/// What makes latencies of a window longer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Disturbance {
    None,
    /// Evenly more, up to this share at the end.
    Linear(f64),
    /// This share more from a minute on.
    Step {
        more: f64,
        from: f64,
    },
    /// So many times as long up to a minute.
    WarmUp {
        times: f64,
        to: f64,
    },
    /// So many times as long for a minute in the middle, of which two minutes of the scan see half each.
    Minute {
        times: f64,
    },
}

impl Disturbance {
    /// Reads `linear+20%`, `step+50% at 10min`, `warmup 2x for 2min` or `x3 for 1 min`.
    fn named(name: &str) -> Option<Self> {
        let number = |text: &str| text.parse::<f64>().ok().filter(|number| *number > 0.0);
        let parts = |text: &str, between: &str, end: &str| {
            let (one, other) = text.strip_suffix(end)?.split_once(between)?;
            number(one).zip(number(other))
        };
        if name == "none" {
            Some(Self::None)
        } else if let Some(rest) = name.strip_prefix("linear+") {
            Some(Self::Linear(number(rest.strip_suffix('%')?)? / 100.0))
        } else if let Some(rest) = name.strip_prefix("step+") {
            parts(rest, "% at ", "min").map(|(percent, from)| Self::Step { more: percent / 100.0, from })
        } else if let Some(rest) = name.strip_prefix("warmup ") {
            parts(rest, "x for ", "min").map(|(times, to)| Self::WarmUp { times, to })
        } else {
            number(name.strip_prefix('x')?.strip_suffix(" for 1 min")?).map(|times| Self::Minute { times })
        }
    }

    /// The factor of a latency at a minute of the window.
    fn factor(self, minute: f64) -> f64 {
        let (window, middle) = (WINDOW_MINUTES as f64, WINDOW_MINUTES as f64 / 2.0);
        match self {
            Self::Linear(more) => 1.0 + more * minute / window,
            Self::Step { more, from } if minute >= from => 1.0 + more,
            Self::WarmUp { times, to } if minute < to => times,
            Self::Minute { times } if (middle..middle + 1.0).contains(&minute) => times,
            _ => 1.0,
        }
    }
}

/// The minutes of a window, from the logarithms of its latencies in send order.
fn minutes(ln: &[f64], disturbance: Disturbance) -> Vec<Minute> {
    let each = ln.len() / WINDOW_MINUTES;
    let of = |(at, ln): (usize, &f64)| units(ln + disturbance.factor(at as f64 / each as f64).ln());
    let latencies: Vec<u64> = ln.iter().enumerate().map(of).collect();
    let minute = |latencies_us: &[u64]| Minute {
        planned: latencies_us.len() as u64,
        failed: vec![false; latencies_us.len()],
        latencies_us: latencies_us.to_vec(),
        ..Minute::default()
    };
    latencies.chunks(each).map(minute).collect()
}

/// How often a disturbed window is called stable, unstable or neither, and how often the minute scan finds something.
pub(super) fn stable_window(cell: &Value, effort: Effort) -> Result<Vec<Figure>, Unusable> {
    let name = text(cell, "disturbance")?;
    let disturbance = Disturbance::named(name).ok_or_else(|| Unusable::new(format!("no disturbance `{name}`")))?;
    let mut of = Simulation::of(cell, effort)?;
    if !of.n.is_multiple_of(WINDOW_MINUTES) {
        return Err(Unusable::new("the size `n` has no whole minutes"));
    }
    let (mut seen, mut by_minute) = ([0; 3], 0);
    for _ in 0..of.runs.own {
        let report = judge_window(&minutes(&of.draw(), disturbance), ERROR_LIMIT);
        seen[match report.stability {
            Stability::Stable => 0,
            Stability::Unstable => 1,
            Stability::Undecided => 2,
        }] += 1;
        by_minute += usize::from(report.flaws.iter().any(|flaw| matches!(flaw, Flaw::OddMinute { .. })));
    }
    let [stable, unstable, undecided] = seen;
    let figures = [("STABLE", stable), ("UNSTABLE", unstable), ("UNDECIDED", undecided), ("minute_scan", by_minute)];
    figures.into_iter().map(|(name, times)| of.runs.rate(name, &cell["expect"][name], times)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disturbance_multiplies_latencies_where_its_name_says() {
        for (name, factors) in [
            ("none", [1.0, 1.0, 1.0, 1.0]),
            ("linear+30%", [1.0, 1.02, 1.16, 1.28]),
            ("step+50% at 10min", [1.0, 1.0, 1.0, 1.5]),
            ("warmup 2x for 2min", [2.0, 2.0, 1.0, 1.0]),
            ("x3 for 1 min", [1.0, 1.0, 3.0, 1.0]),
        ] {
            let disturbance = Disturbance::named(name).unwrap();
            for (minute, factor) in [0.0, 1.0, 8.0, 14.0].into_iter().zip(factors) {
                assert!((disturbance.factor(minute) - factor).abs() < 1e-12, "{name} at {minute}");
            }
        }
    }

    #[test]
    fn a_name_that_is_no_disturbance_is_refused() {
        for name in ["", "linear", "linear+%", "step+50%", "step+50% at min", "warmup x for 2min", "x0 for 1 min", "x3"]
        {
            assert_eq!(Disturbance::named(name), None, "{name}");
        }
    }

    #[test]
    fn a_window_has_its_latencies_minute_by_minute_in_send_order() {
        let window = minutes(&[0.0; 30], Disturbance::Step { more: 1.0, from: 14.0 });
        assert_eq!(window.len(), WINDOW_MINUTES);
        assert!(window[..14].iter().all(|minute| minute.latencies_us == [units(0.0); 2]));
        assert!(window[14].latencies_us.iter().all(|us| us.abs_diff(2 * units(0.0)) <= 1));
    }
}
