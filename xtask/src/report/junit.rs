//! `junit.xml`: a test suite for each app, a test case for each ruling.

use quick_junit::{Report, TestSuite};

use super::select::apps;
use super::{Artifact, Head, statement};
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
        suite.add_test_cases(view.rulings.iter().filter(|ruling| ruling.claim.app == app).map(statement::junit));
        report.add_test_suite(suite);
    }
    let xml = report.to_string().expect("names and messages are text, which XML takes");
    vec![Artifact::report("junit.xml", xml)]
}
