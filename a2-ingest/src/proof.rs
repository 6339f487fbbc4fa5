//! Nothing lost: every event that A2 acknowledged under a load is found again, one by one, in A2 and in A8.
//!
//! Each request of [`crate::recorded`] has a trace of its own, so A2's lineage of that trace must hold exactly one event,
//! with the number of the iteration that sent it; and A8 must have been told of it once.

mod read_back;
mod second;

use common::check::CheckContext;
use common::clock;
use common::ids::TraceId;
use common::load::StepReport;
use common::slo::Reason;
use common::verdict::{Agreement, Confirmation, Figures, SecondSource, Verdict};
use serde::{Deserialize, Serialize};

use self::read_back::Found;
use self::second::Told8;

/// Events that are named in a proof at most.
const EXAMPLES: usize = 20;

/// What became of the events of one load.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Proof {
    /// Events that A2 acknowledged, those of the warm-up too.
    pub acknowledged: u64,
    /// Found again in A2 once, as they were sent.
    pub found: u64,
    /// Not found again.
    pub lost: u64,
    /// Found more than once; those that A2 did not acknowledge too.
    pub twice: u64,
    /// Found with other content than was sent.
    pub altered: u64,
    /// Could not be looked for, as A2 did not answer.
    pub unread: u64,
    /// Sent, but not acknowledged: they may be there or not.
    pub unacknowledged: u64,
    /// Those of them that are there.
    pub unacknowledged_found: u64,
    /// Cut off while under way; they may be there or not, and nobody looked.
    pub cut_off: u64,
    /// Sent, but not told apart for want of room; nobody looked.
    pub not_told: u64,
    /// Acknowledged events that A8 has once.
    pub in_a8: u64,
    /// Acknowledged events that A8 does not have.
    pub missing_in_a8: u64,
    /// Acknowledged events that A8 has more than once.
    pub twice_in_a8: u64,
    /// Acknowledged events that A8 got after the arrival limit of 60 s.
    pub late_in_a8: u64,
    /// The slowest arrival in A8, in milliseconds after the event.
    pub arrival_max_ms: i64,
    /// Why A8 was not asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a8_absent: Option<String>,
    /// Events that are not as they should be, the first of each kind.
    pub examples: Vec<Example>,
    /// How long looking took, in seconds.
    pub took_s: f64,
}

/// One event that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Example {
    /// The iteration that sent it.
    pub iteration: u64,
    /// Its trace.
    pub trace_id: TraceId,
    /// What is wrong.
    pub what: String,
}

/// Looks for every event of a load, first in A2, at once and without waiting, then in A8 for as long as the context has
/// patience. `since_unix_ms` is the begin of the load. The load must have kept what was acknowledged.
pub async fn nothing_lost(cx: &CheckContext, step: &StepReport, since_unix_ms: i64) -> Proof {
    let began = clock::monotonic();
    let mut proof = Proof {
        acknowledged: step.acknowledged.len() as u64,
        unacknowledged: step.unacknowledged.len() as u64,
        cut_off: step.cut_off,
        not_told: step.told_not_kept,
        ..Proof::default()
    };
    for (told, found) in read_back::find(cx, &step.acknowledged).await {
        let what = match found {
            Found::Once => {
                proof.found += 1;
                continue;
            }
            Found::Nothing => {
                proof.lost += 1;
                "acknowledged, and not found again in A2".to_owned()
            }
            Found::Twice(n) => {
                proof.twice += 1;
                format!("acknowledged once, and found {n} times in A2")
            }
            Found::Altered(seen) => {
                proof.altered += 1;
                format!("found in A2 with other content: {seen}")
            }
            Found::Unread(why) => {
                proof.unread += 1;
                format!("could not be looked for in A2: {why}")
            }
        };
        proof.example(told.iteration, told.trace_id, what);
    }
    for (told, found) in read_back::find(cx, &step.unacknowledged).await {
        match found {
            Found::Nothing => {}
            Found::Unread(_) => proof.unread += 1,
            Found::Once | Found::Altered(_) => proof.unacknowledged_found += 1,
            Found::Twice(n) => {
                proof.unacknowledged_found += 1;
                proof.twice += 1;
                proof.example(told.iteration, told.trace_id, format!("not acknowledged, and found {n} times in A2"));
            }
        }
    }
    second::ask(cx, &mut proof, &step.acknowledged, since_unix_ms).await;
    proof.took_s = began.elapsed().as_secs_f64();
    proof
}

impl Proof {
    /// The verdict on "every acknowledged event is found again", with the line that explains it.
    #[must_use]
    pub fn judge(&self) -> (Verdict, String) {
        let broken = (self.lost + self.twice + self.altered).min(self.acknowledged);
        let Some(figures) = Figures::counted("acknowledged events", self.acknowledged, broken) else {
            let verdict = Verdict::nothing_seen("acknowledged events", "at least 1 acknowledged event");
            return (verdict, "A2 acknowledged nothing, so nothing could be lost, and nothing is shown".to_owned());
        };
        let seen = self.in_words();
        if self.lost + self.twice + self.altered > 0 {
            let traces = self.examples.iter().map(|example| example.trace_id).collect();
            return (Verdict::Fail { figures, traces }, format!("{seen}; {}", self.named()));
        }
        let undecided = |reason, observed: String, required: &str, figures| {
            let line = format!("{seen}, but {observed}");
            (Verdict::Inconclusive { reason, figures: Some(figures), observed, required: required.to_owned() }, line)
        };
        let unseen = self.unread + self.not_told;
        if unseen > 0 {
            let observed = format!("{unseen} events could not be looked for");
            return undecided(Reason::TelemetryGap, observed, "a look at every event", figures);
        }
        match self.second_source() {
            SecondSource::Agrees(agreement) => {
                let line = format!("{seen}; A8 has each of them once, the slowest after {} ms", self.arrival_max_ms);
                (Verdict::Pass { figures, second: Confirmation::Agreed(agreement) }, line)
            }
            SecondSource::Disagrees { what } => {
                undecided(Reason::Disagreeing, what, "A8 has each of them once", figures)
            }
            SecondSource::Gap { what } | SecondSource::Absent { why: what } => {
                undecided(Reason::TelemetryGap, what, "A8 has each of them within 60 s", figures)
            }
        }
    }

    /// What A8 says of the acknowledged events.
    #[must_use]
    pub fn second_source(&self) -> SecondSource {
        if let Some(why) = &self.a8_absent {
            return SecondSource::Absent { why: why.clone() };
        }
        if self.twice_in_a8 > 0 {
            return SecondSource::Disagrees { what: format!("A8 has {} of them more than once", self.twice_in_a8) };
        }
        if self.missing_in_a8 + self.late_in_a8 > 0 {
            let (missing, late) = (self.missing_in_a8, self.late_in_a8);
            return SecondSource::Gap { what: format!("A8 misses {missing} of them and got {late} after 60 s") };
        }
        match std::num::NonZeroU64::new(self.in_a8) {
            Some(matched) => {
                SecondSource::Agrees(Agreement { source: format!("A8's {} events", second::EVENT.as_str()), matched })
            }
            None => SecondSource::Absent { why: "A8 was asked about no event".to_owned() },
        }
    }

    /// `A2 acknowledged 812 events: 812 found again once, 0 lost, …`.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut line = format!(
            "A2 acknowledged {} events: {} found again once and as sent, {} lost, {} twice, {} altered",
            self.acknowledged, self.found, self.lost, self.twice, self.altered
        );
        if self.unacknowledged + self.cut_off > 0 {
            line.push_str(&format!(
                "; of {} that it did not acknowledge, {} are there too ({} cut off)",
                self.unacknowledged, self.unacknowledged_found, self.cut_off
            ));
        }
        line
    }

    fn named(&self) -> String {
        let named = self.examples.iter().take(5).map(|example| {
            let Example { iteration, trace_id, what } = example;
            format!("iteration {iteration}, trace {trace_id}: {what}")
        });
        named.collect::<Vec<_>>().join("; ")
    }

    fn example(&mut self, iteration: u64, trace_id: TraceId, what: String) {
        if self.examples.len() < EXAMPLES {
            self.examples.push(Example { iteration, trace_id, what });
        }
    }

    fn count_in_a8(&mut self, iteration: u64, trace_id: TraceId, told: &Told8) {
        match told {
            Told8::Missing => {
                self.missing_in_a8 += 1;
                self.example(iteration, trace_id, "A8 does not have it".to_owned());
            }
            Told8::Twice(n) => {
                self.twice_in_a8 += 1;
                self.example(iteration, trace_id, format!("A8 has it {n} times"));
            }
            Told8::Once { after_ms } => {
                self.arrival_max_ms = self.arrival_max_ms.max(*after_ms);
                if *after_ms > second::limit_ms() {
                    self.late_in_a8 += 1;
                    self.example(iteration, trace_id, format!("reached A8 after {after_ms} ms"));
                } else {
                    self.in_a8 += 1;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole() -> Proof {
        Proof { acknowledged: 10, found: 10, in_a8: 10, ..Proof::default() }
    }

    #[test]
    fn only_a_proof_without_a_gap_on_either_side_passes() {
        assert!(whole().judge().0.is_pass());
        let gaps = [
            Proof { unread: 1, found: 9, ..whole() },
            Proof { not_told: 1, ..whole() },
            Proof { in_a8: 9, missing_in_a8: 1, ..whole() },
            Proof { in_a8: 9, twice_in_a8: 1, ..whole() },
            Proof { in_a8: 9, late_in_a8: 1, ..whole() },
            Proof { in_a8: 0, a8_absent: Some("the target has no A8".into()), ..whole() },
            Proof { in_a8: 0, ..whole() },
            Proof::default(),
        ];
        for proof in gaps {
            let (verdict, line) = proof.judge();
            assert_eq!(verdict.as_str(), "INCONCLUSIVE", "{line}");
        }
    }

    #[test]
    fn a_lost_a_doubled_and_an_altered_event_each_fail_whatever_a8_says() {
        for proof in [
            Proof { lost: 1, found: 9, ..whole() },
            Proof { twice: 1, found: 9, ..whole() },
            Proof { altered: 1, found: 9, a8_absent: Some("no A8".into()), ..whole() },
            Proof { lost: 1, found: 8, unread: 1, ..whole() },
        ] {
            assert!(proof.judge().0.is_fail(), "{proof:?}");
        }
    }

    #[test]
    fn what_was_never_acknowledged_may_be_there_or_not() {
        let (verdict, line) = Proof { unacknowledged: 4, unacknowledged_found: 3, cut_off: 1, ..whole() }.judge();
        assert!(verdict.is_pass());
        assert!(line.contains("of 4 that it did not acknowledge, 3 are there too (1 cut off)"), "{line}");
    }
}
