//! What the rules that disturb one request add up to.

use std::time::Duration;

use super::active::Hit;
use super::{Action, Answer, Cut, Duplicate, Part, Replay, Throttle};
use crate::load::mix64;

/// How a request ends without being passed on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Ending<'a> {
    /// By this answer.
    Answered(&'a Answer),
    /// By a reset of the connection.
    Reset,
    /// Never: the caller gives up.
    Unanswered,
}

/// How the bytes of an answer are held up or cut.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Shape {
    pub(super) throttle: Option<Throttle>,
    /// The first cut, and whether it is a reset.
    pub(super) cut: Option<(Cut, bool)>,
}

/// The actions of all rules that disturb a request, in the order in which they happen. The first of a kind counts where
/// only one can happen; waits add up.
#[derive(Debug, Default)]
pub(super) struct Plan<'a> {
    pub(super) wait: Duration,
    pub(super) ending: Option<Ending<'a>>,
    /// With the place of its rule, as what follows.
    pub(super) duplicate: Option<(usize, &'a Duplicate)>,
    pub(super) replay: Option<(usize, Replay)>,
    pub(super) fail: Option<(usize, &'a Answer)>,
    pub(super) shape: Shape,
    /// The rule of the cut.
    pub(super) cut_by: Option<usize>,
    pub(super) changes: Vec<(usize, &'a Action)>,
    /// Rules that disturb whatever the app answers; the others count when they have done something.
    pub(super) sure: Vec<usize>,
}

impl<'a> Plan<'a> {
    /// Adds up the actions of `hits`, in force for `age`.
    pub(super) fn of(hits: &[Hit<'a>], age: Duration) -> Self {
        let mut plan = Self::default();
        for (index, hit) in hits.iter().enumerate() {
            for (place, action) in hit.rule().actions.iter().enumerate() {
                let is_sure = plan.add(index, action, age, hit.nth().wrapping_add((place as u64) << 48));
                if is_sure && !plan.sure.contains(&index) {
                    plan.sure.push(index);
                }
            }
        }
        plan
    }

    /// Adds an action; false if it may come to nothing, as a change that finds nothing to change.
    fn add(&mut self, index: usize, action: &'a Action, age: Duration, seed: u64) -> bool {
        match action {
            Action::Delay(delay) => self.wait += Duration::from_millis(delay.ms),
            Action::DelayLognormal(delay) => self.wait += lognormal(delay.p50_ms, delay.p95_ms, seed),
            Action::Stall(stall) => {
                let left = left_of_pause(stall.every_ms, stall.for_ms, age);
                self.wait += left;
                return !left.is_zero();
            }
            Action::Status(answer) => self.end(Ending::Answered(answer)),
            Action::Drop(dropped) => {
                self.end(dropped.acknowledge.as_ref().map_or(Ending::Unanswered, Ending::Answered));
            }
            Action::Reset(reset) => match reset.after_bytes {
                None => self.end(Ending::Reset),
                Some(after_bytes) => return self.cut(index, Cut { after_bytes, clean: false }, true),
            },
            Action::Truncate(cut) => return self.cut(index, *cut, false),
            Action::Throttle(throttle) => {
                self.shape.throttle.get_or_insert(*throttle);
            }
            Action::Duplicate(duplicate) => {
                self.duplicate.get_or_insert((index, duplicate));
                return false;
            }
            Action::CommitThenFail(answer) => {
                self.fail.get_or_insert((index, answer));
                return false;
            }
            Action::ReplayStale(replay) => {
                self.replay.get_or_insert((index, *replay));
                return false;
            }
            _ => {
                self.changes.push((index, action));
                return false;
            }
        }
        true
    }

    fn end(&mut self, ending: Ending<'a>) {
        self.ending.get_or_insert(ending);
    }

    fn cut(&mut self, index: usize, cut: Cut, resets: bool) -> bool {
        if self.shape.cut.is_none() {
            self.shape.cut = Some((cut, resets));
            self.cut_by = Some(index);
        }
        false
    }

    /// True if a change needs the whole body of this message.
    pub(super) fn changes_body_of(&self, part: Part) -> bool {
        self.changes.iter().any(|(_, action)| action.changes_body_of() == Some(part))
    }
}

/// What is left of a pause that lasts `for_ms` at the beginning of every `every_ms`.
pub(super) fn left_of_pause(every_ms: u64, for_ms: u64, age: Duration) -> Duration {
    let every = Duration::from_millis(every_ms.max(1)).as_nanos();
    let into = age.as_nanos() % every;
    let left = Duration::from_millis(for_ms).as_nanos().saturating_sub(into);
    Duration::from_nanos(u64::try_from(left).unwrap_or(u64::MAX))
}

/// The 95 % point of the standard normal distribution.
const Z_95: f64 = 1.644_853_626_951_472_2;

/// A lognormal draw by the Box–Muller transform (1958) of two hashes of `seed`, at most an hour.
pub(super) fn lognormal(p50_ms: f64, p95_ms: f64, seed: u64) -> Duration {
    let sigma = (p95_ms / p50_ms).ln() / Z_95;
    let first = mix64(seed.wrapping_add(1));
    let (u, v) = (unit(first), unit(mix64(first.wrapping_add(1))));
    let z = (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos();
    let ms = p50_ms * (sigma * z).exp();
    Duration::try_from_secs_f64(ms.min(3_600_000.0) / 1_000.0).unwrap_or(Duration::ZERO)
}

/// A number above 0 and at most 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits are kept")]
fn unit(bits: u64) -> f64 {
    ((bits >> 11) + 1) as f64 / (1_u64 << 53) as f64
}
