//! Both ends of the key exchange, up to the moment at which each has seen that the other knows the code.

use curve25519_dalek::edwards::CompressedEdwardsY;
use curve25519_dalek::traits::IsIdentity as _;
use rand_core::{CryptoRng, RngCore};
use spake2::{Ed25519Group, Identity, Password, Spake2};
use zeroize::Zeroizing;

use super::channel::Channel;
use super::keys::Keys;
use crate::code::UserCode;
use crate::encoding::Base64;
use crate::id::ClaimId;
use crate::permit::DevicePermit;

/// Length of a SPAKE2 message: the side's byte, then a point of edwards25519.
pub const PAKE_LEN: usize = 33;
/// Length of a confirmation: HMAC-SHA-256.
pub const CONFIRM_LEN: usize = 32;

const SIDE_DEVICE: u8 = 0x41;
const SIDE_CLAIMANT: u8 = 0x42;
const IDENTITY_DEVICE: &[u8] = b"gangway device";
const IDENTITY_CLAIMANT: &[u8] = b"gangway browser";

type PakeMessage = [u8; PAKE_LEN];

/// What both ends of a key exchange know.
pub trait SharedSecret {
    /// The password of the exchange. Never send or log it.
    fn password(&self) -> Zeroizing<Vec<u8>>;
}

/// Where a person enrols a device.
impl SharedSecret for UserCode {
    fn password(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.password().to_vec())
    }
}

/// Where the server does, by a permit.
impl SharedSecret for DevicePermit {
    fn password(&self) -> Zeroizing<Vec<u8>> {
        self.password()
    }
}

/// The device's end (side A) after its `answer`, waiting for the claimant's `confirm`.
pub struct Device {
    keys: Keys,
    claim: ClaimId,
    transcript: Vec<u8>,
}

/// What the device sends as `answer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// SPAKE2 message of side A, [`PAKE_LEN`] bytes.
    pub pake: Base64,
    /// HMAC with the device's confirm key, [`CONFIRM_LEN`] bytes.
    pub confirm: Base64,
}

/// The claimant's end (side B) after its `claim`, waiting for the device's `answer`.
pub struct Claimant {
    spake: Spake2<Ed25519Group>,
    message: PakeMessage,
}

/// Why a handshake ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HandshakeError {
    /// Not a SPAKE2 message of the other side: wrong length or side, or no point of the prime-order group.
    /// It says nothing about the code, and for a device no guess is spent: it declines with `malformed`.
    #[error(
        "the other side sent a key exchange message that is not valid; update the software on both sides and try again"
    )]
    Message,
    /// The confirmation does not fit: another code was typed, or somebody in between changed what was sent.
    #[error("the code does not match the one on the device; check it letter by letter and try again")]
    Mismatch,
}

impl Device {
    /// Takes the claimant's `pake` from a `claim` frame and gives the `answer` to send. Sending it spends a guess.
    ///
    /// `random` fills the slice it is given with fresh random bytes of cryptographic quality (64 are drawn).
    ///
    /// # Errors
    /// [`HandshakeError::Message`] when `pake` is not a message of side B; answer `decline` then.
    pub fn answer(
        secret: &impl SharedSecret,
        claim: &ClaimId,
        pake: &Base64,
        random: impl FnMut(&mut [u8]),
    ) -> Result<(Self, Answer), HandshakeError> {
        let theirs = checked_message(SIDE_CLAIMANT, pake)?;
        let (spake, ours) = Spake2::<Ed25519Group>::start_a_with_rng(
            &Password::new(secret.password()),
            &Identity::new(IDENTITY_DEVICE),
            &Identity::new(IDENTITY_CLAIMANT),
            Fill(random),
        );
        let transcript = [ours.as_slice(), &theirs, claim.as_str().as_bytes()].concat();
        let keys = finish(spake, &theirs)?;
        let answer = Answer {
            pake: Base64(ours),
            confirm: Base64(keys.confirm_device(&transcript)),
        };
        Ok((
            Self {
                keys,
                claim: claim.clone(),
                transcript,
            },
            answer,
        ))
    }

    /// Takes the claimant's `confirm`. A channel means that the claimant knows the code: the guess is redeemed.
    ///
    /// # Errors
    /// [`HandshakeError::Mismatch`]: count a failure and end the claim as failed.
    pub fn on_confirm(self, confirm: &Base64) -> Result<Channel, HandshakeError> {
        if !self.keys.verify_claimant(&self.transcript, &confirm.0) {
            return Err(HandshakeError::Mismatch);
        }
        Ok(Channel::of_device(&self.keys, self.claim))
    }
}

impl Claimant {
    /// Begins a claim and gives the `pake` to send.
    ///
    /// `random` fills the slice it is given with fresh random bytes of cryptographic quality (64 are drawn).
    #[must_use]
    pub fn start(secret: &impl SharedSecret, random: impl FnMut(&mut [u8])) -> (Self, Base64) {
        let (spake, ours) = Spake2::<Ed25519Group>::start_b_with_rng(
            &Password::new(secret.password()),
            &Identity::new(IDENTITY_DEVICE),
            &Identity::new(IDENTITY_CLAIMANT),
            Fill(random),
        );
        let mut message = [0; PAKE_LEN];
        message.copy_from_slice(&ours);
        (Self { spake, message }, Base64(ours))
    }

    /// Takes the device's `answer` to the claim that the server named in `accepted`; gives the `confirm` to send and
    /// the channel.
    ///
    /// # Errors
    /// [`HandshakeError::Mismatch`] when the device has another code: tell the person and close, sending nothing.
    /// [`HandshakeError::Message`] when `pake` is not a message of side A.
    pub fn on_answer(self, claim: &ClaimId, answer: &Answer) -> Result<(Channel, Base64), HandshakeError> {
        let theirs = checked_message(SIDE_DEVICE, &answer.pake)?;
        let transcript = [theirs.as_slice(), &self.message, claim.as_str().as_bytes()].concat();
        let keys = finish(self.spake, &theirs)?;
        if !keys.verify_device(&transcript, &answer.confirm.0) {
            return Err(HandshakeError::Mismatch);
        }
        let confirm = Base64(keys.confirm_claimant(&transcript));
        Ok((Channel::of_claimant(&keys, claim.clone()), confirm))
    }
}

fn finish(spake: Spake2<Ed25519Group>, theirs: &PakeMessage) -> Result<Keys, HandshakeError> {
    let shared = spake.finish(theirs).map_err(|_| HandshakeError::Message)?;
    Ok(Keys::derive(&Zeroizing::new(shared)))
}

/// RFC 9382 §4: a received point outside the prime-order group must end the protocol. The `spake2` crate takes any
/// point of the curve; small components would leak the scalar modulo the cofactor.
fn checked_message(side: u8, pake: &Base64) -> Result<PakeMessage, HandshakeError> {
    let message: PakeMessage = pake
        .0
        .as_slice()
        .try_into()
        .map_err(|_| HandshakeError::Message)?;
    let encoded = CompressedEdwardsY::from_slice(&message[1..]).map_err(|_| HandshakeError::Message)?;
    let point = encoded.decompress().ok_or(HandshakeError::Message)?;
    let canonical = point.compress() == encoded;
    if message[0] == side && canonical && point.is_torsion_free() && !point.is_identity() {
        Ok(message)
    } else {
        Err(HandshakeError::Message)
    }
}

/// Lends the caller's source of random bytes to the key exchange.
struct Fill<F>(F);

impl<F: FnMut(&mut [u8])> RngCore for Fill<F> {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        (self.0)(bytes);
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

/// By contract of [`Device::answer`] and [`Claimant::start`].
impl<F: FnMut(&mut [u8])> CryptoRng for Fill<F> {}

impl std::fmt::Debug for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "seal::Device({})", self.claim)
    }
}

impl std::fmt::Debug for Claimant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("seal::Claimant")
    }
}
