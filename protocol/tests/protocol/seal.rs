//! The sealed channel: it carries messages in order, and nothing else.

use gangway_protocol::code::UserCode;
use gangway_protocol::id::ClaimId;
use gangway_protocol::seal::{Channel, Claimant, Device, HandshakeError};
use gangway_protocol::time::UnixMillis;
use rand_core::{OsRng, RngCore as _};
use serde_json::{Value, json};

pub(crate) fn random(bytes: &mut [u8]) {
    OsRng.fill_bytes(bytes);
}

fn code(text: &str) -> UserCode {
    UserCode::read(text).expect("a code")
}

fn claim(millis: i64) -> ClaimId {
    ClaimId::new(UnixMillis(millis), [7; 10])
}

/// A finished handshake: the device's channel and the claimant's.
pub(crate) fn channels() -> (Channel, Channel) {
    let claim = claim(1);
    let (claimant, pake) = Claimant::start(&code("BCDF-GHJKLM"), random);
    let (device, answer) = Device::answer(&code("bcdfghjklm"), &claim, &pake, random).expect("an answer");
    let (at_claimant, confirm) = claimant.on_answer(&claim, &answer).expect("the same code");
    let at_device = device.on_confirm(&confirm).expect("the same code");
    (at_device, at_claimant)
}

#[test]
fn both_ends_exchange_messages_in_both_directions() {
    let (mut device, mut claimant) = channels();
    for round in 0..5 {
        let box_out = device.seal(&json!({"type": "introduction", "round": round})).expect("sealed");
        let read: Value = claimant.open(&box_out).expect("opened");
        assert_eq!(read["round"], round);
        let box_back = claimant.seal(&json!({"type": "offer", "round": round})).expect("sealed");
        let read: Value = device.open(&box_back).expect("opened");
        assert_eq!(read["round"], round);
    }
}

#[test]
fn a_wrong_code_is_noticed_by_the_claimant_first() {
    let claim = claim(1);
    let (claimant, pake) = Claimant::start(&code("BCDF-GHJKLN"), random);
    let (_, answer) = Device::answer(&code("BCDF-GHJKLM"), &claim, &pake, random).expect("an answer");
    assert_eq!(claimant.on_answer(&claim, &answer).err(), Some(HandshakeError::Mismatch));
}
