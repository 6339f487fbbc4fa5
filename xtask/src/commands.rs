//! The commands: each takes its flags, does its work and gives the exit code.

mod approve;
mod baseline;
mod compare;
mod doctor;
mod export;
mod faults;
mod gates;
mod ledger;
mod proxy;
mod runs;
mod serve;
mod verify;

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use common::ids::AppId;
use common::settings::Settings;
use common::verdict::{Outcome, exit_code};

pub(crate) use approve::{ApproveArgs, DeskArgs, approve};
pub(crate) use baseline::baseline;
pub(crate) use compare::compare;
pub(crate) use doctor::doctor;
pub(crate) use export::export;
pub(crate) use faults::faults;
pub(crate) use gates::{GatesArgs, gates};
pub(crate) use ledger::report;
pub(crate) use proxy::proxy;
pub(crate) use runs::{ecosystem, selected, suite};
pub(crate) use serve::serve;
pub(crate) use verify::verify;

use crate::browser::Target;
use crate::cli::TestArgs;
use crate::embedded::{Embedded, EmbeddedPlan};
use crate::test_command::{self, Hosts, TestPlan};

/// Runs every test.
pub(crate) async fn test(args: TestArgs) -> u8 {
    let plan = TestPlan { no_browser: args.no_browser, only: args.only, rest: args.rest };
    let data = PathBuf::from("target/handshake/test");
    let start = async |hosts: Hosts| {
        let (data, hosts_apart) = (data.clone(), hosts == Hosts::Apart);
        let plan = EmbeddedPlan {
            apps: AppId::ALL.to_vec(),
            base_port: 0,
            data,
            defects: Vec::new(),
            proxies: Vec::new(),
            options: Vec::new(),
            hosts_apart,
        };
        let embedded = Embedded::start(&plan).await.map_err(|error| error.to_string())?;
        let (telemetry_key, admin_key) = (embedded.telemetry_key.clone(), embedded.admin_key.clone());
        Ok((Target { bases: embedded.public.clone(), telemetry_key, admin_key }, embedded))
    };
    let stop = async |embedded: Embedded| embedded.stop().await;
    test_command::run(&root(), &plan, &Settings::process(), start, stop).await.unwrap_or_else(fail)
}

/// The workspace, whatever folder the command was given in.
fn root() -> PathBuf {
    let built_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    built_in.canonicalize().or_else(|_| Path::new(".").canonicalize()).unwrap_or_else(|_| PathBuf::from("."))
}

/// Makes the workspace the current folder, so that relative paths mean the same wherever the command was given.
pub(crate) fn enter_workspace() {
    if let Err(error) = std::env::set_current_dir(root()) {
        anstream::eprintln!("warning: the workspace cannot be entered: {error}");
    }
}

/// Shows help, the version, or what is wrong with the flags.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    drop(error.print());
    if error.use_stderr() { ExitCode::from(exit_code(Outcome::BadConfiguration, false)) } else { ExitCode::SUCCESS }
}

/// The runtime that everything runs on.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, ExitCode> {
    let filter = tracing_subscriber::EnvFilter::try_from_env("HANDSHAKE_LOG")
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| ExitCode::from(fail(format!("the runtime cannot be started: {error}"))))
}

/// Says what is wrong, and gives the exit code for it.
pub(crate) fn fail(what: impl Display) -> u8 {
    anstream::eprintln!("error: {what}");
    exit_code(Outcome::BadConfiguration, false)
}
