//! The frames of every direction: no panic; what is read is written so that it reads the same again.
#![no_main]

use gangway_protocol::{enrolment, session};
use libfuzzer_sys::fuzz_target;

fn survives<T: serde::de::DeserializeOwned + serde::Serialize + PartialEq + std::fmt::Debug>(input: &str) {
    if let Ok(message) = serde_json::from_str::<T>(input) {
        let written = serde_json::to_string(&message).expect("JSON");
        assert_eq!(
            serde_json::from_str::<T>(&written).expect("our own writing"),
            message
        );
    }
}

fuzz_target!(|input: &str| {
    survives::<enrolment::DeviceToServer>(input);
    survives::<enrolment::ServerToDevice>(input);
    survives::<enrolment::ClaimantToServer>(input);
    survives::<enrolment::ServerToClaimant>(input);
    survives::<enrolment::DeviceToClaimant>(input);
    survives::<enrolment::ClaimantToDevice>(input);
    survives::<session::DeviceToServer>(input);
    survives::<session::ServerToDevice>(input);
});
