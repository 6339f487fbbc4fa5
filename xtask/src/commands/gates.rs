//! `gates`: what waits for a person and why, and how what was asked for stands.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use common::approval::{Approvers, Gate, GateState, Register, gates as standing};
use common::clock;
use common::ids::RunId;

use super::fail;
use crate::run::{Desk, RunStore, extent};

#[derive(Debug, Args)]
pub(crate) struct GatesArgs {
    /// The run; the newest if none is named.
    pub(crate) run: Option<RunId>,
    /// Those of every run.
    #[arg(long, conflicts_with = "run")]
    pub(crate) all: bool,
    /// Who may approve what.
    #[arg(long, env = "HANDSHAKE_APPROVERS", value_name = "FILE", default_value = "tests/perf/config/approvers.yaml")]
    pub(crate) approvers: PathBuf,
    /// Where runs are kept.
    #[arg(long, env = "HANDSHAKE_RUNS", default_value = "target/handshake/runs")]
    pub(crate) runs: PathBuf,
}

/// Lists them; whatever waits is no failure.
pub(crate) fn gates(args: &GatesArgs) -> u8 {
    match list(args) {
        Ok(text) => {
            anstream::print!("{text}");
            0
        }
        Err(error) => fail(error),
    }
}

fn list(args: &GatesArgs) -> Result<String, String> {
    let desk = Desk { runs: args.runs.clone(), approvers: args.approvers.clone(), wait: None };
    let run = match args.all {
        true => None,
        false => Some(RunStore(args.runs.clone()).find(args.run.clone()).map_err(|error| error.to_string())?),
    };
    let approvers = Approvers::load(&desk.approvers).map_err(|error| error.to_string())?;
    let lines = Register::read(&desk.register()).map_err(|error| error.to_string())?;
    let gates = standing(&lines, run.as_ref(), &approvers, clock::unix_ms());
    if gates.is_empty() {
        let of = run.map_or_else(|| "no run".to_owned(), |run| format!("run {run} has not"));
        return Ok(format!("{of} asked for a restricted action\n"));
    }
    let mut out = String::new();
    for gate in &gates {
        out.push_str(&shown(&desk, gate));
    }
    if approvers.people().is_empty() {
        let _ = writeln!(
            out,
            "nobody is listed in {}, so nobody can grant anything: docs/approvals.md",
            desk.approvers.display()
        );
    }
    Ok(out)
}

fn shown(desk: &Desk, gate: &Gate) -> String {
    let request = &gate.request;
    let (word, line) = stands(&gate.state);
    let open = matches!(gate.state, GateState::Waiting { .. } | GateState::Refused { .. });
    let mut out = format!(
        "{word:<8} {}: {}: {}\n         run {}, phase {}, asked at {}{}\n         {line}\n",
        request.action,
        request.action.in_words(),
        extent(&request.scope),
        request.run,
        gate.phase,
        gate.asked_at,
        if gate.escalated && open { "; nobody had answered when the run ended" } else { "" },
    );
    if open {
        let _ = writeln!(out, "         grant it:  {}", desk.command(request));
    }
    if matches!(gate.state, GateState::Granted { .. }) {
        let _ = writeln!(out, "         go on:     {}", desk.resume(&request.run));
    }
    out
}

fn stands(state: &GateState) -> (&'static str, String) {
    match state {
        GateState::Waiting { have, needed, rejected } => {
            let short = format!("{have} of {needed} needed grants");
            let why: Vec<_> = rejected.iter().map(|why| format!("; a decision does not hold: {why}")).collect();
            ("WAITS", format!("{short}{}", why.concat()))
        }
        GateState::Granted { by, until } => {
            ("GRANTED", format!("by {}, until {until}, not used yet", by.join(" and ")))
        }
        GateState::Used { by, at } => ("USED", format!("granted by {}, used at {at}", by.join(" and "))),
        GateState::Refused { by, reason } => ("REFUSED", format!("by {by}: {reason}")),
    }
}
