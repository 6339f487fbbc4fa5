//! `calibrate`: the statistics beside golden vectors that others computed, and beside the rates that are published.

mod duet;
mod exact;
mod experiments;
mod field;
mod figure;
mod golden;
mod looks;
mod process;
mod ratios;
mod simulated;
mod simulation;
mod tables;
mod windows;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use common::verdict::{Outcome, exit_code};

use crate::commands::fail;
use figure::Effort;

/// Where the document is written.
const DOCUMENT: &str = "docs/calibration.md";

#[derive(Debug, Args)]
pub(crate) struct CalibrateArgs {
    /// Replays the golden vectors of this folder instead; fails (exit 99) if a value differs.
    #[arg(long, value_name = "DIR", conflicts_with = "short")]
    golden: Option<PathBuf>,
    /// Leaves out large simulated cells and half of the others, simulates these less often, and writes nothing.
    #[arg(long)]
    short: bool,
    /// Runs the whole harness so often on apps that are sound or misbehave by a known amount, and counts what it says;
    /// fails (exit 99) if a verdict is wrong.
    #[arg(long, value_name = "N", conflicts_with_all = ["short", "golden"])]
    runs: Option<u32>,
    /// Only this case of `--runs`; may be given several times.
    #[arg(long, value_name = "NAME", requires = "runs")]
    case: Vec<String>,
}

/// Replays golden vectors, or reruns the published tables; 99 if something differs.
pub(crate) fn run(args: &CalibrateArgs) -> u8 {
    let effort = if args.short { Effort::Short } else { Effort::Full };
    if let Some(runs) = args.runs {
        let sound = field::run(runs, &args.case);
        return sound.map(|sound| if sound { 0 } else { exit_code(Outcome::SloBreached, false) }).unwrap_or_else(fail);
    }
    args.golden.as_deref().map_or_else(|| tables(effort), vectors).unwrap_or_else(fail)
}

fn vectors(folder: &Path) -> Result<u8, String> {
    let files = golden::replay_folder(folder)?;
    anstream::println!("{}", golden::told(&files));
    Ok(golden::exit_of(&files))
}

fn tables(effort: Effort) -> Result<u8, String> {
    let tables = tables::published(effort)?;
    anstream::println!("{}", tables.told());
    if effort == Effort::Full {
        fs::write(DOCUMENT, tables.document()).map_err(|error| format!("{DOCUMENT}: {error}"))?;
        anstream::println!("written to {DOCUMENT}");
    }
    Ok(if tables.agree() { 0 } else { exit_code(Outcome::SloBreached, false) })
}
