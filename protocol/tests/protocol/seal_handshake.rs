//! The handshake: only the same code, the same claim and untouched messages open a channel.

use curve25519_dalek::constants::{ED25519_BASEPOINT_POINT, EIGHT_TORSION};
use gangway_protocol::encoding::Base64;
use gangway_protocol::seal::{Answer, CONFIRM_LEN, Channel, Claimant, Device, HandshakeError, PAKE_LEN};
use proptest::prelude::*;

use crate::seal::{claim, code, random};

const CODE: &str = "BCDF-GHJKLM";

/// Runs a handshake in which `tamper` changes the three messages on their way.
fn handshake(tamper: impl Fn(usize, &mut Vec<u8>)) -> Result<(Channel, Channel), HandshakeError> {
    let claim = claim(1);
    let (claimant, mut pake) = Claimant::start(&code(CODE), random);
    tamper(0, &mut pake.0);
    let (
        device,
        Answer {
            mut pake,
            mut confirm,
        },
    ) = Device::answer(&code(CODE), &claim, &pake, random)?;
    tamper(1, &mut pake.0);
    tamper(2, &mut confirm.0);
    let (at_claimant, mut confirm) = claimant.on_answer(&claim, &Answer { pake, confirm })?;
    tamper(3, &mut confirm.0);
    Ok((device.on_confirm(&confirm)?, at_claimant))
}

#[test]
fn untouched_it_opens() {
    handshake(|_, _| {}).expect("a channel");
}

#[test]
fn messages_have_the_lengths_of_the_protocol() {
    handshake(|message, bytes| {
        let expected = if message < 2 { PAKE_LEN } else { CONFIRM_LEN };
        assert_eq!(bytes.len(), expected);
    })
    .expect("a channel");
}

/// Threat model: SEA-3.
#[test]
fn another_code_is_noticed_by_the_claimant_before_it_sends_anything() {
    let claim = claim(1);
    let (claimant, pake) = Claimant::start(&code("BCDF-GHJKLN"), random);
    let (_, answer) = Device::answer(&code(CODE), &claim, &pake, random).expect("an answer");
    assert_eq!(
        claimant.on_answer(&claim, &answer).err(),
        Some(HandshakeError::Mismatch)
    );
}

/// Threat model: SEA-3.
#[test]
fn another_code_is_noticed_by_the_device_whatever_the_claimant_sends() {
    let claim = claim(1);
    let (_, pake) = Claimant::start(&code("BCDF-GHJKLN"), random);
    for guess in [vec![], vec![0; CONFIRM_LEN], vec![0; CONFIRM_LEN + 1]] {
        let (device, _) = Device::answer(&code(CODE), &claim, &pake, random).expect("an answer");
        assert_eq!(
            device.on_confirm(&Base64(guess)).err(),
            Some(HandshakeError::Mismatch)
        );
    }
}

#[test]
fn the_same_secret_under_another_nameplate_is_another_code() {
    let claim = claim(1);
    let (claimant, pake) = Claimant::start(&code("BCDG-GHJKLM"), random);
    let (_, answer) = Device::answer(&code(CODE), &claim, &pake, random).expect("an answer");
    assert_eq!(
        claimant.on_answer(&claim, &answer).err(),
        Some(HandshakeError::Mismatch)
    );
}

#[test]
fn an_answer_to_another_claim_does_not_fit() {
    let (claimant, pake) = Claimant::start(&code(CODE), random);
    let (_, answer) = Device::answer(&code(CODE), &claim(1), &pake, random).expect("an answer");
    assert_eq!(
        claimant.on_answer(&claim(2), &answer).err(),
        Some(HandshakeError::Mismatch)
    );
}

#[test]
fn the_devices_own_confirmation_does_not_redeem_its_guess() {
    let claim = claim(1);
    let (_, pake) = Claimant::start(&code(CODE), random);
    let (device, answer) = Device::answer(&code(CODE), &claim, &pake, random).expect("an answer");
    assert_eq!(
        device.on_confirm(&answer.confirm).err(),
        Some(HandshakeError::Mismatch)
    );
}

#[test]
fn a_reflected_message_is_refused() {
    let (claimant, pake) = Claimant::start(&code(CODE), random);
    let answer = Answer {
        pake,
        confirm: Base64(vec![0; CONFIRM_LEN]),
    };
    assert_eq!(
        claimant.on_answer(&claim(1), &answer).err(),
        Some(HandshakeError::Message)
    );
}

/// Threat model: SEA-4.
#[test]
fn points_outside_the_prime_order_group_are_refused() {
    let mixed = EIGHT_TORSION
        .iter()
        .skip(1)
        .map(|small| small + ED25519_BASEPOINT_POINT);
    let points = EIGHT_TORSION
        .into_iter()
        .chain(mixed)
        .map(|point| point.compress().to_bytes());
    // y = p + 1 is another encoding of the identity, y = 2 is on no point of the curve.
    let mut identity_again = [0xff; 32];
    (identity_again[0], identity_again[31]) = (0xee, 0x7f);
    let mut off_curve = [0; 32];
    off_curve[0] = 2;
    for point in points.chain([identity_again, off_curve]) {
        let to_device = Base64([&[0x42], point.as_slice()].concat());
        let refused = Device::answer(&code(CODE), &claim(1), &to_device, random).err();
        assert_eq!(refused, Some(HandshakeError::Message), "{point:02x?}");

        let (claimant, _) = Claimant::start(&code(CODE), random);
        let answer = Answer {
            pake: Base64([&[0x41], point.as_slice()].concat()),
            confirm: Base64(vec![0; CONFIRM_LEN]),
        };
        let refused = claimant.on_answer(&claim(1), &answer).err();
        assert_eq!(refused, Some(HandshakeError::Message), "{point:02x?}");
    }
}

#[test]
fn each_claim_has_fresh_state() {
    let (_, first) = Claimant::start(&code(CODE), random);
    let (_, second) = Claimant::start(&code(CODE), random);
    assert_ne!(first, second);
    let (_, one) = Device::answer(&code(CODE), &claim(1), &first, random).expect("an answer");
    let (_, two) = Device::answer(&code(CODE), &claim(1), &first, random).expect("an answer");
    assert_ne!(one.pake, two.pake);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_flipped_bit_of_any_message_is_noticed(message in 0_usize..4, bit in any::<prop::sample::Index>()) {
        let outcome = handshake(|n, bytes| {
            if n == message {
                let bit = bit.index(bytes.len() * 8);
                bytes[bit / 8] ^= 1 << (bit % 8);
            }
        });
        prop_assert!(outcome.is_err());
    }

    #[test]
    fn any_other_length_of_any_message_is_noticed(message in 0_usize..4, len in 0_usize..70) {
        let outcome = handshake(|n, bytes| {
            if n == message {
                let len = if len == bytes.len() { 0 } else { len };
                bytes.resize(len, 0);
            }
        });
        prop_assert!(outcome.is_err());
    }

    #[test]
    fn any_bytes_for_a_message_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
        let refused = Device::answer(&code(CODE), &claim(1), &Base64(bytes), random);
        // One in sixteen random points is in the group and begins with the right byte: those make an answer, no panic.
        prop_assert!(matches!(refused, Ok(_) | Err(HandshakeError::Message)));
    }
}
