//! Values that are drawn once per iteration and are the same in all of its steps.

use std::cell::OnceCell;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::scenario::Constant;

use super::random::Ids;

/// The values of one iteration; they are only made if a template asks for one.
#[derive(Debug, Default)]
pub(crate) struct Constants {
    seeds: [u128; 3],
    made: OnceCell<Made>,
}

#[derive(Debug)]
struct Made {
    id: String,
    verifier: String,
    challenge: String,
}

impl Constants {
    /// Draws fresh ones.
    pub(crate) fn fresh(ids: &mut Ids) -> Self {
        Self { seeds: std::array::from_fn(|_| ids.next_u128()), made: OnceCell::new() }
    }

    pub(crate) fn get(&self, constant: Constant) -> &str {
        let made = self.made.get_or_init(|| self.make());
        match constant {
            Constant::IterationId => &made.id,
            Constant::PkceVerifier => &made.verifier,
            Constant::PkceChallenge => &made.challenge,
        }
    }

    fn make(&self) -> Made {
        let [id, high, low] = self.seeds;
        let verifier = URL_SAFE_NO_PAD.encode([high.to_be_bytes(), low.to_be_bytes()].concat());
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        Made { id: format!("{id:032x}"), verifier, challenge }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verifier_is_long_enough_and_its_challenge_is_its_digest() {
        let mut ids = Ids::fresh();
        let all = [Constant::IterationId, Constant::PkceVerifier, Constant::PkceChallenge];
        let (one, other) = (Constants::fresh(&mut ids), Constants::fresh(&mut ids));
        assert_eq!(all.map(|constant| one.get(constant).len()), [32, 43, 43]);
        assert!(all.iter().all(|constant| one.get(*constant) != other.get(*constant)));
        let digest = URL_SAFE_NO_PAD.decode(one.get(Constant::PkceChallenge)).unwrap();
        assert_eq!(digest, Sha256::digest(one.get(Constant::PkceVerifier)).to_vec());
    }
}
