//! Phase 3: journeys that cross apps.

mod b2b;
mod walk;

use crate::run::{Run, RunError};

/// Walks the funnels.
pub(crate) async fn phase(run: &mut Run) -> Result<(), RunError> {
    b2b::run(run).await
}
