//! The life of a device's certificates, whatever happens to them in whatever order: issued, proved, renewed, superseded,
//! revoked, lapsed, with time between.

use std::cell::Cell;
use std::collections::BTreeMap;

use gangway_protocol::certificate::{CertificateRequest, RevocationReason, RevocationRequest};
use gangway_protocol::device::DeviceState;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::DeviceId;
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;
use gangway_server::session::{Admission, GateError, Renewed};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::Runtime;

use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::{Engine, Server};

/// Keys that a device has at hand.
const KEYS: usize = 3;
/// Renewals within a day: the bound that the server promises.
const A_DAY: usize = 5;

#[derive(Clone, Debug)]
enum Act {
    /// A member approves the device again with one of its keys.
    Approve(usize),
    /// A session is opened with one of the certificates.
    Prove(usize),
    /// In a session of one of the certificates the device asks for another, with one of its keys.
    Renew(usize, usize),
    /// A member wishes for a renewal.
    Wish,
    /// A member revokes one of the certificates.
    Revoke(usize, bool),
    /// Time passes, and the sweep comes.
    Wait(i64),
    Suspend,
    Resume,
}

fn act() -> impl Strategy<Value = Act> {
    let any = 0..64_usize;
    prop_oneof![
        2 => (0..KEYS).prop_map(Act::Approve),
        8 => any.clone().prop_map(Act::Prove),
        6 => (any.clone(), 0..KEYS).prop_map(|(certificate, key)| Act::Renew(certificate, key)),
        2 => Just(Act::Wish),
        1 => (any, any_bool()).prop_map(|(certificate, replaced)| Act::Revoke(certificate, replaced)),
        4 => prop_oneof![
            Just(UnixMillis::SECOND),
            Just(UnixMillis::HOUR),
            Just(8 * UnixMillis::DAY),
            Just(50 * UnixMillis::DAY),
        ]
        .prop_map(Act::Wait),
        1 => Just(Act::Suspend),
        1 => Just(Act::Resume),
    ]
}

fn any_bool() -> impl Strategy<Value = bool> + Clone {
    prop::bool::ANY
}

struct Held {
    key: usize,
    sha256: Sha256Hex,
    chain: String,
    issued_at: UnixMillis,
    /// It came of a renewal.
    renewed: bool,
    /// A session has been opened with it.
    proved: bool,
    /// It was refused for good once.
    ended: bool,
}

/// A device with what it has ever been given.
struct World<'a> {
    server: &'a Server,
    ada: Member,
    keys: Vec<SoftDevice>,
    device: DeviceId,
    certificates: Vec<Held>,
    counter: u64,
    grace: i64,
    superseded: BTreeMap<Sha256Hex, UnixMillis>,
    /// The certificate of the session that the last act opened.
    just_proved: Option<Sha256Hex>,
    /// Sessions that were opened.
    accepted: usize,
    /// Renewals that were granted.
    renewed: usize,
}

impl<'a> World<'a> {
    async fn new(server: &'a Server, grace_hours: u32) -> Self {
        let home = server.organisation("Works").await;
        server
            .set_policy(&home, |policy| policy.superseded_grace_hours = grace_hours)
            .await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let keys: Vec<SoftDevice> = (0..KEYS).map(|_| SoftDevice::new()).collect();
        let certificate = ada.enrol(server, &keys[0].key).await;
        let mut world = Self {
            server,
            ada,
            keys,
            device: certificate.device.clone(),
            certificates: Vec::new(),
            counter: 0,
            grace: i64::from(grace_hours) * UnixMillis::HOUR,
            superseded: BTreeMap::new(),
            just_proved: None,
            accepted: 0,
            renewed: 0,
        };
        world.keep(0, certificate.sha256, certificate.chain, false);
        world
    }

    fn now(&self) -> UnixMillis {
        self.server.gangway.clock.now()
    }

    fn keep(&mut self, key: usize, sha256: Sha256Hex, chain: String, renewed: bool) {
        if self.certificates.iter().all(|held| held.sha256 != sha256) {
            let issued_at = self.now();
            self.certificates.push(Held {
                key,
                sha256,
                chain,
                issued_at,
                renewed,
                proved: false,
                ended: false,
            });
        }
    }

    async fn act(&mut self, act: Act) {
        // Two things never happen in the same millisecond.
        self.server.clock.advance(1);
        self.just_proved = None;
        let chosen = |number: usize, world: &Self| number % world.certificates.len();
        match act {
            Act::Approve(key) => self.approve(key).await,
            Act::Prove(number) => {
                let number = chosen(number, self);
                self.prove(number).await;
            }
            Act::Renew(number, key) => {
                let held = &self.certificates[chosen(number, self)];
                let by = &self.keys[held.key];
                let answer = by.renew(self.server, &held.chain, &self.keys[key].key).await;
                if let Ok(Renewed {
                    certificate, chain, ..
                }) = answer
                {
                    self.renewed += 1;
                    self.keep(key, certificate, chain, true);
                }
            }
            Act::Wish => drop(self.ada.api.renew_device(&self.device).await),
            Act::Revoke(number, replaced) => {
                let because = RevocationRequest {
                    reason: if replaced {
                        RevocationReason::Superseded
                    } else {
                        RevocationReason::KeyCompromise
                    },
                };
                let sha256 = self.certificates[chosen(number, self)].sha256;
                drop(self.ada.api.revoke_certificate(&sha256, &because).await);
            }
            Act::Wait(millis) => {
                self.server.clock.advance(millis.max(UnixMillis::MINUTE));
                self.server.tick().await;
                self.ada = self.server.refresh(&self.ada).await;
            }
            Act::Suspend => drop(self.ada.api.suspend_device(&self.device).await),
            Act::Resume => drop(self.ada.api.resume_device(&self.device).await),
        }
    }

    async fn approve(&mut self, key: usize) {
        let csr = self.keys[key].csr();
        let mut request = self.ada.approval_request(&csr).await;
        request.replace = true;
        let claim = self.server.claim(&self.ada);
        let Ok(approval) = self.ada.api.approve(&claim, &request).await else {
            return;
        };
        if approval.device.id != self.device {
            // A key that the device has not shown before is another device to the server, and stays with it.
            return;
        }
        self.ada.api.record_consent(&claim).await.expect("consent");
        let sign = CertificateRequest::sign(csr);
        if let Ok(certificate) = self.ada.api.request_certificate(&self.device, &sign).await {
            self.keep(key, certificate.sha256, certificate.chain, false);
        }
    }

    async fn prove(&mut self, number: usize) {
        self.counter += 1;
        let now = self.now();
        let held = &self.certificates[number];
        let accepted = self.keys[held.key]
            .prove(self.server, &held.chain, self.counter)
            .await;
        let Ok(accepted) = accepted else { return };
        if accepted.first {
            let issued_at = held.issued_at;
            for older in &self.certificates {
                if older.issued_at < issued_at {
                    self.superseded.entry(older.sha256).or_insert(now);
                }
            }
        }
        self.accepted += 1;
        self.just_proved = Some(held.sha256);
        self.certificates[number].proved = true;
    }

    /// What must hold whatever has happened.
    async fn check(&mut self) -> Result<(), TestCaseError> {
        let now = self.now();
        let mut live = 0;
        for number in 0..self.certificates.len() {
            let held = &self.certificates[number];
            let admission = self.keys[held.key].admission(self.server, &held.chain).await;
            let admitted = matches!(admission, Ok(Admission::Admitted(_)));
            let shown = self.ada.api.certificate(&held.sha256).await;
            let revocation = shown.expect("the certificate").revocation;
            prop_assert!(
                admitted || self.just_proved != Some(held.sha256),
                "what has just opened a session was refused: {admission:?}"
            );
            prop_assert!(
                !(admitted && revocation.is_some()),
                "a revoked certificate was admitted: {revocation:?}"
            );
            let in_grace = match self.superseded.get(&held.sha256) {
                Some(at) if now >= at.plus(self.grace) => {
                    prop_assert!(!admitted, "a superseded certificate was admitted after its grace");
                    continue;
                }
                Some(_) => true,
                None => false,
            };
            prop_assert!(
                !(admitted && held.ended),
                "what was refused for good was admitted"
            );
            let ended = matches!(&admission, Err(GateError::Refused(_)))
                && revocation.is_some_and(|why| why.reason != RevocationReason::CertificateHold);
            if admitted && held.proved && !in_grace {
                live += 1;
            }
            self.certificates[number].ended |= ended;
        }
        prop_assert!(
            live <= 1,
            "{live} proved certificates are admitted beside each other"
        );
        let lately = |held: &&Held| held.renewed && now.since(held.issued_at) < UnixMillis::DAY;
        let issued = self.certificates.iter().filter(lately).count();
        prop_assert!(issued <= A_DAY, "{issued} renewals in a day");
        let shown = self.ada.api.device(&self.device).await.expect("the device");
        let alone = matches!(shown.device.state, DeviceState::Active { .. });
        prop_assert!(!alone || self.certificates.iter().any(|held| held.proved));
        Ok(())
    }
}

/// Threat model: SES-8.
#[test]
fn in_whatever_order_a_device_has_one_proved_certificate_and_none_that_was_revoked() {
    let runtime = Runtime::new().expect("a runtime");
    let server = runtime.block_on(Server::start(Engine::Sqlite));
    let mut runner = TestRunner::new(Config {
        cases: 48,
        // A world is made for each case: shrinking takes as many as it needs to be readable, and no more.
        max_shrink_iters: 256,
        ..Config::default()
    });
    let stories = (
        prop_oneof![Just(0_u32), Just(2)],
        prop::collection::vec(act(), 1..40),
    );
    let (accepted, renewed) = (Cell::new(0), Cell::new(0));
    let outcome = runner.run(&stories, |(grace_hours, acts)| {
        runtime.block_on(async {
            let mut world = World::new(&server, grace_hours).await;
            for act in acts {
                world.act(act).await;
                world.check().await?;
            }
            accepted.set(accepted.get() + world.accepted);
            renewed.set(renewed.get() + world.renewed);
            Ok(())
        })
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(
        accepted.get() > 0 && renewed.get() > 0,
        "{accepted:?} sessions, {renewed:?} renewals"
    );
}
