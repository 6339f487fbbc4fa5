//! When which party fails how: a plan that follows from the seed alone.

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::reference::party::Party;

/// What happens to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// 503, nothing happened.
    Unavailable,
    /// 503 with `Retry-After` in seconds.
    Later(u64),
    /// The connection is reset before anything happens.
    Reset,
    /// No answer in time; it may have happened.
    Timeout,
    /// It happened, and the answer is lost.
    LostAnswer,
    /// It takes so many milliseconds longer.
    Slow(u64),
}

impl Trouble {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Unavailable => "status_503",
            Self::Later(_) => "status_503_retry_after",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::LostAnswer => "lost_answer",
            Self::Slow(_) => "latency",
        }
    }

    fn draw(rng: &mut StdRng) -> Self {
        match rng.random_range(0..6) {
            0 => Self::Unavailable,
            1 => Self::Later(rng.random_range(1..20)),
            2 => Self::Reset,
            3 => Self::Timeout,
            4 => Self::LostAnswer,
            _ => Self::Slow(rng.random_range(500..4_500)),
        }
    }
}

/// A time in which calls to a party fail.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spell {
    party: Party,
    from_ms: i64,
    until_ms: i64,
    trouble: Trouble,
    /// The share of calls that it meets.
    share: f64,
}

/// The whole plan: spells, and when A3 is killed and for how long it is gone.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Forecast {
    spells: Vec<Spell>,
    /// `(at_ms, gone for ms)`, in order.
    pub(super) crashes: Vec<(i64, u64)>,
}

/// The share of calls that fail even in fair weather.
const DRIZZLE: f64 = 0.01;

impl Forecast {
    /// The plan of `minutes` from 0. Outages last up to four minutes and leave a party five in between, so that a run can
    /// always be done within its ten; calls that fail by chance are at most 40 %.
    pub(super) fn of(seed: u64, minutes: u32) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ 0x0577_4e4d);
        let end_ms = i64::from(minutes) * 60_000;
        let mut spells = Vec::new();
        for party in Party::ALL {
            let mut at_ms = rng.random_range(30_000..600_000);
            while at_ms < end_ms {
                let is_outage = rng.random::<f64>() < 0.5;
                let share = if is_outage { 1.0 } else { rng.random_range(0.1..0.4) };
                let until_ms = (at_ms + rng.random_range(5_000..240_000)).min(end_ms);
                spells.push(Spell { party, from_ms: at_ms, until_ms, trouble: Trouble::draw(&mut rng), share });
                at_ms = until_ms + rng.random_range(300_000..900_000);
            }
        }
        let mut crashes = Vec::new();
        let mut at_ms = rng.random_range(60_000..300_000);
        while at_ms < end_ms {
            crashes.push((at_ms, rng.random_range(1_000..30_000)));
            at_ms += rng.random_range(120_000..900_000);
        }
        Self { spells, crashes }
    }

    /// What happens to a call to `party` at this time.
    pub(super) fn at(&self, party: Party, at_ms: i64, rng: &mut StdRng) -> Option<Trouble> {
        let share = rng.random::<f64>();
        let now = |spell: &&Spell| spell.party == party && (spell.from_ms..spell.until_ms).contains(&at_ms);
        match self.spells.iter().find(now) {
            Some(spell) => (share < spell.share).then_some(spell.trouble),
            None => (share < DRIZZLE).then(|| Trouble::draw(rng)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_plan_and_outages_leave_time_for_a_run() {
        let forecast = Forecast::of(3, 240);
        assert_eq!(forecast, Forecast::of(3, 240));
        assert_ne!(forecast, Forecast::of(4, 240));
        assert!(forecast.crashes.len() > 10 && forecast.spells.len() > 30, "{forecast:?}");
        for party in Party::ALL {
            let own: Vec<_> = forecast.spells.iter().filter(|spell| spell.party == party).collect();
            assert!(own.iter().all(|spell| spell.until_ms - spell.from_ms <= 240_000), "{party:?}");
            assert!(own.windows(2).all(|pair| pair[1].from_ms - pair[0].until_ms >= 300_000), "{party:?}");
        }
    }
}
