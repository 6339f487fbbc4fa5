//! `faults`: seeds each fault of the catalogue in turn, looks whether the check that is named for it notices and whom it
//! blames, and controls that healthy apps raise no alarm.

mod blame;
mod catalogue;
mod control;
mod foreign;
mod matrix;
mod outcome;
mod runs;
mod sample;
#[cfg(test)]
mod tests;
mod trial;
mod walk;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use common::clock;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cli::FaultsArgs;
use crate::run::RunError;
use crate::ui::Ui;
use catalogue::By;
pub(crate) use catalogue::Case;
#[cfg(test)]
pub(crate) use catalogue::all;
pub(crate) use outcome::{Control, Matrix, Outcome, Seen};

/// How many ecosystems stand side by side while checks are tried; loads and walks have the machine to themselves.
const SIDE_BY_SIDE: usize = 2;

/// Goes through the catalogue.
pub(crate) async fn run(args: &FaultsArgs, ui: &Arc<Ui>, stop: &CancellationToken) -> Result<Matrix, RunError> {
    let began = clock::monotonic();
    let cases = catalogue::chosen(args).map_err(RunError::Configuration)?;
    let no_folder = |error: std::io::Error| RunError::Configuration(format!("no folder for trials: {error}"));
    let mut folder = tempfile::Builder::new().prefix("faults-").tempdir().map_err(no_folder)?;
    if args.keep {
        folder.disable_cleanup(true);
        ui.note(&format!("data, logs, records and reports of the trials stay in {}", folder.path().display()));
    }
    let (alone, beside): (Vec<Case>, Vec<Case>) = cases.iter().cloned().partition(|case| case.is_run());
    ui.note(&format!("{} faults are seeded in turn, {} of them into whole runs", cases.len(), alone.len()));
    let mut outcomes = tried_beside(beside, folder.path(), ui, stop).await?;
    // What no check noticed may still show under load: rules of others say nothing about where.
    let unseen = |case: &&Case| {
        let missed = |outcome: &Outcome| outcome.id == case.fault.id && outcome.seen == Seen::Missed;
        case.by == By::AnyCheck && outcomes.iter().any(missed)
    };
    let loaded: Vec<Case> = cases.iter().filter(unseen).map(Case::under_load).collect();
    outcomes.retain(|outcome| loaded.iter().all(|case| case.fault.id != outcome.id));
    for case in alone.iter().chain(&loaded) {
        let outcome = or_not_tried(case, walk::tried(case, folder.path(), stop).await)?;
        ui.note(&outcome.line());
        outcomes.push(outcome);
    }
    let place = |outcome: &Outcome| cases.iter().position(|case| case.fault.id == outcome.id);
    outcomes.sort_by_key(place);
    let controls = control::healthy(args.healthy, &cases, folder.path(), ui, stop).await?;
    Ok(Matrix { outcomes, controls, took_s: began.elapsed().as_secs_f64() })
}

/// Tries the faults that a check, outages or a history of effects are to catch, several side by side.
async fn tried_beside(
    cases: Vec<Case>,
    folder: &Path,
    ui: &Arc<Ui>,
    stop: &CancellationToken,
) -> Result<Vec<Outcome>, RunError> {
    let room = Arc::new(Semaphore::new(SIDE_BY_SIDE));
    let mut going = JoinSet::new();
    let mut begun = BTreeMap::new();
    for case in cases {
        let (room, folder, stop, own) = (Arc::clone(&room), folder.to_owned(), stop.clone(), case.clone());
        let trial = going.spawn(async move {
            let _place = room.acquire_owned().await;
            match own.by {
                _ if stop.is_cancelled() => Err(RunError::Interrupted),
                By::Check | By::AnyCheck => trial::tried(&own, &folder).await,
                _ => walk::tried(&own, &folder, &stop).await,
            }
        });
        begun.insert(trial.id(), case);
    }
    let mut outcomes = Vec::new();
    while let Some(ended) = going.join_next_with_id().await {
        let (id, tried) = match ended {
            Ok((id, tried)) => (id, tried),
            Err(error) => (error.id(), Err(RunError::Configuration(format!("the trial broke off: {error}")))),
        };
        let Some(case) = begun.remove(&id) else { continue };
        let outcome = or_not_tried(&case, tried)?;
        ui.note(&outcome.line());
        outcomes.push(outcome);
    }
    Ok(outcomes)
}

/// A trial that could not be made is a row of its own, and takes nothing from the others; only a person who ends it all
/// does.
fn or_not_tried(case: &Case, tried: Result<Outcome, RunError>) -> Result<Outcome, RunError> {
    match tried {
        Err(RunError::Interrupted) => Err(RunError::Interrupted),
        Err(error) => Ok(trial::outcome(case, Seen::NotTried { why: error.to_string() }, String::new(), None)),
        tried => tried,
    }
}

/// The matrix as a document, and as JSON.
pub(crate) fn documents(matrix: &Matrix) -> (String, Vec<u8>) {
    (matrix::markdown(matrix), matrix::json(matrix))
}

/// The matrix for a terminal.
pub(crate) fn summary(matrix: &Matrix) -> String {
    matrix::terminal(matrix)
}
