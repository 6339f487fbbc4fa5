//! Latencies of one side as histogram logs, which the tools of the HdrHistogram family read.

use std::collections::BTreeSet;
use std::time::Duration;

use common::load::{INFINITE_US, MAX_US};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;

use super::side::{Measured, Side, Span};

/// One log an endpoint that has samples: its file name and its bytes.
///
/// # Errors
/// When a histogram cannot be written.
pub(super) fn logs(side: &Side) -> Result<Vec<(String, Vec<u8>)>, String> {
    let mut names = BTreeSet::new();
    let with_samples = side.endpoints.iter().filter(|measured| !measured.samples.is_empty());
    with_samples
        .map(|measured| {
            let bytes = log(side, measured).map_err(|why| format!("a histogram of {}: {why}", measured.key.route))?;
            Ok((file_name(&mut names, measured), bytes))
        })
        .collect()
}

/// `a6_register.POST_register.hlog`; a number tells apart what is the same but for its signs.
fn file_name(taken: &mut BTreeSet<String>, measured: &Measured) -> String {
    let plain = |text: &str| {
        let parts = text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
        parts.collect::<Vec<_>>().join("_")
    };
    let base = format!("{}.{}", plain(&measured.key.scenario), plain(&measured.key.route));
    let mut name = format!("{base}.hlog");
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{base}_{number}.hlog");
        number += 1;
    }
    name
}

/// One line for each span, latencies in microseconds. A request that never answered has no latency: it is counted in a
/// comment, as the format has no place for it.
fn log(side: &Side, measured: &Measured) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let never = measured.samples.0.iter().filter(|us| !is_finite(**us)).count();
    let key = &measured.key;
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment(&format!("[{} {} in {}, run {}]", key.app, key.route, key.scenario, side.head.run))
        .add_comment(&format!("[latencies in microseconds; {never} requests never answered and are not in here]"))
        .begin_log_with(&mut bytes, &mut serializer)
        .map_err(|error| error.to_string())?;
    let mut rest = measured.samples.0.as_slice();
    for span in &measured.spans {
        let (own, later) = rest.split_at(span.samples.min(rest.len()));
        rest = later;
        let histogram = histogram(own)?;
        let lasted = Duration::try_from_secs_f64(span.duration_s).unwrap_or_default();
        writer.write_histogram(&histogram, since_epoch(span), lasted, None).map_err(|error| error.to_string())?;
    }
    Ok(bytes)
}

fn histogram(samples: &[u32]) -> Result<Histogram<u64>, String> {
    let mut histogram = Histogram::<u64>::new_with_bounds(1, MAX_US, 3).map_err(|error| error.to_string())?;
    for us in samples.iter().filter(|us| is_finite(**us)) {
        histogram.record(u64::from(*us).max(1)).map_err(|error| error.to_string())?;
    }
    Ok(histogram)
}

fn is_finite(us: u32) -> bool {
    us != INFINITE_US && u64::from(us) <= MAX_US
}

/// When the span began; the epoch itself if its text is no time.
fn since_epoch(span: &Span) -> Duration {
    let began = span.started_at.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_millisecond);
    Duration::from_millis(u64::try_from(began).unwrap_or(0))
}
