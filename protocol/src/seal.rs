//! The sealed channel between a waiting device and a claimant: SPAKE2, keys, confirmations, boxes (`protocol.md` §2).
//!
//! Session keys are erased from memory when they are dropped. The `spake2` crate does not erase its scalar and its copy of
//! the code: both are good for nothing once the claim is over and the code is spent.
//!
//! Pure state machines; frames and sockets are elsewhere. A transition consumes the state it leaves, so a handshake
//! cannot be used twice. New state is made for every claim.
//!
//! 1. The claimant: [`Claimant::start`] gives the `pake` of its `claim`.
//! 2. The device: [`Device::answer`] takes that `pake` and gives its `answer`. From here on a guess is spent.
//! 3. The claimant: [`Claimant::on_answer`] checks the device's `confirm` first, then gives its own and the [`Channel`].
//! 4. The device: [`Device::on_confirm`] checks the claimant's `confirm`, which redeems the guess, and gives the [`Channel`].
//! 5. Both: [`Channel::seal`] and [`Channel::open`], the device first.

mod channel;
mod handshake;
mod keys;

pub use channel::{Channel, MAX_BOX_LEN, SealError};
pub use handshake::{Answer, CONFIRM_LEN, Claimant, Device, HandshakeError, PAKE_LEN, SharedSecret};
