//! What a check can reach: the guarded client, the keys by name, and the command center as its second source.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::CheckError;
use crate::client::{Client, ClientError};
use crate::clock;
use crate::guard::Guard;
use crate::ids::{AppId, TraceId};
use crate::settings::{Secret, SettingError, Settings};
use crate::target::Environment;
use crate::telemetry::EventName;

/// Events reach the command center within this time, or they are late.
pub const ARRIVAL_LIMIT: Duration = Duration::from_secs(60);
/// How often a check looks again.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Why a context cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// The client cannot be built.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A key cannot be read.
    #[error(transparent)]
    Setting(#[from] SettingError),
}

/// What a check can reach.
#[derive(Debug, Clone)]
pub struct CheckContext {
    /// The guarded client.
    pub client: Client,
    /// Key of A8's sink, where the environment names one.
    pub telemetry_key: Option<Secret>,
    /// Key of administrative routes, where the environment names one.
    pub admin_key: Option<Secret>,
    /// How long to wait for effects to show, at most.
    pub patience: Duration,
}

impl CheckContext {
    /// A context with the full patience of the arrival limit.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client, telemetry_key: None, admin_key: None, patience: ARRIVAL_LIMIT }
    }

    /// A context for an environment, with the keys that it names.
    ///
    /// # Errors
    /// When the client cannot be built or a named key is not text.
    pub fn of(environment: Environment, settings: &Settings) -> Result<Self, ContextError> {
        let key = |name: Option<&str>| name.map_or(Ok(None), |name| settings.secret(name));
        let names = environment.secrets().clone();
        let telemetry_key = key(names.telemetry_key_env.as_deref())?;
        let admin_key = key(names.admin_key_env.as_deref())?;
        let client = Client::new(Arc::new(Guard::new(environment)))?;
        Ok(Self { telemetry_key, admin_key, ..Self::new(client) })
    }

    /// True if the target has this app.
    #[must_use]
    pub fn has(&self, app: AppId) -> bool {
        self.client.guard().environment().base(app).is_some()
    }

    /// Skips the check, by name, if the target lacks this app.
    ///
    /// # Errors
    /// [`CheckError::Skip`] when it does.
    pub fn want(&self, app: AppId) -> Result<(), CheckError> {
        if self.has(app) {
            Ok(())
        } else {
            Err(CheckError::Skip(format!("the target has no {app}: add it to targets.yaml to check this")))
        }
    }

    /// Asks again and again until `look` gives something or the patience ends.
    ///
    /// # Errors
    /// What `look` fails with.
    pub async fn eventually<T, F, L>(&self, mut look: L) -> Result<Option<T>, ClientError>
    where
        L: FnMut() -> F,
        F: Future<Output = Result<Option<T>, ClientError>>,
    {
        let started = clock::monotonic();
        let mut tick = tokio::time::interval(LOOK_EVERY);
        loop {
            tick.tick().await;
            if let Some(found) = look().await? {
                return Ok(Some(found));
            }
            if started.elapsed() >= self.patience {
                return Ok(None);
            }
        }
    }

    /// Waits until A8's lineage of this trace holds an event of this name, and gives the event.
    ///
    /// # Errors
    /// [`CheckError::Skip`] when the target has no A8; a client error when A8 does not answer.
    pub async fn event_in_a8(&self, trace: TraceId, name: EventName) -> Result<Option<Value>, CheckError> {
        self.want(AppId::A8)?;
        let path = format!("/api/lineage/{trace}");
        let found = self
            .eventually(|| async {
                let reply = self.client.get(AppId::A8, &path).send().await?;
                Ok(reply.json().ok().and_then(|lineage| {
                    let events = lineage.get("events")?.as_array()?.clone();
                    let of_name =
                        |seen: &Value| seen.pointer("/event/event").and_then(Value::as_str) == Some(name.as_str());
                    events.into_iter().find(of_name).map(|seen| seen["event"].clone())
                }))
            })
            .await?;
        Ok(found)
    }
}
