//! `report` and `verify`: what a run's ledger says, and whether it is whole.

use std::path::PathBuf;

use common::ledger::{self, LEDGER_FILE};
use common::settings::Settings;
use common::verdict::{Outcome, exit_code};

use super::fail;
use crate::cli::{RunArgs, VerifyArgs};
use crate::report::render_all;
use crate::run::{self, RunStore};
use crate::ui;

/// Renders all reports of a run again.
pub(crate) fn report(args: RunArgs) -> u8 {
    let store = RunStore(args.output.runs);
    let rendered = store.find(args.run).and_then(|run| store.view(&run)).and_then(|view| {
        let artifacts = render_all(&view);
        run::write(&args.output.output, &artifacts).map(|()| (view, artifacts.len()))
    });
    match rendered {
        Ok((view, count)) => {
            anstream::println!("{}", ui::render_verdict_block(&view, !Settings::process().no_color()));
            anstream::println!("{count} reports written below {}", args.output.output.display());
            0
        }
        Err(error) => fail(error),
    }
}

/// Checks hashes, chain and completeness of a ledger.
pub(crate) fn verify(args: VerifyArgs) -> u8 {
    let path = match ledger_path(args) {
        Ok(path) => path,
        Err(error) => return fail(error),
    };
    let verification = match ledger::verify(&path) {
        Ok(verification) => verification,
        Err(error) => return fail(error),
    };
    let finished = match run::view(&path) {
        Ok(view) => view.finished.is_some(),
        Err(error) if verification.is_intact() => return fail(error),
        Err(_) => false,
    };
    for problem in &verification.problems {
        anstream::println!("line {}: {}", problem.line, problem.what);
    }
    if let Some(bytes) = verification.torn_tail {
        anstream::println!("the last line is torn ({bytes} bytes): `--resume` recovers it");
    }
    let state = if finished { "ended" } else { "did not end" };
    anstream::println!("{}: {} lines, head {}, the run {state}", path.display(), verification.lines, verification.head);
    if verification.lines == 0 {
        anstream::println!("EMPTY: nothing was recorded, so there is nothing to trust");
        return exit_code(Outcome::NothingRan, false);
    }
    if verification.is_intact() {
        anstream::println!("intact");
        0
    } else {
        anstream::println!("NOT INTACT");
        exit_code(Outcome::CheckFailed, false)
    }
}

fn ledger_path(args: VerifyArgs) -> Result<PathBuf, run::StoreError> {
    let path = match args.path {
        Some(path) => path,
        None => {
            let store = RunStore(args.output.runs);
            store.folder(&store.newest()?)
        }
    };
    Ok(if path.is_dir() { path.join(LEDGER_FILE) } else { path })
}
