//! Our engine: trace ids on every request, three histograms, windows of a second, samples and exemplars.

use std::process::Command;

use common::load::bench::generator::{Generated, Order};

use super::{Said, Work};

/// Where cargo puts it, from the root of the workspace.
pub(crate) const PROGRAM: &str = "target/generator/examples/load_generator";

pub(super) fn arguments(command: &mut Command, work: &Work<'_>) {
    let duration_ms = Some(work.seconds * 1_000);
    order(command, Order { port: work.port, vus: work.connections, rate: None, duration_ms });
}

/// Hands an order over.
pub(crate) fn order(command: &mut Command, order: Order) {
    command.arg(serde_json::json!(order).to_string());
}

/// Reads what the generator says.
///
/// # Errors
/// When that is something else.
pub(crate) fn generated(stdout: &str) -> Result<Generated, String> {
    serde_json::from_str(stdout.trim()).map_err(|error| format!("the generator: {error}"))
}

pub(super) fn read(stdout: &str) -> Result<Said, String> {
    let said = generated(stdout)?;
    Ok(Said { requests: said.requests, errors: said.errors, seconds: said.seconds })
}
