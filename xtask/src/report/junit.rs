//! `junit.xml`: a test suite for each app, a test case for each ruling.

use common::verdict::{Ruling, Verdict};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::select::{apps, traces};
use super::state::State;
use super::{Artifact, Head};
use crate::record::RunView;

/// The one file.
pub(super) fn render(view: &RunView) -> Vec<Artifact> {
    let head = Head::of(view);
    let mut report = Report::new(format!("handshake {} {} {} {}", head.run_id, head.target, head.profile, head.grade));
    for app in apps(view) {
        let mut suite = TestSuite::new(format!("{app} {}", app.title()));
        suite.add_property(("run_id", head.run_id.as_str()));
        suite.add_property(("target", head.target.as_str()));
        suite.add_property(("profile", head.profile.as_str()));
        suite.add_property(("grade", head.grade));
        suite.add_test_cases(view.rulings.iter().filter(|ruling| ruling.claim.app == app).map(case));
        report.add_test_suite(suite);
    }
    let xml = report.to_string().expect("names and messages are text, which XML takes");
    vec![Artifact::report("junit.xml", xml)]
}

fn case(ruling: &Ruling) -> TestCase {
    let claim = &ruling.claim;
    let mut case = TestCase::new(claim.id.as_str(), status(ruling));
    case.set_classname(format!("{}.phase{}.{}", claim.app.lower(), claim.phase, claim.kind));
    let mut lines = vec![claim.text.clone(), ruling.explanation.clone()];
    if !ruling.rerun.is_empty() {
        lines.push(format!("rerun: {}", ruling.rerun));
    }
    lines.extend(traces(ruling).iter().map(|id| format!("trace: {id}")));
    case.set_system_out(lines.join("\n"));
    case
}

/// A known issue is no failure here: it does not decide, as in the exit code.
fn status(ruling: &Ruling) -> TestCaseStatus {
    let line = &ruling.explanation;
    let (mut status, message) = match &ruling.verdict {
        Verdict::Pass { .. } => return TestCaseStatus::success(),
        Verdict::Fail { .. } if State::of(ruling) == State::Fail => {
            (TestCaseStatus::non_success(NonSuccessKind::Failure), line.clone())
        }
        Verdict::Fail { .. } => {
            let issue = ruling.claim.known_issue.as_deref().unwrap_or("does not decide");
            (TestCaseStatus::skipped(), format!("known issue {issue}: {line}"))
        }
        Verdict::Inconclusive { .. } => (TestCaseStatus::skipped(), format!("inconclusive: {line}")),
        Verdict::Held { grant, .. } => (TestCaseStatus::skipped(), format!("held: {line}; {grant}")),
        Verdict::Skipped { .. } => (TestCaseStatus::skipped(), format!("skipped: {line}")),
    };
    status.set_message(message);
    status.set_type(State::of(ruling).word());
    status
}
