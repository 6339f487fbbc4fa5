//! What k6 exports at the end of a test (`--summary-export`).

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

/// Figures by metric; a metric may be narrowed: `http_reqs{scenario:a6_billing,name:quote}`.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Outcome {
    #[serde(default)]
    metrics: BTreeMap<String, Metric>,
}

#[derive(Debug, Default, Deserialize)]
struct Metric {
    /// Of a counter.
    count: Option<f64>,
    /// Of a rate, from 0 to 1.
    value: Option<f64>,
    /// By expression; true means that it was crossed.
    #[serde(default)]
    thresholds: BTreeMap<String, bool>,
}

impl Outcome {
    /// Reads the file; a test that ended before it began may leave none, and then nothing was counted.
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| format!("{} is not as expected: {error}", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
        }
    }

    /// A counter; one that k6 does not name counted nothing.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counters are small and not negative")]
    pub(super) fn count(&self, metric: &str) -> u64 {
        self.metrics.get(metric).and_then(|metric| metric.count).unwrap_or(0.0) as u64
    }

    /// A rate, if there were samples of it.
    pub(super) fn rate(&self, metric: &str) -> Option<f64> {
        self.metrics.get(metric)?.value
    }

    /// Thresholds that were crossed, metric and expression.
    pub(super) fn crossed(&self) -> Vec<String> {
        let all = self.metrics.iter().flat_map(|(name, metric)| metric.thresholds.iter().map(move |one| (name, one)));
        all.filter(|(_, (_, crossed))| **crossed)
            .map(|(name, (expression, _))| format!("{name}: {expression}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn true_means_that_a_threshold_was_crossed() {
        let text = r#"{"metrics":{"checks":{"passes":9,"fails":1,"value":0.9,"thresholds":{"rate>0.99":true,"rate>0.5":false}},
            "http_reqs{name:a}":{"count":12,"rate":3.5}},"root_group":{}}"#;
        let outcome: Outcome = serde_json::from_str(text).unwrap();
        assert_eq!(outcome.crossed(), ["checks: rate>0.99"]);
        assert_eq!((outcome.count("http_reqs{name:a}"), outcome.count("dropped_iterations")), (12, 0));
        assert_eq!(outcome.rate("checks"), Some(0.9));
    }

    #[test]
    fn a_test_that_left_no_file_counted_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Outcome::read(&folder.path().join("none.json")).unwrap().count("http_reqs"), 0);
    }
}
