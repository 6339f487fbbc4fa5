//! Phases 3 to 5: journeys that cross apps, what they are worth, and how they were found.

mod b2b;
mod b2c;
mod browser;
mod journeys;
mod oidc;
mod walks;

use crate::run::{Funnel, Run, RunError};

/// Phase 3: walks the funnels, over HTTP and in a browser.
pub(crate) async fn phase(run: &mut Run) -> Result<(), RunError> {
    let only = run.plan.selection.funnel;
    if only.is_none() {
        oidc::run(run).await?;
    }
    if only != Some(Funnel::B2b) {
        b2c::walk(run).await?;
        browser::run(run).await?;
        browser::rule(run, 3)?;
    }
    if only != Some(Funnel::B2c) {
        b2b::run(run).await?;
    }
    Ok(())
}

/// Phase 4: what students paid, and where the money is seen.
pub(crate) async fn monetization(run: &mut Run) -> Result<(), RunError> {
    crate::run::checks(run, 4, |_| true).await?;
    b2c::checkout(run)?;
    browser::rule(run, 4)
}

/// Phase 5: what students got, and how the pages are found.
pub(crate) async fn activation(run: &mut Run) -> Result<(), RunError> {
    crate::run::checks(run, 5, |_| true).await?;
    b2c::activation(run)?;
    browser::rule(run, 5)
}
