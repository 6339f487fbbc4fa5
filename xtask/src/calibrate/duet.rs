//! Cells that compare versions where every run has its own noise: one run after the other, and in turns in one session.

use common::slo::golden::{Unusable, text};
use common::slo::{BetweenRuns, Quantile, QuantileSample, quantile_ratio};
use serde_json::Value;

use super::figure::{Effort, Figure};
use super::process::{Process, Random};
use super::ratios::{by_limits, encloses};
use super::simulation::{Runs, Tally, units};

/// Samples of each version.
const SIDE: usize = 1_800;
/// Versions take turns after so many samples: half a minute at two a second.
const BLOCK: usize = 60;
/// So many baseline runs tell what differs from run to run.
const BASELINE_RUNS: usize = 6;
/// A run's drift is half as large as what differs from run to run.
const DRIFT: f64 = 0.5;
/// A run's drift forgets itself over so many samples: five minutes at two a second.
///
/// Published is the size of the drift and not its shape. Of nine shapes that were tried, those that return reproduce the
/// figures, whether they forget themselves over 10, 30, 100 or 600 samples; three straight lines and two single waves
/// do not.
const MEMORY: f64 = 600.0;

/// The logarithms of `n` latencies of one run, with noise of its own of this standard deviation, and drift.
fn run(n: usize, noise: f64, random: &mut Random) -> Vec<f64> {
    let level = noise * random.normal();
    let (mut drift, kept) = (random.normal(), (-MEMORY.recip()).exp());
    let fresh = (1.0 - kept * kept).sqrt();
    let mut latencies = Process::Lognormal.draw(n, random);
    for ln in &mut latencies {
        *ln += level + DRIFT * noise * drift;
        drift = kept * drift + fresh * random.normal();
    }
    latencies
}

/// P95 of latencies whose version is slower by this logarithm.
fn p95(ln: impl IntoIterator<Item = f64>, slower: f64) -> QuantileSample {
    let latencies: Vec<u64> = ln.into_iter().map(|ln| units(ln + slower)).collect();
    QuantileSample::of(&latencies, Quantile::P95, 1.0)
}

/// The two versions of a session in which they took turns.
fn in_turns(session: &[f64], slower: f64) -> [QuantileSample; 2] {
    let of = |turn: usize| session.chunks(BLOCK).skip(turn).step_by(2).flatten().copied();
    [p95(of(0), 0.0), p95(of(1), slower)]
}

/// The verdict on a slower version: from two runs as if nothing differed between runs, with what baseline runs say of
/// that, and from a session in which the versions took turns.
pub(super) fn duet_vs_sequential(cell: &Value, effort: Effort) -> Result<Vec<Figure>, Unusable> {
    let (noise, truth) = named(text(cell, "id")?)?;
    let (mut runs, slower) = (Runs::of(cell, effort)?, truth.ln());
    let mut ratios: [Vec<_>; 3] = Default::default();
    for _ in 0..runs.own {
        let random = &mut runs.random;
        let (before, after) = (p95(run(SIDE, noise, random), 0.0), p95(run(SIDE, noise, random), slower));
        let baseline: Vec<f64> = (0..BASELINE_RUNS).map(|_| (noise * random.normal()).exp()).collect();
        let [old, new] = in_turns(&run(2 * SIDE, noise, random), slower);
        ratios[0].push(quantile_ratio(&before, &after, 0.95, None));
        ratios[1].push(quantile_ratio(&before, &after, 0.95, BetweenRuns::of(&baseline)));
        ratios[2].push(quantile_ratio(&old, &new, 0.95, None));
    }
    let expect = &cell["expect"];
    let (sequential, interleaved) = (&expect["sequential"], &expect["interleaved"]);
    let published = [
        ("sequential", sequential),
        ("sequential.with_between_run", &sequential["with_between_run"]),
        ("interleaved", interleaved),
    ];
    let mut figures = Vec::new();
    for ((name, published), ratios) in published.into_iter().zip(ratios) {
        figures.extend(runs.tallied(name, published, &Tally::of(ratios.iter().map(|ratio| by_limits(ratio, 1.0))))?);
        let held = ratios.iter().filter(|ratio| encloses(ratio, truth)).count();
        figures.push(runs.rate(&format!("{name}.coverage"), &published["coverage"], held)?);
    }
    Ok(figures)
}

/// What differs from run to run, and the true ratio. The id says `duet|env0.1|ratio1.2`.
fn named(id: &str) -> Result<(f64, f64), Unusable> {
    let parts = id.strip_prefix("duet|env").and_then(|rest| rest.split_once("|ratio"));
    let parsed = parts.and_then(|(noise, ratio)| noise.parse::<f64>().ok().zip(ratio.parse::<f64>().ok()));
    let sound = parsed.filter(|(noise, ratio)| (0.0..10.0).contains(noise) && (0.01..100.0).contains(ratio));
    sound.ok_or_else(|| Unusable::new("the id does not say `duet|env…|ratio…`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_take_turns_of_half_a_minute() {
        let session: Vec<f64> =
            (0..4 * BLOCK).map(|at| if (at / BLOCK).is_multiple_of(2) { 0.0 } else { 1.0 }).collect();
        let [old, new] = in_turns(&session, 1.0);
        assert_eq!((old.n(), new.n()), (2 * BLOCK as u64, 2 * BLOCK as u64));
        assert_eq!(old.estimate(0.95).value, Some(units(0.0)));
        assert_eq!(new.estimate(0.95).value, Some(units(2.0)));
    }

    #[test]
    fn runs_differ_by_their_noise_and_drift_by_half_of_it() {
        let (mut random, runs, n) = (Random::of("drift"), 400, 4_000);
        let (mut between, mut within) = (0.0, 0.0);
        for _ in 0..runs {
            let latencies = run(n, 2.0, &mut random);
            let mean = latencies.iter().sum::<f64>() / n as f64;
            between += mean * mean / f64::from(runs);
            within += latencies.iter().map(|ln| (ln - mean).powi(2)).sum::<f64>() / n as f64 / f64::from(runs);
        }
        // Level 2, drift 1 and lognormal 0.5: the drift's mean over a run varies with 2 * 600 / 4000, less the ends.
        let of_means = 2.0 * 600.0 / 4_000.0 * (1.0 - 600.0 / 4_000.0);
        assert!((between / (4.0 + of_means) - 1.0).abs() < 0.3, "{between}");
        assert!((within / (1.25 - of_means) - 1.0).abs() < 0.1, "{within}");
    }

    #[test]
    fn a_name_that_says_no_noise_and_ratio_is_refused() {
        assert_eq!(named("duet|env0.05|ratio1.1").unwrap(), (0.05, 1.1));
        for id in ["duet", "duet|env|ratio1", "duet|env0.1", "duet|env-1|ratio1", "duet|env0.1|ratio0", "env0.1|ratio1"]
        {
            assert!(named(id).is_err(), "{id}");
        }
    }
}
