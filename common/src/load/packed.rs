//! Latencies one by one, in few bytes: what a record keeps so that every verdict can be made again from it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::INFINITE_US;

/// Response times in microseconds in send order, [`INFINITE_US`] for a request that never answered.
///
/// Written as one text: each number in LEB128 (seven bits a byte, lowest first, the eighth bit on all but the last), all
/// of them in base64. A latency of some milliseconds takes about three characters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackedSamples(pub Vec<u32>);

impl PackedSamples {
    /// The latencies as the statistics take them.
    #[must_use]
    pub fn to_us(&self) -> Vec<u64> {
        let finite = |us: &u32| if *us == INFINITE_US { crate::slo::NEVER_US } else { u64::from(*us) };
        self.0.iter().map(finite).collect()
    }

    /// True without any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn pack(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.0.len() * 2);
        for value in &self.0 {
            let mut rest = *value;
            while rest >= 0x80 {
                bytes.push((rest & 0x7f) as u8 | 0x80);
                rest >>= 7;
            }
            bytes.push(rest as u8);
        }
        bytes
    }

    fn unpack(bytes: &[u8]) -> Option<Self> {
        let (mut values, mut value, mut shift) = (Vec::new(), 0_u64, 0);
        for byte in bytes {
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                values.push(u32::try_from(value).ok()?);
                (value, shift) = (0, 0);
            } else {
                shift += 7;
                if shift > 28 {
                    return None;
                }
            }
        }
        (shift == 0).then_some(Self(values))
    }
}

impl Serialize for PackedSamples {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&STANDARD.encode(self.pack()))
    }
}

impl<'de> Deserialize<'de> for PackedSamples {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let bytes =
            STANDARD.decode(text).map_err(|error| D::Error::custom(format!("samples are no base64: {error}")))?;
        Self::unpack(&bytes).ok_or_else(|| D::Error::custom("samples are no LEB128 numbers of 32 bits"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn packed_samples_are_read_back_as_they_were(values in prop::collection::vec(any::<u32>(), 0..200)) {
            let packed = PackedSamples(values);
            let text = serde_json::to_string(&packed).unwrap();
            prop_assert_eq!(serde_json::from_str::<PackedSamples>(&text).unwrap(), packed);
        }

        #[test]
        fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            drop(PackedSamples::unpack(&bytes));
        }
    }

    #[test]
    fn a_torn_number_is_refused() {
        assert_eq!(PackedSamples::unpack(&[0x80]), None);
        assert_eq!(PackedSamples::unpack(&[0xff, 0xff, 0xff, 0xff, 0x7f]), None);
        assert!(serde_json::from_str::<PackedSamples>("\"gA==\"").is_err());
    }

    #[test]
    fn a_request_that_never_answered_is_slower_than_all() {
        assert_eq!(PackedSamples(vec![7, INFINITE_US]).to_us(), [7, crate::slo::NEVER_US]);
    }
}
