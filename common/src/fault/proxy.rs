//! The proxy: it listens, holds the rules, and keeps the record.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, PoisonError, RwLock};

use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use super::active::Active;
use super::connection;
use super::record::{Applied, Record};
use super::{Rules, Upstream};
use crate::clock;
use crate::ids::AppId;
use crate::load::TrustError;

/// Why there is no proxy.
#[derive(Debug, thiserror::Error)]
pub enum ProxyError {
    /// It would be open to other machines.
    #[error("a fault proxy listens on this machine only, and {0} is open to others: use 127.0.0.1")]
    Open(SocketAddr),
    /// The port is taken or forbidden.
    #[error(
        "the fault proxy cannot listen on {address}: {source}; stop what uses the port, or give another, 0 for a free one"
    )]
    Bind {
        /// Where.
        address: SocketAddr,
        /// Why not.
        source: std::io::Error,
    },
    /// The address is another machine's.
    #[error("{0} is not on this machine: name the environment of targets.yaml that it belongs to")]
    Elsewhere(Url),
    /// No certificate is known for an address of this machine.
    #[error("{0} is not plain HTTP: on this machine, apps are reached by http://")]
    NotPlain(Url),
    /// The environment may only be looked at.
    #[error("{0:?} is read_only: faults are for environments whose policy is read_write, and never for production")]
    ReadOnly(String),
    /// The environment lacks the app.
    #[error("{environment:?} has no {app}")]
    NoApp {
        /// Its name.
        environment: String,
        /// The app.
        app: AppId,
    },
    /// Certificates cannot be checked.
    #[error(transparent)]
    Trust(#[from] TrustError),
}

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) upstream: Upstream,
    pub(super) address: SocketAddr,
    pub(super) url: Url,
    pub(super) record: Record,
    pub(super) stop: CancellationToken,
    rules: RwLock<Arc<Active>>,
}

impl Shared {
    pub(super) fn active(&self) -> Arc<Active> {
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn set(&self, rules: Rules) -> Arc<Active> {
        let active = Arc::new(Active::new(rules, clock::monotonic()));
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&active);
        active
    }
}

/// A proxy before an app. It ends when it is dropped.
#[derive(Debug)]
pub struct FaultProxy {
    shared: Arc<Shared>,
    tasks: TaskTracker,
}

impl FaultProxy {
    /// Stands before an app on this machine, on a free port.
    ///
    /// # Errors
    /// When `to` is not on this machine, or no port is free.
    pub async fn start(to: Url, rules: Rules) -> Result<Self, ProxyError> {
        Self::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Upstream::loopback(to)?, rules).await
    }

    /// Stands before an app, on this address; port 0 takes a free one.
    ///
    /// # Errors
    /// When the address is open to other machines, or its port is taken.
    pub async fn bind(listen: SocketAddr, upstream: Upstream, rules: Rules) -> Result<Self, ProxyError> {
        if !listen.ip().is_loopback() {
            return Err(ProxyError::Open(listen));
        }
        let failed = |source| ProxyError::Bind { address: listen, source };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let url = format!("http://{address}/").parse().expect("an address makes a URL");
        let rules = RwLock::new(Arc::new(Active::new(rules, clock::monotonic())));
        let (record, stop) = (Record::default(), CancellationToken::new());
        let shared = Arc::new(Shared { upstream, address, url, record, stop, rules });
        let tasks = TaskTracker::new();
        tasks.spawn(listen_on(listener, Arc::clone(&shared), tasks.clone()));
        Ok(Self { shared, tasks })
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> Url {
        self.shared.url.clone()
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.shared.address
    }

    /// What it stands before.
    #[must_use]
    pub fn upstream(&self) -> &Upstream {
        &self.shared.upstream
    }

    /// Puts these rules in the place of those in force, for as long as the guard lives; after it there are none. Counts
    /// and times begin anew. Requests under way end by the rules they began with; no connection is closed.
    pub fn set(&self, rules: Rules) -> RuleGuard {
        let active = self.shared.set(rules);
        RuleGuard { shared: Arc::clone(&self.shared), active }
    }

    /// Puts these rules in the place of those in force, until others come.
    pub fn replace(&self, rules: Rules) {
        self.shared.set(rules);
    }

    /// What was applied, oldest first: the newest 10,000.
    #[must_use]
    pub fn applied(&self) -> Vec<Applied> {
        self.shared.record.newest()
    }

    /// How often each rule was applied since the start, by its id.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<String, u64> {
        self.shared.record.counts()
    }

    /// What is applied from now on, as it happens.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<Applied> {
        self.shared.record.follow()
    }

    /// Ends it, with every connection.
    pub async fn stop(self) {
        self.shared.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        self.shared.stop.cancel();
    }
}

/// Removes the rules it was given for when it is dropped, unless others have taken their place.
#[derive(Debug)]
#[must_use = "the rules are in force only as long as this lives"]
pub struct RuleGuard {
    shared: Arc<Shared>,
    active: Arc<Active>,
}

impl Drop for RuleGuard {
    fn drop(&mut self) {
        let mut rules = self.shared.rules.write().unwrap_or_else(PoisonError::into_inner);
        if Arc::ptr_eq(&rules, &self.active) {
            *rules = Arc::new(Active::new(Rules::none(), clock::monotonic()));
        }
    }
}

/// How long it waits after the system refused a connection, as for want of file handles.
const BREATHE: std::time::Duration = std::time::Duration::from_millis(50);

async fn listen_on(listener: TcpListener, shared: Arc<Shared>, tasks: TaskTracker) {
    let stop = shared.stop.clone();
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, _)) => {
                tasks.spawn(connection::serve(Arc::clone(&shared), stream));
            }
            Err(error) => {
                tracing::warn!(%error, "the fault proxy could not take a connection");
                tokio::time::sleep(BREATHE).await;
            }
        }
    }
}
