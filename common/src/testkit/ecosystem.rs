//! Several reference apps that know each other, behind one guard; or a deployed target in their place.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use url::Url;

use crate::check::{Check, CheckContext, CheckReport};
use crate::client::Client;
use crate::fault::{Edge, FaultProxy, Proxies, Rules};
use crate::guard::Guard;
use crate::ids::AppId;
use crate::service::{AppConfig, AppDef, Bound, Defect, Running};
use crate::settings::{Secret, Settings};
use crate::suite::{Fault, FaultKind, Suite};
use crate::target::{Environment, Targets};

/// Reference apps that run in this process.
pub struct Ecosystem {
    running: Vec<Running>,
    proxies: Proxies,
    environment: Environment,
    client: Client,
    telemetry_key: Secret,
    admin_key: Secret,
    /// Where the data lie; gone when this is dropped.
    pub data: TempDir,
}

impl Ecosystem {
    /// Starts these apps on free ports, wired with each other.
    ///
    /// # Panics
    /// When one does not start; the message says why.
    pub async fn start(apps: Vec<AppDef>) -> Self {
        Self::start_with(apps, |_| {}).await
    }

    /// Starts these apps, each configuration changed by `tweak` before.
    ///
    /// # Panics
    /// When one does not start; the message says why.
    pub async fn start_with(apps: Vec<AppDef>, tweak: impl Fn(&mut AppConfig)) -> Self {
        Self::start_behind(apps, &[], tweak).await
    }

    /// Starts these apps with proxies between them, which pass everything until they are given rules.
    ///
    /// # Panics
    /// When an app or a proxy does not start; the message says why.
    pub async fn start_behind(apps: Vec<AppDef>, edges: &[Edge], tweak: impl Fn(&mut AppConfig)) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder can be made");
        let mut bound = Vec::new();
        let mut upstreams = BTreeMap::new();
        for def in apps {
            let config = AppConfig::embedded(def.contract.app, data.path().join(def.contract.app.lower()));
            let port = Bound::new(config.app, config.bind).await.unwrap_or_else(|error| panic!("{error}"));
            let base: Url = format!("http://{}/", port.address).parse().expect("an address makes a URL");
            upstreams.insert(config.app, base);
            bound.push((port, def, config));
        }
        let proxies = Proxies::start(edges, &mut upstreams).await.unwrap_or_else(|error| panic!("{error}"));
        let ports = upstreams.iter().map(|(app, url)| (*app, url.port().unwrap_or(0))).collect();
        let mut running = Vec::new();
        let mut keys = (String::new(), String::new());
        for (port, def, mut config) in bound {
            config.upstreams.clone_from(&upstreams);
            for (at, through) in proxies.of(config.app) {
                config.reach(at, through);
            }
            tweak(&mut config);
            keys = (config.telemetry_key.clone(), config.admin_key.clone());
            running.push(port.serve(def, config).await.unwrap_or_else(|error| panic!("{error}")));
        }
        let environment = Environment::embedded(ports);
        let client = Client::new(Arc::new(Guard::new(environment.clone()))).unwrap_or_else(|error| panic!("{error}"));
        let (telemetry_key, admin_key) = (Secret::new(keys.0), Secret::new(keys.1));
        Self { running, proxies, environment, client, telemetry_key, admin_key, data }
    }

    /// The proxy at this place.
    ///
    /// # Panics
    /// When none was asked for there.
    #[must_use]
    pub fn proxy(&self, edge: Edge) -> &FaultProxy {
        self.proxies.get(edge).unwrap_or_else(|| panic!("no proxy was asked for at {edge:?}"))
    }

    /// Starts these apps with one defect in the app it belongs to.
    ///
    /// # Panics
    /// When one does not start; the message says why.
    pub async fn start_broken(apps: Vec<AppDef>, app: AppId, defect: Defect) -> Self {
        Self::start_with(apps, |config| {
            if config.app == app {
                config.defects.insert(defect);
            }
        })
        .await
    }

    /// The client that may reach these apps and nothing else.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The environment that these apps are.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The guard in front of them.
    #[must_use]
    pub fn guard(&self) -> Guard {
        Guard::new(self.environment.clone())
    }

    /// The running app.
    ///
    /// # Panics
    /// When it was not started.
    #[must_use]
    pub fn app(&self, app: AppId) -> &Running {
        self.running.iter().find(|running| running.app == app).expect("the app was started")
    }

    /// What a check gets.
    #[must_use]
    pub fn context(&self) -> CheckContext {
        let mut context = CheckContext::new(self.client.clone());
        context.telemetry_key = Some(self.telemetry_key.clone());
        context.admin_key = Some(self.admin_key.clone());
        context.patience = std::time::Duration::from_secs(15);
        context
    }

    /// Carries out a check.
    pub async fn check(&self, check: &Check) -> CheckReport {
        check.run(self.context()).await
    }

    /// Takes one app out of those that [`Ecosystem::stop`] ends. It runs on until its [`Running::stop`].
    ///
    /// # Panics
    /// When it was not started.
    pub fn forget(&mut self, app: AppId) -> Running {
        let at = self.running.iter().position(|running| running.app == app).expect("the app was started");
        self.running.remove(at)
    }

    /// Ends all apps and raises again what panicked in them.
    pub async fn stop(self) {
        for running in self.running {
            running.stop().await;
        }
        self.proxies.stop().await;
    }
}

/// What a suite is tried on: the embedded apps, or the deployment that `HANDSHAKE_TARGET` names.
pub enum Subject {
    /// In this process.
    Embedded(Box<Ecosystem>),
    /// Somewhere else.
    Deployed(Box<CheckContext>),
}

impl Subject {
    /// The deployment that `HANDSHAKE_TARGET` names, else `apps` in this process.
    ///
    /// # Panics
    /// When the target is unknown, the target file has errors, or an app does not start.
    pub async fn of(apps: Vec<AppDef>) -> Self {
        let settings = Settings::process();
        let name = settings.target().unwrap_or_else(|error| panic!("{error}"));
        let Some(name) = name.filter(|name| name != "embedded") else {
            return Self::Embedded(Box::new(Ecosystem::start(apps).await));
        };
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/perf/config/targets.yaml");
        let targets = Targets::load(&file).unwrap_or_else(|error| panic!("{error}"));
        let environment = targets.get(&name).unwrap_or_else(|error| panic!("{error}")).clone();
        let context = CheckContext::of(environment, &settings).unwrap_or_else(|error| panic!("{error}"));
        Self::Deployed(Box::new(context))
    }

    /// What a check gets.
    #[must_use]
    pub fn context(&self) -> CheckContext {
        match self {
            Self::Embedded(ecosystem) => ecosystem.context(),
            Self::Deployed(context) => (**context).clone(),
        }
    }

    /// Carries out every check of the suite and panics with all that does not hold.
    ///
    /// # Panics
    /// When a check does not hold; the message lists every broken assertion. Skipped checks are named on standard error
    /// by the caller's test runner.
    pub async fn assert_suite_holds(&self, suite: &Suite) {
        let mut broken = Vec::new();
        for check in &suite.checks {
            let report = check.run(self.context()).await;
            if !report.holds() && report.skipped.is_none() {
                broken.extend(report.broken_lines().iter().map(|line| format!("{}: {line}", report.id)));
                if report.findings.is_empty() {
                    broken.push(format!("{}: asserted nothing", report.id));
                }
            }
        }
        assert!(broken.is_empty(), "{} broken assertions:\n{}", broken.len(), broken.join("\n"));
    }

    /// Ends what was started.
    pub async fn stop(self) {
        if let Self::Embedded(ecosystem) = self {
            ecosystem.stop().await;
        }
    }
}

/// Starts `apps` with the fault and tells what its check finds: it should not hold.
///
/// # Panics
/// When the suite has no such check, an app does not start, or the rules of a fault on the wire disturbed nothing, so that
/// the fault was never made.
pub async fn try_fault(suite: &Suite, fault: &Fault, apps: Vec<AppDef>) -> CheckReport {
    let check = suite.check(&fault.caught_by).unwrap_or_else(|| panic!("{}: no check {}", fault.id, fault.caught_by));
    let (ecosystem, edge) = match &fault.kind {
        FaultKind::Defect(defect) => (Ecosystem::start_broken(apps, fault.blames, *defect).await, None),
        FaultKind::Wire { at, from, rules } => {
            let edge = Edge { at: *at, from: *from };
            let ecosystem = Ecosystem::start_behind(apps, &[edge], |_| {}).await;
            let rules = Rules::of(rules.clone()).unwrap_or_else(|errors| panic!("{}: {errors}", fault.id));
            ecosystem.proxy(edge).replace(rules);
            (ecosystem, Some(edge))
        }
    };
    let mut context = ecosystem.context();
    context.patience = std::time::Duration::from_secs(3);
    let report = check.run(context).await;
    if let Some(edge) = edge {
        let met = !ecosystem.proxy(edge).counts().is_empty();
        assert!(met, "{}: its rules disturbed nothing while {} ran", fault.id, fault.caught_by);
    }
    ecosystem.stop().await;
    report
}

/// Tries every fault of a suite and gives what does not fit, a line each: a check that does not hold on healthy apps, and a
/// fault that its check does not catch. Nothing is the good answer.
///
/// # Panics
/// When the suite has no faults, lacks a check that a fault names, or an app does not start.
pub async fn missed_faults(suite: &Suite, apps: fn() -> Vec<AppDef>) -> Vec<String> {
    assert!(!suite.faults.is_empty(), "{} has no faults, so nothing is shown", suite.app());
    let mut missed = Vec::new();
    let healthy = Ecosystem::start(apps()).await;
    for id in suite.faults.iter().map(|fault| &fault.caught_by).collect::<BTreeSet<_>>() {
        let check = suite.check(id).unwrap_or_else(|| panic!("{}: no check {id}", suite.app()));
        let report = healthy.check(check).await;
        if !report.holds() {
            missed.push(format!("{id} does not hold without a fault: {:?}", report.broken_lines()));
        }
    }
    healthy.stop().await;
    for fault in &suite.faults {
        let report = try_fault(suite, fault, apps()).await;
        if report.broken_lines().is_empty() {
            missed.push(format!("{} ({}) was not caught by {}", fault.id, fault.breaks, fault.caught_by));
        }
    }
    missed
}
