//! A correct store always passes, and each way of getting it wrong is found under its name.

use proptest::prelude::*;
use serde_json::json;

use super::*;

const LIMIT_MS: i64 = 60_000;

/// How a simulated store goes wrong.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Wrong {
    LosesOne,
    DoublesOne,
    AltersOne,
    RenamesOne,
    MakesUpOne,
    LosesAnEvent,
    DoublesAnEvent,
    TellsLate,
    TearsOne,
    DoesARefusedOne,
    AnswersAnew,
    Unbalances,
    Overdraws,
    Miscounts,
}

/// The mistakes, each with the name it must be found under.
const WRONGS: [(Wrong, AnomalyKind); 14] = [
    (Wrong::LosesOne, AnomalyKind::LostEffect),
    (Wrong::DoublesOne, AnomalyKind::DoubleEffect),
    (Wrong::AltersOne, AnomalyKind::AlteredEffect),
    (Wrong::RenamesOne, AnomalyKind::AlteredEffect),
    (Wrong::MakesUpOne, AnomalyKind::PhantomEffect),
    (Wrong::LosesAnEvent, AnomalyKind::LostEvent),
    (Wrong::DoublesAnEvent, AnomalyKind::DoubleEvent),
    (Wrong::TellsLate, AnomalyKind::LateEvent),
    (Wrong::TearsOne, AnomalyKind::TornEffect),
    (Wrong::DoesARefusedOne, AnomalyKind::RefusedEffect),
    (Wrong::AnswersAnew, AnomalyKind::AnswerChanged),
    (Wrong::Unbalances, AnomalyKind::UnbalancedLedger),
    (Wrong::Overdraws, AnomalyKind::NegativeBalance),
    (Wrong::Miscounts, AnomalyKind::DoubleEffect),
];

fn kept() -> Place {
    Place::new(AppId::A6, "settlement")
}

fn told() -> Place {
    Place::new(AppId::A8, "revenue_settled of A6")
}

fn intent(step: &Step) -> Intent {
    let gross_minor = step.draw % 1_000;
    let settlement = Expected::once(kept()).saying(json!({ "gross_minor": gross_minor }));
    Intent {
        key: step.key.clone(),
        trace_id: step.trace_id,
        app: AppId::A6,
        kind: step.kind.to_owned(),
        argument: json!({ "gross_minor": gross_minor }),
        effects: vec![settlement.found(Lookup::ByTraceAsAnswered), Expected::once(told())],
        atomic: true,
    }
}

/// What became of one intent in the store.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// Done and acknowledged, after so many unknown attempts.
    Acknowledged(u64),
    /// Done, and nobody heard.
    DoneUnheard,
    /// Not done, and nobody knows.
    LostUnheard,
    Refused,
}

fn fate(step: &Step) -> Fate {
    match step.draw % 7 {
        0 if step.gives_up => Fate::DoneUnheard,
        1 if step.gives_up => Fate::LostUnheard,
        2 => Fate::Refused,
        n => Fate::Acknowledged(n % 3),
    }
}

/// A store that does each intent once, whatever is asked of it.
struct Store {
    history: History,
    now_ms: i64,
}

impl Store {
    fn attempt(&mut self, intent: &Intent, process: u32, outcome: Outcome) {
        self.now_ms += 10;
        self.history.operations.push(Operation {
            op: u64::try_from(self.history.operations.len()).unwrap(),
            process,
            app: intent.app,
            kind: intent.kind.clone(),
            key: intent.key.clone(),
            trace_id: intent.trace_id,
            invoked_ms: self.now_ms - 5,
            completed_ms: self.now_ms,
            outcome,
        });
    }

    fn does(&mut self, intent: &Intent) {
        let gross_minor = intent.argument["gross_minor"].as_i64().unwrap();
        for place in [kept(), told()] {
            self.history.seen.push(Seen {
                id: format!("rev-{}", intent.key),
                name: String::new(),
                trace_id: intent.trace_id,
                value: json!({ "gross_minor": gross_minor, "currency": "USD" }),
                at_ms: place.is_telemetry().then_some(self.now_ms + 40),
                place,
            });
        }
        self.history.accounts.push(Account {
            name: format!("A6 settlement rev-{}", intent.key),
            trace_id: Some(intent.trace_id),
            entries: vec![gross_minor, -gross_minor],
            balance: 0,
            never_negative: false,
        });
    }

    fn run(&mut self, intent: &Intent, step: &Step) {
        let unknown = || Outcome::Info { why: "no answer".to_owned() };
        let answer = json!({ "revenue_event_id": format!("rev-{}", intent.key) });
        match fate(step) {
            Fate::Acknowledged(unheard) => {
                (0..unheard).for_each(|_| self.attempt(intent, step.process, unknown()));
                for _ in 0..step.copies {
                    let id = Some(format!("rev-{}", intent.key));
                    self.attempt(intent, step.process, Outcome::Ok { id, answer: answer.clone() });
                }
                self.does(intent);
            }
            Fate::DoneUnheard => {
                self.attempt(intent, step.process, unknown());
                self.does(intent);
            }
            Fate::LostUnheard => self.attempt(intent, step.process, unknown()),
            Fate::Refused => {
                self.attempt(intent, step.process, Outcome::Fail { why: "not sent".to_owned() });
            }
        }
    }
}

fn workload(fault: Fault) -> Workload {
    Workload { app: AppId::A6, fault, intents: 80, processes: 6, kills: 3, kinds: vec![("settle", 3), ("sale", 1)] }
}

/// The history of a correct store under this seed.
fn correct(seed: u64, fault: Fault) -> (History, Vec<Step>) {
    let plan = plan(seed, &workload(fault));
    let mut store = Store { history: History { arrival_limit_ms: LIMIT_MS, ..History::default() }, now_ms: 1_000_000 };
    for step in &plan.steps {
        let intent = intent(step);
        store.run(&intent, step);
        store.history.intents.push(intent);
    }
    for kill in &plan.kills {
        let killed_ms = 1_000_000 + 10 * i64::try_from(kill.after_requests).unwrap();
        store.history.crashes.push(Crash { app: AppId::A6, killed_ms, up_ms: killed_ms + 300 });
    }
    let n = store.history.seen.iter().filter(|seen| seen.place == kept()).count();
    store.history.tallies.push(Tally { place: kept(), n: u64::try_from(n).unwrap() });
    (store.history, plan.steps)
}

/// Makes the mistake about one of those that it can be made about, the one that `pick` says.
fn go_wrong(history: &mut History, steps: &[Step], wrong: Wrong, pick: usize) {
    let of = |wanted: fn(Fate) -> bool| -> Step {
        let fit: Vec<_> = steps.iter().filter(|step| wanted(fate(step))).collect();
        fit[pick % fit.len()].clone()
    };
    let acknowledged = || of(|fate| matches!(fate, Fate::Acknowledged(_)));
    let at = |history: &History, step: &Step, place: Place| {
        history.seen.iter().position(|seen| seen.trace_id == step.trace_id && seen.place == place).unwrap()
    };
    let mut double = |place: Place| {
        let mut again = history.seen[at(history, &acknowledged(), place)].clone();
        again.id.push_str("-again");
        history.seen.push(again);
    };
    match wrong {
        Wrong::DoublesOne => double(kept()),
        Wrong::DoublesAnEvent => double(told()),
        Wrong::LosesOne => drop(history.seen.remove(at(history, &acknowledged(), kept()))),
        Wrong::LosesAnEvent => drop(history.seen.remove(at(history, &acknowledged(), told()))),
        Wrong::TearsOne => drop(history.seen.remove(at(history, &of(|fate| fate == Fate::DoneUnheard), told()))),
        Wrong::AltersOne => {
            let at = at(history, &acknowledged(), kept());
            history.seen[at].value["gross_minor"] = json!(1_000_001);
        }
        Wrong::RenamesOne => {
            let at = at(history, &acknowledged(), kept());
            history.seen[at].id = "rev-other".to_owned();
        }
        Wrong::MakesUpOne => {
            let mut made_up = history.seen[at(history, &acknowledged(), told())].clone();
            made_up.trace_id = TraceId::from_u128(7);
            history.seen.push(made_up);
        }
        Wrong::TellsLate => {
            let at = at(history, &acknowledged(), told());
            history.seen[at].at_ms = history.seen[at].at_ms.map(|at_ms| at_ms + LIMIT_MS + 10_000);
        }
        Wrong::DoesARefusedOne => {
            let trace_id = of(|fate| fate == Fate::Refused).trace_id;
            let other = history.seen[0].clone();
            history.seen.push(Seen { trace_id, ..other });
        }
        Wrong::AnswersAnew => {
            let key = acknowledged().key;
            let ok = history.operations.iter().find(|one| one.key == key && one.outcome.is_ok()).unwrap().clone();
            let outcome = Outcome::Ok { id: None, answer: json!({ "revenue_event_id": "another" }) };
            history.operations.push(Operation { outcome, ..ok });
        }
        Wrong::Unbalances => {
            let at = pick % history.accounts.len();
            history.accounts[at].entries.push(1);
        }
        Wrong::Overdraws => history.accounts.push(Account {
            name: "A5 account of client 1".to_owned(),
            trace_id: None,
            entries: vec![5, -6, 10],
            balance: 9,
            never_negative: true,
        }),
        Wrong::Miscounts => history.tallies[0].n = 81,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_correct_store_has_no_anomaly_whatever_happens_to_it(seed: u64, fault in 0..Fault::ALL.len()) {
        let (history, steps) = correct(seed, Fault::ALL[fault]);
        let checked = check(&history);
        prop_assert_eq!(&checked.anomalies, &[]);
        prop_assert_eq!(checked.intents, steps.len() as u64);
        prop_assert_eq!(checked.acknowledged + checked.unknown + checked.refused, checked.intents);
    }

    #[test]
    fn every_mistake_is_found_under_its_name_and_shown(seed: u64, pick: usize, which in 0..WRONGS.len()) {
        let (wrong, kind) = WRONGS[which];
        let (mut history, steps) = correct(seed, Fault::Kill);
        prop_assume!(wrong != Wrong::TearsOne || steps.iter().any(|step| fate(step) == Fate::DoneUnheard));
        go_wrong(&mut history, &steps, wrong, pick);
        let checked = check(&history);
        let found: Vec<_> = checked.anomalies.iter().map(|anomaly| anomaly.kind).collect();
        prop_assert!(found.contains(&kind), "{wrong:?} was found as {found:?}");
        for anomaly in &checked.anomalies {
            prop_assert!((1..=10).contains(&anomaly.shown_by.len()), "{anomaly:?}");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_plan_and_kills_that_come_about(seed: u64) {
        let drawn = plan(seed, &workload(Fault::Kill));
        prop_assert_eq!(&drawn, &plan(seed, &workload(Fault::Kill)));
        prop_assert_ne!(&drawn.steps, &plan(seed.wrapping_add(1), &workload(Fault::Kill)).steps);
        prop_assert_eq!(drawn.kills.len(), 3);
        prop_assert!(drawn.kills.windows(2).all(|pair| pair[0].after_requests < pair[1].after_requests));
        prop_assert!(drawn.kills.iter().all(|kill| (1..=80).contains(&kill.after_requests)));
        let keys: std::collections::BTreeSet<_> = drawn.steps.iter().map(|step| &step.key).collect();
        prop_assert_eq!(keys.len(), drawn.steps.len());
    }

    #[test]
    fn a_history_survives_its_lines(seed: u64) {
        let (history, _) = correct(seed, Fault::Duplicate);
        let text: Vec<String> = history.lines().map(|line| serde_json::to_string(&line).unwrap()).collect();
        let lines = text.iter().map(|line| serde_json::from_str(line).unwrap());
        let read = History::of(lines, LIMIT_MS);
        prop_assert_eq!(check(&read), check(&history));
        prop_assert_eq!(read.operations.len(), history.operations.len());
    }
}

#[test]
fn the_anomaly_of_a_lost_effect_reads_like_this() {
    let (mut history, steps) = correct(7, Fault::Kill);
    go_wrong(&mut history, &steps, Wrong::LosesOne, 3);
    let checked = check(&history);
    let lost = checked.anomalies.iter().find(|anomaly| anomaly.kind == AnomalyKind::LostEffect).unwrap();
    let key = lost.key.clone().unwrap();
    assert_eq!(
        lost.what,
        format!(
            "{} {key} at A6 was acknowledged, and A6 settlement has 0 of 1",
            match &lost.shown_by[0] {
                Line::Operation(operation) => operation.kind.as_str(),
                other => panic!("{other:?}"),
            }
        )
    );
    assert!(lost.to_string().starts_with("lost_effect: "), "{lost}");
}

#[test]
fn an_event_of_a_crashed_app_has_its_time_from_the_recovery_on() {
    let (mut history, steps) = correct(7, Fault::None);
    let step = steps.iter().find(|step| fate(step) == Fate::Acknowledged(0)).unwrap();
    let known_ms = history.operations.iter().find(|one| one.key == step.key).unwrap().completed_ms;
    let event = history.seen.iter_mut().find(|seen| seen.trace_id == step.trace_id && seen.place == told()).unwrap();
    event.at_ms = Some(known_ms + LIMIT_MS + 20_000);
    let late = |history: &History| check(history).by_kind().get(&AnomalyKind::LateEvent).copied();
    assert_eq!(late(&history), Some(1));
    history.crashes.push(Crash { app: AppId::A6, killed_ms: known_ms + 1, up_ms: known_ms + 21_000 });
    assert_eq!(late(&history), None);
}

#[test]
fn all_faults_together_kill_send_twice_and_let_clients_give_up() {
    let (drawn, alone) = (plan(3, &workload(Fault::Together)), plan(3, &workload(Fault::Kill)));
    assert_eq!(drawn.kills.len(), alone.kills.len());
    assert!(!drawn.kills.is_empty());
    let any = |is: fn(&Step) -> bool| drawn.steps.iter().any(is);
    assert!(any(|step| step.copies > 1) && any(|step| step.again) && any(|step| step.gives_up));
    assert!(alone.steps.iter().all(|step| step.copies == 1));
}
