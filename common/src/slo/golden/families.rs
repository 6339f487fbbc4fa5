//! Families of tests: adjusted p-values and what they reject.

use serde_json::Value;

use super::super::{benjamini_hochberg, bonferroni, holm};
use super::inputs::numbers;
use super::{Report, Tolerance, Unusable, number};

/// A way to adjust the p-values of a family.
type Adjust = fn(&[f64]) -> Vec<f64>;

const METHODS: [(&str, Adjust); 3] = [("holm", holm), ("bonferroni", bonferroni), ("fdr_bh", benjamini_hochberg)];

pub(super) fn multiplicity(case: &Value, report: &mut Report<'_>) -> Result<(), Unusable> {
    let (p, alpha) = (numbers(case, "p")?, number(case, "alpha")?);
    let tolerance = Tolerance::of(&report.tolerance["adjusted"])?;
    for (name, adjust) in METHODS {
        let (adjusted, expect) = (adjust(&p), &case["expect"][name]);
        let reject: Vec<bool> = adjusted.iter().map(|p| *p <= alpha).collect();
        report.near_all(&format!("{name}.adjusted"), &adjusted, &expect["adjusted"], tolerance);
        report.same(&format!("{name}.reject"), reject, &expect["reject"]);
    }
    Ok(())
}
