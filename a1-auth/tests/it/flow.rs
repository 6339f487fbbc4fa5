//! The code flow as a workload: it comes through, and a broken one names the hop.

use std::time::Duration;

use common::ids::AppId;
use common::load::{self, LoadOptions, LoadReport};
use common::scenario::{Executor, Scenario};
use common::testkit::Ecosystem;

const DATA: &str = include_str!("../../../tests/perf/config/data.jsonl");

fn flow() -> Scenario {
    a1_auth::suite().scenario("a1_oidc_code_flow").expect("A1 has it").clone()
}

async fn walk(times: u32, data: &str) -> LoadReport {
    let eco = Ecosystem::start(vec![a1_auth::reference::app()]).await;
    let pace = Duration::from_millis(50);
    let flow = flow().constant_vus(1, pace * times, pace);
    let records = flow.feeder.as_ref().expect("it is fed").read(data).expect("the records fit");
    let patience = Duration::from_secs(60);
    let options = LoadOptions { records, drain: patience, graceful_stop: patience, ..LoadOptions::default() };
    let report = load::run(&flow, &eco.guard(), options).await.expect("A1 can be asked");
    eco.stop().await;
    report
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_of_ten_sign_ins_come_through_each_in_one_trace() {
    let report = walk(10, DATA).await;
    let broken: Vec<_> = report.steps.iter().filter_map(|step| step.failed.first()).collect();
    assert_eq!((report.iterations.succeeded, report.iterations.completed), (10, 10), "{broken:?}");
    assert_eq!(report.journeys.len(), 10);
    for journey in &report.journeys {
        let steps: Vec<_> = journey.hops.iter().map(|hop| hop.step.as_str()).collect();
        assert_eq!(steps, ["authorize", "login", "token", "userinfo", "refresh", "logout"]);
        let login = &journey.hops[1];
        assert_eq!(login.redirects_to.as_deref(), Some("http://127.0.0.1:49321/callback?code=…&state=…&iss=…"));
        assert!(login.cookies[0].starts_with("a1_session; Path=/; Max-Age="), "{:?}", login.cookies);
    }
    let written = serde_json::to_string(&report).expect("a report is data");
    assert!(!written.contains("eyJ") && !written.contains("embedded-password"), "no token and no password is kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_breaks_the_flow_at_the_login_and_nothing_later_is_tried() {
    let report = walk(2, &DATA.replace("embedded-password-01", "wrong-password-01")).await;
    let login = report.step("login").expect("there is a login");
    assert_eq!((login.count, login.ok, report.step("token").map(|step| step.count)), (2, 0, Some(0)));
    let broken = report.journeys[0].hops.last().expect("the login is noted");
    assert_eq!((broken.step.as_str(), broken.error.as_deref()), ("login", Some("status 401, expected [303]")));
    assert_eq!((report.iterations.cut_short, report.iterations.succeeded), (2, 0));
}

#[test]
fn the_flow_survives_text_and_back() {
    let text = flow().to_yaml().expect("a scenario is data");
    assert_eq!(Scenario::from_yaml(&text).expect("it reads back"), flow());
    assert!(matches!(flow().executor, Executor::ConstantVus { vus: 1, .. }), "one sign-in after the other");
    assert_eq!(flow().app, AppId::A1);
}
