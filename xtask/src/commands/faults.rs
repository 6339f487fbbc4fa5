//! `faults`: can the harness fail?

use std::sync::Arc;

use common::settings::Settings;
use common::verdict::{Outcome, exit_code};

use super::fail;
use super::runs::stop_on_interrupt;
use crate::cli::FaultsArgs;
use crate::faults::{self, Matrix};
use crate::run::RunError;
use crate::ui::Ui;

/// Where the matrix is committed.
const DOCUMENT: &str = "docs/fault-matrix.md";
/// Where its figures are, for machines.
const FIGURES: &str = "tests/perf/reports/fault_matrix.json";

/// Seeds the faults, prints the matrix, and writes it.
pub(crate) async fn faults(args: FaultsArgs) -> u8 {
    let ui = Arc::new(Ui::of(&Settings::process()));
    let matrix = match faults::run(&args, &ui, &stop_on_interrupt()).await {
        Ok(matrix) => matrix,
        Err(RunError::Interrupted) => return exit_code(Outcome::Interrupted, false),
        Err(error) => return fail(error),
    };
    anstream::print!("{}", faults::summary(&matrix));
    if let Err(error) = write(&args, &matrix) {
        return fail(error);
    }
    if matrix.outcomes.is_empty() {
        return exit_code(Outcome::NothingRan, false);
    }
    if matrix.is_clean() { 0 } else { exit_code(Outcome::SloBreached, false) }
}

/// A part of the catalogue is not the matrix, so only the whole is written over it.
fn write(args: &FaultsArgs, matrix: &Matrix) -> Result<(), String> {
    let whole = args.only.is_empty() && args.sample.is_none() && args.catalog.is_none();
    let (document, figures) = faults::documents(matrix);
    let mut files = vec![(args.output.join(FIGURES), figures)];
    if whole {
        files.push((args.output.join(DOCUMENT), document.into_bytes()));
    }
    for (path, bytes) in files {
        let folder = path.parent().map(std::path::Path::to_owned).unwrap_or_default();
        let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, bytes));
        written.map_err(|error| format!("{}: {error}", path.display()))?;
        anstream::println!("{}", path.display());
    }
    Ok(())
}
