//! The one binary: parse, one match.

mod baseline;
mod bench;
mod browser;
mod calibrate;
mod cli;
mod clients;
mod commands;
mod compare;
mod effects;
mod embedded;
mod evidence;
mod export;
mod faults;
mod funnels;
mod history;
mod k6_trial;
mod program;
mod record;
mod report;
mod resilience;
mod run;
mod suites;
mod test_command;
#[cfg(test)]
mod tidy;
mod ui;

use std::process::ExitCode;

use clap::Parser;

use cli::{Cli, Command};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return commands::usage(&error),
    };
    commands::enter_workspace();
    let runtime = match commands::runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let code = runtime.block_on(async {
        match cli.command {
            Command::Ecosystem(args) => commands::ecosystem(args).await,
            Command::Suite(args) => commands::suite(args).await,
            Command::Serve(args) => commands::serve(args).await,
            Command::Proxy(args) => commands::proxy(args).await,
            Command::Report(args) => commands::report(args),
            Command::Verify(args) => commands::verify(args),
            Command::Gates(args) => commands::gates(&args),
            Command::Approve(args) => commands::approve(args),
            Command::Baseline(args) => commands::baseline(args),
            Command::Compare(args) => commands::compare(args).await,
            Command::Effects(args) => effects::run(args).await,
            Command::Export(args) => commands::export(args),
            Command::Doctor(args) => commands::doctor(args).await,
            Command::Test(args) => commands::test(args).await,
            Command::Faults(args) => commands::faults(args).await,
            Command::Bench(args) => bench::run(args),
            Command::Calibrate(args) => calibrate::run(&args),
            Command::AppProcess => embedded::run_child().await,
        }
    });
    runtime.shutdown_background();
    ExitCode::from(code)
}
