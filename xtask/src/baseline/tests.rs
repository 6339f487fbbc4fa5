use common::ledger::Ledger;
use common::slo::Stability;

use super::*;
use crate::history::synthetic::{latencies, load, run, run_id};
use crate::record::{Record, RouteFigures, RunView};

fn stored(view: &RunView, ended: bool) -> (tempfile::TempDir, RunStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = RunStore(folder.path().join("runs"));
    let started = view.started.clone().unwrap();
    let mut ledger = Ledger::create(&store.0, &started.run_id).unwrap();
    let mut records = vec![Record::RunStarted(started), Record::Inventory(view.inventory.clone())];
    records.extend(view.figures.iter().map(|figures| Record::Probed(Box::new(figures.clone()))));
    if ended {
        let (at, took_s, exit_code) = view.finished.clone().unwrap();
        records.push(Record::RunFinished { at, took_s, exit_code });
    }
    for record in records {
        ledger.append(record.kind(), &record).unwrap();
    }
    ledger.sync().unwrap();
    (folder, store)
}

fn two_loads() -> RunView {
    let mut uneven = RouteFigures { route: "GET /uneven".into(), ..load(latencies(2, 400, 30.0)) };
    uneven.window.as_mut().unwrap().stability = Stability::Undecided;
    run(1, vec![load(latencies(1, 1_900, 80.0)), uneven])
}

fn name() -> BaselineName {
    "default".parse().unwrap()
}

fn of(store: &RunStore) -> Result<Baseline, BaselineError> {
    Baseline::of(store, &run_id(1), &name(), "2026-11-21T10:20:00.000Z".into())
}

#[test]
fn a_baseline_is_there_when_its_run_is_gone() {
    let (folder, store) = stored(&two_loads(), true);
    let saved = of(&store).unwrap();
    saved.save(folder.path()).unwrap();
    std::fs::remove_dir_all(&store.0).unwrap();
    let loaded = Baseline::load(folder.path(), &name()).unwrap();
    assert_eq!((loaded.stable(), loaded.endpoints.len()), (1, 2));
    assert_eq!(loaded.endpoints, saved.endpoints);
    assert!(loaded.ledger_head.starts_with("sha256:") && loaded.ledger_lines == 5, "{}", loaded.ledger_head);
    assert_eq!(loaded.history.runs, [run_id(1)]);
    assert_eq!(loaded.side("baseline").endpoints[0].samples.0.len(), 1_900);
}

#[test]
fn a_run_that_did_not_end_or_has_nothing_stable_is_no_baseline() {
    let (_folder, store) = stored(&two_loads(), false);
    assert!(of(&store).unwrap_err().to_string().contains("did not end"));
    let mut view = two_loads();
    view.figures[0].window = None;
    let (_folder, store) = stored(&view, true);
    assert!(of(&store).unwrap_err().to_string().contains("no stable endpoint among the 2"));
    let (_folder, store) = stored(&run(1, Vec::new()), true);
    assert!(of(&store).unwrap_err().to_string().contains("no stable endpoint among the 0"));
}

#[test]
fn any_changed_byte_of_a_baseline_is_found() {
    let (folder, store) = stored(&two_loads(), true);
    let path = of(&store).unwrap().save(folder.path()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let damaged = [
        text.replace("quick", "quack"),
        text.replacen("handshake-baseline/1", "handshake-baseline/9", 1),
        text[..text.len() / 2].to_owned(),
        text.trim_end().to_owned(),
        String::new(),
    ];
    for text in damaged {
        std::fs::write(&path, &text).unwrap();
        let error = Baseline::load(folder.path(), &name()).unwrap_err().to_string();
        assert!(error.contains("is damaged") && error.contains("default.baseline"), "{error}");
    }
}

#[test]
fn a_baseline_that_is_not_there_says_how_to_save_one() {
    let folder = tempfile::tempdir().unwrap();
    let error = Baseline::load(folder.path(), &name()).unwrap_err().to_string();
    assert!(error.contains("cargo xtask baseline save --name default"), "{error}");
}

#[test]
fn a_name_cannot_lead_out_of_the_folder() {
    for bad in ["", "../x", "a/b", "a b", "a.b"] {
        assert!(bad.parse::<BaselineName>().is_err(), "{bad}");
    }
}

#[test]
fn a_baseline_is_shown_as_a_table() {
    let (_folder, store) = stored(&two_loads(), true);
    let shown = render(&of(&store).unwrap());
    let without_head = shown.lines().filter(|line| !line.starts_with("ledger: ")).collect::<Vec<_>>();
    insta::assert_snapshot!(without_head.join("\n"));
}
