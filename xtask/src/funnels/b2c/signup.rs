//! "At least 90 % of visitors come through the sign-up to their dashboard."

use common::ids::AppId;
use common::verdict::Confirmation;

use super::{RERUN, SIGNED_UP, TARGET, claim, count, diagnose, first_break, stuck};
use crate::funnels::walks::Through;
use crate::record::{Record, StudentWalks};
use crate::run::{Run, RunError};

pub(super) const TEXT: &str = "90 % of visitors come through the sign-up to their dashboard";

/// Rules; the app that is blamed is the one of the broken request, unless a check tells whose fault that was.
pub(super) async fn rule(run: &mut Run, walks: &StudentWalks) -> Result<(), RunError> {
    let mut broke = first_break(walks, None, SIGNED_UP);
    if let Some((app, hop)) = &broke
        && let Some((culprit, why)) = diagnose::sign_up(run, *app).await
    {
        broke = Some((culprit, format!("{hop}; because of {why}")));
    }
    let culprit = broke.as_ref().map_or(AppId::A5, |(app, _)| *app);
    let through = Through {
        claim: claim(culprit, 3, "signup", TEXT),
        target: TARGET,
        tried: walks.walks.len() as u64,
        done: count(walks, SIGNED_UP),
        failed: stuck(walks, None, SIGNED_UP),
        broke: broke.map(|(_, what)| what).or_else(|| walks.unreached.clone()),
        second: Confirmation::SingleSource { why: "what the sign-ups left in A8 is ruled on apart".into() },
        rerun: RERUN,
    };
    run.record(Record::Ruled(through.ruled()))
}
