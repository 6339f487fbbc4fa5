//! A debug build is never measured: the bench builds the engine alone as a program, optimised as a whole, and this one,
//! which serves and compares, and goes on as that.

use std::path::Path;
use std::process::Command;

use common::clock;

use super::say;

const FOLDER: &str = "target/load";

/// Builds something optimised, which takes minutes the first time.
fn build(what: &str, arguments: &[&str]) -> Result<(), String> {
    say(&format!("builds {what} optimised (minutes the first time)"));
    let began = clock::monotonic();
    let mut command = Command::new("cargo");
    let built =
        command.args(["build", "--quiet"]).args(arguments).status().map_err(|error| format!("cargo: {error}"))?;
    if !built.success() {
        return Err(format!("the optimised build of {what} failed"));
    }
    say(&format!("built in {:.0} s", clock::monotonic().saturating_duration_since(began).as_secs_f64()));
    Ok(())
}

/// True if this program may be measured.
pub(super) fn is_this() -> bool {
    !cfg!(debug_assertions)
}

/// Builds the optimised program and runs the same command in it; its exit code.
///
/// # Errors
/// When it cannot be built or started.
pub(super) fn go_on() -> Result<u8, String> {
    build("the generator", &["--profile", "generator", "--package", "common", "--example", "load_generator"])?;
    build("this program", &["--profile", "load", "--package", "xtask"])?;
    let program = Path::new(FOLDER).join(format!("xtask{}", std::env::consts::EXE_SUFFIX));
    let status = Command::new(&program)
        .args(std::env::args_os().skip(1))
        .status()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
