//! oha: Rust, hyper on tokio, latencies from the send.

use std::process::Command;

use serde_json::Value;

use super::{Said, Work};

pub(super) fn arguments(command: &mut Command, work: &Work<'_>) {
    command
        .args(["--no-tui", "--output-format", "json", "-w"])
        .arg(format!("-c{}", work.connections))
        .arg(format!("-z{}s", work.seconds))
        .arg(work.url());
}

/// Counts of statuses and of errors; requests that the end cut off are no errors of the server.
pub(super) fn read(stdout: &str) -> Result<Said, String> {
    let said: Value = serde_json::from_str(stdout).map_err(|error| error.to_string())?;
    let seconds = said["summary"]["total"].as_f64().ok_or("no `summary.total`")?;
    let statuses = said["statusCodeDistribution"].as_object().ok_or("no `statusCodeDistribution`")?;
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let requests = statuses.values().map(count).sum();
    let good: u64 = statuses.iter().filter(|(status, _)| status.starts_with('2')).map(|(_, value)| count(value)).sum();
    let errors = said["errorDistribution"].as_object().into_iter().flatten();
    let errors: u64 = errors.filter(|(what, _)| !what.contains("deadline")).map(|(_, value)| count(value)).sum();
    Ok(Said { requests, errors: errors + requests - good, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_added_and_requests_cut_off_are_no_errors() {
        let text = r#"{"summary":{"successRate":1.0,"total":3.002,"requestsPerSec":40000.0},
            "statusCodeDistribution":{"200":120000,"503":7},
            "errorDistribution":{"aborted due to deadline":20,"connection refused":2}}"#;
        assert_eq!(read(text).unwrap(), Said { requests: 120_007, errors: 9, seconds: 3.002 });
    }
}
