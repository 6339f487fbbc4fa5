//! Where the harness may go: the environments of `targets.yaml`, each with its base URLs, policy, limits and labels.

mod error;
mod read;
pub(crate) mod tree;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::ids::{AppId, SYNTHETIC_TENANT};

pub use error::{ConfigError, ConfigErrors, TargetError};

/// Virtual users that no person has to approve; no target file can raise it.
pub const VUS_WITHOUT_APPROVAL: u32 = 60;

/// Where the file is, from the root of the workspace.
pub const TARGETS_FILE: &str = "tests/perf/config/targets.yaml";

/// All environments of a target file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Targets {
    environments: BTreeMap<String, Environment>,
}

impl Targets {
    /// Reads a target file.
    ///
    /// # Errors
    /// When the file cannot be read, or with every mistake in it at once.
    pub fn load(path: &Path) -> Result<Self, TargetError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| TargetError::Unreadable { path: path.to_owned(), source })?;
        let name = path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
        Ok(Self::parse(&name, &text)?)
    }

    /// Reads the text of a target file; `file` is the name that error messages show.
    ///
    /// # Errors
    /// Every mistake in the text at once, by line.
    pub fn parse(file: &str, text: &str) -> Result<Self, ConfigErrors> {
        read::targets(file, text).map(|environments| Self { environments })
    }

    /// Finds an environment.
    ///
    /// # Errors
    /// When there is none of that name; the message lists those there are.
    pub fn get(&self, name: &str) -> Result<&Environment, TargetError> {
        self.environments.get(name).ok_or_else(|| TargetError::Unknown {
            name: name.to_owned(),
            known: self.environments.keys().cloned().collect::<Vec<_>>().join(", "),
        })
    }

    /// All environments, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Environment> {
        self.environments.values()
    }
}

/// Which protocol loads speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum HttpVersion {
    /// HTTP/1.1, one request at a time on each connection.
    #[default]
    Http1,
    /// HTTP/2, by ALPN over TLS and with prior knowledge over plain TCP; one connection for each user.
    Http2,
}

/// One deployment of the apps and what may be done to it. Comes only from a checked target file, or is on this machine.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Environment {
    name: String,
    policy: Policy,
    apps: BTreeMap<AppId, Url>,
    limits: Limits,
    labels: Labels,
    secrets: SecretNames,
    tls: Tls,
    http: HttpVersion,
}

impl Environment {
    /// The reference apps on this machine, at these ports; apps left out are not part of the environment.
    #[must_use]
    pub fn embedded(ports: BTreeMap<AppId, u16>) -> Self {
        Self {
            name: "embedded".to_owned(),
            policy: Policy::ReadWrite,
            apps: ports.into_iter().map(|(app, port)| (app, loopback(port))).collect(),
            limits: Limits { max_vus: 200, max_rate_per_s: 2_000.0, vus_without_approval: VUS_WITHOUT_APPROVAL },
            labels: Labels::default(),
            secrets: SecretNames {
                telemetry_key_env: Some("HANDSHAKE_TELEMETRY_KEY".to_owned()),
                admin_key_env: Some("HANDSHAKE_ADMIN_KEY".to_owned()),
            },
            tls: Tls::default(),
            http: HttpVersion::default(),
        }
    }

    /// One server on this machine that was started to be loaded, in the place of `app`. Nobody else uses it, so all that
    /// `limits` allow needs no approval.
    #[must_use]
    pub fn own_server(app: AppId, port: u16, limits: Limits) -> Self {
        Self {
            name: "own_server".to_owned(),
            limits: Limits { vus_without_approval: limits.max_vus, ..limits },
            ..Self::embedded(BTreeMap::from([(app, port)]))
        }
    }

    /// The same environment, reaching `app` through a proxy at `port` of this machine.
    ///
    /// The policy stays as it is, so a proxy before a read-only environment gets no mutation either.
    #[must_use]
    pub fn through_proxy(mut self, app: AppId, port: u16) -> Self {
        self.apps.insert(app, loopback(port));
        self
    }

    /// The same environment with smaller limits: each is the lower one of the two.
    #[must_use]
    pub fn limited(mut self, limits: Limits) -> Self {
        self.limits = Limits {
            max_vus: self.limits.max_vus.min(limits.max_vus),
            max_rate_per_s: self.limits.max_rate_per_s.min(limits.max_rate_per_s),
            vus_without_approval: self.limits.vus_without_approval.min(limits.vus_without_approval),
        };
        self
    }

    /// The same environment, spoken to in this protocol by loads.
    #[must_use]
    pub fn speaking(mut self, http: HttpVersion) -> Self {
        self.http = http;
        self
    }

    /// The same environment, only to be looked at.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.policy = Policy::ReadOnly;
        self
    }

    /// The same environment with traffic marked by other labels, as `simulated_audit`.
    #[must_use]
    pub fn labelled(mut self, labels: Labels) -> Self {
        self.labels = labels;
        self
    }

    /// `embedded`, `staging`, …
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether requests may change something.
    #[must_use]
    pub fn policy(&self) -> Policy {
        self.policy
    }

    /// Base URLs. A path in one ends in a slash.
    #[must_use]
    pub fn apps(&self) -> &BTreeMap<AppId, Url> {
        &self.apps
    }

    /// The base URL of an app, if the environment has it.
    #[must_use]
    pub fn base(&self, app: AppId) -> Option<&Url> {
        self.apps.get(&app)
    }

    /// How much load is allowed.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// What marks the traffic as synthetic.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.labels
    }

    /// Names of the environment variables that hold keys.
    #[must_use]
    pub fn secrets(&self) -> &SecretNames {
        &self.secrets
    }

    /// How to trust the hosts.
    #[must_use]
    pub fn tls(&self) -> &Tls {
        &self.tls
    }

    /// The protocol that loads speak.
    #[must_use]
    pub fn http(&self) -> HttpVersion {
        self.http
    }

    /// True if all apps run on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.apps.values().all(is_loopback)
    }
}

fn loopback(port: u16) -> Url {
    Url::parse(&format!("http://127.0.0.1:{port}/")).expect("an address and a port are a URL")
}

/// True if the URL's host is this machine: `localhost`, 127.0.0.0/8 or `::1`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Whether requests may change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Policy {
    /// Mutations are allowed.
    ReadWrite,
    /// Only GET, HEAD and OPTIONS leave.
    ReadOnly,
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::ReadWrite => "read_write",
            Self::ReadOnly => "read_only",
        })
    }
}

/// How much load an environment takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Hard cap of virtual users, 1 or more.
    pub max_vus: u32,
    /// Hard cap of requests or iterations a second, above 0.
    pub max_rate_per_s: f64,
    /// Above this many virtual users a person has to approve; 1 to [`VUS_WITHOUT_APPROVAL`].
    pub vus_without_approval: u32,
}

/// What marks traffic as synthetic; stamped on every request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Labels {
    /// `perf_test` or `simulated_audit`, in `X-Namespace`.
    pub namespace: String,
    /// `qa`, in `X-Source`.
    pub source: String,
    /// For whom the requests act, in `X-Tenant-Id`.
    pub tenant: String,
}

impl Default for Labels {
    fn default() -> Self {
        Self { namespace: "perf_test".to_owned(), source: "qa".to_owned(), tenant: SYNTHETIC_TENANT.to_owned() }
    }
}

impl Labels {
    /// Headers that mark a request: test run, source, namespace and tenant.
    #[must_use]
    pub fn headers(&self) -> [(&'static str, &str); 4] {
        use crate::contract::header;
        [
            (header::TEST_RUN, "true"),
            (header::SOURCE, &self.source),
            (header::NAMESPACE, &self.namespace),
            (header::TENANT_ID, &self.tenant),
        ]
    }
}

/// Names of environment variables; the values are read through `settings` when they are needed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretNames {
    /// Holds the key of the command center's telemetry sink.
    pub telemetry_key_env: Option<String>,
    /// Holds the key of administrative routes.
    pub admin_key_env: Option<String>,
}

/// How to trust the hosts of an environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tls {
    /// PEM file of an extra root certificate, from the folder the harness runs in.
    pub ca_file: Option<PathBuf>,
}

#[cfg(test)]
mod tests;
