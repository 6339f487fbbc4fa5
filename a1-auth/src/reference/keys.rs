//! The provider's signing keys: made on first start, kept in its database, rotated without breaking tokens in use.

use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use serde_json::{Value, json};

use common::args;
use common::service::{Db, DbError};

use super::secret;

/// How long a retired key stays in JWKS: longer than any token that it signed lives.
const PUBLISHED_AFTER_RETIREMENT_MS: i64 = 2 * 60 * 60 * 1_000;

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub(super) enum KeyError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error("signing key {0:?} cannot be read or written as PKCS #8: remove its row to have a new one made")]
    Encoding(String),
    #[error("the machine gives no randomness for a new key")]
    Randomness,
}

/// One key with its name.
#[derive(Debug, Clone)]
pub(super) struct Key {
    kid: String,
    signing: SigningKey,
    /// When a retired key is forgotten; `None` for the one that signs.
    until_ms: Option<i64>,
}

/// The keys in use: the first signs, all verify.
#[derive(Debug, Clone)]
pub(super) struct KeySet(Vec<Key>);

impl Key {
    fn generate() -> Result<Self, KeyError> {
        let signing = SigningKey::try_generate().map_err(|_| KeyError::Randomness)?;
        let kid = thumbprint(signing.verifying_key());
        Ok(Self { kid, signing, until_ms: None })
    }

    /// True for the key that signs, false for a retired one.
    pub(super) fn signs(&self) -> bool {
        self.until_ms.is_none()
    }

    fn is_known(&self, now_ms: i64) -> bool {
        self.until_ms.is_none_or(|until_ms| now_ms < until_ms)
    }

    fn public_jwk(&self) -> Value {
        let (x, y) = coordinates(self.signing.verifying_key());
        json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid, "x": x, "y": y })
    }
}

impl KeySet {
    /// No keys: the state before the app has started.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// Reads the keys, making one if there is none.
    pub(super) async fn load(db: &Db, now_ms: i64) -> Result<Self, KeyError> {
        let keys = Self::read(db, now_ms).await?;
        if !keys.0.is_empty() {
            return Ok(keys);
        }
        Self::rotate(db, now_ms).await
    }

    /// Makes a new key that signs from now on; the others are retired but stay published for a while.
    pub(super) async fn rotate(db: &Db, now_ms: i64) -> Result<Self, KeyError> {
        let key = Key::generate()?;
        let pem = key.signing.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Encoding(key.kid.clone()))?;
        let mut tx = db.begin().await?;
        tx.execute("UPDATE signing_keys SET retired_ms = $1 WHERE retired_ms IS NULL", args![now_ms]).await?;
        let sql = "INSERT INTO signing_keys (kid, pem, created_ms) VALUES ($1, $2, $3)";
        tx.execute(sql, args![&key.kid, pem.as_str(), now_ms]).await?;
        tx.commit().await?;
        Self::read(db, now_ms).await
    }

    async fn read(db: &Db, now_ms: i64) -> Result<Self, KeyError> {
        let sql = "SELECT kid, pem, retired_ms FROM signing_keys WHERE retired_ms IS NULL OR retired_ms > $1
                   ORDER BY CASE WHEN retired_ms IS NULL THEN 0 ELSE 1 END, created_ms DESC";
        let mut keys = Vec::new();
        for row in db.query(sql, args![now_ms - PUBLISHED_AFTER_RETIREMENT_MS]).await? {
            let kid = row.text("kid")?;
            let signing = SigningKey::from_pkcs8_pem(&row.text("pem")?).map_err(|_| KeyError::Encoding(kid.clone()))?;
            let until_ms = row.opt_int("retired_ms")?.map(|at| at + PUBLISHED_AFTER_RETIREMENT_MS);
            keys.push(Key { kid, signing, until_ms });
        }
        Ok(Self(keys))
    }

    /// The JWK set of the keys that are not hidden (by a defect).
    pub(super) fn jwks(&self, now_ms: i64, is_hidden: impl Fn(&Key) -> bool) -> Value {
        let published = self.0.iter().filter(|key| key.is_known(now_ms) && !is_hidden(key));
        json!({ "keys": published.map(Key::public_jwk).collect::<Vec<_>>() })
    }

    /// The name of the key that signs.
    pub(super) fn current_kid(&self) -> &str {
        self.0.first().map_or("", |key| key.kid.as_str())
    }

    /// Signs claims as a compact JWS (ES256, RFC 7515 and RFC 7518 3.4); `kind` is the header's `typ`.
    pub(super) fn sign(&self, kind: &str, claims: &Value) -> Option<String> {
        let key = self.0.first()?;
        let head = json!({ "alg": "ES256", "typ": kind, "kid": key.kid });
        let signed = format!(
            "{}.{}",
            secret::base64url(head.to_string().as_bytes()),
            secret::base64url(claims.to_string().as_bytes())
        );
        let signature: Signature = key.signing.sign(signed.as_bytes());
        Some(format!("{signed}.{}", secret::base64url(&signature.to_bytes())))
    }

    /// The claims of a token that one of our keys signed with this `typ`; whether it is still valid is the caller's question.
    pub(super) fn open(&self, kind: &str, token: &str, now_ms: i64) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (head, claims) = signed.split_once('.')?;
        let head: Value = serde_json::from_slice(&secret::from_base64url(head)?).ok()?;
        if head["alg"] != "ES256" || head["typ"] != kind {
            return None;
        }
        let key = self.0.iter().find(|key| head["kid"] == key.kid.as_str() && key.is_known(now_ms))?;
        let signature = Signature::from_slice(&secret::from_base64url(signature)?).ok()?;
        key.signing.verifying_key().verify(signed.as_bytes(), &signature).ok()?;
        serde_json::from_slice(&secret::from_base64url(claims)?).ok()
    }
}

fn coordinates(key: &VerifyingKey) -> (String, String) {
    let point = key.to_sec1_point(false);
    let bytes = point.as_bytes(); // 0x04, x, y: 65 bytes
    (secret::base64url(&bytes[1..33]), secret::base64url(&bytes[33..65]))
}

/// The key's JWK thumbprint (RFC 7638), which serves as its `kid`.
fn thumbprint(key: &VerifyingKey) -> String {
    let (x, y) = coordinates(key);
    secret::digest(&format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_opens_only_with_its_own_type_and_unchanged() {
        let keys = KeySet(vec![Key::generate().unwrap()]);
        let token = keys.sign("JWT", &json!({ "sub": "student" })).unwrap();
        assert_eq!(keys.open("JWT", &token, 0).unwrap()["sub"], "student");
        assert!(keys.open("at+jwt", &token, 0).is_none(), "an ID token is no access token");
        let forged = token.replacen('.', ".e30", 1);
        assert!(keys.open("JWT", &forged, 0).is_none(), "changed claims do not fit the signature");
        let others = KeySet(vec![Key::generate().unwrap()]);
        assert!(others.open("JWT", &token, 0).is_none(), "another key did not sign it");
    }

    #[test]
    fn a_retired_key_opens_and_is_published_until_its_time_is_over() {
        let retired = Key { until_ms: Some(1_000), ..Key::generate().unwrap() };
        let token = KeySet(vec![retired.clone()]).sign("JWT", &json!({})).unwrap();
        let keys = KeySet(vec![Key::generate().unwrap(), retired]);
        let published = |now_ms| keys.jwks(now_ms, |_| false)["keys"].as_array().map(Vec::len);
        assert!(keys.open("JWT", &token, 999).is_some() && published(999) == Some(2));
        assert!(keys.open("JWT", &token, 1_000).is_none() && published(1_000) == Some(1));
    }
}
