//! The life itself: requests come, work is done until it waits, the clock moves on to what comes next, and now and then
//! the process is killed and started again.

mod process;
mod requests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Method;
use common::clock::Clock;
use common::ids::AppId;
use common::service::{AppConfig, Defect};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};

use super::timers::Timers;
use super::weather::Forecast;
use super::world::World;
use super::{SimulationError, client};
use process::Process;
use requests::{Asked, Requests};

/// When the story begins, by the clock on the wall; any time does.
const BEGINS_MS: i64 = 1_795_255_200_000;
/// After the last request, all work must be done within this time.
const DRAIN_MS: i64 = 15 * 60_000;
/// How often a page of each arm earns its reward; the arms are those of the live bandit.
const EARNS: [(&str, f64); 3] = [("apply_now", 0.6), ("check_eligibility", 0.3), ("save_for_later", 0.1)];
/// How long a crash waits for a run that it can hit.
const MIDST_WITHIN_MS: i64 = 120_000;
/// How long after it was asked for a run is looked at for its reward.
const REWARD_AFTER_MS: i64 = 120_000;

/// A story under way.
pub(super) struct Life {
    pub(super) seed: u64,
    pub(super) minutes: u32,
    pub(super) world: Arc<World>,
    pub(super) process: Process,
    pub(super) crashes: u64,
    pub(super) repeats: u64,
    /// The runs that each request was answered with.
    pub(super) runs: BTreeMap<String, BTreeSet<String>>,
    clock: Clock,
    timers: Arc<Timers>,
    forecast: Forecast,
    requests: Requests,
    /// When which run is looked at for its reward.
    rewards: BTreeSet<(i64, String)>,
    rng: StdRng,
    data: PathBuf,
    defects: BTreeSet<Defect>,
}

impl Life {
    pub(super) async fn begin(
        seed: u64,
        minutes: u32,
        defects: BTreeSet<Defect>,
        data: &Path,
    ) -> Result<Self, SimulationError> {
        let clock = Clock::manual(BEGINS_MS);
        let timers = Arc::new(Timers::new(clock.clone()));
        let forecast = Forecast::of(seed, minutes);
        let world = Arc::new(World::new(seed, forecast.clone(), clock.clone(), Arc::clone(&timers)));
        let config = config(data, &clock, &defects);
        let process = Process::start(config, &world, &timers, seed).await?;
        Ok(Self {
            process,
            crashes: 0,
            repeats: 0,
            runs: BTreeMap::new(),
            requests: Requests::of(seed, BEGINS_MS, minutes),
            rewards: BTreeSet::new(),
            rng: StdRng::seed_from_u64(seed ^ 0x00e4_2215),
            data: data.to_owned(),
            seed,
            minutes,
            world,
            clock,
            timers,
            forecast,
            defects,
        })
    }

    /// Plays it to its end, and on until all work is done or the time for that is over too.
    pub(super) async fn play(&mut self) -> Result<(), SimulationError> {
        let end_ms = BEGINS_MS + i64::from(self.minutes) * 60_000;
        loop {
            let now = self.clock.unix_ms();
            self.serve(now).await?;
            self.process.work(now).await?;
            if self.crash_is_due(now) {
                self.crash().await?;
                continue;
            }
            let next = [
                self.timers.next_ms(),
                self.requests.next_ms(),
                self.rewards.first().map(|(at_ms, _)| *at_ms),
                self.crash_ms().map(|at_ms| if now < at_ms { at_ms } else { at_ms + MIDST_WITHIN_MS }),
                self.process.next_due_ms(now).await?,
            ];
            let Some(next) = next.into_iter().flatten().min().filter(|next| *next <= end_ms + DRAIN_MS) else {
                return Ok(());
            };
            self.clock.advance(Duration::from_millis(u64::try_from(next - now).unwrap_or(0)));
        }
    }

    /// A process is killed in the midst of a run, if one is under way soon enough.
    fn crash_is_due(&self, now: i64) -> bool {
        let is_due = |at_ms: i64| at_ms <= now && (self.process.drives_a_run() || at_ms + MIDST_WITHIN_MS <= now);
        self.crash_ms().is_some_and(is_due)
    }

    fn crash_ms(&self) -> Option<i64> {
        let index = usize::try_from(self.crashes).unwrap_or(usize::MAX);
        self.forecast.crashes.get(index).map(|(at_ms, _)| BEGINS_MS + at_ms)
    }

    /// Answers the requests whose time has come.
    async fn serve(&mut self, now: i64) -> Result<(), SimulationError> {
        while let Some(asked) = self.requests.take(now) {
            self.take_on(&asked, now).await?;
        }
        while self.rewards.first().is_some_and(|(at_ms, _)| *at_ms <= now) {
            if let Some((_, run_id)) = self.rewards.pop_first() {
                self.reward(run_id, now).await?;
            }
        }
        Ok(())
    }

    async fn take_on(&mut self, asked: &Asked, now: i64) -> Result<(), SimulationError> {
        let body = json!({ "title": asked.title(), "summary": "A page of the simulation." });
        let router = self.process.router();
        let answer = client::ask(router, Method::POST, "/orchestration/run", &asked.key(), Some(&body)).await?;
        let run_id = answer["run_id"].as_str().unwrap_or_default().to_owned();
        self.process.stir();
        self.repeats += u64::from(asked.is_repeat);
        let runs = self.runs.entry(asked.key()).or_default();
        if runs.insert(run_id.clone()) {
            self.rewards.insert((now + REWARD_AFTER_MS, run_id));
        }
        Ok(())
    }

    /// Rewards a run that has completed; one that goes on is looked at again.
    async fn reward(&mut self, run_id: String, now: i64) -> Result<(), SimulationError> {
        let router = self.process.router();
        let path = format!("/orchestration/runs/{run_id}");
        // A run that A3 forgot is found at the end; there is nothing to reward.
        let Ok(run) = client::ask(router, Method::GET, &path, "none", None).await else { return Ok(()) };
        if run["state"] != "completed" {
            if run["state"] != "failed" {
                self.rewards.insert((now + REWARD_AFTER_MS, run_id));
            }
            return Ok(());
        }
        let arm = run["arm"].as_str().unwrap_or_default();
        let rate = EARNS.iter().find(|(name, _)| *name == arm).map_or(0.0, |(_, rate)| *rate);
        let earned = self.rng.random::<f64>() < rate;
        let body = json!({
            "arm": arm, "session_id": run_id, "page_view": true, "lead": earned, "checkout": earned,
        });
        let key = format!("reward-{run_id}");
        let _: Value = client::ask(router, Method::POST, "/bandit/reward", &key, Some(&body)).await?;
        Ok(())
    }

    /// Kills the process where it stands and starts another on its data, a while later.
    async fn crash(&mut self) -> Result<(), SimulationError> {
        let index = usize::try_from(self.crashes).unwrap_or(usize::MAX);
        let gone_ms = self.forecast.crashes.get(index).map_or(0, |(_, gone_ms)| *gone_ms);
        self.crashes += 1;
        self.process.kill().await;
        self.timers.clear();
        self.clock.advance(Duration::from_millis(gone_ms));
        let config = config(&self.data, &self.clock, &self.defects);
        self.process = Process::start(config, &self.world, &self.timers, self.seed ^ self.crashes).await?;
        Ok(())
    }

    pub(super) async fn end(mut self) {
        self.process.kill().await;
    }
}

fn config(data: &Path, clock: &Clock, defects: &BTreeSet<Defect>) -> AppConfig {
    let mut config = AppConfig::embedded(AppId::A3, data.to_owned());
    config.clock = clock.clone();
    config.defects.clone_from(defects);
    config
}
