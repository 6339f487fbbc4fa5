//! Webhook signatures as Stripe makes them: `Stripe-Signature: t=…,v1=…`, HMAC-SHA256 over `t.body`.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// How old, or how far ahead, a signature may be, in seconds.
const TOLERANCE_S: i64 = 300;

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum SignatureError {
    #[error("the delivery has no stripe-signature header with a time and a v1 signature")]
    Missing,
    #[error("no v1 signature fits the body and the secret: compare stripe_webhook_secret with the endpoint's")]
    Forged,
    #[error("the signature is more than {TOLERANCE_S} s off our clock: deliver the event again")]
    Stale,
}

/// Checks the signature of a delivery. The comparison takes the same time whatever differs; the time is only looked at
/// once it is known to be the sender's.
pub(super) fn verify(header: Option<&str>, body: &[u8], secret: &str, now_s: i64) -> Result<(), SignatureError> {
    let header = header.ok_or(SignatureError::Missing)?;
    let parts = || header.split(',').filter_map(|part| part.trim().split_once('='));
    let stamp = parts().find(|(name, _)| *name == "t").map(|(_, value)| value).ok_or(SignatureError::Missing)?;
    let at_s: i64 = stamp.parse().map_err(|_| SignatureError::Missing)?;
    let mut given = parts().filter(|(name, _)| *name == "v1").filter_map(|(_, value)| bytes(value)).peekable();
    if given.peek().is_none() {
        return Err(SignatureError::Missing);
    }
    let mut signed = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map_err(|_| SignatureError::Forged)?;
    signed.update(stamp.as_bytes());
    signed.update(b".");
    signed.update(body);
    if !given.any(|signature| signed.clone().verify_slice(&signature).is_ok()) {
        return Err(SignatureError::Forged);
    }
    if now_s.abs_diff(at_s) > TOLERANCE_S.unsigned_abs() {
        return Err(SignatureError::Stale);
    }
    Ok(())
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    if !hex.len().is_multiple_of(2) || !hex.is_ascii() {
        return None;
    }
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Computed with `openssl dgst -sha256 -hmac whsec_test` over `1700000000.{"id":"evt_1"}`.
    const KNOWN: &str = "c89214b5b5da833daed6f0b8c5bb6bd58cea9022bd80ccc78230f3942d632925";
    const BODY: &[u8] = br#"{"id":"evt_1"}"#;

    #[test]
    fn a_signature_that_openssl_made_is_believed_within_five_minutes_and_not_after() {
        let header = format!("t=1700000000,v1={KNOWN},v0=00");
        let at = |now_s| verify(Some(&header), BODY, "whsec_test", now_s);
        assert_eq!((at(1_700_000_300), at(1_699_999_700)), (Ok(()), Ok(())));
        assert_eq!((at(1_700_000_301), at(1_699_999_699)), (Err(SignatureError::Stale), Err(SignatureError::Stale)));
    }

    #[test]
    fn one_of_two_secrets_in_rotation_is_enough_and_none_is_not() {
        let both = format!("t=1700000000,v1={},v1={KNOWN}", "ab".repeat(32));
        assert_eq!(verify(Some(&both), BODY, "whsec_test", 1_700_000_000), Ok(()));
        assert_eq!(verify(Some(&both), BODY, "whsec_other", 1_700_000_000), Err(SignatureError::Forged));
        assert_eq!(verify(Some(&both), b"{}", "whsec_test", 1_700_000_000), Err(SignatureError::Forged));
    }

    #[test]
    fn what_is_no_signature_is_missing() {
        for header in
            [None, Some(""), Some("t=1"), Some("v1=00"), Some("t=x,v1=00"), Some("t=1,v1=0"), Some("t=1,v1=é")]
        {
            assert_eq!(verify(header, BODY, "s", 1), Err(SignatureError::Missing), "{header:?}");
        }
    }

    proptest! {
        #[test]
        fn no_made_up_header_is_believed(header in ".{0,80}", now in 0..2_000_000_000_i64) {
            prop_assert!(verify(Some(&header), BODY, "whsec_test", now).is_err());
        }
    }
}
