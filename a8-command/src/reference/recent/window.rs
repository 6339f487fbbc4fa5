//! The last minutes of one namespace: requests and steps of funnels in order of time, and figures that follow the
//! default window.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::digest::{Digests, Matrix, Sample};
use crate::reference::tiles::{SIGN_UP, Taken};

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

/// One step of a funnel.
#[derive(Debug, Default)]
struct Step {
    traces: BTreeMap<At, String>,
    /// How often each trace occurs since where the window stands.
    counted: HashMap<String, usize>,
    /// The sum of these.
    times: usize,
}

impl Step {
    fn moved(&mut self, from_ms: i64, to_ms: i64) {
        for (_, trace) in self.traces.range((from_ms, i64::MIN)..(to_ms.max(from_ms), i64::MIN)) {
            uncount(&mut self.counted, &mut self.times, trace);
        }
        for (_, trace) in self.traces.range((to_ms, i64::MIN)..(from_ms.max(to_ms), i64::MIN)) {
            *self.counted.entry(trace.clone()).or_default() += 1;
            self.times += 1;
        }
    }

    /// Traces counted here and there.
    fn shared_with(&self, other: &Self) -> usize {
        let (few, many) = if self.counted.len() < other.counted.len() { (self, other) } else { (other, self) };
        few.counted.keys().filter(|trace| many.counted.contains_key(*trace)).count()
    }

    /// Sums up what happened since where the window stands.
    fn reached(&self, since_ms: i64) -> Reached {
        let mut inside = self.traces.range((since_ms, i64::MIN)..);
        let last_ms = inside.clone().next_back().map(|((at_ms, _), _)| *at_ms);
        let mut newest: Vec<&String> = Vec::new();
        for (_, trace) in inside.clone().rev() {
            if newest.len() == SHOWN || newest.len() == self.counted.len() {
                break;
            }
            if !newest.contains(&trace) {
                newest.push(trace);
            }
        }
        Reached {
            count: self.counted.len(),
            first_ms: inside.next().map(|((at_ms, _), _)| *at_ms),
            last_ms,
            traces: newest.into_iter().cloned().collect(),
        }
    }
}

fn uncount(counted: &mut HashMap<String, usize>, sum: &mut usize, trace: &str) {
    if let Some(times) = counted.get_mut(trace) {
        *times -= 1;
        *sum -= 1;
        if *times == 0 {
            counted.remove(trace);
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Window {
    samples: BTreeMap<At, Sample>,
    steps: BTreeMap<(String, String), Step>,
    /// From when on what happened is in the figures and counts.
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
        let step = self.steps.entry(step).or_default();
        if step.traces.contains_key(&(at_ms, seq)) {
            return;
        }
        if at_ms >= self.since_ms {
            *step.counted.entry(trace.clone()).or_default() += 1;
            step.times += 1;
        }
        step.traces.insert((at_ms, seq), trace);
    }

    /// Forgets what happened at or before a time.
    pub(super) fn forget(&mut self, through_ms: i64) {
        while let Some(oldest) = self.samples.first_entry().filter(|oldest| oldest.key().0 <= through_ms) {
            if oldest.key().0 >= self.since_ms {
                self.digests.remove(oldest.get());
            }
            oldest.remove();
        }
        for step in self.steps.values_mut() {
            while let Some(oldest) = step.traces.first_entry().filter(|oldest| oldest.key().0 <= through_ms) {
                if oldest.key().0 >= self.since_ms {
                    uncount(&mut step.counted, &mut step.times, oldest.get());
                }
                oldest.remove();
            }
        }
        self.steps.retain(|_, step| !step.traces.is_empty());
    }

    /// Moves the beginning of figures and counts; to a time nearby that costs little.
    pub(super) fn move_to(&mut self, since_ms: i64) {
        let from_ms = self.since_ms;
        for (_, sample) in self.samples.range((from_ms, i64::MIN)..(since_ms.max(from_ms), i64::MIN)) {
            self.digests.remove(sample);
        }
        for (_, sample) in self.samples.range((since_ms, i64::MIN)..(from_ms.max(since_ms), i64::MIN)) {
            self.digests.add(sample);
        }
        self.steps.values_mut().for_each(|step| step.moved(from_ms, since_ms));
        self.since_ms = since_ms;
    }

    /// Figures of all since where the window stands.
    pub(super) fn matrix(&self) -> Matrix {
        self.digests.matrix()
    }

    /// Who reached which step since where the window stands.
    pub(super) fn steps(&self) -> Steps {
        self.steps.iter().map(|(name, step)| (name.clone(), step.reached(self.since_ms))).collect()
    }

    /// How often each step was taken since where the window stands, and how many traces went on.
    pub(super) fn taken(&self) -> Taken {
        let none = Step::default();
        let step = |name: &str, app: &str| self.steps.get(&(name.to_owned(), app.to_owned())).unwrap_or(&none);
        let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let (seen, started) = (step("cta_impression", "A7"), step("checkout_started", "A5"));
        let (student, provider) = (step(SIGN_UP, "A1"), step(SIGN_UP, "A6"));
        let signed_up = student.counted.len() + provider.counted.len() - student.shared_with(provider);
        let mut counts = BTreeMap::new();
        for ((name, _), step) in self.steps.iter().filter(|((name, _), step)| name != SIGN_UP && step.times > 0) {
            *counts.entry(name.clone()).or_default() += number(step.times);
        }
        Taken {
            counts,
            sign_ups: number(signed_up),
            visits: number(seen.counted.len()),
            visits_signed_up: number(seen.shared_with(student)),
            checkouts: number(started.counted.len()),
            checkouts_completed: number(started.shared_with(step("checkout_completed", "A5"))),
        }
    }

    /// Requests between two times, both included, in order of time.
    pub(super) fn between(&self, since_ms: i64, until_ms: i64) -> impl Iterator<Item = (i64, &Sample)> {
        self.samples.range((since_ms, i64::MIN)..=(until_ms, i64::MAX)).map(|((at_ms, _), sample)| (*at_ms, sample))
    }

    /// Who reached which step between two times, both included.
    pub(super) fn steps_between(&self, since_ms: i64, until_ms: i64) -> Steps {
        let span = (since_ms, i64::MIN)..=(until_ms, i64::MAX);
        self.steps.iter().map(|(name, step)| (name.clone(), reached(step.traces.range(span.clone()).rev()))).collect()
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
            let step = ("lead_captured".to_owned(), "A7".to_owned());
            window.add_step(n, n, step, format!("trace-{}", n % 37));
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
            window.move_to(since_ms);
            assert_eq!(window.matrix(), fresh(since_ms, &window), "since {since_ms}");
            assert_eq!(window.steps(), window.steps_between(since_ms, i64::MAX), "since {since_ms}");
        }
        window.forget(59);
        assert_eq!(window.matrix(), fresh(60, &window));
        assert_eq!(window.steps(), window.steps_between(60, i64::MAX));
    }

    #[test]
    fn what_comes_twice_counts_once() {
        let mut window = window();
        window.add_sample(5, 5, sample(1, 1_000, true));
        window.add_step(5, 5, ("lead_captured".to_owned(), "A7".to_owned()), "another".to_owned());
        assert_eq!(window.steps().values().next().map(|reached| reached.count), Some(37));
        assert_eq!(window.matrix().routes[0].1.samples, 100);
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
