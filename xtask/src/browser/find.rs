//! Which browser to take, and how to get one.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::BrowserError;

/// Where distributions put it.
const SYSTEM: [&str; 4] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable"];

/// A browser that is there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The one that Playwright looks for by itself.
    Own,
    /// One at this path.
    At(PathBuf),
}

/// The browser that was named, else Playwright's own, else the system's. One that was named must be there.
pub(super) fn choose(
    named: Option<PathBuf>,
    own: Option<PathBuf>,
    is_there: &dyn Fn(&Path) -> bool,
) -> Result<Option<Found>, BrowserError> {
    if let Some(path) = named {
        return if is_there(&path) { Ok(Some(Found::At(path))) } else { Err(BrowserError::NoSuchBrowser(path)) };
    }
    if own.is_some_and(|path| is_there(&path)) {
        return Ok(Some(Found::Own));
    }
    Ok(SYSTEM.into_iter().map(PathBuf::from).find(|path| is_there(path)).map(Found::At))
}

/// True if the program can be started.
pub(crate) async fn answers(program: impl AsRef<OsStr>) -> bool {
    let status = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().await;
    status.is_ok_and(|status| status.success())
}

/// Where Playwright would look for its own browser.
pub(super) async fn playwrights_own(folder: &Path) -> Option<PathBuf> {
    let ask = "process.stdout.write(require('playwright-core').chromium.executablePath())";
    let output = Command::new("node").args(["-e", ask]).current_dir(folder).stdin(Stdio::null()).output().await.ok()?;
    let path = String::from_utf8(output.stdout).ok().filter(|path| output.status.success() && !path.is_empty())?;
    Some(PathBuf::from(path))
}

/// True as root on a system with apt.
pub(super) fn may_install() -> bool {
    is_root() && Path::new("/usr/bin/apt-get").is_file()
}

#[cfg(unix)]
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Installs Debian's Chromium. That it cannot be installed is no error: the tests are skipped then.
pub(super) async fn install_chromium() -> Result<(), BrowserError> {
    for args in [&["update", "-qq"][..], &["install", "-y", "-qq", "--no-install-recommends", "chromium"]] {
        let mut apt = Command::new("apt-get");
        apt.args(args).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).stdout(Stdio::null());
        let status = apt.status().await;
        let status = status.map_err(|source| BrowserError::Start { program: "apt-get".into(), source })?;
        if !status.success() {
            tracing::warn!("apt-get {} ended with {status}", args.join(" "));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there(paths: &'static [&'static str]) -> impl Fn(&Path) -> bool {
        move |path| paths.iter().any(|known| Path::new(known) == path)
    }

    #[test]
    fn a_named_browser_goes_first_and_must_be_there() {
        let all = there(&["/opt/c", "/own", "/usr/bin/chromium"]);
        let found = choose(Some("/opt/c".into()), Some("/own".into()), &all).unwrap();
        assert_eq!(found, Some(Found::At("/opt/c".into())));
        let error = choose(Some("/gone".into()), Some("/own".into()), &all).unwrap_err();
        assert_eq!(error.to_string(), "HANDSHAKE_CHROMIUM names /gone, which is not there: correct or unset it");
    }

    #[test]
    fn playwrights_own_goes_before_the_systems() {
        let both = there(&["/own", "/usr/bin/google-chrome"]);
        assert_eq!(choose(None, Some("/own".into()), &both).unwrap(), Some(Found::Own));
        let found = choose(None, Some("/gone".into()), &both).unwrap();
        assert_eq!(found, Some(Found::At("/usr/bin/google-chrome".into())));
    }

    #[test]
    fn none_is_none() {
        assert_eq!(choose(None, None, &there(&[])).unwrap(), None);
    }
}
