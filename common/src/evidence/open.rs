//! Opening a bundle, and everything that can be wrong with it.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use zip::ZipArchive;

use super::manifest::SCHEMA;
use super::{
    EvidenceError, MANIFEST, MANIFEST_SIGNATURE, Manifest, OWN, PUBLIC_KEY, SUMS, SUMS_SIGNATURE, VERIFY, pack,
};
use crate::signing::{self, PublicKey};

/// More than this is no bundle of a run, but an attempt to fill the memory.
const LARGEST: u64 = 1 << 30;

/// A bundle, unpacked in memory; nothing in it is to be believed before [`Bundle::problems`] is empty.
#[derive(Debug)]
pub struct Bundle {
    manifest: Manifest,
    files: BTreeMap<String, Vec<u8>>,
    listed: usize,
}

/// Unpacks a bundle.
///
/// # Errors
/// [`EvidenceError::NoBundle`] when it is no zip, or has no manifest of this form.
pub fn open(bytes: &[u8]) -> Result<Bundle, EvidenceError> {
    let no = |error: &dyn std::fmt::Display| EvidenceError::NoBundle(error.to_string());
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|error| no(&error))?;
    let (mut files, mut room) = (BTreeMap::new(), LARGEST);
    for at in 0..zip.len() {
        let file = zip.by_index(at).map_err(|error| no(&error))?;
        let name = String::from_utf8_lossy(file.name_raw()).into_owned();
        let mut content = Vec::new();
        file.take(room + 1).read_to_end(&mut content).map_err(|error| no(&error))?;
        room = room.checked_sub(content.len() as u64).ok_or_else(|| no(&"it unpacks to more than 1 GiB"))?;
        files.insert(name, content);
    }
    let text = files.get(MANIFEST).ok_or_else(|| no(&format!("{MANIFEST} is missing")))?;
    let manifest: Manifest =
        serde_json::from_slice(text).map_err(|error| no(&format!("{MANIFEST} cannot be read: {error}")))?;
    if manifest.schema != SCHEMA {
        return Err(no(&format!("{MANIFEST} is of the form {}, not {SCHEMA}", manifest.schema)));
    }
    Ok(Bundle { manifest, files, listed: listed(bytes) })
}

/// How many entries the end of the zip says there are. A reader that goes by names does not see two of the same name.
fn listed(bytes: &[u8]) -> usize {
    let end = bytes.len().checked_sub(22).map(|at| &bytes[at..]).filter(|end| end.starts_with(b"PK\x05\x06"));
    end.map_or(0, |end| usize::from(u16::from_le_bytes([end[10], end[11]])))
}

impl Bundle {
    /// What it says about itself.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// An artifact.
    #[must_use]
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.files.get(path).map(Vec::as_slice)
    }

    /// All paths, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// Everything that is wrong: signatures, digests, entries that are missing or were added, and a plan that is told
    /// otherwise than its lists. `expected` is the key that has to have signed, where the reader knows it.
    #[must_use]
    pub fn problems(&self, expected: Option<&PublicKey>) -> Vec<String> {
        let mut problems = self.signatures(expected);
        problems.extend(self.entries());
        problems.extend(self.manifest.planned.problems());
        if self.listed != self.files.len() {
            let (listed, seen) = (self.listed, self.files.len());
            problems.push(format!(
                "the zip lists {listed} entries and has {seen} names: one stands twice, or bytes follow it"
            ));
        }
        problems
    }

    fn signatures(&self, expected: Option<&PublicKey>) -> Vec<String> {
        let text = self.file(PUBLIC_KEY).map(String::from_utf8_lossy).unwrap_or_default();
        let Ok(key) = PublicKey::from_pem(&text) else { return vec![format!("{PUBLIC_KEY} is missing or no key")] };
        let mut problems = Vec::new();
        if expected.is_some_and(|expected| *expected != key) {
            problems.push(format!("it was signed with the key {}, not with the one expected", key.id()));
        }
        if self.manifest.signed_by.key != key.id() {
            problems
                .push(format!("{MANIFEST} names the key {}, and {PUBLIC_KEY} is another", self.manifest.signed_by.key));
        }
        for (signed, signature) in [(MANIFEST, MANIFEST_SIGNATURE), (SUMS, SUMS_SIGNATURE)] {
            let good = match (self.file(signed), self.file(signature)) {
                (Some(bytes), Some(signature)) => key.verifies(bytes, signature),
                _ => false,
            };
            if !good {
                problems.push(format!("{signature} is no signature of {signed}: one of them was altered"));
            }
        }
        problems
    }

    fn entries(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for entry in &self.manifest.entries {
            match self.file(&entry.path) {
                None => problems.push(format!("{} is missing", entry.path)),
                Some(bytes) if bytes.len() as u64 != entry.bytes || signing::sha256(bytes) != entry.sha256 => {
                    problems.push(format!("{} was altered: its digest is another", entry.path));
                }
                Some(_) => {}
            }
        }
        let known = |path: &str| {
            let own = OWN.contains(&path) && path != VERIFY;
            own || self.manifest.entries.iter().any(|entry| entry.path == path)
        };
        let added = self.paths().filter(|path| !known(path));
        problems.extend(added.map(|path| format!("{path} was added: the manifest does not have it")));
        let text = self.file(MANIFEST).unwrap_or_default();
        if self.file(SUMS) != Some(pack::sums(&self.manifest, text).as_bytes()) {
            problems.push(format!("{SUMS} and {MANIFEST} do not say the same"));
        }
        problems
    }
}
