//! Whose fault a broken check is: the app that answers wrongly is often not the app that is wrong.

use std::future::Future;
use std::pin::Pin;

use common::check::{Check, CheckContext};
use common::ids::AppId;

use crate::suites;

/// Apps in the order in which they stand upstream of each other: whoever signs people in and stores events first, whoever
/// only shows things last.
const UPSTREAM_FIRST: [AppId; 8] =
    [AppId::A1, AppId::A8, AppId::A2, AppId::A4, AppId::A7, AppId::A3, AppId::A6, AppId::A5];

/// The app furthest upstream that the check depends on and that does not keep its own promises; the check's own app if all
/// of them do.
pub(super) async fn of(context: &CheckContext, check: &Check) -> AppId {
    within(context, check.clone(), Vec::new()).await
}

/// As [`of`]; apps in `seen` stand further down and are asked no more.
fn within(
    context: &CheckContext,
    check: Check,
    mut seen: Vec<AppId>,
) -> Pin<Box<dyn Future<Output = AppId> + Send + '_>> {
    Box::pin(async move {
        seen.push(check.app);
        for app in UPSTREAM_FIRST.into_iter().filter(|app| check.needs.contains(app)) {
            if seen.contains(&app) {
                continue;
            }
            if let Some(broken) = first_broken(context, app, &seen).await {
                return within(context, broken, seen).await;
            }
        }
        check.app
    })
}

/// The first check of the app that does not hold, of those that need nobody further down.
async fn first_broken(context: &CheckContext, app: AppId, further_down: &[AppId]) -> Option<Check> {
    let own = suites::suite(app).checks.into_iter();
    let own = own.filter(|check| check.phase <= 2 && !check.needs.iter().any(|app| further_down.contains(app)));
    for check in own {
        let report = check.run(context.clone()).await;
        if report.skipped.is_none() && !report.holds() {
            return Some(check);
        }
    }
    None
}
