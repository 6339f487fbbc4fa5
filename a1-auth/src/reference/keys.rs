//! The provider's signing keys: made on first start, kept in its database, rotated without breaking tokens in use.
//!
//! One key signs, the next one is published already, and retired ones stay published for a while. Clients fetch keys again only
//! every minute or so: one that fetched them just before a rotation knows the key that signs after it.

use p256::ecdsa::signature::{Signer, Verifier};
use p256::ecdsa::{Signature, SigningKey, VerifyingKey};
use p256::elliptic_curve::Generate;
use p256::pkcs8::{DecodePrivateKey, EncodePrivateKey, LineEnding};
use serde_json::{Value, json};

use common::args;
use common::service::{Db, DbError, Tx};

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
    turn: Turn,
}

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// It signs next.
    Next,
    /// It signs.
    Signs,
    /// It verifies what it signed until this time.
    Retired { until_ms: i64 },
}

/// The keys in use: one signs, all verify.
#[derive(Debug, Clone)]
pub(super) struct KeySet(Vec<Key>);

impl Key {
    fn generate() -> Result<Self, KeyError> {
        let signing = SigningKey::try_generate().map_err(|_| KeyError::Randomness)?;
        let kid = thumbprint(signing.verifying_key());
        Ok(Self { kid, signing, turn: Turn::Next })
    }

    /// True for the key that signs.
    pub(super) fn signs(&self) -> bool {
        self.turn == Turn::Signs
    }

    /// True for a key that has signed and does no more.
    pub(super) fn is_retired(&self) -> bool {
        matches!(self.turn, Turn::Retired { .. })
    }

    fn is_known(&self, now_ms: i64) -> bool {
        !matches!(self.turn, Turn::Retired { until_ms } if until_ms <= now_ms)
    }

    /// Stores a key that signs next.
    async fn insert(tx: &mut Tx, now_ms: i64) -> Result<(), KeyError> {
        let key = Self::generate()?;
        let pem = key.signing.to_pkcs8_pem(LineEnding::LF).map_err(|_| KeyError::Encoding(key.kid.clone()))?;
        let sql = "INSERT INTO signing_keys (kid, pem, created_ms) VALUES ($1, $2, $3)";
        tx.execute(sql, args![&key.kid, pem.as_str(), now_ms]).await?;
        Ok(())
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

    /// Reads the keys, making those that lack: one that signs, and the next one.
    pub(super) async fn load(db: &Db, now_ms: i64) -> Result<Self, KeyError> {
        let keys = Self::read(db, now_ms).await?;
        let has = |turn| keys.0.iter().any(|key| key.turn == turn);
        match (has(Turn::Signs), has(Turn::Next)) {
            (true, true) => Ok(keys),
            (false, true) => Self::rotate(db, now_ms).await,
            (signs, false) => {
                let mut tx = db.begin().await?;
                Key::insert(&mut tx, now_ms).await?;
                tx.commit().await?;
                if signs { Self::read(db, now_ms).await } else { Self::rotate(db, now_ms).await }
            }
        }
    }

    /// Lets the next key sign from now on and makes another next one; the one that signed is retired but stays published for
    /// a while.
    pub(super) async fn rotate(db: &Db, now_ms: i64) -> Result<Self, KeyError> {
        let mut tx = db.begin().await?;
        let retire = "UPDATE signing_keys SET retired_ms = $1 WHERE retired_ms IS NULL AND active_ms IS NOT NULL";
        tx.execute(retire, args![now_ms]).await?;
        tx.execute("UPDATE signing_keys SET active_ms = $1 WHERE active_ms IS NULL", args![now_ms]).await?;
        Key::insert(&mut tx, now_ms).await?;
        tx.commit().await?;
        Self::read(db, now_ms).await
    }

    async fn read(db: &Db, now_ms: i64) -> Result<Self, KeyError> {
        let sql = "SELECT kid, pem, active_ms, retired_ms FROM signing_keys
                   WHERE retired_ms IS NULL OR retired_ms > $1
                   ORDER BY CASE WHEN retired_ms IS NOT NULL THEN 2 WHEN active_ms IS NULL THEN 1 ELSE 0 END,
                            created_ms DESC";
        let mut keys = Vec::new();
        for row in db.query(sql, args![now_ms - PUBLISHED_AFTER_RETIREMENT_MS]).await? {
            let kid = row.text("kid")?;
            let signing = SigningKey::from_pkcs8_pem(&row.text("pem")?).map_err(|_| KeyError::Encoding(kid.clone()))?;
            let turn = match (row.opt_int("active_ms")?, row.opt_int("retired_ms")?) {
                (_, Some(at)) => Turn::Retired { until_ms: at + PUBLISHED_AFTER_RETIREMENT_MS },
                (Some(_), None) => Turn::Signs,
                (None, None) => Turn::Next,
            };
            keys.push(Key { kid, signing, turn });
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
        self.current().map_or("", |key| key.kid.as_str())
    }

    fn current(&self) -> Option<&Key> {
        self.0.iter().find(|key| key.signs())
    }

    /// Signs claims as a compact JWS (ES256, RFC 7515 and RFC 7518 3.4); `kind` is the header's `typ`.
    pub(super) fn sign(&self, kind: &str, claims: &Value) -> Option<String> {
        let key = self.current()?;
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

    fn key(turn: Turn) -> Key {
        Key { turn, ..Key::generate().unwrap() }
    }

    #[test]
    fn a_token_opens_only_with_its_own_type_and_unchanged() {
        let keys = KeySet(vec![key(Turn::Signs)]);
        let token = keys.sign("JWT", &json!({ "sub": "student" })).unwrap();
        assert_eq!(keys.open("JWT", &token, 0).unwrap()["sub"], "student");
        assert!(keys.open("at+jwt", &token, 0).is_none(), "an ID token is no access token");
        let forged = token.replacen('.', ".e30", 1);
        assert!(keys.open("JWT", &forged, 0).is_none(), "changed claims do not fit the signature");
        let others = KeySet(vec![key(Turn::Signs)]);
        assert!(others.open("JWT", &token, 0).is_none(), "another key did not sign it");
    }

    #[test]
    fn a_retired_key_opens_and_is_published_until_its_time_is_over() {
        let signs = key(Turn::Signs);
        let token = KeySet(vec![signs.clone()]).sign("JWT", &json!({})).unwrap();
        let retired = Key { turn: Turn::Retired { until_ms: 1_000 }, ..signs };
        let keys = KeySet(vec![key(Turn::Signs), retired]);
        let published = |now_ms| keys.jwks(now_ms, |_| false)["keys"].as_array().map(Vec::len);
        assert!(keys.open("JWT", &token, 999).is_some() && published(999) == Some(2));
        assert!(keys.open("JWT", &token, 1_000).is_none() && published(1_000) == Some(1));
    }

    #[test]
    fn the_next_key_is_published_but_does_not_sign() {
        let (next, signs) = (key(Turn::Next), key(Turn::Signs));
        let keys = KeySet(vec![next.clone(), signs.clone()]);
        assert_eq!(keys.current_kid(), signs.kid);
        let token = keys.sign("JWT", &json!({})).unwrap();
        assert!(KeySet(vec![signs]).open("JWT", &token, 0).is_some());
        let kids: Vec<_> =
            keys.jwks(0, Key::signs)["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect();
        assert_eq!(kids, [json!(next.kid)], "what is not hidden");
        assert_eq!(KeySet(vec![next]).sign("JWT", &json!({})), None);
    }
}
