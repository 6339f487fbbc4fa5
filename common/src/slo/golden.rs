//! Golden vectors: cases that an independent implementation computed, replayed at the tolerance that their file states.
//!
//! A file is a JSON object with `kind`, `tolerance` and `cases`; a case has an `id`, inputs and what is expected, where
//! `null` means "does not exist". One function per kind compares. What cannot be replayed is an error and never a pass:
//! an unknown kind, a file without cases, a case without an input, or one in which nothing was compared.

mod burn;
mod compare;
mod families;
mod inputs;
mod latency;
mod report;
mod scores;
mod shares;
mod thompson;

use serde_json::Value;

pub use inputs::{Unusable, count, number, quantile, samples, text};
pub use report::{Difference, Report, Tolerance};

/// Compares one case: reads its inputs, computes, and tells the report what came out.
pub type Check = fn(&Value, &mut Report<'_>) -> Result<(), Unusable>;

/// The kinds of files and how a case of each is compared.
pub const KINDS: &[(&str, Check)] = &[
    ("wilson", shares::wilson),
    ("error_verdict", shares::error_verdict),
    ("quantile_ci", latency::quantile_ci),
    ("hdr", latency::hdr),
    ("latency_verdict", latency::latency_verdict),
    ("autocorr", latency::autocorr),
    ("burn_rate", burn::burn_rate),
    ("quantile_ratio", compare::quantile_ratio),
    ("mann_whitney", compare::mann_whitney),
    ("changepoint", compare::changepoint),
    ("sequential", compare::sequential),
    ("multiplicity", families::multiplicity),
    ("egrs", scores::egrs),
    ("thompson", thompson::thompson),
];

/// What came of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct Replayed {
    /// Cases in which every value agreed.
    pub passed: usize,
    /// Cases in which one did not.
    pub failed: usize,
    /// How many values were compared.
    pub compared: usize,
    /// Every value that did not agree, in the order of the file.
    pub differences: Vec<Difference>,
}

/// Replays every case of a golden file with the checks of these kinds, [`KINDS`] or more.
///
/// # Errors
/// When the file, or a case in it, cannot be used; it says which and why.
pub fn replay(text: &str, kinds: &[(&str, Check)]) -> Result<Replayed, Unusable> {
    let golden: Value = serde_json::from_str(text).map_err(|error| Unusable::new(error.to_string()))?;
    let kind = golden["kind"].as_str().unwrap_or("none");
    let known = kinds.iter().find(|(name, _)| *name == kind);
    let (_, check) = known.ok_or_else(|| Unusable::new(format!("no check for kind `{kind}`")))?;
    let cases = golden["cases"].as_array().filter(|cases| !cases.is_empty());
    let cases = cases.ok_or_else(|| Unusable::new("no cases"))?;
    let mut report = Report::new(&golden["tolerance"]);
    let mut failed = 0;
    for case in cases {
        let id = case["id"].as_str().ok_or_else(|| Unusable::new("a case without id"))?;
        let before = (report.compared, report.differences.len());
        report.begin(id);
        check(case, &mut report).map_err(|error| Unusable::new(format!("{id}: {error}")))?;
        if report.compared == before.0 {
            return Err(Unusable::new(format!("{id}: nothing was compared")));
        }
        failed += usize::from(report.differences.len() > before.1);
    }
    let Report { compared, differences, .. } = report;
    Ok(Replayed { passed: cases.len() - failed, failed, compared, differences })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_replayed_is_an_error() {
        for (text, complaint) in [
            (r#"{"kind":"tarot","cases":[{"id":"x"}]}"#, "no check for kind `tarot`"),
            (r#"{"cases":[{"id":"x"}]}"#, "no check for kind `none`"),
            (r#"{"kind":"wilson","cases":[]}"#, "no cases"),
            (r#"{"kind":"wilson"}"#, "no cases"),
            (r#"{"kind":"wilson","cases":[{}]}"#, "a case without id"),
            (r#"{"kind":"wilson","cases":[{"id":"w","k":0,"n":1}]}"#, "w: no number `conf`"),
            (r#"{"kind":"wilson","cases":[{"id":"w","k":0,"n":1,"conf":0.95}]}"#, "w: no tolerance"),
            (r#"{"kind":"burn_rate","tolerance":{"burn":{"rel":1}},"cases":[{"id":"b","kind":"x"}]}"#, "b: no kind"),
            ("not json", "expected"),
        ] {
            let error = replay(text, KINDS).expect_err(text).to_string();
            assert!(error.contains(complaint), "{error}");
        }
    }

    #[test]
    fn a_case_in_which_nothing_is_compared_is_an_error() {
        let idle: Check = |_, _| Ok(());
        let error = replay(r#"{"kind":"idle","cases":[{"id":"i"}]}"#, &[("idle", idle)]).unwrap_err();
        assert_eq!(error.to_string(), "i: nothing was compared");
    }

    #[test]
    fn a_value_that_is_off_is_reported_with_its_place() {
        let text = r#"{"kind":"wilson","tolerance":{"abs":1e-12,"rel":1e-9},"cases":[{"id":"w","k":0,"n":1,"conf":0.95,
            "wilson":[0.0,0.7934506856227626],"wilson_cc":[0.0,0.9453792444711481],"clopper_pearson":[1e-15,0.9]}]}"#;
        let replayed = replay(text, KINDS).unwrap();
        assert_eq!((replayed.passed, replayed.failed, replayed.compared), (0, 1, 6));
        assert_eq!(replayed.differences[0].to_string(), "w clopper_pearson[1]: got 0.975, expected 0.9");
        assert_eq!(replayed.differences.len(), 1);
    }
}
