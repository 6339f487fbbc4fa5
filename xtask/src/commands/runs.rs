//! `ecosystem` and `suite`.

use std::sync::Arc;

use clap::Parser;
use common::ids::AppId;
use common::scenario::Scenario;
use common::settings::Settings;
use common::verdict::{Outcome, exit_code};
use tokio_util::sync::CancellationToken;

use super::fail;
use crate::cli::{Cli, Command, EcosystemArgs, SuiteArgs, SuiteName};
use crate::report;
use crate::run::{self, Funnel, Plan, RunError, Selection, Settled, Setup};
use crate::suites;
use crate::ui::{self, Ui};

/// Runs everything, or goes on with a run.
pub(crate) async fn ecosystem(args: EcosystemArgs) -> u8 {
    let setup = Setup {
        target: args.target,
        desk: args.desk.desk(&args.output.runs),
        output: args.output,
        require_ready: args.require.is_some(),
        ui: Arc::new(Ui::of(&Settings::process())),
        stop: stop_on_interrupt(),
    };
    let keys = setup.ui.answer_status();
    let settled = match args.resume {
        Some(run) => run::resume(setup, run).await,
        None => {
            let plan = Plan::new("ecosystem", &setup.target.target, args.profile, Selection::default());
            let plan = plan.with(args.defects);
            run::begin(setup, plan).await
        }
    };
    drop(keys);
    conclude(settled)
}

/// Runs one app's suite or a funnel.
pub(crate) async fn suite(args: SuiteArgs) -> u8 {
    let selection = match select(&args) {
        Ok(selection) => selection,
        Err(error) => return fail(error),
    };
    let name = match args.name {
        SuiteName::App(app) => app.lower(),
        SuiteName::Funnel(Funnel::B2b) => "b2b",
        SuiteName::Funnel(Funnel::B2c) => "b2c",
        SuiteName::Phase(6) => "learning",
        SuiteName::Phase(_) => "resiliency",
    };
    let setup = Setup {
        target: args.target,
        desk: args.desk.desk(&args.output.runs),
        output: args.output,
        require_ready: args.require.is_some(),
        ui: Arc::new(Ui::of(&Settings::process())),
        stop: stop_on_interrupt(),
    };
    let plan = Plan::new(&format!("suite {name}"), &setup.target.target, args.profile, selection).with(args.defects);
    let keys = setup.ui.answer_status();
    let settled = run::begin(setup, plan).await;
    drop(keys);
    if let (Some(dialect), Ok(settled)) = (args.dialect, &settled) {
        report::dialect_lines(&settled.view, dialect).iter().for_each(|line| anstream::println!("{line}"));
    }
    conclude(settled)
}

/// What is asked for, if there is such a thing.
fn select(args: &SuiteArgs) -> Result<Selection, String> {
    let app = match args.name {
        SuiteName::App(app) => app,
        SuiteName::Funnel(_) | SuiteName::Phase(_)
            if args.scenario.is_some() || args.check.is_some() || args.dialect.is_some() =>
        {
            return Err("only the suite of an app has --scenario, --check or --dialect".into());
        }
        SuiteName::Funnel(funnel) => return Ok(Selection { funnel: Some(funnel), ..Selection::default() }),
        SuiteName::Phase(phase) => return Ok(Selection { phase: Some(phase), ..Selection::default() }),
    };
    let suite = suites::suite(app);
    let shapes = if app == AppId::A2 { run::shape_ids() } else { Vec::new() };
    let unknown = |id: &&String| suite.scenario(id).is_none() && !shapes.contains(id);
    if let Some(id) = args.scenario.as_ref().filter(unknown) {
        let known = suite.scenarios.iter().map(|scenario| scenario.id.as_str());
        let known: Vec<_> = known.chain(shapes.iter().map(String::as_str)).collect();
        return Err(format!("--scenario {id}: {app} has {}", known.join(", ")));
    }
    let streams = |scenario: &&Scenario| scenario.steps.iter().any(|step| step.stream.is_some());
    let mut chosen = suite.scenarios.iter().filter(|own| args.scenario.as_ref().is_none_or(|id| own.id == *id));
    if args.dialect.is_some() && chosen.find(streams).is_none() {
        return Err("--dialect: nothing of this is streamed; A4 has a4_chat_stream".into());
    }
    if let Some(id) = args.check.as_ref().filter(|id| suite.check(id).is_none()) {
        let known: Vec<_> = suite.checks.iter().map(|check| check.id).collect();
        return Err(format!("--check {id}: {app} has {}", known.join(", ")));
    }
    let (scenario, check) = (args.scenario.clone(), args.check.clone());
    Ok(Selection { app: Some(app), scenario, check, ..Selection::default() })
}

/// What a command as recorded selects: `suite b2c`, `suite a2 --scenario a2_single`.
///
/// # Errors
/// When no such command can be given.
pub(crate) fn selected(command: &str) -> Result<Selection, String> {
    let words = std::iter::once("cargo xtask").chain(command.split_whitespace());
    match Cli::try_parse_from(words).map_err(|error| error.to_string())?.command {
        Command::Ecosystem(_) => Ok(Selection::default()),
        Command::Suite(args) => select(&args),
        _ => Err(format!("`{command}` is no run")),
    }
}

/// Ctrl-C once stops gracefully, twice at once.
pub(super) fn stop_on_interrupt() -> CancellationToken {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            anstream::eprintln!("\nstopping: the record is kept; press Ctrl-C again to end at once");
            stopped.cancel();
        }
        if tokio::signal::ctrl_c().await.is_ok() {
            // An exit drops nothing, so the terminal gets its mode back here.
            ui::restore_terminal();
            std::process::exit(i32::from(exit_code(Outcome::Interrupted, false)));
        }
    });
    stop
}

/// Prints the verdict and gives the exit code.
fn conclude(settled: Result<Settled, RunError>) -> u8 {
    let settled = match settled {
        Ok(settled) => settled,
        Err(error) => return fail(error),
    };
    let settings = Settings::process();
    if settled.view.finished.is_none() {
        anstream::eprintln!("interrupted: go on with `cargo xtask ecosystem --resume`");
    }
    if let Err(error) = ui::append_github_summary(&settings, &settled.view) {
        anstream::eprintln!("warning: GITHUB_STEP_SUMMARY: {error}");
    }
    if settings.github_actions() {
        ui::github_annotations(&settled.view).iter().for_each(|line| anstream::println!("{line}"));
    }
    settled.exit_code
}
