//! wrk: C, one epoll loop a thread, latencies from the send. Plain, without a script: it stamps no trace id.

use std::process::Command;

use super::{Said, Work};

pub(super) fn arguments(command: &mut Command, work: &Work<'_>) {
    command.arg("-t1").arg(format!("-c{}", work.connections)).arg(format!("-d{}s", work.seconds)).arg(work.url());
}

/// The lines `N requests in 3.00s, …`, `Socket errors: …` and `Non-2xx …`.
pub(super) fn read(stdout: &str) -> Result<Said, String> {
    let total = stdout.lines().find(|line| line.contains(" requests in ")).ok_or("no line of totals")?;
    let (requests, rest) = total.trim().split_once(" requests in ").ok_or("no count")?;
    let took = rest.split(',').next().unwrap_or_default();
    let sockets = stdout.lines().find_map(|line| line.trim().strip_prefix("Socket errors:")).unwrap_or_default();
    let statuses = stdout.lines().find_map(|line| line.trim().strip_prefix("Non-2xx or 3xx responses:"));
    let counts = sockets.split(|c: char| !c.is_ascii_digit()).chain(statuses.map(str::trim));
    Ok(Said {
        requests: requests.parse().map_err(|error| format!("{requests:?}: {error}"))?,
        errors: counts.filter_map(|count| count.parse::<u64>().ok()).sum(),
        seconds: seconds(took).ok_or_else(|| format!("{took:?} is no time"))?,
    })
}

/// `3.00s`, `1.50m` or `250.00ms`.
fn seconds(text: &str) -> Option<f64> {
    let (number, factor) = [("ms", 0.001), ("us", 0.000_001), ("s", 1.0), ("m", 60.0), ("h", 3_600.0)]
        .into_iter()
        .find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, factor)))?;
    number.parse::<f64>().ok().map(|number| number * factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: &str = "Running 1s test @ http://127.0.0.1:9999/\n  1 threads and 4 connections\n  Thread Stats   Avg      Stdev     \
                        Max   +/- Stdev\n    Latency    47.95ms    9.30ms  79.91ms   84.52%\n    Req/Sec    81.10     10.74   110.00     \
                        90.00%\n  84 requests in 1.04s, 9.70KB read\nRequests/sec:     81.10\nTransfer/sec:      9.37KB\n";

    #[test]
    fn the_totals_are_read() {
        assert_eq!(read(CALM).unwrap(), Said { requests: 84, errors: 0, seconds: 1.04 });
    }

    #[test]
    fn errors_of_all_kinds_are_added() {
        let text = "  10 requests in 1.50m, 1KB read\n  Socket errors: connect 1, read 2, write 0, timeout 3\n  Non-2xx or 3xx responses: 5\n";
        assert_eq!(read(text).unwrap(), Said { requests: 10, errors: 11, seconds: 90.0 });
    }
}
