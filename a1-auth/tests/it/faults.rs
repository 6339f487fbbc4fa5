//! Each seeded fault is caught by the check that claims to catch it.

use common::testkit::{missed_faults, try_fault};

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_caught_by_its_check_and_nothing_else_trips_it() {
    let apps = || vec![a1_auth::reference::app(), a8_command::reference::app()];
    let missed = missed_faults(&a1_auth::suite(), apps).await;
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lax_session_cookie_is_reported_by_request_and_attribute() {
    let suite = a1_auth::suite();
    let fault = suite.faults.iter().find(|fault| fault.id == "a1.cookie_same_site_lax").unwrap();
    let report = try_fault(&suite, fault, vec![a1_auth::reference::app()]).await;
    let lines: Vec<_> =
        report.broken_lines().iter().map(|line| line.split(" (trace").next().unwrap().to_owned()).collect();
    assert_eq!(
        lines,
        ["/signup", "/login"].map(|path| format!(
            "A1 POST {path} sets a1_session with SameSite=None: \
             expected yes, saw POST {path}: a1_session lacks SameSite=None (it says SameSite=Lax)"
        ))
    );
}
