//! The `resume` token: how a device proves, after a broken connection or a restart of the server, that a nameplate is
//! its own (`protocol.md` §2).
//!
//! HMAC-SHA-256 by a key that the database keeps, over (nameplate, epoch, first seen). The epoch is the instant of the
//! assignment; the expiry follows from it, because every nameplate lives equally long. The token is no secret of a
//! person: whoever steals one can take a nameplate over, and then does not know the code's secret.

use data_encoding::BASE64URL_NOPAD;
use ring::hmac;

use gangway_protocol::time::UnixMillis;

use super::packed_nameplate::PackedNameplate;

/// Keeps these MACs apart from any other made with the same key.
const LABEL: &[u8] = b"gangway resume v1\0";
const BODY_LEN: usize = 24;

/// Makes and checks tokens.
pub(crate) struct ResumeKey(hmac::Key);

/// What a token is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resume {
    pub(crate) plate: PackedNameplate,
    /// When the nameplate was assigned to this device.
    pub(crate) epoch: UnixMillis,
    /// When the device's connection, or the one it resumed, was first seen.
    pub(crate) first_seen: UnixMillis,
}

impl ResumeKey {
    /// The key of these 32 bytes.
    pub(crate) fn new(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The token for `resume`.
    pub(crate) fn issue(&self, resume: Resume) -> String {
        let body = resume.to_bytes();
        let tag = hmac::sign(&self.0, &[LABEL, &body].concat());
        BASE64URL_NOPAD.encode(&[&body, tag.as_ref()].concat())
    }

    /// What `token` is about; `None` for anything that this key has not made.
    pub(crate) fn read(&self, token: &str) -> Option<Resume> {
        let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
        let (body, tag) = bytes.split_first_chunk::<BODY_LEN>()?;
        // ring compares in constant time.
        hmac::verify(&self.0, &[LABEL, body].concat(), tag).ok()?;
        Resume::from_bytes(body)
    }
}

impl Resume {
    fn to_bytes(self) -> [u8; BODY_LEN] {
        let mut bytes = [0; BODY_LEN];
        bytes[..8].copy_from_slice(&self.plate.to_bits().to_be_bytes());
        bytes[8..16].copy_from_slice(&self.epoch.0.to_be_bytes());
        bytes[16..].copy_from_slice(&self.first_seen.0.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8; BODY_LEN]) -> Option<Self> {
        let (plate, rest) = bytes.split_first_chunk::<8>()?;
        let (epoch, rest) = rest.split_first_chunk::<8>()?;
        let (first_seen, _) = rest.split_first_chunk::<8>()?;
        Some(Self {
            plate: PackedNameplate::from_bits(u64::from_be_bytes(*plate))?,
            epoch: UnixMillis(i64::from_be_bytes(*epoch)),
            first_seen: UnixMillis(i64::from_be_bytes(*first_seen)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Resume {
        let nameplate: gangway_protocol::code::Nameplate = "BCDF".parse().expect("a nameplate");
        Resume {
            plate: PackedNameplate::from(&nameplate),
            epoch: UnixMillis(1_800_000_000_000),
            first_seen: UnixMillis(1_799_999_000_000),
        }
    }

    #[test]
    fn only_the_key_that_made_a_token_reads_it() {
        let key = ResumeKey::new(&[7; 32]);
        let token = key.issue(sample());
        assert_eq!(key.read(&token), Some(sample()));
        assert_eq!(ResumeKey::new(&[8; 32]).read(&token), None);
    }

    #[test]
    fn any_changed_character_spoils_a_token() {
        let key = ResumeKey::new(&[7; 32]);
        let token = key.issue(sample());
        for place in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[place] = if changed[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("a token is ASCII");
            assert_eq!(key.read(&changed), None, "{place}");
        }
        assert_eq!(key.read(""), None);
        assert_eq!(key.read("not a token"), None);
    }
}
