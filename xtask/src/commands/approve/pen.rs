//! What signs: a key under a passphrase, or another program that holds one.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::settings::{Secret, Settings};
use common::signing::Signer;

use super::ApproveArgs;
use crate::ui;

/// Signs bytes with what the flags name.
pub(super) fn sign(args: &ApproveArgs, settings: &Settings, bytes: &[u8]) -> Result<Vec<u8>, String> {
    match (&args.agent, &args.key) {
        (Some(command), _) => agent(command, bytes),
        (None, Some(key)) => Ok(open(key, settings)?.sign(bytes)),
        (None, None) => Err("nothing to sign with: give --key FILE or --agent CMD, or set HANDSHAKE_APPROVAL_KEY; \
                             `cargo xtask approve --new-key FILE` makes a key"
            .into()),
    }
}

/// Reads a private key, asking for its passphrase where it has one.
fn open(path: &Path, settings: &Settings) -> Result<Signer, String> {
    let shown = path.display();
    let pem = std::fs::read_to_string(path).map_err(|error| format!("cannot read {shown}: {error}"))?;
    let passphrase = if Signer::is_encrypted(&pem) {
        Some(passphrase(settings, &format!("passphrase of {shown}: "))?)
    } else {
        None
    };
    Signer::from_pem(&pem, passphrase.as_ref()).map_err(|error| format!("{shown}: {error}"))
}

/// From the environment, or from the person at the terminal.
fn passphrase(settings: &Settings, prompt: &str) -> Result<Secret, String> {
    let set = settings.secret("HANDSHAKE_APPROVAL_PASSPHRASE").map_err(|error| error.to_string())?;
    set.or_else(|| ui::ask_secretly(prompt))
        .ok_or_else(|| "no passphrase: set HANDSHAKE_APPROVAL_PASSPHRASE, or use a terminal".to_owned())
}

/// Another program signs.
fn agent(command: &str, bytes: &[u8]) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("--agent `{command}`: {error}");
    let mut child = Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that reads nothing is found by what it writes.
        let _unread = stdin.write_all(bytes);
    }
    let output = child.wait_with_output().map_err(failed)?;
    if !output.status.success() {
        return Err(format!("--agent `{command}`: {}", output.status));
    }
    let text: String = String::from_utf8_lossy(&output.stdout).split_whitespace().collect();
    STANDARD.decode(&text).map_err(|_| format!("--agent `{command}`: its output is no base64 of a signature in DER"))
}

/// Makes a key in a new file that only its owner may read; gives its public half.
pub(super) fn make(path: &Path, settings: &Settings) -> Result<String, String> {
    let shown = path.display();
    let first = passphrase(settings, "passphrase for the new key: ")?;
    let typed = settings.secret("HANDSHAKE_APPROVAL_PASSPHRASE").ok().flatten().is_none();
    if typed && !ui::ask_secretly("the same again: ").is_some_and(|again| again.matches(first.expose())) {
        return Err("the passphrases differ, so no key was made".into());
    }
    if first.expose().chars().count() < 8 {
        return Err("the passphrase has fewer than 8 characters, so no key was made".into());
    }
    let signer = Signer::generate().map_err(|error| error.to_string())?;
    let pem = signer.to_encrypted_pem(&first).map_err(|error| error.to_string())?;
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| format!("cannot make {shown}: {error}"))?;
    file.write_all(pem.expose().as_bytes()).map_err(|error| format!("cannot write {shown}: {error}"))?;
    signer.public().to_pem().map_err(|error| error.to_string())
}
