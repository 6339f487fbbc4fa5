//! From figures to places in a drawing: scales and the ticks of an axis.

/// A linear scale, clamped to its range.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    domain: (f64, f64),
    range: (f64, f64),
}

impl Scale {
    pub(super) fn new(domain: (f64, f64), range: (f64, f64)) -> Self {
        Self { domain, range }
    }

    /// The place of a value; infinity lies at the far end.
    pub(super) fn at(self, value: f64) -> f64 {
        let (from, to) = self.domain;
        let share = if value.is_finite() && to > from { (value - from) / (to - from) } else { f64::from(value > from) };
        let (near, far) = self.range;
        near + share.clamp(0.0, 1.0) * (far - near)
    }

    /// A value that does not fit.
    pub(super) fn beyond(self, value: f64) -> bool {
        value.is_nan() || value > self.domain.1
    }
}

/// The place of a percentile on a tail axis: each further nine is as far as the one before.
pub(super) fn nines(percentile: f64) -> f64 {
    let above = (100.0 - percentile.clamp(0.0, 99.999)) / 100.0;
    -above.log10()
}

/// Three to six round values from 0 that cover `top`.
pub(super) fn ticks(top: f64) -> Vec<f64> {
    if !top.is_finite() || top <= 0.0 {
        return vec![0.0];
    }
    let rough = top / 4.0;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 2.5, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough * 0.999);
    let step = step.unwrap_or(power * 10.0);
    (0..6).map(|i| f64::from(i) * step).take_while(|tick| *tick <= top * 1.001).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_out_of_range_lies_at_the_edge() {
        let scale = Scale::new((0.0, 100.0), (0.0, 50.0));
        assert_eq!([scale.at(-5.0), scale.at(50.0), scale.at(1e9), scale.at(f64::INFINITY)], [0.0, 25.0, 50.0, 50.0]);
        assert!(scale.beyond(100.1) && !scale.beyond(100.0));
    }

    #[test]
    fn an_axis_has_a_few_round_ticks() {
        assert_eq!(ticks(173.0), [0.0, 50.0, 100.0, 150.0]);
        assert_eq!(ticks(0.0), [0.0]);
        for top in [0.7, 3.0, 12.0, 99.0, 1_603.0] {
            assert!((3..=6).contains(&ticks(top).len()), "{top}: {:?}", ticks(top));
        }
    }

    #[test]
    fn every_nine_of_a_percentile_is_one_step_further() {
        for (percentile, place) in [(0.0, 0.0), (90.0, 1.0), (99.0, 2.0), (99.9, 3.0)] {
            assert!((nines(percentile) - place).abs() < 1e-9);
        }
        assert!(nines(100.0).is_finite());
    }
}
