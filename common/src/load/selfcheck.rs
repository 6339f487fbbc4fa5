//! The generator judges itself first: could it send when it meant to?

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::units::Micros;

use super::latency::Latency;

/// Above this share of a CPU a generator thread counts as saturated.
const SATURATED: f64 = 0.95;
/// Lag of the schedule that is allowed whatever the limit.
const LAG_FLOOR: Micros = Micros::from_ms(5);

/// How well the generator kept to its schedule, without warm-up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneratorHealth {
    /// Threads that sent.
    pub threads: u32,
    /// How much later than intended iterations began although a user was free.
    pub schedule_lag: Lag,
    /// From the begin of a request to the actual send on a connection that was open already.
    pub send_delay: Lag,
    /// The share of one CPU that the busiest thread took, 0 to 1; `None` where it cannot be read.
    pub cpu_share: Option<f64>,
    /// The share of time that the worst thread was ready to run and had to wait for a CPU, 0 to 1; `None` where it cannot
    /// be read.
    #[serde(default)]
    pub cpu_wait_share: Option<f64>,
    /// How long a thread would have taken to get to something that came at a random moment, by a timer of 10 ms: a stall
    /// counts once for each ring that it swallowed. A thread that is never free, because it reads its answers late, has no
    /// other sign of that.
    pub stall: Lag,
    /// Iterations that were intended; 0 where the answers decide.
    pub planned: u64,
    /// Intended and never begun.
    pub dropped: u64,
    /// The soft limit of open files; `None` where it cannot be read.
    pub fd_limit: Option<u64>,
}

/// Quantiles of a delay; zeros without samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lag {
    /// Samples.
    pub count: u64,
    /// Median in microseconds.
    pub p50_us: u64,
    /// 99th percentile in microseconds.
    pub p99_us: u64,
    /// Greatest, in microseconds.
    pub max_us: u64,
}

impl From<&Latency> for Lag {
    fn from(latency: &Latency) -> Self {
        let summary = latency.summary();
        let finite = |figure: Option<u64>| figure.unwrap_or(0);
        Self {
            count: summary.count,
            p50_us: finite(summary.p50_us),
            p99_us: finite(summary.p99_us),
            max_us: finite(summary.max_us),
        }
    }
}

impl GeneratorHealth {
    /// Says why a latency failure against this P95 limit must not be blamed on the app, if so: the 99th percentile of the
    /// lag, of the send delay or of the event loop's stalls is above max(5 ms, 5 % of the limit), or a thread was saturated.
    #[must_use]
    pub fn blames_itself(&self, slo_p95: Micros) -> Option<String> {
        let allowed = LAG_FLOOR.max(Micros(slo_p95.0 / 20));
        let delays =
            [("schedule lag", self.schedule_lag), ("send delay", self.send_delay), ("event-loop stall", self.stall)];
        for (name, delay) in delays.map(|(name, lag)| (name, Micros(lag.p99_us))) {
            if delay > allowed {
                let stall = Micros(self.stall.max_us);
                let waited = self.cpu_wait_share.map_or(String::new(), |share| {
                    format!(", {:.0} % of the time spent on waiting for a CPU", share * 100.0)
                });
                return Some(format!(
                    "the generator could not keep up: P99 of its {name} is {delay}, allowed {allowed} (longest stall \
                     {stall}{waited}); lower the load or give it more threads or an idle machine"
                ));
            }
        }
        let share = self.cpu_share.filter(|share| *share > SATURATED)?;
        let percent = share * 100.0;
        Some(format!(
            "the generator could not keep up: a thread took {percent:.0} % of a CPU; lower the load or give it more threads"
        ))
    }

    /// Says why a pass would rest on less load than was promised, if so: more than 0.1 % of the iterations were dropped.
    ///
    /// A failure stands all the same: an iteration is dropped when all users wait for answers, so those that were begun
    /// are the kinder part.
    #[must_use]
    pub fn dropped_too_many(&self) -> Option<String> {
        (self.dropped.saturating_mul(1_000) > self.planned).then(|| {
            let (dropped, planned) = (self.dropped, self.planned);
            format!(
                "{dropped} of {planned} iterations were never begun, more than 0.1 %; raise max_vus, or lower the rate to what \
                 the target takes"
            )
        })
    }
}

/// What a thread did with its time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CpuTime {
    /// On a CPU.
    pub(crate) ran: Duration,
    /// Ready to run, and waiting for one.
    pub(crate) waited: Duration,
}

/// This thread's time so far, from `/proc/thread-self/schedstat`; `None` where there is none.
pub(crate) fn thread_cpu() -> Option<CpuTime> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut nanos = text.split_whitespace().map(|figure| figure.parse().map(Duration::from_nanos));
    Some(CpuTime { ran: nanos.next()?.ok()?, waited: nanos.next()?.ok()? })
}

/// The soft limit of open files, from `/proc/self/limits`; `None` where there is none or it is unlimited.
pub(crate) fn fd_limit() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> GeneratorHealth {
        let lag = Lag { count: 1_000, p50_us: 100, p99_us: 900, max_us: 2_000 };
        GeneratorHealth {
            threads: 1,
            schedule_lag: lag,
            send_delay: lag,
            cpu_share: Some(0.4),
            cpu_wait_share: Some(0.25),
            stall: lag,
            planned: 10_000,
            dropped: 10,
            fd_limit: Some(1_024),
        }
    }

    #[test]
    fn a_generator_that_kept_up_blames_nobody() {
        assert_eq!(healthy().blames_itself(Micros::from_ms(150)), None);
    }

    #[test]
    fn lag_is_measured_against_the_limit_it_could_spoil() {
        let mut health = healthy();
        health.schedule_lag.p99_us = 8_000;
        let blame = health.blames_itself(Micros::from_ms(150)).unwrap();
        assert!(blame.contains("8.0 ms, allowed 7.5 ms"), "{blame}");
        assert!(blame.contains("25 % of the time spent on waiting for a CPU"), "{blame}");
        assert_eq!(health.blames_itself(Micros::from_ms(400)), None);
        health.schedule_lag.p99_us = 5_001;
        assert!(health.blames_itself(Micros::from_ms(10)).is_some());
    }

    #[test]
    fn requests_that_begin_in_time_and_leave_late_are_its_own_fault_too() {
        let mut health = healthy();
        health.send_delay.p99_us = 9_000;
        assert!(health.blames_itself(Micros::from_ms(150)).unwrap().contains("send delay is 9.0 ms"));
    }

    #[test]
    fn a_thread_that_is_never_free_shows_by_its_timer() {
        let mut health = healthy();
        health.schedule_lag = Lag::default();
        health.stall = Lag { count: 100, p50_us: 90_000, p99_us: 400_000, max_us: 500_000 };
        let blame = health.blames_itself(Micros::from_ms(150)).unwrap();
        assert!(blame.contains("P99 of its event-loop stall is 400 ms, allowed 7.5 ms"), "{blame}");
    }

    #[test]
    fn a_saturated_thread_and_dropped_iterations_are_its_own_fault() {
        let saturated = GeneratorHealth { cpu_share: Some(0.99), ..healthy() };
        assert!(saturated.blames_itself(Micros::from_ms(150)).unwrap().contains("99 % of a CPU"));
        let dropping = GeneratorHealth { dropped: 11, ..healthy() };
        assert!(dropping.dropped_too_many().unwrap().contains("11 of 10000"));
    }

    #[test]
    fn an_unknown_cpu_share_is_not_taken_for_a_saturated_one() {
        assert_eq!(GeneratorHealth { cpu_share: None, ..healthy() }.blames_itself(Micros::from_ms(150)), None);
    }
}
