//! DSSE (Dead Simple Signing Envelope) v1: a payload, its type, and signatures over both.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// What is signed of a payload: `DSSEv1 <length of type> <type> <length of payload> <payload>`, lengths in bytes, in decimal.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// A payload with its signatures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Envelope {
    /// What the payload is, `application/vnd.in-toto+json`.
    pub payload_type: String,
    /// Base64.
    payload: String,
    /// One or more.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeSignature {
    /// The id of the key, a hint: [`PublicKey::id`](super::PublicKey::id).
    pub keyid: String,
    /// Base64 of the DER.
    sig: String,
}

/// An envelope that cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} of the envelope is not base64")]
pub struct EnvelopeError(&'static str);

impl Envelope {
    /// Wraps a payload with one signature in DER over its [`pae`].
    #[must_use]
    pub fn new(payload_type: &str, payload: &[u8], keyid: &str, signature: &[u8]) -> Self {
        Self {
            payload_type: payload_type.to_owned(),
            payload: STANDARD.encode(payload),
            signatures: vec![EnvelopeSignature { keyid: keyid.to_owned(), sig: STANDARD.encode(signature) }],
        }
    }

    /// The payload's bytes.
    ///
    /// # Errors
    /// When it is not base64.
    pub fn payload(&self) -> Result<Vec<u8>, EnvelopeError> {
        STANDARD.decode(&self.payload).map_err(|_| EnvelopeError("the payload"))
    }

    /// The bytes that are signed.
    ///
    /// # Errors
    /// As [`Envelope::payload`].
    pub fn pae(&self) -> Result<Vec<u8>, EnvelopeError> {
        Ok(pae(&self.payload_type, &self.payload()?))
    }
}

impl EnvelopeSignature {
    /// The signature in DER.
    ///
    /// # Errors
    /// When it is not base64.
    pub fn der(&self) -> Result<Vec<u8>, EnvelopeError> {
        STANDARD.decode(&self.sig).map_err(|_| EnvelopeError("a signature"))
    }
}
