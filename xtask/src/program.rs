//! The file of this very program, for starting it again in another role.

use std::io;
use std::path::PathBuf;

/// A path that starts this program again, also when a build has replaced its file since it was started.
///
/// Linux keeps a replaced file for as long as a process runs it, and `/proc` has a path to it.
///
/// # Errors
///
/// If the system does not tell.
pub(crate) fn path() -> io::Result<PathBuf> {
    let named = std::env::current_exe()?;
    let kept = PathBuf::from(format!("/proc/{}/exe", std::process::id()));
    Ok(if named.is_file() || !kept.exists() { named } else { kept })
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    /// Set for the copy of this test binary that is to look for itself.
    const INSIDE: &str = "HANDSHAKE_TEST_REPLACED_PROGRAM";

    #[test]
    fn a_program_whose_file_was_replaced_can_be_started_again() {
        let own = std::env::current_exe().unwrap();
        if let Some(copy) = std::env::args().find_map(|word| word.strip_prefix(INSIDE).map(str::to_owned)) {
            std::fs::remove_file(copy).unwrap();
            let again =
                Command::new(super::path().unwrap()).args(["--list", "--exact", "no such test"]).status().unwrap();
            assert!(again.success());
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("program");
        std::fs::copy(own, &copy).unwrap();
        let name = "program::tests::a_program_whose_file_was_replaced_can_be_started_again";
        let inside = format!("{INSIDE}{}", copy.display());
        let status = Command::new(&copy).args(["--exact", name, "--skip", &inside]).status().unwrap();
        assert!(status.success());
        assert!(!copy.exists(), "the copy did not run the test");
    }
}
