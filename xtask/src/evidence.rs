//! The signed bundle of a run: every report, the record they were rendered from, and the decisions people signed.

use std::path::Path;

use common::approval::Decision;
use common::evidence::{Became, Planned, Subject, pack};
use common::ledger::{self, LEDGER_FILE};
use common::settings::Settings;
use common::signing::Signer;
use common::verdict::Verdict;

use crate::effects;
use crate::record::RunView;
use crate::report::{Artifact, Head, REPORTS};
use crate::run;

/// Its name among the reports.
pub(crate) const BUNDLE: &str = "ecosystem_perf_artifacts.zip";
/// Names the file of the key that signs bundles.
const KEY: &str = "HANDSHAKE_SIGNING_KEY";
/// Opens it.
const PASSPHRASE: &str = "HANDSHAKE_SIGNING_PASSPHRASE";

/// Packs what a run left behind and writes it below each of these roots.
pub(crate) fn write(
    folder: &Path,
    view: &RunView,
    artifacts: &[Artifact],
    roots: &[&Path],
    settings: &Settings,
) -> Result<(), String> {
    let (signer, ephemeral) = signer(settings)?;
    let bytes = bundle(folder, view, artifacts, &signer, ephemeral)?;
    let bundle = [Artifact { path: format!("{REPORTS}/{BUNDLE}"), bytes }];
    roots.iter().try_for_each(|root| run::write(root, &bundle)).map_err(|error| error.to_string())
}

/// The key that the settings name, or one made for this bundle alone.
fn signer(settings: &Settings) -> Result<(Signer, bool), String> {
    let named = settings.text(KEY).map_err(|error| error.to_string())?;
    let Some(path) = named else {
        return Signer::generate().map(|signer| (signer, true)).map_err(|error| error.to_string());
    };
    let pem = std::fs::read_to_string(&path).map_err(|error| format!("{KEY}: cannot read {path}: {error}"))?;
    let passphrase = settings.secret(PASSPHRASE).map_err(|error| error.to_string())?;
    let signer = Signer::from_pem(&pem, passphrase.as_ref());
    let help = format!("; {PASSPHRASE} opens it");
    signer.map(|signer| (signer, false)).map_err(|error| format!("{KEY}: {path}: {error}{help}"))
}

fn bundle(
    folder: &Path,
    view: &RunView,
    artifacts: &[Artifact],
    signer: &Signer,
    ephemeral: bool,
) -> Result<Vec<u8>, String> {
    let record = &folder.join(LEDGER_FILE);
    let seen = ledger::verify(record).map_err(|error| error.to_string())?;
    let lines = std::fs::read(record).map_err(|error| format!("cannot read {}: {error}", record.display()))?;
    let mut files: Vec<(String, Vec<u8>)> =
        artifacts.iter().map(|artifact| (place(&artifact.path).to_owned(), artifact.bytes.clone())).collect();
    files.push((LEDGER_FILE.to_owned(), lines));
    files.extend(signed(view));
    files.extend(histories(&folder.join(effects::FOLDER))?);
    pack(subject(view, &seen.head), planned(view), files, signer, ephemeral).map_err(|error| error.to_string())
}

/// The histories of effects, if any were driven.
fn histories(folder: &Path) -> Result<Vec<(String, Vec<u8>)>, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    let listed = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        listed => listed.map_err(failed)?,
    };
    let mut files = Vec::new();
    for entry in listed {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(".ndjson") {
            files.push((format!("{}/{name}", effects::FOLDER), std::fs::read(&path).map_err(failed)?));
        }
    }
    Ok(files)
}

/// Where an artifact lies in the bundle.
pub(crate) fn place(path: &str) -> &str {
    path.strip_prefix("tests/perf/").unwrap_or(path)
}

/// What the bundle is about.
pub(crate) fn subject(view: &RunView, ledger_head: &str) -> Subject {
    let head = Head::of(view);
    Subject {
        run_id: head.run_id,
        command: view.started.as_ref().map(|run| run.command.clone()).unwrap_or_default(),
        target: head.target,
        profile: head.profile,
        verdict: head.grade.to_owned(),
        ledger_head: ledger_head.to_owned(),
    }
}

/// Phases as planned and claims as ruled on, with what became of them.
pub(crate) fn planned(view: &RunView) -> Planned {
    let phases = view.started.iter().flat_map(|run| &run.phases).map(|planned| {
        let done = view.phases.iter().any(|phase| phase.phase == planned.phase && phase.took_s.is_some());
        (format!("phase {} {}", planned.phase, planned.title), if done { Became::Executed } else { Became::Skipped })
    });
    let claims = view.rulings.iter().map(|ruling| {
        let became = match ruling.verdict {
            Verdict::Pass { .. } | Verdict::Fail { .. } => Became::Executed,
            Verdict::Inconclusive { .. } => Became::Inconclusive,
            Verdict::Held { .. } => Became::Held,
            Verdict::Skipped { .. } => Became::Skipped,
        };
        (format!("claim {}", ruling.claim.id), became)
    });
    // A suite is whole in itself, and no evidence of the whole.
    let part = view.started.as_ref().filter(|run| run.command != "ecosystem");
    let rest = part.map(|_| ("the rest of the ecosystem".to_owned(), Became::Skipped));
    Planned::of(phases.chain(claims).chain(rest))
}

/// Each signed decision as openssl checks it: the signed bytes, the signature, the key.
fn signed(view: &RunView) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for noted in &view.approvals {
        let (
            Some(envelope),
            common::approval::Entry::Granted { key, .. } | common::approval::Entry::Declined { key, .. },
        ) = (noted.entry.envelope(), &noted.entry)
        else {
            continue;
        };
        let signature = envelope.signatures.first().and_then(|signature| signature.der().ok());
        let (Ok(decision), Ok(bytes), Some(signature)) = (Decision::read(envelope), envelope.pae(), signature) else {
            continue;
        };
        let at = |end: &str| format!("approvals/{}.{end}", decision.nonce);
        files.extend([(at("pae"), bytes), (at("sig"), signature), (at("pem"), key.clone().into_bytes())]);
    }
    files
}

#[cfg(test)]
mod tests {
    use common::evidence::open;

    use super::*;
    use crate::report::{fixture, render_all};

    #[test]
    fn a_bundle_has_every_report_and_tells_what_was_held() {
        let folder = tempfile::tempdir().unwrap();
        let record = folder.path().join(LEDGER_FILE);
        std::fs::write(&record, b"").unwrap();
        let (view, signer) = (fixture::view(), Signer::generate().unwrap());
        let artifacts = render_all(&view);
        let histories = folder.path().join(effects::FOLDER);
        std::fs::create_dir(&histories).unwrap();
        std::fs::write(histories.join("a2_kill_7.ndjson"), b"{}\n").unwrap();
        let bytes = bundle(folder.path(), &view, &artifacts, &signer, false).unwrap();
        assert_eq!(bytes, bundle(folder.path(), &view, &artifacts, &signer, false).unwrap());
        let opened = open(&bytes).unwrap();
        assert_eq!(opened.file("effects/a2_kill_7.ndjson"), Some(b"{}\n".as_slice()));
        assert_eq!(opened.problems(Some(&signer.public())), Vec::<String>::new());
        for artifact in &artifacts {
            assert_eq!(opened.file(place(&artifact.path)), Some(artifact.bytes.as_slice()), "{}", artifact.path);
        }
        let planned = &opened.manifest().planned;
        assert!(!planned.whole && planned.held.contains(&"claim a2.spike".to_owned()), "{planned:?}");
        assert!(planned.executed.contains(&"phase 2 load".to_owned()), "{planned:?}");
    }

    #[test]
    fn a_suite_is_never_the_whole() {
        let mut view = fixture::view();
        view.rulings.retain(|ruling| ruling.verdict.is_pass());
        assert!(planned(&view).whole);
        view.started.as_mut().unwrap().command = "suite a2".into();
        let planned = planned(&view);
        assert!(!planned.whole && planned.skipped == ["the rest of the ecosystem"], "{planned:?}");
    }

    #[test]
    fn a_key_that_is_named_but_cannot_be_used_makes_no_bundle_rather_than_another_one() {
        let of = |path: &str| signer(&Settings::of([(KEY, path)]));
        assert!(of("/nowhere/key.pem").unwrap_err().contains("HANDSHAKE_SIGNING_KEY: cannot read /nowhere/key.pem"));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key.pem");
        std::fs::write(&path, "no key").unwrap();
        assert!(of(path.to_str().unwrap()).unwrap_err().contains("no private key"));
        assert!(signer(&Settings::of([])).unwrap().1, "without a name the key is thrown away");
    }
}
