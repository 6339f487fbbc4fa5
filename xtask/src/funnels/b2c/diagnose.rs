//! Whose fault a broken request is: the app that answered wrongly is often not the app that is wrong.

use common::ids::AppId;

use crate::run::Run;
use crate::suites;

/// Checks that look at what a sign-up depends on, those further upstream first.
const SIGN_UP: [(AppId, &str); 5] = [
    (AppId::A1, "a1.discovery"),
    (AppId::A1, "a1.signing_key"),
    (AppId::A1, "a1.cookie"),
    (AppId::A1, "a1.code_flow"),
    (AppId::A5, "a5.signup_lands"),
];

/// The first broken dependency of a sign-up that broke at A1 or A5: its app, and the assertion that does not hold.
pub(super) async fn sign_up(run: &Run, broke_at: AppId) -> Option<(AppId, String)> {
    if !matches!(broke_at, AppId::A1 | AppId::A5) {
        return None;
    }
    for (app, id) in SIGN_UP {
        let suite = suites::suite(app);
        let check = suite.check(id)?;
        let report = check.run(run.context.clone()).await;
        if let Some(first) = report.broken_lines().first() {
            return Some((app, format!("{app} {id}: {first}")));
        }
    }
    None
}
