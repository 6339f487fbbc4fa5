//! `approve`: a person signs leave for one restricted action of one run, or refuses it. Only this command signs decisions.

mod args;
mod pen;

use std::fmt::Write as _;
use std::path::Path;

use common::approval::{Action, Approvers, Decision, Gate, GateState, Register, Request, Scope, Word, gates};
use common::clock::{self, Clock};
use common::ids::RunId;
use common::settings::Settings;

use super::fail;
use crate::record::RunStarted;
use crate::report::duration;
use crate::run::{self, Desk, RunStore, extent};
use crate::ui;

pub(crate) use args::{ApproveArgs, DeskArgs};

/// Signs a decision, or makes a key.
pub(crate) fn approve(args: ApproveArgs) -> u8 {
    let settings = Settings::process();
    let done = match (&args.new_key, args.action) {
        (Some(path), _) => new_key(path, &settings),
        (None, Some(action)) => decide(&args, action, &settings),
        (None, None) => Err("name the restricted action".to_owned()),
    };
    match done {
        Ok(text) => {
            anstream::println!("{text}");
            0
        }
        Err(error) => fail(error),
    }
}

fn new_key(path: &Path, settings: &Settings) -> Result<String, String> {
    let public = pen::make(path, settings)?;
    let key: String = public.lines().map(|line| format!("      {line}\n")).collect();
    Ok(format!(
        "{} holds the private key: keep it to yourself.\nThe entry for tests/perf/config/approvers.yaml, to be reviewed \
         like code:\n\n  - name: YOUR NAME\n    actions: [vus_over_60, inject_503]\n    key: |\n{key}",
        path.display()
    ))
}

fn decide(args: &ApproveArgs, action: Action, settings: &Settings) -> Result<String, String> {
    let desk = Desk { runs: args.runs.clone(), approvers: args.approvers.clone(), wait: None };
    let store = RunStore(args.runs.clone());
    let run = store.find(args.run.clone()).map_err(|error| error.to_string())?;
    let view = store.view(&run).map_err(|error| error.to_string())?;
    let started = view.started.ok_or_else(|| format!("run {run} broke off before it began"))?;
    let approvers = Approvers::load(&desk.approvers).map_err(|error| error.to_string())?;
    let lines = Register::read(&desk.register()).map_err(|error| error.to_string())?;
    let asked = gates(&lines, Some(&run), &approvers, clock::unix_ms());
    let scope = scope(asked, action, args.scope.as_ref(), &run)?;
    let request = Request { run: run.clone(), action, scope, plan_digest: started.plan_digest() };
    let word = if args.refuse { Word::Refuse } else { Word::Grant };
    let lasts_ms = i64::try_from(args.expires.as_millis()).unwrap_or(i64::MAX);
    let reason = args.reason.clone().unwrap_or_default();
    let decision = Decision::new(word, request, clock::unix_ms(), lasts_ms, &reason);
    anstream::println!("{}", shown(&decision, &started));
    confirm(args, word, action)?;
    let envelope = decision
        .sign(&approvers, |bytes| pen::sign(args, settings, bytes))
        .map_err(|error| format!("{error} ({})", desk.approvers.display()))?;
    let mut register = Register::open(&desk.register(), Clock::system()).map_err(|error| error.to_string())?;
    let signed = register.decide(envelope, &approvers).map_err(|error| error.to_string())?;
    let lines = register.lines().to_vec();
    drop(register);
    let ended = run::adopt_into(&store.folder(&run), lines.clone()).map_err(|error| error.to_string())?;
    let now = gates(&lines, Some(&run), &approvers, clock::unix_ms());
    Ok(afterwards(&desk, signed.decision(), signed.by(), &now, ended && view.finished.is_some()))
}

/// What is decided on: the scope that was asked for, or the one given for a run that has not asked.
fn scope(asked: Vec<Gate>, action: Action, given: Option<&Scope>, run: &RunId) -> Result<Scope, String> {
    if let Some(scope) = given {
        return Ok(scope.clone());
    }
    let open = asked.into_iter().filter(|gate| gate.request.action == action);
    let mut open: Vec<Scope> =
        open.filter(|gate| !matches!(gate.state, GateState::Used { .. })).map(|gate| gate.request.scope).collect();
    match (open.pop(), open.is_empty()) {
        (Some(scope), true) => Ok(scope),
        (Some(last), false) => {
            let all: Vec<_> = open.iter().chain([&last]).map(|scope| format!("--scope {scope}")).collect();
            Err(format!("run {run} asks for {action} more than once: choose {}", all.join(" or ")))
        }
        (None, _) => Err(format!(
            "run {run} does not wait for {action}: `cargo xtask gates {run}` lists what it waits for; to decide ahead, say how \
             far with --scope"
        )),
    }
}

/// What is about to be signed, in plain words.
fn shown(decision: &Decision, started: &RunStarted) -> String {
    let on = &decision.on;
    let verb = if decision.word == Word::Grant { "allow" } else { "refuse" };
    let what = started.scenario.as_ref().map(|id| format!(" --scenario {id}")).unwrap_or_default();
    let mut text = format!("You are about to {verb}: {}.\n\n", on.action.in_words());
    let mut row = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<9} {value}");
    };
    row("run", &format!("{} (cargo xtask {}{what}), begun {}", on.run, started.command, started.at));
    row("target", &format!("{}, profile {}", started.target, started.profile));
    row("how far", &extent(&on.scope));
    row("plan", &on.plan_digest);
    row("until", &format!("{}, once", clock::rfc3339(decision.expires_ms)));
    if !decision.reason.is_empty() {
        row("because", &decision.reason);
    }
    if !started.defects.is_empty() {
        row("beware", &format!("its apps are told to misbehave: {}", started.defects.join(", ")));
    }
    text
}

fn confirm(args: &ApproveArgs, word: Word, action: Action) -> Result<(), String> {
    if args.yes {
        return Ok(());
    }
    let verb = if word == Word::Grant { "allow" } else { "refuse" };
    match ui::ask(&format!("Type `{action}` to {verb} it, anything else to leave it: ")) {
        None => Err("nobody can be asked here: read the above, then say --yes".into()),
        Some(answer) if answer.trim() == action.as_str() => Ok(()),
        Some(_) => Err("left as it was: nothing was signed".into()),
    }
}

fn afterwards(desk: &Desk, decision: &Decision, by: &str, now: &[Gate], ended: bool) -> String {
    let run = &decision.on.run;
    let until = clock::rfc3339(decision.expires_ms);
    if decision.word == Word::Refuse {
        return format!("{by} refused {} for run {run}. It counts until somebody grants it.", decision.on.action);
    }
    let own = now.iter().find(|gate| {
        gate.request.action == decision.on.action && decision.on.scope.covers(&gate.request.scope).is_ok()
    });
    if let Some(Gate { state: GateState::Waiting { have, needed, .. }, .. }) = own {
        return format!("{by} granted {}: {have} of the {needed} approvers that it takes.", decision.on.action);
    }
    let lasts = duration((decision.expires_ms - decision.issued_ms) as f64 / 1_000.0);
    let next = if ended { format!("Go on with `{}`.", desk.resume(run)) } else { "The run takes it.".to_owned() };
    format!("{by} granted {} for run {run}, once, for {lasts} (until {until}). {next}", decision.on.action)
}

#[cfg(test)]
mod tests;
