//! Reads the runs that a history is made of.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use common::ids::RunId;
use common::ledger::{LEDGER_FILE, Line};

use super::{Conditions, HISTORY_RUNS, History};
use crate::record::Record;
use crate::run::RunStore;

/// What the newest runs of these conditions say, at most [`HISTORY_RUNS`] of those whose id is `wanted`; ids sort by the
/// second in which runs began. A run that cannot be read is left out with a note; without any run there is an empty
/// history.
pub(crate) fn read(store: &RunStore, conditions: &Conditions, wanted: impl Fn(&RunId) -> bool) -> History {
    let alike = newest_first(store).into_iter().filter(wanted).filter(|run| begins_alike(store, run, conditions));
    let mut unreadable = Vec::new();
    let views = alike.take(HISTORY_RUNS).filter_map(|run| match store.view(&run) {
        Ok(view) => Some(view),
        Err(error) => {
            unreadable.push(format!("run {run} is left out: {error}"));
            None
        }
    });
    let mut history = History::of(conditions, views);
    history.skipped.extend(unreadable);
    history
}

/// The runs that recorded something.
fn newest_first(store: &RunStore) -> Vec<RunId> {
    let entries = std::fs::read_dir(&store.0).into_iter().flatten().flatten();
    let runs = entries
        .filter(|entry| entry.path().join(LEDGER_FILE).is_file())
        .filter_map(|entry| entry.file_name().to_str()?.parse::<RunId>().ok());
    let mut runs: Vec<RunId> = runs.collect();
    runs.sort_unstable_by(|a, b| b.cmp(a));
    runs
}

/// True unless the first line says that the run is of another kind: most others need not be read to their end.
fn begins_alike(store: &RunStore, run: &RunId, conditions: &Conditions) -> bool {
    let Some(line) = first_line(&store.folder(run).join(LEDGER_FILE)) else { return true };
    match serde_json::from_value(line.body) {
        Ok(Record::RunStarted(started)) => Conditions::of(&started) == *conditions,
        _ => true,
    }
}

fn first_line(path: &Path) -> Option<Line> {
    let mut text = String::new();
    BufReader::new(File::open(path).ok()?).read_line(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}
