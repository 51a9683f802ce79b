//! The key schedule: four keys from one shared secret, and the confirmations made with two of them.

use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::ZeroizeOnDrop;

const SALT: &[u8] = b"gangway enrolment v1";

/// A symmetric key; erased when dropped.
pub(super) type Key = [u8; 32];

/// The four keys of a claim. Each has one use and one direction, so nothing that one side sends can be played back to it.
#[derive(ZeroizeOnDrop)]
pub(super) struct Keys {
    confirm_device: Key,
    confirm_claimant: Key,
    pub(super) seal_device: Key,
    pub(super) seal_claimant: Key,
}

impl Keys {
    /// HKDF-SHA-256 (RFC 5869) over the shared key of SPAKE2.
    pub(super) fn derive(shared: &[u8]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(Some(SALT), shared);
        let expand = |info: &[u8]| {
            let mut key = [0; 32];
            hkdf.expand(info, &mut key)
                .expect("HKDF-SHA-256 gives up to 8,160 bytes (RFC 5869 §2.3)");
            key
        };
        Self {
            confirm_device: expand(b"confirm device"),
            confirm_claimant: expand(b"confirm browser"),
            seal_device: expand(b"seal device"),
            seal_claimant: expand(b"seal browser"),
        }
    }

    /// The device's confirmation of `transcript` (A's message ‖ B's message ‖ claim id).
    pub(super) fn confirm_device(&self, transcript: &[u8]) -> Vec<u8> {
        mac(&self.confirm_device, transcript)
            .finalize()
            .into_bytes()
            .to_vec()
    }

    /// The claimant's confirmation of `transcript`.
    pub(super) fn confirm_claimant(&self, transcript: &[u8]) -> Vec<u8> {
        mac(&self.confirm_claimant, transcript)
            .finalize()
            .into_bytes()
            .to_vec()
    }

    /// Whether `confirm` is the device's; compared in constant time.
    pub(super) fn verify_device(&self, transcript: &[u8], confirm: &[u8]) -> bool {
        mac(&self.confirm_device, transcript)
            .verify_slice(confirm)
            .is_ok()
    }

    /// Whether `confirm` is the claimant's; compared in constant time.
    pub(super) fn verify_claimant(&self, transcript: &[u8], confirm: &[u8]) -> bool {
        mac(&self.confirm_claimant, transcript)
            .verify_slice(confirm)
            .is_ok()
    }
}

fn mac(key: &Key, transcript: &[u8]) -> Hmac<Sha256> {
    let mut mac = <Hmac<Sha256> as hmac::Mac>::new_from_slice(key)
        .expect("HMAC takes keys of any length (RFC 2104 §2)");
    mac.update(transcript);
    mac
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use serde_json::Value;

    use super::*;

    #[test]
    fn the_keys_are_those_of_the_vectors() {
        let vectors: Value = serde_json::from_str(include_str!("../../vectors/seal.json")).expect("JSON");
        let hex = |name: &str| {
            HEXLOWER
                .decode(vectors[name].as_str().expect("text").as_bytes())
                .expect("hex")
        };
        let keys = Keys::derive(&hex("shared"));
        assert_eq!(keys.confirm_device.as_slice(), hex("key_confirm_device"));
        assert_eq!(keys.confirm_claimant.as_slice(), hex("key_confirm_browser"));
        assert_eq!(keys.seal_device.as_slice(), hex("key_seal_device"));
        assert_eq!(keys.seal_claimant.as_slice(), hex("key_seal_browser"));
    }
}
