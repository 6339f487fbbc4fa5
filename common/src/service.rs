//! The kit that reference apps are built from: the shared protocol, storage, telemetry and flags, so that an app
//! is its handlers and nothing else.

mod config;
mod context;
mod db;
mod defect;
mod extract;
mod flags;
mod health;
mod idempotency;
mod outbox;
mod problem;
mod protocol;
mod request;
mod route_stats;
mod serve;
mod tasks;
mod upstream;

pub use config::{AppConfig, AppDef, ConfigError};
pub use context::Ctx;
pub use db::{Db, DbError, Row, Tx, Value};
pub use defect::Defect;
pub use extract::{Form, Json, Path, Query};
pub use flags::Flags;
pub use health::{ReadyCheck, ReadyReport, want_admin};
pub use idempotency::Unit;
pub use outbox::{Emit, Telemetry};
pub use problem::Problem;
pub use protocol::{OwnErrorForm, Unreported};
pub use request::{Carried, RequestContext};
pub use serve::{Bound, Running, StartError, with_protocol};
pub use tasks::Tasks;
pub(crate) use upstream::install_tls;
pub use upstream::{Upstream, UpstreamError};
