//! The last minutes of one namespace: requests and steps of funnels in order of time, and figures that follow the
//! default window.

use std::collections::{BTreeMap, HashSet};

use super::digest::{Digests, Matrix, Sample};

/// Traces named per step of a funnel, the newest first.
pub(crate) const SHOWN: usize = 20;

/// When, and which of those at that time.
type At = (i64, i64);

/// Who reached a step of a funnel.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// Distinct traces.
    pub(crate) count: usize,
    pub(crate) first_ms: Option<i64>,
    pub(crate) last_ms: Option<i64>,
    /// Some of the traces, the newest first.
    pub(crate) traces: Vec<String>,
}

/// Steps by event name and app.
pub(crate) type Steps = BTreeMap<(String, String), Reached>;

#[derive(Debug, Default)]
pub(super) struct Window {
    samples: BTreeMap<At, Sample>,
    steps: BTreeMap<(String, String), BTreeMap<At, String>>,
    /// From when on samples are in the figures.
    since_ms: i64,
    digests: Digests,
}

impl Window {
    /// Takes in a request; one that is there already changes nothing.
    pub(super) fn add_sample(&mut self, at_ms: i64, seq: i64, sample: Sample) {
        if self.samples.contains_key(&(at_ms, seq)) {
            return;
        }
        if at_ms >= self.since_ms {
            self.digests.add(&sample);
        }
        self.samples.insert((at_ms, seq), sample);
    }

    /// Takes in a step of a funnel; one that is there already changes nothing.
    pub(super) fn add_step(&mut self, at_ms: i64, seq: i64, step: (String, String), trace: String) {
        self.steps.entry(step).or_default().insert((at_ms, seq), trace);
    }

    /// Forgets what happened at or before a time.
    pub(super) fn forget(&mut self, through_ms: i64) {
        while let Some(oldest) = self.samples.first_entry().filter(|oldest| oldest.key().0 <= through_ms) {
            if oldest.key().0 >= self.since_ms {
                self.digests.remove(oldest.get());
            }
            oldest.remove();
        }
        for traces in self.steps.values_mut() {
            while let Some(oldest) = traces.first_entry().filter(|oldest| oldest.key().0 <= through_ms) {
                oldest.remove();
            }
        }
        self.steps.retain(|_, traces| !traces.is_empty());
    }

    /// Figures of all since a time, which is where the window stands from now on; near times cost little.
    pub(super) fn moved_to(&mut self, since_ms: i64) -> Matrix {
        for (_, sample) in self.samples.range((self.since_ms, i64::MIN)..(since_ms.max(self.since_ms), i64::MIN)) {
            self.digests.remove(sample);
        }
        for (_, sample) in self.samples.range((since_ms, i64::MIN)..(self.since_ms.max(since_ms), i64::MIN)) {
            self.digests.add(sample);
        }
        self.since_ms = since_ms;
        self.digests.matrix()
    }

    /// Requests between two times, both included, in order of time.
    pub(super) fn between(&self, since_ms: i64, until_ms: i64) -> impl Iterator<Item = (i64, &Sample)> {
        self.samples.range((since_ms, i64::MIN)..=(until_ms, i64::MAX)).map(|((at_ms, _), sample)| (*at_ms, sample))
    }

    /// Who reached which step between two times, both included.
    pub(super) fn steps_between(&self, since_ms: i64, until_ms: i64) -> Steps {
        let span = (since_ms, i64::MIN)..=(until_ms, i64::MAX);
        self.steps.iter().map(|(step, traces)| (step.clone(), reached(traces.range(span.clone()).rev()))).collect()
    }
}

/// Sums up the traces of a step, given the newest first.
fn reached<'a>(newest_first: impl Iterator<Item = (&'a At, &'a String)>) -> Reached {
    let mut seen = HashSet::new();
    let mut reached = Reached::default();
    for ((at_ms, _), trace) in newest_first {
        reached.last_ms.get_or_insert(*at_ms);
        reached.first_ms = Some(*at_ms);
        if seen.insert(trace.as_str()) && reached.traces.len() < SHOWN {
            reached.traces.push(trace.clone());
        }
    }
    reached.count = seen.len();
    reached
}

#[cfg(test)]
mod tests {
    use super::super::digest::tests::sample;
    use super::*;

    fn window() -> Window {
        let mut window = Window::default();
        for n in 0..100 {
            window.add_sample(n, n, sample(u64::try_from(n * 31 % 97).unwrap(), 1_000, false));
        }
        window
    }

    fn fresh(since_ms: i64, window: &Window) -> Matrix {
        Digests::of(window.between(since_ms, i64::MAX).map(|(_, sample)| sample)).matrix()
    }

    #[test]
    fn a_window_that_moves_to_and_fro_shows_what_a_fresh_one_does() {
        let mut window = window();
        for since_ms in [0, 40, 30, 99, 100, 7] {
            assert_eq!(window.moved_to(since_ms), fresh(since_ms, &window), "since {since_ms}");
        }
        window.forget(59);
        assert_eq!(window.moved_to(7), fresh(60, &window));
    }

    #[test]
    fn what_comes_twice_counts_once() {
        let mut window = window();
        window.add_sample(5, 5, sample(1, 1_000, true));
        assert_eq!(window.moved_to(0).routes[0].1.samples, 100);
    }

    #[test]
    fn a_trace_that_reached_a_step_twice_counts_once_and_shows_first_and_last() {
        let mut window = Window::default();
        let step = ("lead_captured".to_owned(), "A7".to_owned());
        for (at_ms, trace) in [(1, "a"), (2, "b"), (3, "a"), (9, "c")] {
            window.add_step(at_ms, at_ms, step.clone(), trace.to_owned());
        }
        let steps = window.steps_between(1, 3);
        let expected = Reached { count: 2, first_ms: Some(1), last_ms: Some(3), traces: vec!["a".into(), "b".into()] };
        assert_eq!(steps.get(&step), Some(&expected));
    }
}
