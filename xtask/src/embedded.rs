//! The reference apps as child processes: this binary starts itself again, once per app.
//!
//! Parent and child speak lines of JSON over the child's standard input and output: the parent sends the configuration,
//! the child answers with the address it bound, the parent sends everybody's addresses, the child answers that it serves.
//! The child lives as long as its standard input stays open, so no child outlives its parent, however that ends.

mod child;
mod crash;
mod proxies;
mod wiring;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use common::fault::{Edge, Proxies, ProxyError};
use common::ids::AppId;
use common::service::{AppConfig, Defect};
use common::settings::{Secret, SettingError, Settings};
use common::target::Environment;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::oneshot;
use url::Url;

pub(crate) use child::run as run_child;
use wiring::Wiring;

/// How long an app may take to start.
const START_WITHIN: Duration = Duration::from_secs(20);
/// How long an app may take to end before it is killed.
const END_WITHIN: Duration = Duration::from_secs(6);

/// What a child tells.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Told {
    Bound(SocketAddr),
    Serving,
    Failed(String),
}

/// Why the embedded ecosystem did not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EmbeddedError {
    /// The child could not be started or spoken to.
    #[error("{app} could not be started as a process: {source}")]
    Process { app: AppId, source: std::io::Error },
    /// A fault proxy did not start.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// A variable of the environment does not fit.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The child gave a reason.
    #[error("{0}")]
    Refused(String),
    /// The child ended or said nothing in time.
    #[error("{app} did not start within {} s: see {}", START_WITHIN.as_secs(), log.display())]
    Silent { app: AppId, log: PathBuf },
}

/// What is asked of the embedded ecosystem.
#[derive(Debug, Clone)]
pub(crate) struct EmbeddedPlan {
    pub(crate) apps: Vec<AppId>,
    pub(crate) base_port: u16,
    pub(crate) data: PathBuf,
    pub(crate) defects: Vec<(AppId, Defect)>,
    /// Where fault proxies stand; they pass everything until they are given rules.
    pub(crate) proxies: Vec<Edge>,
    /// Options of single apps, `breaker_open_ms`.
    pub(crate) options: Vec<(AppId, String, String)>,
    /// Gives each app that people use a host of its own, `a5.localhost`, for browsers alone to find.
    pub(crate) hosts_apart: bool,
}

impl EmbeddedPlan {
    /// Apps on free ports that nobody else knows of, healthy and without proxies.
    pub(crate) fn private(apps: Vec<AppId>, data: PathBuf) -> Self {
        Self {
            apps,
            base_port: 0,
            data,
            defects: Vec::new(),
            proxies: Vec::new(),
            options: Vec::new(),
            hosts_apart: false,
        }
    }
}

/// An app that is gone, and how it went.
#[derive(Debug, Clone)]
pub(crate) struct Death {
    pub(crate) app: AppId,
    pub(crate) how: String,
}

/// The running children.
pub(crate) struct Embedded {
    children: Vec<AppChild>,
    proxies: Proxies,
    deaths: Arc<Mutex<Vec<Death>>>,
    pub(crate) environment: Environment,
    pub(crate) bases: BTreeMap<AppId, Url>,
    /// Where browsers find them.
    pub(crate) public: BTreeMap<AppId, Url>,
    pub(crate) telemetry_key: Secret,
    pub(crate) admin_key: Secret,
    logs: PathBuf,
}

struct AppChild {
    app: AppId,
    /// How it was started, its port included, so that it can be started again.
    config: AppConfig,
    wiring: Wiring,
    stdin: Option<ChildStdin>,
    gone: oneshot::Receiver<()>,
    kill: Option<oneshot::Sender<()>>,
}

/// A child that has bound its port and waits for the others' addresses.
struct Waiting {
    app: AppId,
    config: AppConfig,
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
    log: PathBuf,
}

impl Embedded {
    /// Starts the apps and waits until all of them serve.
    pub(crate) async fn start(plan: &EmbeddedPlan) -> Result<Self, EmbeddedError> {
        let mut waiting = Vec::new();
        for app in &plan.apps {
            let mut config = AppConfig::embedded(*app, plan.data.join(app.lower()));
            let port = if plan.base_port == 0 { 0 } else { plan.base_port + app.number() };
            config.bind = SocketAddr::from(([127, 0, 0, 1], port));
            config.defects = plan.defects.iter().filter(|(of, _)| of == app).map(|(_, defect)| *defect).collect();
            waiting.push(Waiting::spawn(config, &plan.data).await?);
        }
        let mut bases: BTreeMap<AppId, Url> = waiting
            .iter()
            .filter_map(|one| Some((one.app, format!("http://{}/", one.address).parse().ok()?)))
            .collect();
        let proxies = Proxies::start(&plan.proxies, &mut bases).await?;
        let ports = bases.iter().map(|(app, base)| (*app, base.port().unwrap_or(0))).collect();
        let deaths = Arc::new(Mutex::new(Vec::new()));
        let mut children = Vec::new();
        let settings = Settings::process();
        for one in waiting {
            let mut options = wiring::third_parties(&settings, one.app)?;
            if plan.hosts_apart {
                options.extend(wiring::hosts_apart(one.app, &bases));
            }
            let own = plan.options.iter().filter(|(app, ..)| *app == one.app);
            options.extend(own.map(|(_, name, value)| (name.clone(), value.clone())));
            let mut wiring = Wiring { upstreams: bases.clone(), options };
            proxies::reroute(&proxies, one.app, &mut wiring);
            children.push(one.go(wiring, &deaths).await?);
        }
        let found = |(app, base): (&AppId, &Url)| {
            (*app, if plan.hosts_apart { wiring::host_of_its_own(*app, base) } else { base.clone() })
        };
        let public = bases.iter().map(found).collect();
        let keys = AppConfig::embedded(AppId::A8, PathBuf::new());
        Ok(Self {
            children,
            proxies,
            deaths,
            environment: Environment::embedded(ports),
            bases,
            public,
            telemetry_key: Secret::new(keys.telemetry_key),
            admin_key: Secret::new(keys.admin_key),
            logs: plan.data.clone(),
        })
    }

    /// Apps that ended on their own since the start.
    pub(crate) fn deaths(&self) -> Vec<Death> {
        self.deaths.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends all apps: each gets time to end by itself, then is killed.
    pub(crate) async fn stop(mut self) {
        for child in &mut self.children {
            drop(child.stdin.take());
        }
        for mut child in self.children {
            if tokio::time::timeout(END_WITHIN, &mut child.gone).await.is_err() {
                tracing::warn!(app = %child.app, "did not end by itself and is killed");
                drop(child.kill.take());
                drop(child.gone.await);
            }
        }
        self.proxies.stop().await;
    }
}

impl Waiting {
    async fn spawn(config: AppConfig, logs: &Path) -> Result<Self, EmbeddedError> {
        let app = config.app;
        let failed = |source| EmbeddedError::Process { app, source };
        std::fs::create_dir_all(logs).map_err(failed)?;
        let log = logs.join(format!("{}.log", app.lower()));
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).map_err(failed)?;
        let program = crate::program::path().map_err(failed)?;
        let mut child = Command::new(program)
            .arg("app-process")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(EmbeddedError::Silent { app, log });
        };
        send(&mut stdin, &config).await.map_err(failed)?;
        let mut lines = BufReader::new(stdout).lines();
        match hear(app, &mut lines, &log).await? {
            Told::Bound(bind) => {
                let config = AppConfig { bind, ..config };
                Ok(Self { app, config, child, stdin, lines, address: bind, log })
            }
            Told::Failed(reason) => Err(EmbeddedError::Refused(reason)),
            Told::Serving => Err(EmbeddedError::Silent { app, log }),
        }
    }

    async fn go(mut self, wiring: Wiring, deaths: &Arc<Mutex<Vec<Death>>>) -> Result<AppChild, EmbeddedError> {
        let app = self.app;
        send(&mut self.stdin, &wiring).await.map_err(|source| EmbeddedError::Process { app, source })?;
        match hear(app, &mut self.lines, &self.log).await? {
            Told::Serving => {}
            Told::Failed(reason) => return Err(EmbeddedError::Refused(reason)),
            Told::Bound(_) => return Err(EmbeddedError::Silent { app, log: self.log }),
        }
        let (gone_in, gone) = oneshot::channel();
        let (kill, killed) = oneshot::channel::<()>();
        let (mut child, deaths) = (self.child, Arc::clone(deaths));
        tokio::spawn(async move {
            let status = tokio::select! {
                status = child.wait() => Some(status),
                _ = killed => None,
            };
            if let Some(Ok(status)) = status {
                if !status.success() {
                    let death = Death { app, how: status.to_string() };
                    deaths.lock().unwrap_or_else(PoisonError::into_inner).push(death);
                }
            } else {
                drop(child.kill().await);
            }
            let _ = gone_in.send(());
        });
        Ok(AppChild { app, config: self.config, wiring, stdin: Some(self.stdin), gone, kill: Some(kill) })
    }
}

async fn send(stdin: &mut ChildStdin, message: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    stdin.write_all(&line).await?;
    stdin.flush().await
}

async fn hear(app: AppId, lines: &mut Lines<BufReader<ChildStdout>>, log: &Path) -> Result<Told, EmbeddedError> {
    let silent = || EmbeddedError::Silent { app, log: log.to_owned() };
    let line = tokio::time::timeout(START_WITHIN, lines.next_line()).await.map_err(|_| silent())?;
    let line = line.ok().flatten().ok_or_else(silent)?;
    serde_json::from_str(&line).map_err(|_| silent())
}
