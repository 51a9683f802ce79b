//! What a claim of AWS's fleet provisioning changes: the device fetches its certificate itself, and tells what it has before it
//! keeps anything.

use gangway_protocol::enrolment::{
    ClaimantToDevice, Credential as Offered, CredentialKind, DeviceToClaimant, Outcome, Provisioned,
    ProvisioningClaim,
};
use gangway_protocol::secret::SecretString;
use serde_json::Map;

use super::scene::{Crossing, Scene, outcome, told, unsealed};
use super::{Accept, Effect, Fault};
use crate::event::Event;
use crate::testing::{NOW, TestCa};

fn consented() -> (Scene, Crossing) {
    let mut scene = Scene::waiting(Accept::Always);
    let (mut crossing, introduction) = scene.cross();
    let DeviceToClaimant::Introduction { accepts, .. } = introduction else {
        panic!("an introduction");
    };
    assert!(accepts.contains(&CredentialKind::ProvisioningClaim));
    scene.approve(&crossing, "Harbour");
    let effects = scene.offer(&mut crossing, "Harbour");
    assert_eq!(unsealed(&mut crossing.channel, &effects).len(), 1);
    (scene, crossing)
}

fn claim() -> ClaimantToDevice {
    ClaimantToDevice::Credential(Box::new(Offered::ProvisioningClaim(ProvisioningClaim {
        certificate: "a certificate".to_owned(),
        private_key: SecretString::new("a key".to_owned()),
        expires_at: NOW.plus(300_000),
        endpoint: "a1-ats.iot.example".to_owned(),
        template: "plant".to_owned(),
        parameters: Map::new(),
        trust_anchors: None,
    })))
}

fn fetched(chain: &str) -> Provisioned {
    Provisioned {
        chain: chain.to_owned(),
        certificate_id: "ab12".to_owned(),
        thing: Some("thermometer-7".to_owned()),
        configuration: Map::new(),
    }
}

#[test]
fn what_it_fetched_is_told_and_installed_when_it_comes_back_as_a_certificate() {
    let (mut scene, mut crossing) = consented();
    let effects = scene.seal(&mut crossing, &claim());
    assert!(told(
        &effects,
        |event| matches!(event, Event::Provisioning { template, .. } if template == "plant")
    ));
    let Some(Effect::Provision(handed)) = effects.last() else {
        panic!("{effects:?}")
    };
    assert!(!format!("{handed:?}").contains("a key"), "the key is not printed");
    assert_eq!(scene.machine.provisions(), Some(&crossing.id));

    let chain = TestCa::new().chain_for(&scene.key, "AWS IoT Certificate");
    let effects = scene
        .machine
        .provisioned(&crossing.id, Ok(fetched(&chain)), scene.now);
    let told = DeviceToClaimant::Provisioned(Box::new(fetched(&chain)));
    assert_eq!(unsealed(&mut crossing.channel, &effects), [told]);
    assert_eq!(scene.machine.provisions(), None);

    let effects = scene.credential(&mut crossing, chain);
    assert!(matches!(effects.as_slice(), [Effect::Install(_)]), "{effects:?}");
    let effects = scene.machine.installed(Ok(()), scene.now);
    assert_eq!(outcome(&effects), Some(Outcome::Enrolled));
}

#[test]
fn a_refusal_is_told_on_both_screens_and_leaves_the_code_good() {
    let (mut scene, mut crossing) = consented();
    scene.seal(&mut crossing, &claim());
    let fault = Fault {
        code: "provisioning_refused",
        message: "AWS refuses the registration: AccessDenied: no".to_owned(),
    };
    let effects = scene
        .machine
        .provisioned(&crossing.id, Err(fault.clone()), scene.now);
    let failed = DeviceToClaimant::Failed {
        code: fault.code.to_owned(),
        message: fault.message.clone(),
    };
    assert_eq!(unsealed(&mut crossing.channel, &effects), [failed]);
    assert_eq!(outcome(&effects), Some(Outcome::Failed));
    assert!(told(
        &effects,
        |event| matches!(event, Event::ClaimEnded { reason } if *reason == fault.message)
    ));
    scene.code();
}

#[test]
fn what_comes_for_a_claim_that_is_over_changes_nothing() {
    let (mut scene, mut crossing) = consented();
    scene.seal(&mut crossing, &claim());
    let over = crossing.id.clone();
    let effects = scene.seal(
        &mut crossing,
        &ClaimantToDevice::Refusal {
            reason: "not mine".to_owned(),
        },
    );
    assert_eq!(outcome(&effects), Some(Outcome::Refused));
    assert_eq!(scene.machine.provisions(), None);
    assert!(
        scene
            .machine
            .provisioned(&over, Ok(fetched("")), scene.now)
            .is_empty()
    );
}

#[test]
fn a_claim_before_the_consent_and_a_second_one_are_ignored_or_refused() {
    let mut scene = Scene::waiting(Accept::Ask);
    let (mut crossing, _) = scene.cross();
    assert!(scene.seal(&mut crossing, &claim()).is_empty());

    let (mut scene, mut crossing) = consented();
    scene.seal(&mut crossing, &claim());
    assert!(scene.seal(&mut crossing, &claim()).is_empty(), "one at a time");
    scene
        .machine
        .provisioned(&crossing.id, Ok(fetched("a chain")), scene.now);
    let effects = scene.seal(&mut crossing, &claim());
    assert_eq!(outcome(&effects), Some(Outcome::Failed));
}
