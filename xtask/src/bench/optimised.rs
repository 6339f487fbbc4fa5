//! A debug build is never measured: the bench builds this program optimised, under a profile of its own, and goes on as that.

use std::path::Path;
use std::process::Command;

use common::clock;

use super::say;

const FOLDER: &str = "target/load";

/// True if this program may be measured.
pub(super) fn is_this() -> bool {
    !cfg!(debug_assertions)
}

/// Builds the optimised program and runs the same command in it; its exit code.
///
/// # Errors
/// When it cannot be built or started.
pub(super) fn go_on() -> Result<u8, String> {
    say(&format!("this is a debug build: building an optimised one below {FOLDER} (minutes the first time)"));
    let began = clock::monotonic();
    let built = Command::new("cargo")
        .args(["build", "--quiet", "--profile", "load", "--package", "xtask"])
        .status()
        .map_err(|error| format!("cargo: {error}"))?;
    if !built.success() {
        return Err("the optimised build failed".to_owned());
    }
    let took = clock::monotonic().saturating_duration_since(began);
    say(&format!("built in {:.0} s", took.as_secs_f64()));
    let program = Path::new(FOLDER).join(format!("xtask{}", std::env::consts::EXE_SUFFIX));
    let status = Command::new(&program)
        .args(std::env::args_os().skip(1))
        .status()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
