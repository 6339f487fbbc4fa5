//! The check of an ID token (OpenID Connect Core 1.0, 3.1.3.7): signature first, then who, for whom, when and why.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde::Deserialize;

/// How far the provider's clock may be off, in seconds.
const LEEWAY_S: i64 = 60;

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) email: String,
    iss: String,
    aud: String,
    exp: i64,
    iat: i64,
    nonce: Option<String>,
}

/// A key set (RFC 7517); keys of other kinds are passed over.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Jwks {
    keys: Vec<Jwk>,
}

#[derive(Debug, Clone, Deserialize)]
struct Jwk {
    kid: Option<String>,
    #[serde(default)]
    crv: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

#[derive(Debug, Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
}

/// What an ID token must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now_s: i64,
}

/// Why an ID token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum IdTokenError {
    #[error("the ID token cannot be read")]
    Unreadable,
    #[error("the ID token is signed with {0:?}, not ES256")]
    Algorithm(String),
    #[error("the provider publishes no key {0:?}")]
    UnknownKey(String),
    #[error("the ID token's signature is not the provider's")]
    Signature,
    #[error("the ID token is not for this sign-in: its {0} is another")]
    Claim(&'static str),
    #[error("the ID token has expired or is from the future")]
    Time,
}

/// Checks a token against the provider's keys.
pub(super) fn verify(token: &str, jwks: &Jwks, expected: Expected<'_>) -> Result<Claims, IdTokenError> {
    let (signed, signature) = token.rsplit_once('.').ok_or(IdTokenError::Unreadable)?;
    let (head, claims) = signed.split_once('.').ok_or(IdTokenError::Unreadable)?;
    let head: Head = decoded(head)?;
    if head.alg != "ES256" {
        return Err(IdTokenError::Algorithm(head.alg));
    }
    let key = jwks.find(head.kid.as_deref())?;
    let signature = bytes(signature).and_then(|bytes| Signature::from_slice(&bytes).ok());
    let signature = signature.ok_or(IdTokenError::Signature)?;
    key.verify(signed.as_bytes(), &signature).map_err(|_| IdTokenError::Signature)?;
    let claims: Claims = decoded(claims)?;
    claims.fit(expected)?;
    Ok(claims)
}

impl Claims {
    fn fit(&self, expected: Expected<'_>) -> Result<(), IdTokenError> {
        if self.iss != expected.issuer {
            return Err(IdTokenError::Claim("iss"));
        }
        if self.aud != expected.client_id {
            return Err(IdTokenError::Claim("aud"));
        }
        if self.nonce.as_deref() != Some(expected.nonce) {
            return Err(IdTokenError::Claim("nonce"));
        }
        if self.exp + LEEWAY_S <= expected.now_s || self.iat - LEEWAY_S > expected.now_s {
            return Err(IdTokenError::Time);
        }
        Ok(())
    }
}

impl Jwks {
    fn find(&self, kid: Option<&str>) -> Result<VerifyingKey, IdTokenError> {
        let unknown = || IdTokenError::UnknownKey(kid.unwrap_or_default().to_owned());
        let jwk = self.keys.iter().find(|jwk| jwk.crv == "P-256" && jwk.kid.as_deref() == kid).ok_or_else(unknown)?;
        let mut point = vec![4]; // SEC 1: an uncompressed point follows
        point.extend(bytes(&jwk.x).ok_or_else(unknown)?);
        point.extend(bytes(&jwk.y).ok_or_else(unknown)?);
        VerifyingKey::from_sec1_bytes(&point).map_err(|_| unknown())
    }
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

fn decoded<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, IdTokenError> {
    let bytes = bytes(text).ok_or(IdTokenError::Unreadable)?;
    serde_json::from_slice(&bytes).map_err(|_| IdTokenError::Unreadable)
}

#[cfg(test)]
mod tests {
    use p256::ecdsa::SigningKey;
    use p256::ecdsa::signature::Signer;
    use p256::elliptic_curve::Generate;
    use serde_json::{Value, json};

    use super::*;

    const EXPECTED: Expected<'_> =
        Expected { issuer: "https://id.test", client_id: "a5-student", nonce: "n-1", now_s: 1_000 };

    fn good() -> Value {
        json!({ "iss": "https://id.test", "aud": "a5-student", "nonce": "n-1", "sub": "s", "iat": 990, "exp": 1_890 })
    }

    fn signed(key: &SigningKey, head: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(head), part(claims));
        let signature: Signature = key.sign(text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature.to_bytes()))
    }

    fn jwks(key: &SigningKey) -> Jwks {
        let point = key.verifying_key().to_sec1_point(false);
        let part = |range: std::ops::Range<usize>| URL_SAFE_NO_PAD.encode(&point.as_bytes()[range]);
        let (x, y) = (part(1..33), part(33..65));
        serde_json::from_value(json!({ "keys": [{ "kid": "k", "crv": "P-256", "x": x, "y": y }] })).unwrap()
    }

    #[test]
    fn a_token_is_believed_only_if_every_claim_is_for_this_sign_in() {
        let key = SigningKey::generate();
        let head = json!({ "alg": "ES256", "kid": "k" });
        let seen =
            |claims: &Value| verify(&signed(&key, &head, claims), &jwks(&key), EXPECTED).map(|claims| claims.sub);
        assert_eq!(seen(&good()), Ok("s".to_owned()));
        for (name, other) in [("iss", "https://evil.test"), ("aud", "another"), ("nonce", "n-2")] {
            let mut claims = good();
            claims[name] = other.into();
            assert_eq!(seen(&claims), Err(IdTokenError::Claim(name)));
        }
        let mut late = good();
        late["exp"] = 900.into();
        assert_eq!(seen(&late), Err(IdTokenError::Time));
    }

    #[test]
    fn a_token_of_another_key_or_algorithm_is_not_believed() {
        let (key, other) = (SigningKey::generate(), SigningKey::generate());
        let head = json!({ "alg": "ES256", "kid": "k" });
        assert_eq!(verify(&signed(&other, &head, &good()), &jwks(&key), EXPECTED), Err(IdTokenError::Signature));
        let none = signed(&key, &json!({ "alg": "none" }), &good());
        assert_eq!(verify(&none, &jwks(&key), EXPECTED), Err(IdTokenError::Algorithm("none".into())));
        let unknown = signed(&key, &json!({ "alg": "ES256", "kid": "z" }), &good());
        assert_eq!(verify(&unknown, &jwks(&key), EXPECTED), Err(IdTokenError::UnknownKey("z".into())));
    }
}
