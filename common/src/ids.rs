//! Identifiers: apps, traces, spans, runs, tenants, idempotency keys.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// One of the eight apps of the ecosystem.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum AppId {
    /// OIDC provider and service tokens.
    A1,
    /// Event ingest and lineage.
    A2,
    /// The scholarship agent.
    A3,
    /// Chat completions.
    A4,
    /// The student's web app.
    A5,
    /// Providers, listings, billing.
    A6,
    /// Public pages and leads.
    A7,
    /// Telemetry sink and command center.
    A8,
}

impl AppId {
    /// All apps, in order.
    pub const ALL: [Self; 8] = [Self::A1, Self::A2, Self::A3, Self::A4, Self::A5, Self::A6, Self::A7, Self::A8];

    /// `1` to `8`.
    #[must_use]
    pub fn number(self) -> u16 {
        self as u16 + 1
    }

    /// The upper-case name, `A6`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ["A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8"][self as usize]
    }

    /// The lower-case name used in flags, file names and host names, `a6`.
    #[must_use]
    pub fn lower(self) -> &'static str {
        ["a1", "a2", "a3", "a4", "a5", "a6", "a7", "a8"][self as usize]
    }

    /// What the app is, in one word: `provider`.
    #[must_use]
    pub fn title(self) -> &'static str {
        ["auth", "ingest", "orchestration", "chat", "student", "provider", "pagemaker", "command"][self as usize]
    }

    /// The port of the embedded ecosystem, 7101 to 7108.
    #[must_use]
    pub fn default_port(self) -> u16 {
        7100 + self.number()
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AppId {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        let wanted = s.split('-').next().unwrap_or(s);
        Self::ALL.into_iter().find(|app| app.lower().eq_ignore_ascii_case(wanted)).ok_or_else(|| IdError {
            what: "app",
            given: s.to_owned(),
            form: "a1 to a8",
        })
    }
}

/// A text that is not an identifier of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is not {what}: expected {form}")]
pub struct IdError {
    what: &'static str,
    given: String,
    form: &'static str,
}

/// A W3C trace id: 16 bytes, shown as 32 lower-case hex digits, never all zero.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(u128);

impl TraceId {
    /// Wraps a non-zero 128-bit value; zero becomes one, as zero is invalid in W3C trace context.
    #[must_use]
    pub fn from_u128(value: u128) -> Self {
        Self(value.max(1))
    }

    /// Draws a fresh random id.
    #[must_use]
    pub fn fresh() -> Self {
        Self::from_u128(uuid::Uuid::new_v4().as_u128())
    }

    /// The value as an integer.
    #[must_use]
    pub fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TraceId {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        let error =
            || IdError { what: "a trace id", given: s.to_owned(), form: "32 lower-case hex digits, not all zero" };
        if s.len() != 32 || !s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(error());
        }
        let value = u128::from_str_radix(s, 16).map_err(|_| error())?;
        if value == 0 { Err(error()) } else { Ok(Self(value)) }
    }
}

impl Serialize for TraceId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TraceId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for TraceId {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TraceId".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "W3C trace id: 32 lower-case hex digits, not all zero",
            "pattern": "^(?!0{32})[0-9a-f]{32}$"
        })
    }
}

/// A W3C `traceparent` of version 00, with the sampled flag set when sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace.
    pub trace: TraceId,
    /// The span of the caller.
    pub span: u64,
}

impl TraceParent {
    /// Starts a new trace with a random span.
    #[must_use]
    pub fn fresh() -> Self {
        Self::of(TraceId::fresh())
    }

    /// A new random span within `trace`.
    #[must_use]
    pub fn of(trace: TraceId) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "any 64 random bits do")]
        let span = (uuid::Uuid::new_v4().as_u128() as u64).max(1);
        Self { trace, span }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{}-{:016x}-01", self.trace, self.span)
    }
}

impl FromStr for TraceParent {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        let error = || IdError { what: "a traceparent", given: s.to_owned(), form: "00-<32 hex>-<16 hex>-<2 hex>" };
        let mut parts = s.split('-');
        let (Some("00"), Some(trace), Some(span), Some(flags), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(error());
        };
        if span.len() != 16 || flags.len() != 2 {
            return Err(error());
        }
        let span = u64::from_str_radix(span, 16).map_err(|_| error())?;
        if span == 0 {
            return Err(error());
        }
        Ok(Self { trace: trace.parse().map_err(|_| error())?, span })
    }
}

/// Identifies one run of the harness; sorts by start time. Form: `20261121t101500-1a2b3c4d`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(String);

impl RunId {
    /// Makes the id of a run that starts at `unix_ms`, with a random tail.
    #[must_use]
    pub fn at(unix_ms: i64) -> Self {
        let stamp = jiff::Timestamp::from_millisecond(unix_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let tail = uuid::Uuid::new_v4().simple().to_string();
        Self(format!("{}-{}", stamp.strftime("%Y%m%dt%H%M%S"), &tail[..8]))
    }

    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RunId {
    type Err = IdError;

    fn from_str(s: &str) -> Result<Self, IdError> {
        let fits = !s.is_empty() && s.len() <= 64 && s.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if fits {
            Ok(Self(s.to_owned()))
        } else {
            Err(IdError {
                what: "a run id",
                given: s.to_owned(),
                form: "letters, digits and dashes, as `20261121t101500-1a2b3c4d`",
            })
        }
    }
}

/// The tenant that synthetic traffic acts for unless told otherwise.
pub const SYNTHETIC_TENANT: &str = "tenant_synthetic";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_survives_a_round_trip() {
        let parent = TraceParent::fresh();
        assert_eq!(parent.to_string().parse::<TraceParent>().unwrap(), parent);
    }

    #[test]
    fn malformed_traceparents_are_refused() {
        for bad in [
            "",
            "00-0-0-0",
            "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
        ] {
            assert!(bad.parse::<TraceParent>().is_err(), "{bad} was taken");
        }
    }

    #[test]
    fn an_app_is_found_by_number_or_crate_name_in_any_case() {
        for name in ["a6", "A6", "a6-provider"] {
            assert_eq!(name.parse::<AppId>().unwrap(), AppId::A6);
        }
        assert!("a9".parse::<AppId>().is_err());
    }

    #[test]
    fn run_ids_sort_by_their_start() {
        assert!(RunId::at(1_000) < RunId::at(2_000_000));
    }
}
