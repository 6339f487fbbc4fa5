//! Making a bundle.

use std::collections::BTreeMap;
use std::io::{Cursor, Write};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use super::manifest::SCHEMA;
use super::{
    Entry, EvidenceError, MANIFEST, MANIFEST_SIGNATURE, Manifest, OWN, PUBLIC_KEY, Planned, SUMS, SUMS_SIGNATURE,
    SignedBy, Subject, VERIFY,
};
use crate::signing::{self, Signer};

/// Signs artifacts (path and bytes) and packs them. `ephemeral` says that the key is thrown away afterwards.
///
/// # Errors
/// [`EvidenceError::Name`] for a path that stands twice, is one of the bundle's own, is absolute or leads upwards.
pub fn pack(
    subject: Subject,
    planned: Planned,
    artifacts: impl IntoIterator<Item = (String, Vec<u8>)>,
    signer: &Signer,
    ephemeral: bool,
) -> Result<Vec<u8>, EvidenceError> {
    let mut files = BTreeMap::new();
    for (path, bytes) in artifacts {
        let named = !path.is_empty() && !path.contains('\\') && !OWN.contains(&path.as_str());
        let inside = path.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if !named || !inside || files.insert(path.clone(), bytes).is_some() {
            return Err(EvidenceError::Name(path));
        }
    }
    let signed_by = SignedBy { key: signer.public().id(), ephemeral };
    files.insert(VERIFY.to_owned(), instructions(&subject, &signed_by).into_bytes());
    let entry = |(path, bytes): (&String, &Vec<u8>)| Entry {
        path: path.clone(),
        sha256: signing::sha256(bytes),
        bytes: bytes.len() as u64,
    };
    let entries = files.iter().map(entry).collect();
    let manifest = Manifest { schema: SCHEMA.to_owned(), subject, planned, signed_by, entries };
    let mut text = serde_json::to_vec_pretty(&manifest).map_err(made)?;
    text.push(b'\n');
    let sums = sums(&manifest, &text);
    files.insert(MANIFEST_SIGNATURE.to_owned(), signer.sign(&text));
    files.insert(MANIFEST.to_owned(), text);
    files.insert(SUMS_SIGNATURE.to_owned(), signer.sign(sums.as_bytes()));
    files.insert(SUMS.to_owned(), sums.into_bytes());
    files.insert(PUBLIC_KEY.to_owned(), signer.public().to_pem().map_err(made)?.into_bytes());
    zipped(&files)
}

/// What `sha256sum -c` reads: the manifest and every entry.
pub(super) fn sums(manifest: &Manifest, text: &[u8]) -> String {
    let own = (signing::sha256(text), MANIFEST.to_owned());
    let all = manifest.entries.iter().map(|entry| (entry.sha256.clone(), entry.path.clone()));
    std::iter::once(own).chain(all).fold(String::new(), |mut out, (digest, path)| {
        out.push_str(&format!("{}  {path}\n", digest.trim_start_matches("sha256:")));
        out
    })
}

fn zipped(files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<u8>, EvidenceError> {
    // Neither the time nor the machine shows in the bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        zip.start_file(path, options).map_err(made)?;
        zip.write_all(bytes).map_err(made)?;
    }
    Ok(zip.finish().map_err(made)?.into_inner())
}

fn made(error: impl std::fmt::Display) -> EvidenceError {
    EvidenceError::Made(error.to_string())
}

fn instructions(subject: &Subject, by: &SignedBy) -> String {
    let who = if by.ephemeral {
        "The key was made for this bundle and thrown away. A good signature shows that nothing in the bundle was changed \
         since it was made. It does NOT show who made it: for that, a run needs HANDSHAKE_SIGNING_KEY."
    } else {
        "Compare the key with the one that its owner publishes: the signature is worth as much as that comparison."
    };
    format!(
        "# Evidence of run {run}\n\n{command} against {target}, profile {profile}: **{verdict}**\n\n\
         What was planned, and what of it was executed, skipped, held or inconclusive, stands in `{MANIFEST}`.\n\n\
         ## Check it with openssl alone\n\n```sh\n\
         openssl dgst -sha256 -verify {PUBLIC_KEY} -signature {MANIFEST_SIGNATURE} {MANIFEST}\n\
         openssl dgst -sha256 -verify {PUBLIC_KEY} -signature {SUMS_SIGNATURE} {SUMS}\n\
         sha256sum -c {SUMS}\n```\n\n\
         The first two say `Verified OK`, the last `OK` for every file.\n\n## Whose key it is\n\n{who}\n\n\
         ```sh\nopenssl pkey -pubin -in {PUBLIC_KEY} -outform DER | openssl dgst -sha256\n```\n\n\
         gives `{key}`.\n\n## Check it with Handshake\n\n\
         `cargo xtask verify ecosystem_perf_artifacts.zip` does all of this, finds entries that were added, and looks at the \
         chains of the run's record and of its approvals.\n",
        run = subject.run_id,
        command = subject.command,
        target = subject.target,
        profile = subject.profile,
        verdict = subject.verdict,
        key = by.key.trim_start_matches("sha256:"),
    )
}
