//! Signatures that `openssl` alone can make and check: ECDSA on P-256 over SHA-256, in DER, with keys in PEM.
//!
//! The nonce of a signature comes from the key and the message (RFC 6979), so the same key signs the same bytes in the same
//! way. What is signed of a structured statement is its DSSE pre-authentication encoding, see [`pae`].

mod dsse;
mod key;

use p256::ecdsa::signature::{Signer as _, Verifier as _};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::pkcs8::{DecodePublicKey, EncodePublicKey, LineEnding};
use sha2::{Digest, Sha256};

pub use dsse::{Envelope, EnvelopeError, EnvelopeSignature, pae};
pub use key::KeyError;

/// A key that signs. It is shown by its id only.
#[derive(Clone)]
pub struct Signer(SigningKey);

impl Signer {
    /// Signs bytes: an ECDSA signature in DER, as `openssl dgst -sha256 -sign` gives.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let signature: Signature = self.0.sign(bytes);
        signature.to_der().as_bytes().to_vec()
    }

    /// The key that checks what this one signs.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(*self.0.verifying_key())
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.public().id())
    }
}

/// A key that checks signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads `-----BEGIN PUBLIC KEY-----`, as `openssl pkey -pubout` writes it.
    ///
    /// # Errors
    /// [`KeyError::NotPublic`] for anything but a public key on P-256.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        VerifyingKey::from_public_key_pem(text.trim()).map(Self).map_err(|_| KeyError::NotPublic)
    }

    /// The key as PEM, ending in a line feed.
    ///
    /// # Errors
    /// [`KeyError::NotPublic`] if the key has no such form, which no key on P-256 lacks.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.0.to_public_key_pem(LineEnding::LF).map_err(|_| KeyError::NotPublic)
    }

    /// The name of the key: `sha256:` and 64 hex digits of its DER, as `openssl pkey -pubin -outform DER | sha256sum` gives.
    #[must_use]
    pub fn id(&self) -> String {
        self.0.to_public_key_der().map_or_else(|_| "sha256:".to_owned(), |der| sha256(der.as_bytes()))
    }

    /// True if `signature` (DER) is this key's over `bytes`.
    #[must_use]
    pub fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        Signature::from_der(signature).is_ok_and(|signature| self.0.verify(bytes, &signature).is_ok())
    }
}

/// `sha256:` and the 64 hex digits of the digest of some bytes.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// Bytes as lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests;
