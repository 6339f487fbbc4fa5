//! `export`: the same scenarios in the formats of other tools.

use std::path::{Path, PathBuf};

use common::verdict::{Outcome, exit_code};

use super::fail;
use crate::cli::{ExportArgs, ExportFiles, ExportFormat};
use crate::export::{self, ExportError, Exported, k6, runbooks};

/// Writes the files of a format, or checks that they are those of the scenarios.
pub(crate) fn export(args: ExportArgs) -> u8 {
    match args.format {
        ExportFormat::K6(files) => write_or_check("k6", k6::scripts(), files, k6::FOLDER),
        ExportFormat::Runbooks(files) => {
            let written = runbooks::rendered(Path::new(runbooks::FOLDER));
            write_or_check("runbooks", written, files, runbooks::FOLDER)
        }
    }
}

fn write_or_check(format: &str, rendered: Result<Vec<Exported>, ExportError>, args: ExportFiles, folder: &str) -> u8 {
    let folder = args.out.unwrap_or_else(|| PathBuf::from(folder));
    let done = rendered.and_then(|files| {
        let names = if args.check { export::drift(&folder, &files) } else { export::write(&folder, &files) }?;
        Ok((files.len(), names))
    });
    match done {
        Ok((count, names)) if args.check => told(format, &folder, count, &names),
        Ok((count, names)) => {
            anstream::println!("{count} files in {}, {} of them written anew", folder.display(), names.len());
            0
        }
        Err(error) => fail(error),
    }
}

fn told(format: &str, folder: &Path, count: usize, drift: &[String]) -> u8 {
    for name in drift {
        anstream::println!("differs from the scenarios: {}", folder.join(name).display());
    }
    if drift.is_empty() {
        anstream::println!("{count} files in {} are those of the scenarios", folder.display());
        return 0;
    }
    anstream::println!("run `cargo xtask export {format}` and commit what it writes");
    exit_code(Outcome::CheckFailed, false)
}
