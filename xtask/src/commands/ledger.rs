//! `report`: what a run's ledger says, rendered again.

use common::settings::Settings;

use super::fail;
use crate::cli::RunArgs;
use crate::evidence;
use crate::report::render_all;
use crate::run::{self, RunStore};
use crate::ui;

/// Renders all reports of a run again.
pub(crate) fn report(args: RunArgs) -> u8 {
    let store = RunStore(args.output.runs);
    let rendered = store.find(args.run).and_then(|run| {
        let view = store.view(&run)?;
        let artifacts = render_all(&view);
        run::write(&args.output.output, &artifacts)?;
        Ok((run, view, artifacts))
    });
    match rendered {
        Ok((run, view, artifacts)) => {
            let count = artifacts.len();
            let roots = [args.output.output.as_path()];
            if let Err(error) = evidence::write(&store.folder(&run), &view, &artifacts, &roots, &Settings::process()) {
                anstream::eprintln!("warning: no bundle: {error}");
            }
            anstream::println!("{}", ui::render_verdict_block(&view, !Settings::process().no_color()));
            anstream::println!("{count} reports written below {}", args.output.output.display());
            0
        }
        Err(error) => fail(error),
    }
}
