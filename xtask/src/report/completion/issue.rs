//! "A8-PERF-001 is fixed with a measured reduction": it shows no more, and its flag was measured to make the difference.

use common::verdict::Ruling;

use super::needs::{self, Sources};
use super::{Criterion, Rest, Standing};
use crate::record::{KnownIssue, Measurement, RunView};
use crate::report::{claims, text};

const ID: &str = "A8-PERF-001";

/// How it stands.
pub(super) fn mended(view: &RunView) -> Criterion {
    let own: Vec<&Ruling> = view.rulings.iter().filter(|r| r.claim.known_issue.as_deref() == Some(ID)).collect();
    let mut rests: Vec<Rest> = own.iter().map(|ruling| needs::rest(ruling, Sources::Two)).collect();
    if own.is_empty() {
        let why = "no claim about it was ruled on in this run".to_owned();
        rests.push(Rest { what: ID.to_owned(), standing: Standing::NotTried, why });
    }
    let issue = view.known_issues.iter().find(|issue| issue.id == ID);
    rests.push(reduction(issue));
    let measured = issue.iter().flat_map(|issue| &issue.measurements);
    let traces = claims::once(measured.filter_map(|measured| measured.slowest.first().copied()));
    Criterion {
        text: "A8-PERF-001 is fixed, with a measured reduction",
        rests,
        files: vec!["a8_baseline_load.md", "fix_forward_proposals.md"],
        traces,
    }
}

/// The intervals of the P95 without and with the flag, side by side: a reduction is measured where they do not meet.
fn reduction(issue: Option<&KnownIssue>) -> Rest {
    let find = |part: &str| issue.and_then(|issue| issue.measurements.iter().find(|one| one.label.starts_with(part)));
    let what = "reduction".to_owned();
    let (Some(before), Some(after)) = (find("warm"), find("flag ")) else {
        let why = "it was not measured without and with its flag".to_owned();
        return Rest { what, standing: Standing::NotTried, why };
    };
    let told = |one: &Measurement| {
        let latency = &one.latency;
        format!("{} {} ms ({})", one.label, text::ms(latency.p95_ms), text::p95_interval(latency))
    };
    let why = format!("P95 {}, {}", told(before), told(after));
    let apart = before.latency.p95_lower_ms.zip(after.latency.p95_upper_ms).is_some_and(|(low, high)| high < low);
    let standing = if apart && after.errors == 0 { Standing::Met } else { Standing::Undecided };
    let why = if apart { why } else { format!("{why}: the intervals meet, or one has no bound") };
    Rest { what, standing, why }
}
