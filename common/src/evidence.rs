//! A signed bundle of artifacts that `openssl` and `sha256sum` alone can check: a zip with a manifest.
//!
//! Beside the artifacts it has `_manifest.json` (what was planned and what became of it, the digest of every entry),
//! `SHA256SUMS` over the manifest and every entry, a signature of each of the two, and the public key. The same artifacts
//! and the same key give the same bytes: entries are sorted and carry no time, and signatures are deterministic.

mod manifest;
mod open;
mod pack;

pub use manifest::{Became, Entry, Manifest, Planned, SignedBy, Subject};
pub use open::{Bundle, open};
pub use pack::pack;

/// The manifest's place in a bundle.
pub const MANIFEST: &str = "_manifest.json";
/// The signature of the manifest, DER.
pub const MANIFEST_SIGNATURE: &str = "_manifest.json.sig";
/// The digests of the manifest and all entries, for `sha256sum -c`.
pub const SUMS: &str = "SHA256SUMS";
/// The signature of the digests, DER.
pub const SUMS_SIGNATURE: &str = "SHA256SUMS.sig";
/// The key that checks both signatures, PEM.
pub const PUBLIC_KEY: &str = "_public_key.pem";
/// How to check the bundle by hand.
pub const VERIFY: &str = "VERIFY.md";

/// Names that no artifact may have.
const OWN: [&str; 6] = [MANIFEST, MANIFEST_SIGNATURE, SUMS, SUMS_SIGNATURE, PUBLIC_KEY, VERIFY];

/// Why a bundle cannot be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum EvidenceError {
    /// An artifact may not be called so.
    #[error("`{0}` is no name for an artifact: it stands twice, is taken, or leads elsewhere")]
    Name(String),
    /// It is no zip of ours.
    #[error("it is no bundle: {0}")]
    NoBundle(String),
    /// It cannot be written.
    #[error("the bundle cannot be made: {0}")]
    Made(String),
}

#[cfg(test)]
mod tests;
