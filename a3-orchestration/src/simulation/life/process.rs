//! One process of A3: its context, its routes and what it has under way.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use common::args;
use common::service::{AppConfig, Ctx, DbError, with_protocol};
use tokio_util::sync::CancellationToken;

use crate::reference::dice::Dice;
use crate::reference::worker::{self, Active, Due};
use crate::reference::{self, Shared};
use crate::simulation::SimulationError;
use crate::simulation::timers::Timers;
use crate::simulation::world::World;

type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A process, until it is killed.
pub(in crate::simulation) struct Process {
    shared: Shared,
    router: Router,
    timers: Arc<Timers>,
    active: Active,
    /// What is under way, by number.
    tasks: BTreeMap<u64, (Due, Task)>,
    begun: u64,
    /// True if something may have become due since the last look.
    is_stirred: bool,
    next_due_ms: Option<i64>,
}

impl Process {
    pub(super) async fn start(
        config: AppConfig,
        world: &Arc<World>,
        timers: &Arc<Timers>,
        seed: u64,
    ) -> Result<Self, SimulationError> {
        let ctx = Ctx::open(&reference::app(), config).await?;
        let shared = Shared::new(ctx.clone(), Arc::<World>::clone(world), Dice::of(seed));
        worker::prepare(&shared).await?;
        let router = with_protocol(reference::routes(shared.clone()), ctx);
        Ok(Self {
            shared,
            router,
            timers: Arc::clone(timers),
            active: Active::default(),
            tasks: BTreeMap::new(),
            begun: 0,
            is_stirred: true,
            next_due_ms: None,
        })
    }

    pub(in crate::simulation) fn ctx(&self) -> &Ctx {
        &self.shared.ctx
    }

    pub(in crate::simulation) fn router(&self) -> &Router {
        &self.router
    }

    /// True if a run waits for the answer of a call.
    pub(super) fn drives_a_run(&self) -> bool {
        self.tasks.values().any(|(due, _)| matches!(due, Due::Run(_)))
    }

    /// Something new may be due.
    pub(super) fn stir(&mut self) {
        self.is_stirred = true;
    }

    /// Moves everything that can move at this time, one task at a time, each until it waits or ends.
    pub(super) async fn work(&mut self, now_ms: i64) -> Result<(), SimulationError> {
        loop {
            if let Some(task) = self.timers.wake_one(now_ms) {
                self.advance(task).await;
                continue;
            }
            if !self.is_stirred && self.next_due_ms.is_none_or(|at_ms| at_ms > now_ms) {
                return Ok(());
            }
            self.is_stirred = false;
            for due in worker::due(&self.shared.ctx, &self.active).await? {
                self.begun += 1;
                let stop = CancellationToken::new();
                let work = worker::work(&self.shared, &self.active, due.clone(), stop);
                self.tasks.insert(self.begun, (due, Box::pin(work)));
                self.advance(self.begun).await;
            }
            self.next_due_ms = next_due_ms(&self.shared.ctx, now_ms).await?;
        }
    }

    /// When something becomes due that is not yet.
    pub(super) async fn next_due_ms(&mut self, now_ms: i64) -> Result<Option<i64>, SimulationError> {
        if self.next_due_ms.is_none_or(|at_ms| at_ms <= now_ms) {
            self.next_due_ms = next_due_ms(&self.shared.ctx, now_ms).await?;
        }
        Ok(self.next_due_ms)
    }

    async fn advance(&mut self, number: u64) {
        let Some((due, mut task)) = self.tasks.remove(&number) else { return };
        self.timers.moves(number);
        tokio::select! {
            biased;
            () = &mut task => self.is_stirred = true,
            () = self.timers.parked() => {
                self.tasks.insert(number, (due, task));
            }
        }
    }

    /// Ends it where it stands: what is under way never learns how its calls went.
    pub(super) async fn kill(&mut self) {
        self.tasks.clear();
        self.shared.ctx.db.close().await;
    }
}

async fn next_due_ms(ctx: &Ctx, now_ms: i64) -> Result<Option<i64>, DbError> {
    let sql = "SELECT MIN(due_ms) AS at_ms FROM (
                 SELECT due_ms FROM runs WHERE state IN ('queued', 'running') AND due_ms > $1
                 UNION ALL SELECT due_ms FROM jobs WHERE state = 'pending' AND due_ms > $1) AS waiting";
    let row = ctx.db.query_one(sql, args![now_ms]).await?;
    row.map_or(Ok(None), |row| row.opt_int("at_ms"))
}
