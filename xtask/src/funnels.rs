//! Phase 3: journeys that cross apps.

mod b2b;
mod journeys;
mod oidc;

use crate::run::{Run, RunError};

/// Walks the funnels.
pub(crate) async fn phase(run: &mut Run) -> Result<(), RunError> {
    if !run.plan.selection.funnel {
        oidc::run(run).await?;
    }
    b2b::run(run).await
}
