//! The machine against a scripted server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_protocol::device::Facts;
use gangway_protocol::encoding::Base64;
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::session::{
    Configuration, DeviceToServer, MAX_COUNTER, ServerToDevice, SessionAbility, proof_message,
    renewal_message,
};
use gangway_protocol::time::UnixMillis;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use ring::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};

use super::{Effect, Ending, Proof, Session, Standing};
use crate::credential::{self, Credential};
use crate::event::Event;
use crate::key::{DeviceKey as _, FileKey};
use crate::testing::{NOW, Repeatable, shared_ca_and_key};

const ORIGIN: &str = "https://panel.example";

struct Scene {
    machine: Session,
    credential: Credential,
    now: Instant,
}

/// Tests share one key, which is not `Clone` for good reasons: read it back from its PEM.
fn key() -> FileKey {
    FileKey::from_pem(&shared_ca_and_key().1.to_pem()).expect("a key")
}

fn credential(name: &str) -> Credential {
    let (ca, key) = shared_ca_and_key();
    credential::verify(&ca.chain_for(key, name), None, Vec::new(), &key.spki(), NOW).expect("a credential")
}

impl Scene {
    fn new(counter: u64) -> Self {
        let (key, credential) = (key(), credential("present"));
        let proof = Proof {
            csr: key.csr("thermometer-7").expect("a CSR"),
            key: Arc::new(key),
            credential: credential.clone(),
            standing: Standing::Proved,
            origin: ORIGIN.to_owned(),
            agent: "gangway-device/test".to_owned(),
            facts: Facts {
                hostname: "thermometer-7".to_owned(),
                ..Facts::default()
            },
            counter,
            renewal_not_before: None,
        };
        let now = Instant::now();
        Self {
            machine: Session::new(proof, Arc::new(Repeatable::new(3)), now),
            credential,
            now,
        }
    }

    fn frame(&mut self, frame: ServerToDevice) -> Vec<Effect> {
        self.machine.frame(frame, self.now)
    }

    fn challenge(&mut self) -> Vec<Effect> {
        self.frame(ServerToDevice::Challenge {
            nonce: Base64(vec![9; 32]),
            server_time: NOW,
        })
    }

    fn welcome(&mut self, only: Option<Vec<SessionAbility>>) -> Vec<Effect> {
        self.frame(ServerToDevice::Welcome {
            device: DeviceId::new(NOW, [1; 10]),
            organisation: OrganisationId::new(NOW, [2; 10]),
            configuration: Configuration {
                revision: 4,
                ..Configuration::default()
            },
            renew_after: NOW.plus(UnixMillis::DAY),
            server_time: NOW,
            only,
        })
    }

    /// A scene whose session is open.
    fn open() -> Self {
        let mut scene = Self::new(0);
        scene.challenge();
        scene.welcome(None);
        scene
    }

    fn certificate(&mut self, name: &str) -> Vec<Effect> {
        let (ca, key) = shared_ca_and_key();
        let chain = ca.chain_for(key, name);
        self.frame(ServerToDevice::Certificate {
            chain,
            trust_anchors: Some(ca.root_pem()),
        })
    }
}

fn signed(message: &[u8], signature: &Base64) {
    use x509_parser::prelude::FromDer as _;
    let spki = key().spki();
    let (_, parsed) = x509_parser::x509::SubjectPublicKeyInfo::from_der(&spki).expect("our key");
    let public = UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, &parsed.subject_public_key.data);
    public.verify(message, &signature.0).expect("a good signature");
}

/// Threat model: SES-3.
#[test]
fn the_counter_is_saved_before_the_proof_that_carries_it() {
    let mut scene = Scene::new(41);
    let effects = scene.challenge();
    let [
        Effect::SaveCounter(42),
        Effect::Send(DeviceToServer::Proof {
            chain,
            signature,
            counter: 42,
            ..
        }),
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(*chain, scene.credential.chain);
    signed(
        &proof_message(&[9; 32], ORIGIN, &scene.credential.sha256),
        signature,
    );
}

#[test]
fn a_welcome_proves_the_credential_and_states_the_facts() {
    let mut scene = Scene::new(0);
    scene.challenge();
    let effects = scene.welcome(None);
    assert!(matches!(effects.first(), Some(Effect::Proved { .. })));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Tell(Event::Online { .. })))
    );
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::KeepConfiguration(c) if c.revision == 4))
    );
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Send(DeviceToServer::Facts { .. })))
    );
    assert!(
        !effects
            .iter()
            .any(|effect| matches!(effect, Effect::Tell(Event::Renewed { .. })))
    );
}

#[test]
fn the_renewal_comes_at_half_life_with_jitter_and_is_endorsed() {
    let mut scene = Scene::open();
    let due = scene.machine.due().expect("planned");
    let half = scene.now + Duration::from_secs(24 * 3600);
    let life = scene.credential.not_after.since(scene.credential.not_before);
    let twentieth = Duration::from_millis(u64::try_from(life / 20).expect("positive"));
    assert!(due >= half && due < half + twentieth);
    assert!(scene.machine.tick(due - Duration::from_millis(1)).is_empty());
    let effects = scene.machine.tick(due);
    let [Effect::Send(DeviceToServer::Renew { csr, endorsement })] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let block = x509_parser::pem::parse_x509_pem(csr.as_bytes()).expect("PEM").1;
    signed(&renewal_message(&block.contents), endorsement);
    assert_eq!(
        scene.machine.due(),
        Some(due + Duration::from_secs(3600)),
        "and again if nothing comes"
    );
}

#[test]
fn somebody_can_ask_for_the_renewal_now() {
    let mut scene = Scene::open();
    let effects = scene.frame(ServerToDevice::RenewNow {});
    assert!(matches!(
        effects.as_slice(),
        [Effect::Send(DeviceToServer::Renew { .. })]
    ));
}

#[test]
fn a_new_certificate_is_written_then_told_then_proved_by_another_session() {
    let mut scene = Scene::open();
    let effects = scene.certificate("next");
    let [Effect::Install(installation)] = effects.as_slice() else {
        panic!("{effects:?}")
    };
    let credential = installation.credential.clone();
    let effects = scene.machine.installed(&credential, Ok(()));
    assert!(matches!(
        effects.as_slice(),
        [
            Effect::Send(DeviceToServer::Installed { .. }),
            Effect::Tell(Event::Installed { .. }),
            Effect::End(Ending::Switch)
        ]
    ));
    let effects = scene
        .machine
        .installed(&credential, Err("no space left".to_owned()));
    assert!(
        matches!(effects.as_slice(), [Effect::Tell(Event::Error(trouble))] if trouble.code == "not_stored")
    );
}

#[test]
fn the_certificate_that_stands_already_and_one_for_another_key_change_nothing() {
    let mut scene = Scene::open();
    let chain = scene.credential.chain.clone();
    assert!(
        scene
            .frame(ServerToDevice::Certificate {
                chain,
                trust_anchors: None
            })
            .is_empty()
    );
    let (ca, _) = shared_ca_and_key();
    let other = FileKey::generate(crate::key::KeyType::P256).expect("a key");
    let chain = ca.chain_for(&other, "x");
    let effects = scene.frame(ServerToDevice::Certificate {
        chain,
        trust_anchors: None,
    });
    assert!(
        matches!(effects.as_slice(), [Effect::Tell(Event::Error(trouble))] if trouble.code == "foreign_key")
    );
}

#[test]
fn within_grace_the_device_renews_at_once_and_does_nothing_else() {
    let mut scene = Scene::new(0);
    scene.challenge();
    let effects = scene.welcome(Some(vec![SessionAbility::Renew]));
    assert!(matches!(
        effects.as_slice(),
        [Effect::Tell(Event::Limited { .. })]
    ));
    assert_eq!(scene.machine.due(), Some(scene.now));
    let effects = scene.machine.tick(scene.now);
    assert!(matches!(
        effects.as_slice(),
        [Effect::Send(DeviceToServer::Renew { .. })]
    ));
}

#[test]
fn a_held_session_sends_nothing_and_proves_nothing() {
    let mut scene = Scene::new(0);
    scene.challenge();
    let effects = scene.welcome(Some(Vec::new()));
    assert!(matches!(
        effects.as_slice(),
        [Effect::Tell(Event::Limited { .. })]
    ));
    assert_eq!(scene.machine.due(), None);
    assert!(scene.frame(ServerToDevice::RenewNow {}).is_empty());
}

#[test]
fn revocation_and_refusal_end_the_session() {
    let mut scene = Scene::open();
    let effects = scene.frame(ServerToDevice::Revoked {
        reason: "stolen".to_owned(),
    });
    let [
        Effect::Tell(Event::Revoked { .. }),
        Effect::End(Ending::Revoked { .. }),
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    let problem = Problem {
        code: ProblemCode::Suspended,
        message: "x".to_owned(),
        retry_after_secs: None,
    };
    let effects = Scene::open().frame(ServerToDevice::Problem(problem.clone()));
    assert!(matches!(effects.as_slice(), [Effect::End(Ending::Refused(found))] if *found == problem));
}

#[test]
fn a_server_that_is_silent_or_out_of_order_is_left() {
    let mut scene = Scene::new(0);
    assert!(scene.machine.tick(scene.now + Duration::from_secs(29)).is_empty());
    let effects = scene.machine.tick(scene.now + Duration::from_secs(30));
    assert!(matches!(effects.as_slice(), [Effect::End(Ending::Broken(_))]));
    assert!(matches!(
        scene.welcome(None).as_slice(),
        [Effect::End(Ending::Broken(_))]
    ));
    assert!(matches!(
        scene.frame(ServerToDevice::Identify {}).as_slice(),
        [Effect::End(Ending::Broken(_))]
    ));
    scene.challenge();
    assert!(
        matches!(scene.challenge().as_slice(), [Effect::End(Ending::Broken(_))]),
        "a nonce is signed once"
    );
    let short = ServerToDevice::Challenge {
        nonce: Base64(vec![9; 31]),
        server_time: NOW,
    };
    assert!(matches!(
        Scene::new(0).frame(short).as_slice(),
        [Effect::End(Ending::Broken(_))]
    ));
}

#[test]
fn a_counter_at_its_end_is_never_sent() {
    let effects = Scene::new(MAX_COUNTER - 1).challenge();
    assert!(
        matches!(effects.as_slice(), [Effect::End(Ending::Broken(trouble))] if trouble.code == "counter_exhausted")
    );
}

fn frames() -> impl Strategy<Value = Vec<ServerToDevice>> {
    let one = prop_oneof![
        proptest::collection::vec(any::<u8>(), 30..34).prop_map(|nonce| ServerToDevice::Challenge {
            nonce: Base64(nonce),
            server_time: NOW
        }),
        Just(ServerToDevice::Challenge {
            nonce: Base64(vec![5; 32]),
            server_time: NOW
        }),
        (any::<i64>(), any::<i64>(), proptest::option::of(any::<bool>())).prop_map(
            |(renew_after, server_time, only)| {
                ServerToDevice::Welcome {
                    device: DeviceId::new(NOW, [1; 10]),
                    organisation: OrganisationId::new(NOW, [2; 10]),
                    configuration: Configuration::default(),
                    renew_after: UnixMillis(renew_after),
                    server_time: UnixMillis(server_time),
                    only: only.map(|renew| {
                        if renew {
                            vec![SessionAbility::Renew]
                        } else {
                            Vec::new()
                        }
                    }),
                }
            }
        ),
        Just(ServerToDevice::RenewNow {}),
        Just(ServerToDevice::Identify {}),
        ".*".prop_map(|chain| ServerToDevice::Certificate {
            chain,
            trust_anchors: None
        }),
    ];
    proptest::collection::vec(one, 0..12)
}

proptest::proptest! {
    /// Whatever arrives: at most one proof per connection, never before its counter, nothing else before a welcome.
    #[test]
    fn the_promises_hold(frames in frames(), counter in 0..MAX_COUNTER) {
        let mut scene = Scene::new(counter);
        let (mut saved, mut proofs, mut welcomed) = (None, 0, false);
        for frame in frames {
            let is_welcome = matches!(frame, ServerToDevice::Welcome { .. });
            let mut effects = scene.frame(frame);
            effects.extend(scene.machine.tick(scene.now));
            welcomed |= is_welcome && proofs == 1;
            for effect in effects {
                match effect {
                    Effect::SaveCounter(next) => {
                        proptest::prop_assert!(next > counter && next < MAX_COUNTER);
                        saved = Some(next);
                    }
                    Effect::Send(DeviceToServer::Proof { counter: sent, .. }) => {
                        proptest::prop_assert_eq!(saved, Some(sent));
                        proofs += 1;
                        proptest::prop_assert_eq!(proofs, 1);
                    }
                    Effect::Send(_) | Effect::Proved { .. } | Effect::Install(_) | Effect::KeepConfiguration(_) => {
                        proptest::prop_assert!(welcomed);
                    }
                    Effect::Tell(_) | Effect::End(_) => {}
                }
            }
        }
    }
}
