//! `baseline save` and `baseline show`.

use common::clock;

use super::fail;
use crate::baseline::{Baseline, BaselineError, render};
use crate::cli::{BaselineAction, BaselineArgs, BaselineFlags};
use crate::run::RunStore;

/// Saves a run to compare later ones with, or shows what is saved.
pub(crate) fn baseline(args: BaselineArgs) -> u8 {
    let done = match args.action {
        BaselineAction::Save { run, runs, flags } => save(RunStore(runs), run, &flags),
        BaselineAction::Show { flags } => Baseline::load(&flags.baselines, &flags.name).map(|saved| {
            anstream::print!("{}", render(&saved));
        }),
    };
    match done {
        Ok(()) => 0,
        Err(error) => fail(error),
    }
}

fn save(store: RunStore, run: Option<common::ids::RunId>, flags: &BaselineFlags) -> Result<(), BaselineError> {
    let run = store.find(run)?;
    let saved = Baseline::of(&store, &run, &flags.name, clock::rfc3339(clock::unix_ms()))?;
    let path = saved.save(&flags.baselines)?;
    let (stable, all) = (saved.stable(), saved.endpoints.len());
    anstream::println!("run {run} is the baseline {}: {}", flags.name, path.display());
    if stable < all {
        anstream::println!("warning: {stable} of {all} endpoints are stable; the others compare as INCONCLUSIVE");
    } else {
        anstream::println!("all {all} endpoints are stable");
    }
    Ok(())
}
