//! Nonces of forms: each names one effect, and works only in the session that it was shown to.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::cookies;

/// A fresh nonce for a form shown in the session of this token.
pub(super) fn fresh(session_token: &str) -> String {
    let random = cookies::random_token();
    format!("{random}.{}", seal(session_token, &random))
}

/// True if the nonce was shown in the session of this token.
pub(super) fn fits(nonce: &str, session_token: &str) -> bool {
    let Some((random, given)) = nonce.split_once('.') else { return false };
    let Ok(given) = URL_SAFE_NO_PAD.decode(given) else { return false };
    mac(session_token, random).is_some_and(|mac| mac.verify_slice(&given).is_ok())
}

fn seal(session_token: &str, random: &str) -> String {
    mac(session_token, random).map(|mac| URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())).unwrap_or_default()
}

fn mac(session_token: &str, random: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(session_token.as_bytes()).ok()?;
    mac.update(random.as_bytes());
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nonce_works_in_its_own_session_alone_and_as_it_was_made() {
        let nonce = fresh("session-a");
        assert!(fits(&nonce, "session-a"));
        assert!(!fits(&nonce, "session-b"));
        assert!(!fits(&format!("x{nonce}"), "session-a"));
        for made_up in ["", ".", "a.", "a.b", "no-dot"] {
            assert!(!fits(made_up, "session-a"), "{made_up:?}");
        }
        assert_ne!(nonce, fresh("session-a"));
    }
}
