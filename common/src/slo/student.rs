//! Student's t distribution: `P(|T| > t) = I_x(v/2, 1/2)` with `x = v / (v + t²)`, exact in the far tail as well.

use super::beta::{self, Tail};

/// `P(|T| > |t|)` for `freedom > 0` degrees of freedom, in `0..=1`; not a number for a `t` that is none.
pub(super) fn two_sided_p(t: f64, freedom: f64) -> f64 {
    if t.is_nan() {
        return t;
    }
    beta::tails(freedom / 2.0, 0.5, freedom / (freedom + t * t)).lower
}

/// The `t` with `P(|T| <= t) = conf`, 2.571 for 0.95 and five degrees of freedom; `conf` in `0..1`, `freedom > 0`.
pub(super) fn critical(conf: f64, freedom: f64) -> f64 {
    let x = beta::quantile(freedom / 2.0, 0.5, Tail::Lower(1.0 - conf));
    (freedom * (1.0 - x) / x).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_critical_values_are_those_of_the_tables() {
        for (freedom, conf, table) in
            [(1.0, 0.95, 12.706_204_736), (2.0, 0.95, 4.302_652_730), (4.0, 0.95, 2.776_445_105)]
        {
            assert!((critical(conf, freedom) / table - 1.0).abs() < 1e-9);
        }
        assert!((critical(0.99, 5.0) / 4.032_142_984 - 1.0).abs() < 1e-9);
        assert!((critical(0.95, 1e7) / 1.959_964_1 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_tail_returns_to_the_confidence_it_came_from() {
        for freedom in [1.0, 2.0, 3.5, 38.0, 118.0] {
            for conf in [0.1, 0.5, 0.95, 0.999_999] {
                let p = two_sided_p(critical(conf, freedom), freedom);
                assert!((p / (1.0 - conf) - 1.0).abs() < 1e-9, "{freedom} {conf} {p}");
            }
        }
        assert_eq!(two_sided_p(0.0, 5.0), 1.0);
        assert_eq!(two_sided_p(f64::INFINITY, 5.0), 0.0);
        assert!(two_sided_p(f64::NAN, 5.0).is_nan());
    }
}
