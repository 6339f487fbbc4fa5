//! Draws from a Beta distribution, the heart of Thompson sampling.

use rand::{Rng, RngExt as _};

/// Draws from Beta(`alpha`, `beta`), both at least 1, as `x / (x + y)` of two Gamma draws.
pub(crate) fn draw(rng: &mut impl Rng, alpha: f64, beta: f64) -> f64 {
    let x = gamma(rng, alpha);
    let y = gamma(rng, beta);
    x / (x + y)
}

/// Draws from Gamma(`shape`, 1), `shape` at least 1 (Marsaglia and Tsang 2000).
fn gamma(rng: &mut impl Rng, shape: f64) -> f64 {
    let d = shape.max(1.0) - 1.0 / 3.0;
    let c = 1.0 / (9.0 * d).sqrt();
    loop {
        let normal = normal(rng);
        let v = (1.0 + c * normal).powi(3);
        if v <= 0.0 {
            continue;
        }
        let u: f64 = 1.0 - rng.random::<f64>();
        if u.ln() < 0.5 * normal * normal + d - d * v + d * v.ln() {
            return d * v;
        }
    }
}

/// Draws from the standard normal distribution (Box and Muller 1958).
fn normal(rng: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * rng.random::<f64>()).cos()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn the_mean_and_variance_of_many_draws_are_those_of_the_distribution() {
        let mut rng = StdRng::seed_from_u64(7);
        let draws: Vec<f64> = (0..20_000).map(|_| draw(&mut rng, 8.0, 2.0)).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!((mean - 0.8).abs() < 0.005, "mean {mean}");
        assert!((variance - 0.014_545).abs() < 0.001, "variance {variance}");
    }
}
