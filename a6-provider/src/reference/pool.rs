//! The pool behind the provider directory, with the known issue of cold starts.
//!
//! A pool that nobody used for [`IDLE_AFTER`] is closed, and the next request opens it again: a real database
//! connection, plus [`CONNECT_COST_MS`] that stands for the TCP, TLS and authentication round trips a hosted database
//! asks for. The flag `a6_warm_pool` lets a worker open it in time and keep it open; steady load never meets it cold.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use common::clock;
use common::service::{Ctx, Db, DbError};

/// A pool idle for this long is closed.
const IDLE_AFTER: Duration = Duration::from_secs(2);
/// How often the keeper looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// What connecting to a hosted database costs beyond opening a local file, in milliseconds.
const CONNECT_COST_MS: RangeInclusive<u64> = 120..=160;

/// The pool; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct DirectoryPool(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    ctx: Ctx,
    open: tokio::sync::Mutex<Option<Db>>,
    last_used: Mutex<Instant>,
}

impl DirectoryPool {
    /// A cold pool and its keeper.
    pub(crate) fn start(ctx: &Ctx) -> Self {
        let inner =
            Inner { ctx: ctx.clone(), open: tokio::sync::Mutex::default(), last_used: Mutex::new(clock::monotonic()) };
        let pool = Self(Arc::new(inner));
        let keeper = pool.clone();
        ctx.tasks.spawn(|stop| async move {
            while stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await.is_some() {
                keeper.keep().await;
            }
            keeper.close().await;
        });
        pool
    }

    /// The open pool; a cold one is opened first, and whoever comes meanwhile waits too.
    pub(crate) async fn get(&self) -> Result<Db, DbError> {
        *self.0.last_used.lock().unwrap_or_else(PoisonError::into_inner) = clock::monotonic();
        let mut open = self.0.open.lock().await;
        if let Some(db) = &*open {
            return Ok(db.clone());
        }
        let db = self.connect().await?;
        *open = Some(db.clone());
        Ok(db)
    }

    async fn connect(&self) -> Result<Db, DbError> {
        let config = &self.0.ctx.config;
        let span = CONNECT_COST_MS.end() - CONNECT_COST_MS.start() + 1;
        let cost_ms = CONNECT_COST_MS.start() + u64::from(uuid::Uuid::new_v4().as_bytes()[0]) % span;
        tokio::time::sleep(Duration::from_millis(cost_ms)).await;
        Db::open(&config.data_dir, config.app.lower(), &[]).await
    }

    /// One look of the keeper: warm, it opens or pings the pool; otherwise it closes an idle one.
    async fn keep(&self) {
        let idle = self.0.last_used.lock().unwrap_or_else(PoisonError::into_inner).elapsed();
        if self.0.ctx.flags.on("a6_warm_pool") {
            let pinged = match self.get().await {
                Ok(db) => db.query("SELECT 1 AS one", vec![]).await.map(drop),
                Err(error) => Err(error),
            };
            if let Err(error) = pinged {
                tracing::warn!(%error, "the directory pool cannot be kept warm");
            }
        } else if idle >= IDLE_AFTER {
            self.close().await;
        }
    }

    async fn close(&self) {
        let open = self.0.open.lock().await.take();
        if let Some(db) = open {
            db.close().await;
        }
    }
}
