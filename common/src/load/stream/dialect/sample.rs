//! Values with weights, and the numbers that tools form of them.

/// Values in rising order, each with a weight above 0.
#[derive(Debug)]
pub(super) struct Sample {
    values: Vec<(f64, f64)>,
}

impl Sample {
    pub(super) fn new(values: impl IntoIterator<Item = f64>) -> Self {
        Self::of_weighted(values.into_iter().map(|value| (value, 1.0)))
    }

    pub(super) fn of_weighted(values: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut values: Vec<_> = values.into_iter().filter(|(_, weight)| *weight > 0.0).collect();
        values.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { values }
    }

    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    pub(super) fn mean(&self) -> Option<f64> {
        let total: f64 = self.values.iter().map(|(_, weight)| weight).sum();
        (total > 0.0).then(|| self.values.iter().map(|(value, weight)| value * weight).sum::<f64>() / total)
    }

    /// By linear interpolation between ranks, whatever the weights.
    pub(super) fn interpolated(&self, percent: u32) -> Option<f64> {
        let last = self.values.len().checked_sub(1)?;
        // The rank times 100, in integers.
        let rank = last * usize::try_from(percent.min(100)).unwrap_or(100);
        let (low, part) = (rank / 100, rank % 100);
        let (below, above) = (self.values[low].0, self.values[(low + 1).min(last)].0);
        let part = f64::from(u32::try_from(part).unwrap_or(0)) / 100.0;
        Some((above - below).mul_add(part, below))
    }

    pub(super) fn weighted(&self, percent: u32) -> Option<f64> {
        let total: f64 = self.values.iter().map(|(_, weight)| weight).sum();
        let wanted = total * f64::from(percent) / 100.0;
        let mut reached = 0.0;
        let found = self.values.iter().find(|(_, weight)| {
            reached += weight;
            reached >= wanted
        });
        found.or(self.values.last()).map(|(value, _)| *value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_those_of_numpy() {
        let sample = Sample::new([4.0, 1.0, 3.0, 2.0]);
        assert_eq!(
            (sample.interpolated(50), sample.interpolated(100), sample.interpolated(0)),
            (Some(2.5), Some(4.0), Some(1.0))
        );
        // numpy.percentile([1, 2, 3, 4], 99) is 3.97.
        assert!((sample.interpolated(99).unwrap() - 3.97).abs() < 1e-12);
        assert_eq!(Sample::new([]).interpolated(50), None);
    }

    #[test]
    fn weights_move_mean_and_percentile() {
        let sample = Sample::of_weighted([(10.0, 1.0), (20.0, 9.0), (99.0, 0.0)]);
        assert_eq!((sample.len(), sample.mean(), sample.weighted(50)), (2, Some(19.0), Some(20.0)));
        assert_eq!((sample.weighted(10), sample.weighted(11)), (Some(10.0), Some(20.0)));
    }
}
