//! Our engine: trace ids on every request, two histograms, windows of a second, samples and exemplars.

use std::process::Command;

use super::{Said, Work};
use crate::bench::generate::Generated;

pub(super) fn arguments(command: &mut Command, work: &Work<'_>) {
    command
        .args(["bench", "generate", "--port", &work.port.to_string(), "--vus", &work.connections.to_string()])
        .args(["--duration-ms", &(work.seconds * 1_000).to_string()]);
}

pub(super) fn read(stdout: &str) -> Result<Said, String> {
    let said: Generated = serde_json::from_str(stdout.trim()).map_err(|error| error.to_string())?;
    Ok(Said { requests: said.requests, errors: said.errors, seconds: said.seconds })
}
