//! What the story left behind, read from A3's database, its routes and the other parties' memory.

use std::collections::BTreeMap;

use axum::http::Method;
use common::args;
use common::reconcile::{BreakerMove, BreakerRules, compare_breaker};
use common::service::{DbError, Row};
use common::telemetry::{BreakerState, Event, EventName};

use super::life::Life;
use super::{SimulationError, SimulationReport, client};
use crate::reference::party::Party;

/// The two times of one change may differ by this much.
const TOLERANCE_MS: i64 = 50;
/// How long an open breaker of A3 lets nothing through.
const OPEN_FOR_MS: i64 = 5_000;

/// Tells what the story showed.
pub(super) async fn report(life: &Life) -> Result<SimulationReport, SimulationError> {
    let mut audit = Audit { life, problems: Vec::new(), duplicates: 0, interventions: 0 };
    let states = audit.states().await?;
    let of_state = |state: &str| states.values().filter(|own| *own == state).count() as u64;
    audit.effects();
    audit.cycles(&states).await?;
    let breaker_moves = audit.breakers().await?;
    let autonomy_minutes = audit.autonomy().await?;
    let jobs = audit.jobs().await?;
    let longest_stall_ms = audit.longest_stall().await?;
    let past = life.world.past();
    Ok(SimulationReport {
        simulated: true,
        seed: life.seed,
        replay: format!(
            "HANDSHAKE_SIMULATION_SEED={} HANDSHAKE_SIMULATION_MINUTES={} cargo test -p a3-orchestration simulation",
            life.seed, life.minutes
        ),
        virtual_minutes: life.minutes,
        runs: states.len() as u64,
        repeats: life.repeats,
        completed: of_state("completed"),
        failed: of_state("failed"),
        side_jobs_done: jobs.0,
        side_jobs_dropped: jobs.1,
        calls: past.calls,
        faults: past.faults.clone(),
        crashes: life.crashes,
        breaker_moves,
        duplicates: audit.duplicates,
        interventions: audit.interventions,
        autonomy_minutes,
        longest_stall_ms,
        problems: audit.problems,
    })
}

struct Audit<'a> {
    life: &'a Life,
    problems: Vec<String>,
    duplicates: u64,
    interventions: u64,
}

impl Audit<'_> {
    async fn rows(&self, sql: &str) -> Result<Vec<Row>, DbError> {
        self.life.process.ctx().db.query(sql, vec![]).await
    }

    /// The state of each run that was taken on. One that is gone, failed or still under way needs a person.
    async fn states(&mut self) -> Result<BTreeMap<String, String>, SimulationError> {
        let mut states = BTreeMap::new();
        for (key, runs) in &self.life.runs {
            if runs.len() > 1 {
                self.duplicates += runs.len() as u64 - 1;
                self.problems.push(format!("{key} started {} runs", runs.len()));
            }
            for run_id in runs {
                let sql = "SELECT state, error FROM runs WHERE run_id = $1";
                let row = self.life.process.ctx().db.query_one(sql, args![run_id]).await?;
                let state = row.as_ref().map_or(Ok("lost".to_owned()), |row| row.text("state"))?;
                if state != "completed" {
                    let why = row.map_or(Ok(None), |row| row.opt_text("error"))?.unwrap_or_default();
                    self.interventions += 1;
                    self.problems.push(format!("the run of {key} ended {state}: {why}"));
                }
                states.insert(run_id.clone(), state);
            }
        }
        Ok(states)
    }

    /// Nothing was brought about twice.
    fn effects(&mut self) {
        let past = self.life.world.past();
        for ((party, what), times) in past.effects.iter().filter(|(_, times)| **times > 1) {
            self.duplicates += u64::from(times - 1);
            self.problems.push(format!("{} did {what:?} {times} times", party.as_str()));
        }
    }

    /// Each completed run published one page, recorded one event, and was reported complete once.
    async fn cycles(&mut self, states: &BTreeMap<String, String>) -> Result<(), SimulationError> {
        let mut reported: BTreeMap<String, u64> = BTreeMap::new();
        for event in self.events().await? {
            if event.event == EventName::OrchestrationCycleComplete {
                *reported.entry(event.idempotency_key).or_default() += 1;
            }
        }
        let completed = states.iter().filter(|(_, state)| *state == "completed");
        for (run_id, _) in completed {
            let times = reported.get(&format!("{run_id}:complete")).copied().unwrap_or(0);
            if times != 1 {
                self.problems.push(format!("run {run_id} was reported complete {times} times"));
            }
        }
        let past = self.life.world.past();
        let of = |party: Party| past.effects.keys().filter(|(own, _)| *own == party).count();
        let done = states.values().filter(|state| *state == "completed").count();
        if of(Party::A7) < done || of(Party::ScholarshipApi) < done {
            self.problems.push(format!("{done} runs completed with {} pages", of(Party::A7)));
        }
        Ok(())
    }

    /// What waits in the outbox: no A8 took it.
    async fn events(&self) -> Result<Vec<Event>, SimulationError> {
        let rows = self.rows("SELECT body FROM outbox ORDER BY event_id").await?;
        let read = |row: &Row| {
            let body = row.text("body")?;
            serde_json::from_str(&body).map_err(|error| SimulationError::Answer(format!("an event: {error}")))
        };
        rows.iter().map(read).collect()
    }

    /// Every change of a breaker is legal, and stored and reported alike, across all crashes.
    async fn breakers(&mut self) -> Result<u64, SimulationError> {
        let events = self.events().await?;
        let mut moves = 0;
        for party in Party::ALL {
            let sql = "SELECT from_state, to_state, at_ms FROM breaker_moves WHERE party = $1 ORDER BY at_ms, move_id";
            let rows = self.life.process.ctx().db.query(sql, args![party.as_str()]).await?;
            let listed = rows.iter().filter_map(|row| read_move(row).transpose()).collect::<Result<Vec<_>, _>>()?;
            let route = format!("/breakers/{}", party.as_str());
            let own = events.iter().filter(|event| event.event == EventName::BreakerTransition && event.route == route);
            let reported: Vec<_> = own
                .filter_map(|event| {
                    let at_ms = common::clock::parse_rfc3339(&event.timestamp).ok()?;
                    Some((at_ms, event.circuit_breaker_state?))
                })
                .collect();
            let rules = BreakerRules { tolerance_ms: TOLERANCE_MS, open_for_ms: OPEN_FOR_MS, kept: usize::MAX };
            let compared = compare_breaker(&listed, &reported, rules);
            moves += compared.listed;
            if compared.listed + compared.reported > 0 && !compared.agrees() {
                self.problems.extend(compared.examples.into_iter().map(|what| format!("{}: {what}", party.as_str())));
            }
        }
        Ok(moves)
    }

    /// No person intervened, and A3's own clock says so.
    async fn autonomy(&mut self) -> Result<f64, SimulationError> {
        let human = self.rows("SELECT action FROM journal WHERE actor = 'human' AND action <> 'commissioned'").await?;
        self.interventions += human.len() as u64;
        let router = self.life.process.router();
        let progress = client::ask(router, Method::GET, "/orchestration/progress", "none", None).await?;
        let minutes = progress["autonomy"]["minutes_since_human"].as_f64().unwrap_or(0.0);
        if !human.is_empty() || minutes < f64::from(self.life.minutes) {
            self.problems.push(format!("{minutes} minutes without a person, of {}", self.life.minutes));
        }
        Ok(minutes)
    }

    /// Side jobs that were done, and dropped. One that still waits is forgotten.
    async fn jobs(&mut self) -> Result<(u64, u64), SimulationError> {
        let mut counts = (0, 0);
        for row in self.rows("SELECT run_id, party, state, detail FROM jobs").await? {
            match (row.text("state")?.as_str(), row.opt_text("detail")?) {
                ("done", _) => counts.0 += 1,
                ("dropped", Some(_)) => counts.1 += 1,
                (state, _) => {
                    let (party, run_id) = (row.text("party")?, row.text("run_id")?);
                    self.problems.push(format!("the side job of {run_id} for {party} is {state}, without a reason"));
                }
            }
        }
        Ok(counts)
    }

    /// The longest time between two moves of a run: its beginning, its attempts, its end.
    async fn longest_stall(&mut self) -> Result<i64, SimulationError> {
        let sql = "SELECT run_id, created_ms AS at_ms FROM runs
                   UNION ALL SELECT run_id, finished_ms FROM runs WHERE finished_ms IS NOT NULL
                   UNION ALL SELECT a.run_id, a.at_ms FROM attempts a JOIN steps s
                       ON s.run_id = a.run_id AND s.name = a.step
                   ORDER BY run_id, at_ms";
        let mut longest = 0;
        let mut last: Option<(String, i64)> = None;
        for row in self.rows(sql).await? {
            let (run_id, at_ms) = (row.text("run_id")?, row.int("at_ms")?);
            if let Some((_, before)) = last.as_ref().filter(|(own, _)| *own == run_id) {
                longest = longest.max(at_ms - before);
            }
            last = Some((run_id, at_ms));
        }
        Ok(longest)
    }
}

fn read_move(row: &Row) -> Result<Option<BreakerMove>, DbError> {
    let state = |text: String| serde_json::from_value::<BreakerState>(text.into()).ok();
    let (from, to) = (state(row.text("from_state")?), state(row.text("to_state")?));
    let at_ms = row.int("at_ms")?;
    Ok(from.zip(to).map(|(from, to)| BreakerMove { from, to, at_ms }))
}
