//! The device's end of the handshake, and a channel's end, with anything from the other side: no panic, no channel.
#![no_main]

use gangway_protocol::code::UserCode;
use gangway_protocol::encoding::Base64;
use gangway_protocol::id::ClaimId;
use gangway_protocol::seal::{Answer, Claimant, Device, SealError};
use gangway_protocol::time::UnixMillis;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (first, second) = (Base64(input.0), Base64(input.1));
    let code = UserCode::read("BCDF-GHJKLM").expect("a code");
    let claim = ClaimId::new(UnixMillis(1), [7; 10]);
    // One source of the same bytes for both ends: speed matters here, secrecy does not.
    let random = |bytes: &mut [u8]| bytes.fill(3);

    if let Ok((device, _)) = Device::answer(&code, &claim, &first, random) {
        assert!(device.on_confirm(&second).is_err());
    }
    let (claimant, pake) = Claimant::start(&code, random);
    let forged = Answer {
        pake: first,
        confirm: second.clone(),
    };
    assert!(claimant.on_answer(&claim, &forged).is_err());

    let (claimant, _) = Claimant::start(&code, random);
    let (_, answer) = Device::answer(&code, &claim, &pake, random).expect("an honest message");
    let (mut channel, _) = claimant.on_answer(&claim, &answer).expect("an honest answer");
    assert_eq!(channel.open::<()>(&second), Err(SealError::Forged));
    assert_eq!(channel.open::<()>(&second), Err(SealError::Closed));
});
