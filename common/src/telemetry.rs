//! The vocabulary all apps share: what they report to the command center, and how it is checked, deduplicated and sampled.

mod dedup;
mod event;
mod sampling;
mod schema;
mod validate;

pub use dedup::{DEDUP_WINDOW_MS, DedupKey};
pub use event::{
    BanditMetrics, BreakerState, BusinessMetrics, Event, EventName, FinanceMetrics, Namespace, SCHEMA_VERSION,
    StripeMode,
};
pub use sampling::{SUCCESS_SAMPLE_RATE, is_reported, keeps, sample_rate};
pub use schema::json_schema;
pub use validate::{FieldError, parse, required_fields};
