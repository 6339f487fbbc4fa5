//! How a reference app is started: a value that serialises, so that a child process can be handed its own.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Ctx, Defect};
use crate::clock::Clock;
use crate::contract::Contract;
use crate::ids::AppId;

/// What a reference app is: its contract, its tables, its router.
pub struct AppDef {
    /// What it promises.
    pub contract: Contract,
    /// SQL that makes its tables, each run once, in order. Same text for SQLite and PostgreSQL.
    pub migrations: &'static [&'static str],
    /// Makes the routes, given the app's context. Workers are spawned here, on [`Ctx::tasks`].
    pub router: fn(Ctx) -> Router,
}

/// Where and how one reference app runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppConfig {
    /// Which app.
    pub app: AppId,
    /// Where it listens; port 0 picks a free one.
    pub bind: SocketAddr,
    /// Where its database lies.
    pub data_dir: PathBuf,
    /// `embedded`, `staging`, … as reported in telemetry.
    pub env: String,
    /// The release it claims to be.
    pub release: String,
    /// Base URLs of the other apps.
    pub upstreams: BTreeMap<AppId, Url>,
    /// Key for the command center's sink.
    pub telemetry_key: String,
    /// Key for administrative routes.
    pub admin_key: String,
    /// Flags that start turned on.
    pub flags_on: BTreeSet<String>,
    /// Deliberate defects; refused unless `env` is `embedded`.
    pub defects: BTreeSet<Defect>,
    /// Options of one app alone, as `llm_base_url`.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// The app's wall clock; the machine's unless a test sets another.
    #[serde(skip)]
    pub clock: Clock,
}

impl AppConfig {
    /// An embedded app on a free loopback port with its data below `data_dir`.
    #[must_use]
    pub fn embedded(app: AppId, data_dir: PathBuf) -> Self {
        Self {
            app,
            bind: SocketAddr::from(([127, 0, 0, 1], 0)),
            data_dir,
            env: "embedded".into(),
            release: format!("v{}", env!("CARGO_PKG_VERSION")),
            upstreams: BTreeMap::new(),
            telemetry_key: "embedded-telemetry-key".into(),
            admin_key: "embedded-admin-key".into(),
            flags_on: BTreeSet::new(),
            defects: BTreeSet::new(),
            options: BTreeMap::new(),
            clock: Clock::system(),
        }
    }

    /// Reaches `app` at this address, as through a proxy, and goes on knowing it by the name that it gives itself.
    pub fn reach(&mut self, app: AppId, through: Url) {
        let known = self.upstreams.insert(app, through);
        if let (AppId::A1, Some(known)) = (app, known) {
            self.options.entry("issuer".to_owned()).or_insert_with(|| known.as_str().trim_end_matches('/').to_owned());
        }
    }

    /// Checks what the types cannot.
    ///
    /// # Errors
    /// When defects are asked of a deployment that is not embedded, a flag is not one of the contract's, or an option
    /// holds a key that moves real money.
    pub fn check(&self, contract: &Contract) -> Result<(), ConfigError> {
        if self.env != "embedded" && !self.defects.is_empty() {
            return Err(ConfigError::DefectOutsideEmbedded(self.env.clone()));
        }
        if let Some(flag) = self.flags_on.iter().find(|name| contract.flags.iter().all(|flag| flag.name != **name)) {
            return Err(ConfigError::UnknownFlag { app: self.app, flag: flag.clone() });
        }
        let is_live = |value: &str| LIVE_KEYS.iter().any(|start| value.trim().starts_with(start));
        if let Some((option, _)) = self.options.iter().find(|(_, value)| is_live(value)) {
            return Err(ConfigError::LiveKey { app: self.app, option: option.clone() });
        }
        Ok(())
    }
}

/// How keys begin that a payment provider moves real money for.
const LIVE_KEYS: [&str; 2] = ["sk_live_", "rk_live_"];

/// A configuration that an app refuses to start with.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Defects are for the embedded ecosystem only.
    #[error("deliberate defects are only possible in the embedded ecosystem, not in {0:?}: remove `defects`")]
    DefectOutsideEmbedded(String),
    /// A key of live mode; it is not repeated here.
    #[error(
        "{app} takes no money that is real: the option {option:?} holds a live-mode key, give one of test mode (sk_test_…)"
    )]
    LiveKey {
        /// The app asked.
        app: AppId,
        /// Where the key stands.
        option: String,
    },
    /// The flag is not in the contract.
    #[error("{app} has no flag {flag:?}: `GET /flags` lists those it has")]
    UnknownFlag {
        /// The app asked.
        app: AppId,
        /// The name given.
        flag: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_live_mode_is_refused_under_any_name_and_not_repeated() {
        let contract = Contract::new(AppId::A5, "student", "");
        let mut config = AppConfig::embedded(AppId::A5, PathBuf::new());
        config.options.insert("stripe_secret_key".into(), "sk_test_1".into());
        assert!(config.check(&contract).is_ok());
        for key in ["sk_live_secret", " rk_live_secret"] {
            config.options.insert("stripe_secret_key".into(), key.into());
            let error = config.check(&contract).unwrap_err().to_string();
            assert!(error.contains("stripe_secret_key") && !error.contains(key), "{error}");
        }
    }
}
