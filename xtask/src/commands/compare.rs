//! `compare`: two recorded runs, a run and a baseline, or two targets that are both up.

use std::path::{Path, PathBuf};

use common::clock;
use common::ids::{AppId, RunId};
use common::settings::Settings;
use common::target::{Environment, Targets};
use common::verdict::{Outcome, exit_code};

use super::fail;
use super::runs::stop_on_interrupt;
use crate::baseline::{Baseline, BaselineName};
use crate::cli::CompareArgs;
use crate::compare::{
    Comparison, How, Lane, Session, Side, artifacts, csv, folder, interleave, of_run, outcome, render,
};
use crate::embedded::{Embedded, EmbeddedPlan};
use crate::history::{self, History};
use crate::run::{self, RunStore};

/// The target that is started for the comparison.
const EMBEDDED: &str = "embedded";

/// What one of the two names means.
#[derive(Debug, PartialEq)]
enum Named {
    Run(Option<RunId>),
    Baseline(BaselineName),
    Target(String),
}

/// Compares and tells.
pub(crate) async fn compare(args: CompareArgs) -> u8 {
    let targets = match targets(&args) {
        Ok(targets) => targets,
        Err(error) => return fail(error),
    };
    let named = [&args.before, &args.after].map(|name| meant(name, targets.as_ref()));
    let compared = match named {
        [Err(error), _] | [_, Err(error)] => Err(error),
        [Ok(Named::Target(before)), Ok(Named::Target(after))] => {
            let lanes = [before, after];
            turns(&args, targets.as_ref(), &lanes).await
        }
        [Ok(Named::Target(one)), Ok(_)] | [Ok(_), Ok(Named::Target(one))] => Err(format!(
            "{one} is a target, and the other side is a recorded run: compare two runs, or two targets that are both up"
        )),
        [Ok(before), Ok(after)] => recorded(&args, [before, after]).map(Some),
    };
    match compared {
        Ok(Some((comparison, sides))) => conclude(&args, &comparison, &sides),
        Ok(None) => exit_code(Outcome::Interrupted, false),
        Err(error) => fail(error),
    }
}

/// The target file, if it is there: two runs are compared without.
fn targets(args: &CompareArgs) -> Result<Option<Targets>, String> {
    if !args.targets_file.exists() {
        return Ok(None);
    }
    Targets::load(&args.targets_file).map(Some).map_err(|error| error.to_string())
}

/// `latest`, `baseline`, `baseline:NAME`, a target, or else a run.
fn meant(name: &str, targets: Option<&Targets>) -> Result<Named, String> {
    if name == "latest" {
        return Ok(Named::Run(None));
    }
    if let Some(rest) = name.strip_prefix("baseline") {
        match rest.strip_prefix(':') {
            Some(own) => return own.parse().map(Named::Baseline),
            None if rest.is_empty() => return "default".parse().map(Named::Baseline),
            None => {}
        }
    }
    if name == EMBEDDED || targets.is_some_and(|targets| targets.get(name).is_ok()) {
        return Ok(Named::Target(name.to_owned()));
    }
    let known = targets.map(|targets| targets.iter().map(Environment::name).collect::<Vec<_>>().join(", "));
    name.parse::<RunId>().map(|run| Named::Run(Some(run))).map_err(|_| {
        let known = known.unwrap_or_else(|| EMBEDDED.to_owned());
        format!("{name:?} is neither a run, `latest`, `baseline`, `baseline:NAME`, nor a target ({known})")
    })
}

/// Two runs that were recorded one after the other.
fn recorded(args: &CompareArgs, named: [Named; 2]) -> Result<(Comparison, [Side; 2]), String> {
    let store = RunStore(args.output.runs.clone());
    let mut sides = Vec::new();
    let mut kept = None;
    for (at, (named, label)) in named.into_iter().zip([&args.before, &args.after]).enumerate() {
        let side = match named {
            Named::Baseline(name) => {
                let baseline = Baseline::load(&args.baselines, &name).map_err(|error| error.to_string())?;
                if at == 0 {
                    kept = Some(baseline.history.clone());
                }
                baseline.side(label)
            }
            Named::Run(run) => {
                let run = store.find(run).map_err(|error| error.to_string())?;
                of_run(label, &store.view(&run).map_err(|error| error.to_string())?)?
            }
            Named::Target(_) => continue,
        };
        sides.push(side);
    }
    let sides: [Side; 2] = sides.try_into().map_err(|_| "a comparison has two sides".to_owned())?;
    let sides = sides.map(|side| side.of_apps(&args.app));
    let history = earlier(&store, &sides).or_richer(kept);
    let comparison =
        Comparison::of(&sides, How::Sequential { history: &history }, now()).with_evidence(&sides, args.seed);
    Ok((comparison, sides))
}

/// What the runs say that are of the kind of the side before, older than the newer side.
fn earlier(store: &RunStore, sides: &[Side; 2]) -> History {
    let newer = sides.iter().filter_map(|side| side.head.run.parse::<RunId>().ok()).max();
    history::read(store, &sides[0].head.conditions, |run| newer.as_ref().is_none_or(|newer| run < newer))
}

/// Two targets in turns; `None` if somebody asked to stop.
async fn turns(
    args: &CompareArgs,
    targets: Option<&Targets>,
    labels: &[String; 2],
) -> Result<Option<(Comparison, [Side; 2])>, String> {
    let id = RunId::at(clock::unix_ms());
    let data = PathBuf::from("target/handshake/compare").join(id.as_str());
    let mut started = Vec::new();
    let mut lanes = Vec::new();
    for (label, side) in labels.iter().zip(["before", "after"]) {
        lanes.push(lane(label, targets, &data.join(side), &mut started).await?);
    }
    let result = match <[Lane; 2]>::try_from(lanes) {
        Ok(lanes) => measured(args, id, lanes).await,
        Err(_) => Err("a comparison has two sides".to_owned()),
    };
    for embedded in started {
        embedded.stop().await;
    }
    result
}

async fn lane(
    label: &str,
    targets: Option<&Targets>,
    data: &Path,
    started: &mut Vec<Embedded>,
) -> Result<Lane, String> {
    let own = label == EMBEDDED;
    let environment = if own {
        let plan = EmbeddedPlan {
            apps: AppId::ALL.to_vec(),
            base_port: 0,
            data: data.to_owned(),
            defects: Vec::new(),
            proxies: Vec::new(),
            options: Vec::new(),
            hosts_apart: false,
        };
        let embedded = Embedded::start(&plan).await.map_err(|error| error.to_string())?;
        let environment = embedded.environment.clone();
        started.push(embedded);
        environment
    } else {
        let targets = targets.ok_or_else(|| format!("there is no file of targets for {label}"))?;
        targets.get(label).cloned().map_err(|error| error.to_string())?
    };
    Ok(Lane { environment, label: label.to_owned(), embedded: own })
}

async fn measured(args: &CompareArgs, id: RunId, lanes: [Lane; 2]) -> Result<Option<(Comparison, [Side; 2])>, String> {
    let both = |app: &AppId| lanes.iter().all(|lane| lane.environment.base(*app).is_some());
    let wanted = |app: &AppId| args.app.is_empty() || args.app.contains(app);
    if let Some(app) = args.app.iter().find(|app| !both(app)) {
        return Err(format!("--app {app}: not both of {} and {} have it", lanes[0].label, lanes[1].label));
    }
    let session = Session {
        id,
        profile: args.profile,
        apps: AppId::ALL.into_iter().filter(both).filter(wanted).collect(),
        data: args.targets_file.parent().map(Path::to_owned).unwrap_or_default(),
        stop: stop_on_interrupt(),
    };
    let tell = |line: &str| anstream::eprintln!("{line}");
    let sides = interleave(&lanes, &session, &tell).await?;
    Ok(sides.map(|sides| {
        let comparison = Comparison::of(&sides, How::Interleaved, now()).with_evidence(&sides, args.seed);
        (comparison, sides)
    }))
}

/// Writes the files, prints the verdict and gives the exit code.
fn conclude(args: &CompareArgs, comparison: &Comparison, sides: &[Side; 2]) -> u8 {
    let root = &args.output.output;
    // Histograms of an older comparison would look like some of this one.
    drop(std::fs::remove_dir_all(root.join(folder()).join("histograms")));
    let written = artifacts(comparison, sides)
        .and_then(|files| run::write(root, &files).map_err(|error| error.to_string()))
        .and_then(|()| match &args.csv {
            Some(path) => csv(comparison)
                .and_then(|bytes| std::fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))),
            None => Ok(()),
        });
    anstream::print!("{}", render(comparison, !Settings::process().no_color()));
    if let Err(error) = written {
        return fail(error);
    }
    let place = root.strip_prefix(".").unwrap_or(root).join(folder());
    anstream::println!(
        "\nfiles: {}, with comparison.json and histograms beside it",
        place.join("comparison.csv").display()
    );
    exit_code(outcome(comparison), args.require.is_some())
}

fn now() -> String {
    clock::rfc3339(clock::unix_ms())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_means_a_baseline_a_target_or_a_run() {
        let text = include_str!("../../../tests/perf/config/targets.yaml");
        let targets = Targets::parse("targets.yaml", text).unwrap();
        let meant = |name| meant(name, Some(&targets));
        assert_eq!(meant("latest"), Ok(Named::Run(None)));
        assert_eq!(meant("baseline"), Ok(Named::Baseline("default".parse().unwrap())));
        assert_eq!(meant("baseline:old"), Ok(Named::Baseline("old".parse().unwrap())));
        assert_eq!(meant("staging"), Ok(Named::Target("staging".into())));
        assert_eq!(meant("embedded"), Ok(Named::Target("embedded".into())));
        assert!(matches!(meant("20261121t101500-1a2b3c4d"), Ok(Named::Run(Some(_)))));
        assert!(meant("baseline:../x").unwrap_err().contains("no name of a baseline"));
        assert!(meant("no such thing").unwrap_err().contains("staging"));
    }
}
