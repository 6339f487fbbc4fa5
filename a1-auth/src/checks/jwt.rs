//! The check's own reading of a JWS (RFC 7515) with ES256 (RFC 7518, 3.4) against a published key set (RFC 7517).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Verifier;
use p256::ecdsa::{Signature, VerifyingKey};
use serde_json::Value;

/// A token, its signature verified.
#[derive(Debug)]
pub(super) struct Verified {
    pub(super) head: Value,
    pub(super) claims: Value,
}

/// Verifies a token; the error says what is wrong with it.
pub(super) fn verify(token: &str, jwks: &Value) -> Result<Verified, String> {
    let [head, claims, signature] = <[&str; 3]>::try_from(token.split('.').collect::<Vec<_>>())
        .map_err(|parts| format!("{} parts instead of three", parts.len()))?;
    let signed = &token[..head.len() + 1 + claims.len()];
    let (head, claims) = (json(head)?, json(claims)?);
    if head["alg"] != "ES256" {
        return Err(format!("alg {} instead of ES256", head["alg"]));
    }
    let keys = jwks["keys"].as_array().ok_or("the key set has no keys")?;
    let kid = head["kid"].as_str().ok_or("the token's header has no kid")?;
    let key = keys.iter().find(|key| key["kid"] == kid).ok_or_else(|| format!("no key {kid:?} in the key set"))?;
    let mut point = vec![4];
    for coordinate in ["x", "y"] {
        let bytes = bytes(key[coordinate].as_str().unwrap_or_default())?;
        if bytes.len() != 32 {
            return Err(format!("{coordinate} of the key has {} bytes instead of 32", bytes.len()));
        }
        point.extend(bytes);
    }
    let key = VerifyingKey::from_sec1_bytes(&point).map_err(|_| "the key is no point of P-256")?;
    let signature = Signature::from_slice(&bytes(signature)?).map_err(|_| "the signature is not 64 bytes of ES256")?;
    key.verify(signed.as_bytes(), &signature).map_err(|_| "the signature is not this key's")?;
    Ok(Verified { head, claims })
}

fn bytes(text: &str) -> Result<Vec<u8>, String> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| "a part is not base64url".to_owned())
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_slice(&bytes(text)?).map_err(|_| "a part is not JSON".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// The example of RFC 7515, appendix A.3, with a `kid` added to neither: it must fail for that reason alone.
    #[test]
    fn a_token_without_a_kid_or_with_a_strange_signature_is_not_verified() {
        let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UifQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
        assert_eq!(verify(token, &json!({ "keys": [] })).unwrap_err(), "the token's header has no kid");
        let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"ES256","kid":"k"}"#);
        let (_, rest) = token.split_once('.').unwrap();
        let key = json!({
            "kid": "k", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
            "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"
        });
        let error = verify(&format!("{head}.{rest}"), &json!({ "keys": [key] })).unwrap_err();
        assert_eq!(error, "the signature is not this key's");
    }
}
