//! The last run of the same kind, which this one is compared with.

use std::path::Path;

use common::ids::RunId;
use common::slo::{delta, transitions};
use common::verdict::Rollup;

use super::{Plan, RunStore};
use crate::record::{Change, RunView};

/// How many runs back one of the same kind is looked for.
const LOOK_BACK: usize = 20;

/// How the last run of the same command, target and profile came out.
pub(crate) struct Before {
    run_id: RunId,
    rollup: Rollup,
}

impl Before {
    /// Finds it; `None` if there is none that ended. A run that cannot be read is passed over.
    pub(super) fn find(store: &RunStore, plan: &Plan, own: &Path) -> Option<Self> {
        let mut runs = store.all();
        runs.retain(|run| store.folder(run) != own);
        runs.iter().rev().take(LOOK_BACK).find_map(|run| Self::of(store.view(run).ok()?, plan))
    }

    fn of(view: RunView, plan: &Plan) -> Option<Self> {
        let started = view.started?;
        let same = started.command == plan.command
            && started.target == plan.target
            && started.profile == plan.profile.as_str()
            && started.defects == plan.told_to();
        same.then_some(Self { run_id: started.run_id, rollup: view.rollup? })
    }

    /// What changed since then.
    pub(super) fn change(&self, now: &Rollup) -> Change {
        Change {
            before: self.run_id.clone(),
            grade: self.rollup.grade,
            score: self.rollup.egrs.score,
            delta: delta(&self.rollup.egrs, &now.egrs),
            transitions: transitions(&self.rollup.services, &now.services),
        }
    }
}
