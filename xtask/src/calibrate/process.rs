//! Latency processes with known quantiles: independent, bimodal, autocorrelated, and slow in bursts.
//!
//! Latencies are kept as logarithms, so that scaling them shifts them; ranks and shares do not mind.

use std::f64::consts::{FRAC_1_SQRT_2, TAU};

use common::slo::golden::Unusable;
use statrs::function::erf::erfc;

/// Deviation of the logarithm of a plain latency.
const SIGMA: f64 = 0.5;

/// How latencies come about.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Process {
    /// Independent and lognormal.
    Lognormal,
    /// Nine in ten around 1, one in ten around 4.
    Bimodal,
    /// Lognormal; the normal below it is autoregressive with this coefficient.
    Ar1(f64),
    /// Eight in a hundred three times as slow, in runs of this many on average.
    Burst(f64),
}

/// A part of a mixture of lognormals: its share, the mean and the deviation of the logarithm.
type Part = (f64, f64, f64);

impl Process {
    /// Reads a name such as `ar1_0.6`.
    pub(super) fn named(name: &str) -> Result<Self, Unusable> {
        let number = |prefix: &str| name.strip_prefix(prefix).and_then(|rest| rest.parse::<f64>().ok());
        match name {
            "lognormal" => Ok(Self::Lognormal),
            "bimodal" => Ok(Self::Bimodal),
            _ => match (number("ar1_"), number("burst")) {
                (Some(phi), _) if (0.0..1.0).contains(&phi) => Ok(Self::Ar1(phi)),
                (_, Some(dwell)) if (1.0..1e6).contains(&dwell) => Ok(Self::Burst(dwell)),
                _ => Err(Unusable::new(format!("no process `{name}`"))),
            },
        }
    }

    /// What its autocorrelation time is known to be at least, as a history of stable runs tells.
    pub(super) fn tau_prior(self) -> f64 {
        match self {
            Self::Lognormal | Self::Bimodal => 1.0,
            Self::Ar1(phi) if phi < 0.5 => 1.6,
            Self::Ar1(phi) if phi < 0.8 => 3.0,
            Self::Ar1(_) => 13.3,
            Self::Burst(dwell) => dwell,
        }
    }

    fn parts(self) -> [Part; 2] {
        match self {
            Self::Lognormal | Self::Ar1(_) => [(1.0, 0.0, SIGMA), (0.0, 0.0, SIGMA)],
            Self::Bimodal => [(0.9, 0.0, 0.25), (0.1, 4.0_f64.ln(), 0.25)],
            Self::Burst(_) => [(0.92, 0.0, 0.35), (0.08, 3.0_f64.ln(), 0.35)],
        }
    }

    /// The share of latencies above `exp(ln)`.
    pub(super) fn share_above(self, ln: f64) -> f64 {
        self.parts().into_iter().map(|(share, mean, sigma)| share * normal_above((ln - mean) / sigma)).sum()
    }

    /// The logarithm of the quantile `p` in `0..1`, by bisection.
    pub(super) fn ln_quantile(self, p: f64) -> f64 {
        let (mut low, mut high) = (-10.0, 10.0);
        for _ in 0..100 {
            let middle = f64::midpoint(low, high);
            if self.share_above(middle) > 1.0 - p {
                low = middle;
            } else {
                high = middle;
            }
        }
        f64::midpoint(low, high)
    }

    /// The logarithms of `n` latencies in the order of sending, from the stationary state.
    pub(super) fn draw(self, n: usize, random: &mut Random) -> Vec<f64> {
        match self {
            Self::Lognormal => (0..n).map(|_| SIGMA * random.normal()).collect(),
            Self::Bimodal => {
                let [near, far] = self.parts();
                let of = |(_, mean, sigma): Part, random: &mut Random| mean + sigma * random.normal();
                (0..n).map(|_| of(if random.share() < near.0 { near } else { far }, random)).collect()
            }
            Self::Ar1(phi) => {
                let (mut z, fresh) = (random.normal(), (1.0 - phi * phi).sqrt());
                let next = |_| {
                    let now = z;
                    z = phi * z + fresh * random.normal();
                    SIGMA * now
                };
                (0..n).map(next).collect()
            }
            Self::Burst(dwell) => {
                let [(quick, _, sigma), (slow, ln_slower, _)] = self.parts();
                let leave = dwell.recip();
                let enter = leave * slow / quick;
                let mut is_slow = random.share() < slow;
                let next = |_| {
                    let now = sigma * random.normal() + if is_slow { ln_slower } else { 0.0 };
                    is_slow = random.share() < if is_slow { 1.0 - leave } else { enter };
                    now
                };
                (0..n).map(next).collect()
            }
        }
    }
}

/// `P(Z > z)` of a standard normal.
fn normal_above(z: f64) -> f64 {
    erfc(z * FRAC_1_SQRT_2) / 2.0
}

/// A splitmix64 stream (Steele, Lea, Flood 2014), the same on every machine.
pub(super) struct Random {
    state: u64,
    spare: Option<f64>,
}

impl Random {
    /// The stream of a name: FNV-1a of its bytes is the seed.
    pub(super) fn of(name: &str) -> Self {
        let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        Self { state: name.bytes().fold(0xCBF2_9CE4_8422_2325, fnv), spare: None }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in `0..1`, 0 excluded.
    pub(super) fn share(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Standard normal (Box and Muller 1958), two at a time.
    pub(super) fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        let radius = (-2.0 * self.share().ln()).sqrt();
        let (sin, cos) = (TAU * self.share()).sin_cos();
        self.spare = Some(radius * sin);
        radius * cos
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Process; 5] =
        [Process::Lognormal, Process::Bimodal, Process::Ar1(0.6), Process::Burst(5.0), Process::Burst(20.0)];

    #[test]
    fn draws_exceed_a_quantile_as_often_as_it_says() {
        for process in ALL {
            let latencies = process.draw(400_000, &mut Random::of("quantiles"));
            for p in [0.5, 0.95, 0.99] {
                let at = process.ln_quantile(p);
                let above = latencies.iter().filter(|ln| **ln > at).count() as f64 / latencies.len() as f64;
                assert!((above - (1.0 - p)).abs() < 0.01, "{process:?} {p}: {above}");
            }
        }
    }

    #[test]
    fn a_name_that_is_no_process_is_refused() {
        for name in ["", "normal", "ar1_1.5", "ar1_", "burst", "burst0", "burst-3"] {
            assert!(Process::named(name).is_err(), "{name}");
        }
        assert_eq!(Process::named("burst20").unwrap().tau_prior(), 20.0);
        assert_eq!(Process::named("ar1_0.9").unwrap().tau_prior(), 13.3);
    }
}
