//! The load engine.

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014).
pub(crate) fn mix64(value: u64) -> u64 {
    let z = (value ^ (value >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The probe's record of one request that both sources must know.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TraceRecord {
    /// The trace.
    pub trace_id: crate::ids::TraceId,
    /// The app.
    pub app: crate::ids::AppId,
    /// The contract's route.
    pub route: String,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// True for the expected answer.
    pub ok: bool,
    /// From the actual send, in microseconds.
    pub service_us: u64,
    /// What the app says it took, in microseconds.
    pub app_us: Option<u64>,
    /// When the answer ended, wall clock.
    pub at_unix_ms: i64,
}
