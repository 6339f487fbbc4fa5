//! Starting and stopping a reference app.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::health::ReadyChecks;
use super::protocol::{self, Protocol};
use super::{AppConfig, AppDef, ConfigError, Ctx, Db, DbError, Flags, Tasks, Telemetry, Upstream, UpstreamError};
use crate::ids::AppId;

/// How long open requests may take to end when the app stops.
const DRAIN: Duration = Duration::from_secs(3);

/// Why an app did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is taken or forbidden.
    #[error("{app} cannot listen on {address}: {source}: stop what uses the port, or give another with --base-port")]
    Bind {
        /// Which app.
        app: AppId,
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The configuration is refused.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The database does not open.
    #[error("{app} cannot open its database: {source}")]
    Db {
        /// Which app.
        app: AppId,
        /// Why not.
        source: DbError,
    },
    /// The client for onward calls cannot be built.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
}

/// A port that is taken but not served yet, so that apps can know each other's address before they start.
#[derive(Debug)]
pub struct Bound {
    app: AppId,
    listener: TcpListener,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Bound {
    /// Takes the port.
    ///
    /// # Errors
    /// When it is taken; the error names port and app.
    pub async fn new(app: AppId, address: SocketAddr) -> Result<Self, StartError> {
        let failed = |source| StartError::Bind { app, address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { app, listener, address })
    }

    /// Opens the database, builds the routes, starts the workers and serves until stopped.
    ///
    /// # Errors
    /// When the configuration is refused or the database does not open.
    pub async fn serve(self, def: AppDef, mut config: AppConfig) -> Result<Running, StartError> {
        config.check(&def.contract)?;
        config.bind = self.address;
        let ctx = Ctx::open(&def, config).await?;
        let router = with_protocol((def.router)(ctx.clone()), ctx.clone());
        start_kit_workers(&ctx);
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let serving = axum::serve(NoDelay(self.listener), router)
            .with_graceful_shutdown(async move { stopped.cancelled().await });
        let served = tokio::spawn(async move { serving.await });
        Ok(Running { app: self.app, address: self.address, ctx, stop, served })
    }
}

impl Ctx {
    /// Opens the database of an app and makes the rest of its context; nothing is served and no worker runs yet.
    ///
    /// # Errors
    /// When the database does not open or the client for onward calls cannot be built.
    pub async fn open(def: &AppDef, config: AppConfig) -> Result<Self, StartError> {
        let app = config.app;
        let failed = |source| StartError::Db { app, source };
        let db = Db::open(&config.data_dir, app.lower(), def.migrations).await.map_err(failed)?;
        let flags = Flags::load(&def.contract, &config, &db).await.map_err(failed)?;
        Ok(Self {
            contract: Arc::new(def.contract.clone()),
            upstream: Upstream::new(config.upstreams.clone())?,
            telemetry: Telemetry::new(&config),
            clock: config.clock.clone(),
            tasks: Tasks::default(),
            ready: ReadyChecks::default(),
            config: Arc::new(config),
            db,
            flags,
        })
    }
}

/// The app's routes with those of the kit, all behind the shared protocol: what is served, and what a simulation calls
/// without a port.
pub fn with_protocol(app: Router, ctx: Ctx) -> Router {
    let kit = Arc::new(Protocol::new(ctx.clone()));
    super::health::routes(ctx)
        .merge(app)
        .fallback(|| async { axum::http::StatusCode::NOT_FOUND })
        .layer(axum::middleware::from_fn_with_state(kit, protocol::layer))
}

fn start_kit_workers(ctx: &Ctx) {
    let (telemetry, db, upstream) = (ctx.telemetry.clone(), ctx.db.clone(), ctx.upstream.clone());
    let key = ctx.config.telemetry_key.clone();
    if upstream.base(AppId::A8).is_some() {
        ctx.tasks.spawn(|stop| telemetry.report(db, upstream, key, stop));
    }
    let (db, clock) = (ctx.db.clone(), ctx.clock.clone());
    ctx.tasks.spawn(|stop| async move {
        let mut tick = tokio::time::interval(Duration::from_secs(60));
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            if let Err(error) = super::idempotency::forget_old(&db, clock.unix_ms()).await {
                tracing::warn!(%error, "old idempotency keys stay for now");
            }
        }
    });
}

/// A listener whose connections send small answers at once.
struct NoDelay(TcpListener);

impl axum::serve::Listener for NoDelay {
    type Io = tokio::net::TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let (stream, address) = axum::serve::Listener::accept(&mut self.0).await;
        drop(stream.set_nodelay(true));
        (stream, address)
    }

    fn local_addr(&self) -> std::io::Result<Self::Addr> {
        self.0.local_addr()
    }
}

/// An app that serves.
#[derive(Debug)]
pub struct Running {
    /// Which.
    pub app: AppId,
    /// Where it listens.
    pub address: SocketAddr,
    /// What its handlers see.
    pub ctx: Ctx,
    stop: CancellationToken,
    served: JoinHandle<std::io::Result<()>>,
}

impl Running {
    /// Ends the app: no new requests, open ones end, workers make a last round, the database closes.
    ///
    /// # Panics
    /// When a task of the app panicked; its panic is raised again here.
    pub async fn stop(self) {
        self.ctx.tasks.closing().cancel();
        self.stop.cancel();
        let abort = self.served.abort_handle();
        match tokio::time::timeout(DRAIN, self.served).await {
            Ok(Err(error)) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Ok(_) => {}
            Err(_) => abort.abort(),
        }
        self.ctx.tasks.stop().await;
        self.ctx.db.close().await;
    }
}
