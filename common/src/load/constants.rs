//! Values that are drawn once per iteration and are the same in all of its steps.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::scenario::Constant;

use super::random::Ids;

/// The values of one iteration.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    id: String,
    verifier: String,
    challenge: String,
}

impl Constants {
    /// Draws fresh ones.
    pub(crate) fn fresh(ids: &mut Ids) -> Self {
        let random = [ids.next_u128().to_be_bytes(), ids.next_u128().to_be_bytes()].concat();
        let verifier = URL_SAFE_NO_PAD.encode(random);
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        Self { id: format!("{:032x}", ids.next_u128()), verifier, challenge }
    }

    pub(crate) fn get(&self, constant: Constant) -> &str {
        match constant {
            Constant::IterationId => &self.id,
            Constant::PkceVerifier => &self.verifier,
            Constant::PkceChallenge => &self.challenge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_long_enough_and_its_challenge_is_its_digest() {
        let mut ids = Ids::fresh();
        let (one, other) = (Constants::fresh(&mut ids), Constants::fresh(&mut ids));
        assert_eq!((one.verifier.len(), one.challenge.len(), one.id.len()), (43, 43, 32));
        assert!(one.verifier != other.verifier && one.id != other.id);
        let digest = URL_SAFE_NO_PAD.decode(&one.challenge).unwrap();
        assert_eq!(digest, Sha256::digest(one.verifier.as_bytes()).to_vec());
    }
}
