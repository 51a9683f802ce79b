//! The open channel: it carries messages in order, and anything else closes it for ever.

use gangway_protocol::code::UserCode;
use gangway_protocol::encoding::Base64;
use gangway_protocol::enrolment::{ClaimantToDevice, DeviceToClaimant, MAX_FRAME_LEN, MAX_SEALED_FRAMES};
use gangway_protocol::id::ClaimId;
use gangway_protocol::seal::{Channel, Claimant, Device, MAX_BOX_LEN, SealError};
use gangway_protocol::time::UnixMillis;
use proptest::prelude::*;
use rand_core::{OsRng, RngCore as _};
use serde_json::{Value, json};

pub(crate) fn random(bytes: &mut [u8]) {
    OsRng.fill_bytes(bytes);
}

pub(crate) fn code(text: &str) -> UserCode {
    UserCode::read(text).expect("a code")
}

pub(crate) fn claim(millis: i64) -> ClaimId {
    ClaimId::new(UnixMillis(millis), [7; 10])
}

/// A finished handshake: the device's channel and the claimant's.
fn channels() -> (Channel, Channel) {
    let claim = claim(1);
    let (claimant, pake) = Claimant::start(&code("BCDF-GHJKLM"), random);
    let (device, answer) = Device::answer(&code("bcdfghjklm"), &claim, &pake, random).expect("an answer");
    let (at_claimant, confirm) = claimant.on_answer(&claim, &answer).expect("the same code");
    let at_device = device.on_confirm(&confirm).expect("the same code");
    (at_device, at_claimant)
}

fn closed_for_ever(channel: &mut Channel, sealed: &Base64) {
    assert_eq!(channel.open::<Value>(sealed), Err(SealError::Closed));
    assert_eq!(channel.seal(&json!({"type": "consent"})), Err(SealError::Closed));
}

#[test]
fn messages_cross_in_both_directions() {
    let (mut device, mut claimant) = channels();
    let consent = DeviceToClaimant::Consent {
        accepted: true,
        reason: None,
    };
    let refusal = ClaimantToDevice::Refusal {
        reason: "not mine".to_owned(),
    };
    for _ in 0..5 {
        let sealed = device.seal(&consent).expect("sealed");
        assert_eq!(claimant.open::<DeviceToClaimant>(&sealed), Ok(consent.clone()));
        let sealed = claimant.seal(&refusal).expect("sealed");
        assert_eq!(device.open::<ClaimantToDevice>(&sealed), Ok(refusal.clone()));
    }
}

#[test]
fn equal_messages_make_different_boxes() {
    let (mut device, mut claimant) = channels();
    let message = json!({"type": "consent", "accepted": true});
    let boxes = [
        device.seal(&message).expect("sealed"),
        device.seal(&message).expect("sealed"),
        claimant.seal(&message).expect("sealed"),
    ];
    assert!(boxes[0] != boxes[1] && boxes[0] != boxes[2] && boxes[1] != boxes[2]);
}

/// Threat model: SEA-2.
#[test]
fn a_replayed_box_closes_the_channel() {
    let (mut device, mut claimant) = channels();
    let first = device.seal(&json!({"n": 1})).expect("sealed");
    let second = device.seal(&json!({"n": 2})).expect("sealed");
    assert_eq!(claimant.open(&first), Ok(json!({"n": 1})));
    assert_eq!(claimant.open::<Value>(&first), Err(SealError::Forged));
    closed_for_ever(&mut claimant, &second);
}

/// Threat model: SEA-2.
#[test]
fn a_reflected_box_closes_the_channel() {
    let (mut device, _) = channels();
    let own = device.seal(&json!({"n": 1})).expect("sealed");
    assert_eq!(device.open::<Value>(&own), Err(SealError::Forged));
    closed_for_ever(&mut device, &own);
}

#[test]
fn a_box_of_another_handshake_of_the_same_code_closes_the_channel() {
    let (mut other, _) = channels();
    let (_, mut claimant) = channels();
    let foreign = other.seal(&json!({"n": 1})).expect("sealed");
    assert_eq!(claimant.open::<Value>(&foreign), Err(SealError::Forged));
}

#[test]
fn an_authentic_box_of_an_unknown_type_closes_the_channel() {
    let (mut device, mut claimant) = channels();
    let sealed = device.seal(&json!({"type": "gossip"})).expect("sealed");
    let next = device
        .seal(&json!({"type": "consent", "accepted": true}))
        .expect("sealed");
    assert_eq!(
        claimant.open::<DeviceToClaimant>(&sealed),
        Err(SealError::NotUnderstood)
    );
    closed_for_ever(&mut claimant, &next);
}

#[test]
fn unknown_fields_are_ignored() {
    let (mut device, mut claimant) = channels();
    let sealed = device
        .seal(&json!({"type": "consent", "accepted": true, "mood": "glad"}))
        .expect("sealed");
    let consent = DeviceToClaimant::Consent {
        accepted: true,
        reason: None,
    };
    assert_eq!(claimant.open(&sealed), Ok(consent));
}

#[test]
fn the_budget_of_frames_ends_each_direction() {
    let (mut device, mut claimant) = channels();
    for n in 0..MAX_SEALED_FRAMES {
        let sealed = device.seal(&json!({"n": n})).expect("within the budget");
        assert_eq!(claimant.open(&sealed), Ok(json!({"n": n})));
    }
    assert_eq!(device.seal(&json!({})), Err(SealError::Exhausted));
    assert_eq!(
        claimant.open::<Value>(&Base64(vec![0; 32])),
        Err(SealError::Exhausted)
    );
    let (mut device, mut claimant) = channels();
    let sealed = claimant
        .seal(&json!({"n": 1}))
        .expect("the other direction has its own");
    assert_eq!(device.open(&sealed), Ok(json!({"n": 1})));
}

#[test]
fn the_budget_of_bytes_ends_a_direction_and_the_largest_box_fits_a_frame() {
    let (mut device, mut claimant) = channels();
    // A JSON text has two quotation marks, a box a tag of 16 bytes.
    let largest = "x".repeat(MAX_BOX_LEN - 18);
    let too_large = "x".repeat(MAX_BOX_LEN - 17);
    for _ in 0..8 {
        assert_eq!(
            device.seal(&too_large),
            Err(SealError::TooLarge {
                len: MAX_BOX_LEN - 15
            })
        );
        let sealed = device.seal(&largest).expect("256 KiB hold eight of the largest");
        let frame = json!({"type": "sealed", "claim": device.claim(), "box": sealed}).to_string();
        assert!(frame.len() <= MAX_FRAME_LEN, "{}", frame.len());
        assert_eq!(claimant.open(&sealed), Ok(largest.clone()));
    }
    assert_eq!(device.seal(&largest), Err(SealError::Exhausted));
}

#[test]
fn nothing_of_the_keys_is_printed() {
    let (device, _) = channels();
    let printed = format!("{device:?}");
    assert_eq!(
        printed,
        "Channel { claim: ClaimId(\"clm_00000000010w3ge1r70w3ge1r7\"), sealed: 0, opened: 0, broken: false, .. }"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_text_arrives_as_it_was(texts in proptest::collection::vec(".{0,200}", 1..8)) {
        let (mut device, mut claimant) = channels();
        for text in texts {
            let sealed = claimant.seal(&text).expect("sealed");
            prop_assert_eq!(device.open::<String>(&sealed), Ok(text));
        }
    }

    /// Threat model: SEA-2.
    #[test]
    fn any_flipped_bit_closes_the_channel(bit in any::<prop::sample::Index>()) {
        let (mut device, mut claimant) = channels();
        let good = device.seal(&json!({"type": "consent", "accepted": true})).expect("sealed");
        let mut bad = good.clone();
        let bit = bit.index(bad.0.len() * 8);
        bad.0[bit / 8] ^= 1 << (bit % 8);
        prop_assert_eq!(claimant.open::<Value>(&bad), Err(SealError::Forged));
        closed_for_ever(&mut claimant, &good);
    }

    /// Threat model: SEA-2.
    #[test]
    fn any_cut_or_lengthened_box_closes_the_channel(len in 0_usize..80) {
        let (mut device, mut claimant) = channels();
        let good = device.seal(&json!({"type": "consent", "accepted": true})).expect("sealed");
        prop_assume!(len != good.0.len());
        let mut bad = good.clone();
        bad.0.resize(len, 0);
        prop_assert_eq!(claimant.open::<Value>(&bad), Err(SealError::Forged));
        closed_for_ever(&mut claimant, &good);
    }

    /// Threat model: SEA-2.
    #[test]
    fn any_other_order_closes_the_channel(order in Just([0_usize, 1, 2, 3]).prop_shuffle()) {
        let (mut device, mut claimant) = channels();
        let boxes: Vec<Base64> = (0..4).map(|n| device.seal(&n).expect("sealed")).collect();
        let in_order = order.iter().enumerate().take_while(|(place, n)| place == *n).count();
        for (place, &n) in order.iter().enumerate() {
            let expected = match place {
                _ if place < in_order => Ok(n),
                _ if place == in_order => Err(SealError::Forged),
                _ => Err(SealError::Closed),
            };
            prop_assert_eq!(claimant.open::<usize>(&boxes[n]), expected);
        }
    }
}
