//! Random tokens and digests: what is handed out is random, what is stored is its digest.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// 256 random bits, URL-safe.
pub(super) fn random_token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// Base64url without padding.
pub(super) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64url without padding.
pub(super) fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// SHA-256 as base64url: the stored form of a secret, and PKCE's S256 transformation (RFC 7636, 4.2).
pub(super) fn digest(text: &str) -> String {
    base64url(&Sha256::digest(text.as_bytes()))
}

/// The credentials of an `Authorization` header of this scheme, whose case does not matter (RFC 9110, 11.1).
pub(super) fn after_scheme<'a>(header: &'a str, scheme: &str) -> Option<&'a str> {
    let (own, credentials) = header.split_once(' ')?;
    own.eq_ignore_ascii_case(scheme).then(|| credentials.trim_start())
}

/// Compares without telling by its duration where the difference is.
pub(super) fn same(one: &str, other: &str) -> bool {
    digest(one).as_bytes().ct_eq(digest(other).as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_the_one_of_the_standard_for_pkce() {
        // RFC 7636, appendix B.
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(digest(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
