//! The channel itself: boxes in both directions, counted, bound to the claim, closed for ever by the first bad one.

use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use serde::Serialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

use super::keys::{Key, Keys};
use crate::encoding::Base64;
use crate::enrolment::{MAX_FRAME_LEN, MAX_SEALED_BYTES, MAX_SEALED_FRAMES};
use crate::id::ClaimId;

/// Largest box: as base64, with 128 bytes for the rest of the frame (it takes 64), it fills [`MAX_FRAME_LEN`].
pub const MAX_BOX_LEN: usize = (MAX_FRAME_LEN - 128) / 4 * 3;

const TAG_LEN: usize = 16;

/// An open sealed channel: what one side seals, only the other can open, in order, once.
pub struct Channel {
    claim: ClaimId,
    sending: Direction,
    receiving: Direction,
    broken: bool,
}

/// Why a box was not sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The box is not the other side's next one: changed, repeated, out of order, or of another claim.
    /// The channel is closed; end the claim as failed.
    #[error("a sealed message was changed on its way; start again with a new attempt")]
    Forged,
    /// The box is authentic but not a message that is expected here. The channel is closed.
    #[error(
        "the other side sent a sealed message that this version does not understand; update the software on both sides"
    )]
    NotUnderstood,
    /// An earlier box was bad.
    #[error("the sealed channel is closed")]
    Closed,
    /// The message would not fit into one frame. Nothing was sealed.
    #[error("the message is too large to be sent sealed: {len} bytes, at most {max}", max = MAX_BOX_LEN - TAG_LEN)]
    TooLarge {
        /// Length of the message as JSON.
        len: usize,
    },
    /// The budget of frames or bytes of this direction is used up. Nothing was sealed.
    #[error("the sealed channel has carried all that it may; start again with a new attempt")]
    Exhausted,
    /// The message cannot be written as JSON (a map with keys that are not text). Nothing was sealed.
    #[error("the message cannot be written as JSON")]
    NotJson,
}

impl Channel {
    pub(super) fn of_device(keys: &Keys, claim: ClaimId) -> Self {
        Self::new(claim, &keys.seal_device, &keys.seal_claimant)
    }

    pub(super) fn of_claimant(keys: &Keys, claim: ClaimId) -> Self {
        Self::new(claim, &keys.seal_claimant, &keys.seal_device)
    }

    fn new(claim: ClaimId, sending: &Key, receiving: &Key) -> Self {
        Self {
            claim,
            sending: Direction::new(sending),
            receiving: Direction::new(receiving),
            broken: false,
        }
    }

    /// The claim to which every box is bound.
    #[must_use]
    pub fn claim(&self) -> &ClaimId {
        &self.claim
    }

    /// Seals `message` as the next box of this side, for a `sealed` frame.
    ///
    /// # Errors
    /// [`SealError::Closed`], or what hinders this message; the channel stays as it was then.
    pub fn seal(&mut self, message: &impl Serialize) -> Result<Base64, SealError> {
        if self.broken {
            return Err(SealError::Closed);
        }
        let json = Zeroizing::new(serde_json::to_vec(message).map_err(|_| SealError::NotJson)?);
        if json.len() + TAG_LEN > MAX_BOX_LEN {
            return Err(SealError::TooLarge { len: json.len() });
        }
        let nonce = self.sending.next(json.len() + TAG_LEN)?;
        let payload = Payload {
            msg: &json,
            aad: self.claim.as_str().as_bytes(),
        };
        let sealed = self
            .sending
            .cipher
            .encrypt(&nonce, payload)
            .map_err(|_| SealError::TooLarge { len: json.len() })?;
        Ok(Base64(sealed))
    }

    /// Opens the other side's next box.
    ///
    /// # Errors
    /// [`SealError::Forged`], [`SealError::NotUnderstood`] or [`SealError::Exhausted`]; each closes the channel for
    /// good, in both directions, and every later call gives [`SealError::Closed`].
    pub fn open<T: DeserializeOwned>(&mut self, sealed: &Base64) -> Result<T, SealError> {
        if self.broken {
            return Err(SealError::Closed);
        }
        let opened = self.open_next(sealed);
        self.broken = opened.is_err();
        opened
    }

    fn open_next<T: DeserializeOwned>(&mut self, sealed: &Base64) -> Result<T, SealError> {
        let nonce = self.receiving.next(sealed.0.len())?;
        let payload = Payload {
            msg: &sealed.0,
            aad: self.claim.as_str().as_bytes(),
        };
        let json = self
            .receiving
            .cipher
            .decrypt(&nonce, payload)
            .map(Zeroizing::new)
            .map_err(|_| SealError::Forged)?;
        crate::json::read(&json).map_err(|_| SealError::NotUnderstood)
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel")
            .field("claim", &self.claim)
            .field("sealed", &self.sending.count)
            .field("opened", &self.receiving.count)
            .field("broken", &self.broken)
            .finish_non_exhaustive()
    }
}

/// One direction: its key (erased by the cipher when dropped), and what it has carried.
struct Direction {
    cipher: ChaCha20Poly1305,
    count: u32,
    base64_bytes: usize,
}

impl Direction {
    fn new(key: &Key) -> Self {
        Self {
            cipher: ChaCha20Poly1305::new(key.into()),
            count: 0,
            base64_bytes: 0,
        }
    }

    /// The nonce of the next box of `box_len` bytes: a little-endian counter from 0, never used twice because the
    /// budget of frames ends long before it could wrap.
    fn next(&mut self, box_len: usize) -> Result<Nonce, SealError> {
        let base64_bytes = self
            .base64_bytes
            .saturating_add(box_len.div_ceil(3).saturating_mul(4));
        if self.count >= MAX_SEALED_FRAMES || base64_bytes > MAX_SEALED_BYTES {
            return Err(SealError::Exhausted);
        }
        let mut nonce = Nonce::default();
        nonce[..4].copy_from_slice(&self.count.to_le_bytes());
        self.count += 1;
        self.base64_bytes = base64_bytes;
        Ok(nonce)
    }
}
