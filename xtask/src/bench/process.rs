//! Child processes on a core of their own: what they said, and what they cost.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use common::clock;
use common::load::bench::generator::peak_rss;

/// How often a running child's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The cores that the two sides run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cores {
    pub(crate) server: u32,
    pub(crate) generator: u32,
}

impl Cores {
    /// The first two cores that this process may use; `None` if it has only one, or nothing to pin with.
    pub(crate) fn of_this_process() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        let (server, generator) = first_two(list.trim())?;
        let taskset = Command::new("taskset").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        taskset.is_ok_and(|status| status.success()).then_some(Self { server, generator })
    }
}

/// The first two of a list as `0-3,8`.
fn first_two(list: &str) -> Option<(u32, u32)> {
    let mut all = list.split(',').flat_map(|part| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        from.parse::<u32>().into_iter().zip(to.parse::<u32>()).flat_map(|(from, to)| from..=to)
    });
    Some((all.next()?, all.next()?))
}

/// A command that runs on this core, if one is given.
pub(crate) fn pinned(core: Option<u32>, program: &Path) -> Command {
    let Some(core) = core else { return Command::new(program) };
    let mut command = Command::new("taskset");
    command.arg("-c").arg(core.to_string()).arg(program);
    command
}

/// What a child left behind.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finished {
    pub(crate) stdout: String,
    pub(crate) wall: Duration,
    /// User and system time of the process and all it waited for, in steps of a clock tick (10 ms).
    pub(crate) cpu: Duration,
    /// The greatest resident size that was seen; 0 where `/proc` does not tell.
    pub(crate) peak_rss_bytes: u64,
}

/// Runs a command to its end.
///
/// # Errors
/// When it cannot be started, or fails; with the end of what it said.
pub(crate) fn finish(mut command: Command) -> Result<Finished, String> {
    let shown = format!("{command:?}");
    let before = ticks_of_children();
    let began = clock::monotonic();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(|error| format!("{shown}: {error}"))?;
    let status = format!("/proc/{}/status", child.id());
    let watcher = Watcher::start(status);
    let output = child.wait_with_output().map_err(|error| format!("{shown}: {error}"))?;
    let wall = clock::monotonic().saturating_duration_since(began);
    let cpu = ticks(ticks_of_children().saturating_sub(before));
    let peak_rss_bytes = watcher.stop();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{shown} ended with {}: {}", output.status, tail(&format!("{stdout}\n{said}"))));
    }
    Ok(Finished { stdout, wall, cpu, peak_rss_bytes })
}

/// Looks at a process's memory until told to stop: when it has ended, the kernel no longer says.
struct Watcher {
    stop: std::sync::mpsc::Sender<()>,
    thread: std::thread::JoinHandle<u64>,
}

impl Watcher {
    fn start(status: String) -> Self {
        let (stop, stopped) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let mut peak = 0;
            loop {
                peak = peak_rss(&status).unwrap_or(0).max(peak);
                if stopped.recv_timeout(LOOK_EVERY) != Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                    return peak;
                }
            }
        });
        Self { stop, thread }
    }

    fn stop(self) -> u64 {
        drop(self.stop);
        self.thread.join().unwrap_or(0)
    }
}

/// What a process that is still there has used of the processor.
pub(crate) fn cpu_of(child: &Child) -> Duration {
    let text = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).unwrap_or_default();
    ticks(stat_field(&text, 14) + stat_field(&text, 15))
}

/// Ticks of all children that were waited for.
fn ticks_of_children() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    stat_field(&text, 16) + stat_field(&text, 17)
}

/// A field of `/proc/PID/stat` by its number in proc(5); the name in parentheses may hold anything.
fn stat_field(text: &str, number: usize) -> u64 {
    let after_name = text.rsplit_once(')').map_or("", |(_, rest)| rest);
    after_name.split_whitespace().nth(number - 3).and_then(|field| field.parse().ok()).unwrap_or(0)
}

fn ticks(count: u64) -> Duration {
    Duration::from_millis(count * 1_000 / rustix::param::clock_ticks_per_second().max(1))
}

fn tail(text: &str) -> String {
    let text = text.trim();
    let from = text.char_indices().rev().nth(400).map_or(0, |(at, _)| at);
    text[from..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_two_cores_of_a_list_are_taken() {
        assert_eq!(first_two("0-3,8"), Some((0, 1)));
        assert_eq!(first_two("2,5-7"), Some((2, 5)));
        assert_eq!(first_two("4"), None);
    }

    #[test]
    fn a_name_with_blanks_and_parentheses_moves_no_field() {
        let text = "42 (a b) c) S 1 2 3 4 5 6 7 8 9 10 130 70 5 6 20";
        assert_eq!([14, 15, 16, 17].map(|number| stat_field(text, number)), [130, 70, 5, 6]);
    }

    #[test]
    fn a_failure_says_what_was_run_and_what_it_said() {
        let mut command = pinned(None, Path::new("sh"));
        command.args(["-c", "echo no such thing >&2; exit 3"]);
        let error = finish(command).unwrap_err();
        assert!(error.contains("sh") && error.contains("no such thing"), "{error}");
    }
}
