//! What the scripts run with: node and the packages of the lock file, Python and those of the requirements.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::Command;

use super::FOLDER;
use crate::browser::{self, BrowserError, packages};

/// The virtual environment, from the workspace's root.
const VENV: &str = "target/handshake/tools/clients";
/// Says which requirements it was made from.
const STAMP: &str = ".handshake-requirements";

/// What the machine has for each language.
#[derive(Debug)]
pub(super) struct Tools {
    pub(super) node: Result<PathBuf, Missing>,
    pub(super) python: Result<PathBuf, Missing>,
}

/// What is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Missing {
    pub(super) reason: String,
    /// The command that would enable the scripts.
    pub(super) enable: String,
}

impl Tools {
    /// Finds the programs and installs the packages that are missing or stale.
    ///
    /// # Errors
    /// When a file cannot be read or written.
    pub(super) async fn prepare(root: &Path) -> Result<Self, String> {
        Ok(Self { node: node(root).await?, python: python(root).await? })
    }
}

fn missing<T>(reason: impl Into<String>, enable: impl Into<String>) -> Result<Result<T, Missing>, String> {
    Ok(Err(Missing { reason: reason.into(), enable: enable.into() }))
}

async fn node(root: &Path) -> Result<Result<PathBuf, Missing>, String> {
    for program in ["node", "npm"] {
        if !browser::answers(program).await {
            return missing(format!("{program} is not installed"), "apt-get install nodejs npm");
        }
    }
    match packages::install(&root.join(FOLDER)).await {
        Ok(()) => Ok(Ok("node".into())),
        Err(BrowserError::Packages { detail, .. }) => {
            missing(format!("npm cannot get the packages: {}", last_line(&detail)), format!("npm ci in {FOLDER}"))
        }
        Err(error) => Err(error.to_string()),
    }
}

async fn python(root: &Path) -> Result<Result<PathBuf, Missing>, String> {
    let requirements = root.join(FOLDER).join("requirements.txt");
    let broken = |path: &Path, error: std::io::Error| format!("{} cannot be read or written: {error}", path.display());
    let wanted = packages::digest(&fs::read(&requirements).map_err(|error| broken(&requirements, error))?);
    let venv = root.join(VENV);
    let (program, stamp) = (venv.join("bin/python"), venv.join(STAMP));
    let is_fresh = packages::is_fresh(fs::read_to_string(&stamp).ok().as_deref(), &wanted);
    if is_fresh && browser::answers(&program).await {
        return Ok(Ok(program));
    }
    if !browser::answers("python3").await {
        return missing("python3 is not installed", "apt-get install python3 python3-venv");
    }
    match fs::remove_dir_all(&venv) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(broken(&venv, error)),
        _ => {}
    }
    let make = run(Path::new("python3"), &["-m", "venv", VENV], root).await;
    if let Err(why) = make {
        return missing(format!("python3 cannot make a virtual environment: {why}"), "apt-get install python3-venv");
    }
    let words = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"];
    let file = format!("{FOLDER}/requirements.txt");
    if let Err(why) = run(&program, &[&words[..], &[&file]].concat(), root).await {
        let enable = format!("{VENV}/bin/python {} {file}", words.join(" "));
        return missing(format!("pip cannot get the packages: {why}"), enable);
    }
    fs::write(&stamp, wanted).map_err(|error| broken(&stamp, error))?;
    Ok(Ok(program))
}

/// Runs a program in the workspace; the error is the last line of what it complained of.
async fn run(program: &Path, words: &[&str], root: &Path) -> Result<(), String> {
    let mut command = Command::new(program);
    let output = command.args(words).current_dir(root).stdin(Stdio::null()).kill_on_drop(true).output().await;
    judged(output.map_err(|error| error.to_string())?)
}

fn judged(output: Output) -> Result<(), String> {
    if output.status.success() {
        return Ok(());
    }
    // `python3 -m venv` complains on standard output.
    let said = [output.stdout, output.stderr].concat();
    Err(last_line(&String::from_utf8_lossy(&said)).to_owned())
}

fn last_line(text: &str) -> &str {
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason")
}
