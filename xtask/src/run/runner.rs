//! From start to verdict: opens the record, goes through the phases, rolls up, writes the reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use common::check::CheckContext;
use common::clock;
use common::fault::Edge;
use common::guard::Guard;
use common::ids::RunId;
use common::ledger::Ledger;
use common::settings::Settings;
use common::target::{Environment, Targets};
use common::verdict::{Outcome, Ruling, exit_code, roll_up};
use tokio_util::sync::CancellationToken;

use super::before::Before;
use super::held::{self, Part};
use super::leave::Desk;
use super::plan::Wire;
use super::{Plan, Run, RunError, RunStore, halt, inventory, load, resiliency, safety, smoke, standing, store};
use crate::cli::{OutputArgs, TargetArgs};
use crate::embedded::{Embedded, EmbeddedPlan};
use crate::evidence;
use crate::funnels;
use crate::history::{self, Conditions};
use crate::record::{PlannedPhase, Record, RunStarted, RunView};
use crate::report;
use crate::ui::Ui;

/// The target that needs no other machine.
const EMBEDDED: &str = "embedded";

/// How a run is set up, apart from what it does.
pub(crate) struct Setup {
    pub(crate) target: TargetArgs,
    pub(crate) output: OutputArgs,
    pub(crate) desk: Desk,
    pub(crate) require_ready: bool,
    pub(crate) ui: Arc<Ui>,
    pub(crate) stop: CancellationToken,
}

/// What a run goes through.
enum Course {
    /// All of it.
    Begin(RunId),
    /// The phases that are not done.
    GoOn,
    /// What waited for a person.
    Held(Vec<Part>),
}

/// How a run ended.
pub(crate) struct Settled {
    pub(crate) view: RunView,
    pub(crate) exit_code: u8,
    /// How many requests the plan's rules on the wire disturbed.
    pub(crate) disturbed: u64,
}

/// Begins a run and carries it through.
pub(crate) async fn begin(setup: Setup, plan: Plan) -> Result<Settled, RunError> {
    if plan.target != EMBEDDED {
        environment(&setup.target).map_err(RunError::Configuration)?;
    }
    let run_id = RunId::at(clock::unix_ms());
    let store = RunStore(setup.output.runs.clone());
    let ledger = Ledger::create(&store.0, &run_id)?;
    let view = RunView::default();
    carry_through(setup, plan, ledger, view, Course::Begin(run_id)).await
}

/// Goes on with a run that did not end, or with the held parts of one that did, once somebody granted one.
pub(crate) async fn resume(setup: Setup, run: Option<RunId>) -> Result<Settled, RunError> {
    let store = RunStore(setup.output.runs.clone());
    let run_id = store.find(run)?;
    let folder = store.folder(&run_id);
    let ledger = Ledger::resume(&folder)?;
    let view = store.view(&run_id)?;
    let parts = held::parts(&view);
    let ended = view.finished.as_ref().map(|(.., exit_code)| *exit_code);
    if ended.is_some() && parts.is_empty() {
        let hint = format!("run {run_id} has ended: render its reports again with `cargo xtask report {run_id}`");
        return Err(RunError::Configuration(hint));
    }
    if let Some(recorded) = ended
        && !held::granted(&setup.desk, &view).map_err(RunError::Configuration)?
    {
        setup.ui.note(&format!(
            "run {run_id} has ended, and nobody has granted what it waits for, so nothing was changed: see `cargo xtask \
             gates {run_id}`"
        ));
        let rolled = view.rollup.as_ref().map(|rollup| exit_code(rollup.outcome, setup.require_ready));
        return Ok(Settled { exit_code: rolled.unwrap_or(recorded), view, disturbed: 0 });
    }
    let Some(started) = view.started.clone() else {
        return Err(RunError::Configuration(format!("run {run_id} broke off before it began: start a new one")));
    };
    let plan = Plan::of(&started).map_err(RunError::Configuration)?;
    let setup = Setup { target: TargetArgs { target: started.target.clone(), ..setup.target }, ..setup };
    let course = if ended.is_some() { Course::Held(parts) } else { Course::GoOn };
    carry_through(setup, plan, ledger, view, course).await
}

async fn carry_through(
    setup: Setup,
    plan: Plan,
    ledger: Ledger,
    view: RunView,
    course: Course,
) -> Result<Settled, RunError> {
    let began = clock::monotonic();
    let before_s = view.finished.as_ref().map_or(0.0, |(_, took_s, _)| *took_s);
    let folder = ledger.dir().to_owned();
    let torn = ledger.recovered().map(|recovered| recovered.torn_bytes as u64);
    let (embedded, context) = reach(&setup, &plan, &folder).await?;
    let data = setup.target.targets_file.parent().map(std::path::Path::to_owned).unwrap_or_default();
    let guard = Arc::new(Guard::new(context.client.guard().environment().clone()));
    let store = RunStore(setup.output.runs.clone());
    let before = Before::find(&store, &plan, ledger.dir());
    let mut run = Run {
        ledger,
        before,
        view,
        ui: setup.ui,
        plan,
        guard,
        approved: None,
        desk: setup.desk.clone(),
        plan_digest: String::new(),
        context,
        embedded,
        stop: setup.stop,
        baselines: store.beside("baselines"),
        data,
        stopped: BTreeMap::new(),
        mourned: std::collections::BTreeSet::new(),
    };
    match &course {
        Course::Begin(run_id) => {
            let started = started(&run, run_id.clone());
            run.record(Record::RunStarted(started))?;
        }
        Course::GoOn => run.record(Record::RunResumed { at: Run::at(), torn_bytes: torn.unwrap_or(0) })?,
        Course::Held(_) => {}
    }
    if let Some(started) = run.view.started.clone() {
        run.ui.run_started(&started);
        run.plan_digest = self::started(&run, started.run_id.clone()).plan_digest();
        if run.view.history.is_none() {
            let history = history::read(&store, &Conditions::of(&started), |id| *id < started.run_id);
            run.record(Record::Remembered(Box::new(history)))?;
        }
        for defect in &started.defects {
            run.note(0, None, format!("told to misbehave: {defect}"))?;
        }
    }
    let went = match &course {
        Course::Held(parts) => held::go_through(&mut run, parts).await,
        Course::Begin(_) | Course::GoOn => phases(&mut run).await,
    };
    let mut disturbed = 0;
    if let Some(embedded) = run.embedded.take() {
        let edge = run.plan.wire.as_ref().map(|wire| wire.edge);
        let proxy = edge.and_then(|Edge { at, from }| embedded.proxy(at, from));
        disturbed = proxy.map_or(0, |proxy| proxy.counts().values().sum());
        embedded.stop().await;
    }
    let interrupted = match went {
        Ok(()) => false,
        Err(RunError::Interrupted) => true,
        Err(error) => return Err(error),
    };
    let exit = if interrupted {
        run.sync()?;
        exit_code(Outcome::Interrupted, setup.require_ready)
    } else {
        close(&mut run, setup.require_ready, before_s + began.elapsed().as_secs_f64())?
    };
    run.ui.finish(&run.view);
    let artifacts = report::render_all(&run.view);
    store::write(&setup.output.output, &artifacts)?;
    run.ui.written(&setup.output.output);
    store::write(&folder, &artifacts)?;
    let roots = [setup.output.output.as_path(), folder.as_path()];
    if let Err(why) = evidence::write(&folder, &run.view, &artifacts, &roots, &Settings::process()) {
        run.ui.note(&format!("no bundle of evidence was made: {why}"));
    }
    Ok(Settled { view: run.view, exit_code: exit, disturbed })
}

/// Starts the embedded ecosystem, or finds the target.
async fn reach(
    setup: &Setup,
    plan: &Plan,
    folder: &std::path::Path,
) -> Result<(Option<Embedded>, CheckContext), RunError> {
    if plan.target == EMBEDDED {
        let apps = EmbeddedPlan {
            apps: common::ids::AppId::ALL.to_vec(),
            base_port: setup.target.base_port,
            data: folder.join("data"),
            defects: plan.defects.clone(),
            proxies: plan.wire.iter().map(|wire| wire.edge).collect(),
            options: Vec::new(),
            hosts_apart: false,
        };
        let embedded = Embedded::start(&apps).await?;
        if let Some(Wire { edge, rules }) = &plan.wire
            && let Some(proxy) = embedded.proxy(edge.at, edge.from)
        {
            proxy.replace(rules.clone());
        }
        let client = common::client::Client::new(Arc::new(Guard::new(embedded.environment.clone())))?;
        let mut context = CheckContext::new(client);
        context.telemetry_key = Some(embedded.telemetry_key.clone());
        context.admin_key = Some(embedded.admin_key.clone());
        context.patience = plan.patience();
        return Ok((Some(embedded), context));
    }
    if !plan.defects.is_empty() {
        let why = format!("--defect: only embedded apps can be told to misbehave, not those of {}", plan.target);
        return Err(RunError::Configuration(why));
    }
    let environment = environment(&setup.target).map_err(RunError::Configuration)?;
    let context = CheckContext::of(environment, &Settings::process());
    Ok((None, context.map_err(|error| RunError::Configuration(error.to_string()))?))
}

/// The environment that the flags name.
pub(crate) fn environment(target: &TargetArgs) -> Result<Environment, String> {
    let targets = Targets::load(&target.targets_file).map_err(|error| error.to_string())?;
    targets.get(&target.target).cloned().map_err(|error| error.to_string())
}

fn started(run: &Run, run_id: RunId) -> RunStarted {
    let apps: BTreeMap<_, _> =
        run.guard.environment().apps().iter().map(|(app, url)| (*app, url.to_string())).collect();
    RunStarted {
        run_id,
        at: Run::at(),
        command: run.plan.command.clone(),
        target: run.plan.target.clone(),
        profile: run.plan.profile.as_str().to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cores: std::thread::available_parallelism().map_or(1, |n| u32::try_from(n.get()).unwrap_or(1)),
        apps,
        scenario: run.plan.selection.scenario.clone(),
        check: run.plan.selection.check.clone(),
        phases: run.plan.phases.clone(),
        defects: run.plan.told_to(),
    }
}

/// Goes through the phases that are not done yet. A failure in phase 0 or 1 ends the run early, and so does what [`halt`]
/// lists in any; other failures do not.
async fn phases(run: &mut Run) -> Result<(), RunError> {
    let done: Vec<u8> =
        run.view.phases.iter().filter(|phase| phase.took_s.is_some()).map(|phase| phase.phase).collect();
    let left: Vec<PlannedPhase> =
        run.plan.phases.iter().filter(|planned| !done.contains(&planned.phase)).cloned().collect();
    for (at, planned) in left.iter().enumerate() {
        if halt::ends(run, &left[at..])? {
            return Ok(());
        }
        phase(run, planned).await?;
        let failed = run
            .view
            .rulings
            .iter()
            .any(|ruling| ruling.claim.phase == planned.phase && ruling.claim.gate && ruling.verdict.is_fail());
        if failed && planned.phase <= 1 && run.plan.selection.app.is_none() {
            let text = format!("phase {} failed, so the later phases were not tried", planned.phase);
            return run.note(planned.phase, None, text);
        }
    }
    Ok(())
}

/// Goes through one phase.
pub(super) async fn phase(run: &mut Run, planned: &PlannedPhase) -> Result<(), RunError> {
    run.go_on()?;
    let began = clock::monotonic();
    run.ui.phase_started(planned.phase, &planned.title, planned.planned_s);
    run.record(Record::PhaseStarted { phase: planned.phase, title: planned.title.clone(), at: Run::at() })?;
    match planned.phase {
        0 => inventory::phase(run).await?,
        1 => smoke::phase(run).await?,
        2 => load::phase(run).await?,
        3 => funnels::phase(run).await?,
        4 => funnels::monetization(run).await?,
        5 => funnels::activation(run).await?,
        6 => safety::phase(run).await?,
        _ => resiliency::phase(run).await?,
    }
    let took_s = began.elapsed().as_secs_f64();
    run.record(Record::PhaseFinished { phase: planned.phase, at: Run::at(), took_s })?;
    run.sync()?;
    run.ui.phase_finished(planned.phase, took_s);
    Ok(())
}

/// Rolls up and closes the record.
fn close(run: &mut Run, require_ready: bool, took_s: f64) -> Result<u8, RunError> {
    halt::at_end(run)?;
    standing::rule(run)?;
    safety::rule(run)?;
    run.escalate()?;
    let rollup = roll_up(&run.view.rulings);
    let exit = exit_code(rollup.outcome, require_ready);
    let missing_for_ready = missing_for_ready(run);
    let change = run.before.as_ref().map(|before| before.change(&rollup));
    run.record(Record::RolledUp { rollup, missing_for_ready, change })?;
    run.record(Record::RunFinished { at: Run::at(), took_s, exit_code: exit })?;
    run.sync()?;
    Ok(exit)
}

/// What stands between this run and READY, a line each; claims that need the same share one.
fn missing_for_ready(run: &Run) -> Vec<String> {
    let failed = run.view.rulings.iter().filter(|ruling| ruling.verdict.is_fail());
    let mut lines: Vec<String> = failed.map(failure).collect();
    let open: Vec<_> = report::undecided(&run.view).collect();
    lines.extend(report::alike(&open).into_iter().map(|(ruling, more)| {
        let (observed, required) = report::needs(ruling);
        let others = if more > 0 { format!(" and {more} like it") } else { String::new() };
        format!("{}{others}: {observed}; needed: {required}", ruling.claim.id)
    }));
    lines.extend(run.view.notes.iter().filter(|(_, app, _)| app.is_none()).map(|(_, _, text)| text.clone()));
    lines
}

fn failure(ruling: &Ruling) -> String {
    let (id, line) = (&ruling.claim.id, &ruling.explanation);
    if ruling.claim.gate {
        return format!("{id}: {line}");
    }
    let issue = ruling.claim.known_issue.as_deref().unwrap_or("without a name");
    format!("{id}: known issue {issue} shows again: {line}")
}
