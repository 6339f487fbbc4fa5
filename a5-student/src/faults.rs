//! How A5 can be broken, and which check must notice.

use common::service::Defect;
use common::suite::Fault;

/// The catalogue.
pub(crate) fn all() -> Vec<Fault> {
    vec![
        Fault::defect(
            "a5.session_never_sticks",
            "signs in and forgets it at once",
            Defect::A5SessionNeverSticks,
            "a5.signup_lands",
        ),
        Fault::defect("a5.trace_lost", "answers name another trace", Defect::TraceNotEchoed, "a5.pages"),
        Fault::defect(
            "a5.login_page_for_all",
            "every page is a login page",
            Defect::LoginPageInsteadOfJson,
            "a5.pages",
        ),
        Fault::defect(
            "a5.dashboard_for_anybody",
            "the dashboard answers 200 to anybody",
            Defect::LoginPageInsteadOfJson,
            "a5.dashboard_refuses",
        ),
        Fault::defect("a5.tenth_fails", "fails on every tenth request", Defect::TenthRequestFails, "a5.conformance"),
    ]
}
