//! Whose fault a broken check is: the app that answers wrongly is often not the app that is wrong.

use common::check::{Check, CheckContext};
use common::ids::AppId;

use crate::suites;

/// Apps in the order in which they stand upstream of each other: whoever signs people in and stores events first, whoever
/// only shows things last.
const UPSTREAM_FIRST: [AppId; 8] =
    [AppId::A1, AppId::A8, AppId::A2, AppId::A4, AppId::A7, AppId::A3, AppId::A6, AppId::A5];

/// The app furthest upstream that the check depends on and that does not keep what it alone answers for; the check's own
/// app if all of them do.
pub(super) async fn of(context: &CheckContext, check: &Check) -> AppId {
    for app in UPSTREAM_FIRST {
        let is_needed = check.needs.contains(&app) && app != check.app;
        if is_needed && breaks_alone(context, app).await {
            return app;
        }
    }
    check.app
}

/// True if a check of the app that needs nobody else does not hold.
async fn breaks_alone(context: &CheckContext, app: AppId) -> bool {
    let alone = suites::suite(app).checks.into_iter().filter(|check| check.needs.is_empty() && check.phase <= 2);
    for check in alone {
        let report = check.run(context.clone()).await;
        if report.skipped.is_none() && !report.holds() {
            return true;
        }
    }
    false
}
