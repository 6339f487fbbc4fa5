//! The npm packages of the lock file, installed when they are missing or another lock file's.

use std::fs;
use std::path::Path;
use std::process::Stdio;

use sha2::{Digest, Sha256};
use tokio::process::Command;

use super::BrowserError;

/// Says which lock file the packages came from.
const STAMP: &str = "node_modules/.handshake-lock";

/// Runs `npm ci` unless the packages are those of the lock file.
pub(crate) async fn install(folder: &Path) -> Result<(), BrowserError> {
    let path = folder.join("package-lock.json");
    let lock = fs::read(&path).map_err(|source| BrowserError::File { path, source })?;
    let digest = digest(&lock);
    let path = folder.join(STAMP);
    if is_fresh(fs::read_to_string(&path).ok().as_deref(), &digest) {
        return Ok(());
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder).stdin(Stdio::null());
    // A browser is found apart from the packages.
    npm.env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1");
    let output = npm.output().await.map_err(|source| BrowserError::Start { program: "npm".into(), source })?;
    if !output.status.success() {
        let detail = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(BrowserError::Packages { folder: folder.to_owned(), detail });
    }
    fs::write(&path, digest).map_err(|source| BrowserError::File { path, source })
}

/// The SHA-256 of a lock file, as its stamp says it.
pub(crate) fn digest(lock: &[u8]) -> String {
    Sha256::digest(lock).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// True if the stamp is that of the lock file.
pub(crate) fn is_fresh(stamp: Option<&str>, digest: &str) -> bool {
    stamp == Some(digest)
}

#[test]
fn packages_are_stale_without_a_stamp_or_with_that_of_another_lock_file() {
    let (old, new) = (digest(b"old"), digest(b"new"));
    assert!(is_fresh(Some(&new), &new));
    assert!(!is_fresh(Some(&old), &new) && !is_fresh(None, &new));
}
