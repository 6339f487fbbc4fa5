//! Private keys: made, kept under a passphrase as PKCS #8, and read back, whoever made them.

use p256::ecdsa::SigningKey;
use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncryptedPrivateKeyInfoRef, PrivateKeyInfoRef, SecretDocument};
use pkcs8::LineEnding;
use pkcs8::der::Decode;
use pkcs8::der::pem::PemLabel;
use pkcs8::pkcs5::pbes2;

use super::Signer;
use crate::settings::Secret;

/// Rounds of PBKDF2 with HMAC-SHA-256 (OWASP's advice of 2023).
const ROUNDS: u32 = 600_000;

/// Why a key cannot be read or made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No public key on P-256.
    #[error("no public key on P-256 in PEM; `openssl pkey -in KEY.pem -pubout` writes one")]
    NotPublic,
    /// No private key on P-256.
    #[error(
        "no private key on P-256 in PEM (PKCS #8); `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
         -aes-256-cbc` makes one"
    )]
    NotPrivate,
    /// It is encrypted, and no passphrase was given.
    #[error("the key is encrypted: give its passphrase")]
    NeedsPassphrase,
    /// The passphrase does not open it.
    #[error("the passphrase does not open the key")]
    WrongPassphrase,
    /// A new key cannot be made.
    #[error("a key cannot be made: {0}")]
    Made(&'static str),
}

impl Signer {
    /// Makes a key.
    ///
    /// # Errors
    /// [`KeyError::Made`] if the machine gives no randomness.
    pub fn generate() -> Result<Self, KeyError> {
        SigningKey::try_generate().map(Self).map_err(|_| KeyError::Made("the machine gives no randomness"))
    }

    /// True if PEM text holds a key that only a passphrase opens.
    #[must_use]
    pub fn is_encrypted(pem: &str) -> bool {
        pem.contains(EncryptedPrivateKeyInfoRef::PEM_LABEL)
    }

    /// Reads a private key in PEM: PKCS #8, encrypted (PBES2) or not. Keys of `openssl genpkey` are read as they are.
    ///
    /// # Errors
    /// [`KeyError::NeedsPassphrase`], [`KeyError::WrongPassphrase`], or [`KeyError::NotPrivate`] for anything else.
    pub fn from_pem(pem: &str, passphrase: Option<&Secret>) -> Result<Self, KeyError> {
        if !Self::is_encrypted(pem) {
            return SigningKey::from_pkcs8_pem(pem.trim()).map(Self).map_err(|_| KeyError::NotPrivate);
        }
        let passphrase = passphrase.ok_or(KeyError::NeedsPassphrase)?;
        let (_, locked) = SecretDocument::from_pem(pem.trim()).map_err(|_| KeyError::NotPrivate)?;
        let locked = EncryptedPrivateKeyInfoRef::from_der(locked.as_bytes()).map_err(|_| KeyError::NotPrivate)?;
        let open = locked.decrypt(passphrase.expose().as_bytes()).map_err(|_| KeyError::WrongPassphrase)?;
        SigningKey::from_pkcs8_der(open.as_bytes()).map(Self).map_err(|_| KeyError::NotPrivate)
    }

    /// The key as PEM under a passphrase: PKCS #8, PBES2 with PBKDF2 and AES-256-CBC, which `openssl` opens.
    ///
    /// # Errors
    /// [`KeyError::Made`] if it cannot be encrypted.
    pub fn to_encrypted_pem(&self, passphrase: &Secret) -> Result<Secret, KeyError> {
        let failed = |_| KeyError::Made("it cannot be encrypted");
        let parameters =
            pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(ROUNDS, &rand::random::<[u8; 16]>(), rand::random())
                .map_err(|_| KeyError::Made("its encryption cannot be set up"))?;
        let plain = self.0.to_pkcs8_der().map_err(failed)?;
        let plain =
            PrivateKeyInfoRef::try_from(plain.as_bytes()).map_err(|_| KeyError::Made("it has no PKCS #8 form"))?;
        let locked = plain.encrypt_with_params(parameters, passphrase.expose().as_bytes()).map_err(failed)?;
        let pem = locked.to_pem(EncryptedPrivateKeyInfoRef::PEM_LABEL, LineEnding::LF);
        pem.map(|pem| Secret::new(pem.as_str())).map_err(|_| KeyError::Made("it has no PEM form"))
    }
}
