//! The device's side of a session (protocol.md §3) as a state machine without input or output. One machine per
//! connection; frames and instants go in, [`Effect`]s come out, to be carried out in order.
//!
//! 1. `challenge` → the counter is saved, then `proof` goes out.
//! 2. `welcome` → the credential is proved; `facts` go out; the renewal is planned.
//! 3. `renew` at half of the certificate's life, or when somebody asks for it; `certificate` → verified, written beside
//!    the present one, `installed`; the next session proves it.
//! 4. `configuration`, `identify`, `revoked` as they come.

mod refusal;

use std::sync::Arc;
use std::time::{Duration, Instant};

use gangway_protocol::device::Facts;
use gangway_protocol::encoding::{Base64, Sha256Hex};
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::session::{
    Configuration, DeviceToServer, MAX_COUNTER, NONCE_LEN, ServerToDevice, SessionAbility, proof_message,
    renewal_message,
};
use gangway_protocol::time::UnixMillis;

use crate::clock::ServerClock;
use crate::credential::{self, Credential};
use crate::enrolment::Installation;
use crate::event::{Event, Trouble};
use crate::key::{Csr, DeviceKey, KeyError};
use crate::rng::{Random, fraction};

pub use refusal::{Standing, Verdict, verdict};

/// From the connection to `welcome`. The server gives the proof ten seconds; both ways over a slow link fit in twice more.
const WELCOME_DUE: Duration = Duration::from_secs(30);
/// A renewal that is not answered is asked for again: an external signer waits for a member's browser, so not sooner.
pub(crate) const RENEWAL_REPEAT: Duration = Duration::from_secs(3600);
/// Devices that were off together come back together; their overdue renewals are spread over this time.
const OVERDUE_SPREAD: Duration = Duration::from_secs(60);

/// What a session is opened with.
#[derive(Clone, Debug)]
pub struct Proof {
    /// The device key.
    pub key: Arc<dyn DeviceKey>,
    /// A CSR of that key, for renewals.
    pub csr: Csr,
    /// The credential to present.
    pub credential: Credential,
    /// What it is to the device.
    pub standing: Standing,
    /// Origin of the URL that the device was configured with.
    pub origin: String,
    /// Software and platform.
    pub agent: String,
    /// What the device says about itself.
    pub facts: Facts,
    /// The counter that was saved last.
    pub counter: u64,
    /// The server has refused a renewal: do not ask again before.
    pub renewal_not_before: Option<Instant>,
}

/// What is to be done, in this order. When one fails, those after it are not to be done.
#[derive(Debug)]
#[non_exhaustive]
pub enum Effect {
    /// Save the counter durably before anything else happens.
    SaveCounter(u64),
    /// Send a frame.
    Send(DeviceToServer),
    /// Tell whoever watches.
    Tell(Event),
    /// The credential of this session is proved: it takes the place of any older one.
    Proved {
        /// Its digest.
        certificate_sha256: Sha256Hex,
        /// Who the device is at the server.
        device: DeviceId,
        /// Where it belongs.
        organisation: OrganisationId,
    },
    /// Keep the configuration.
    KeepConfiguration(Configuration),
    /// Write the credential beside the present one, fsync it, then call [`Session::installed`].
    Install(Box<Installation>),
    /// The session is over.
    End(Ending),
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// A newer certificate is written: open a session with it.
    Switch,
    /// The server did not keep to the protocol, or something failed here; connect again after a while.
    Broken(Trouble),
    /// The server ended it: see [`verdict`].
    Refused(gangway_protocol::error::Problem),
    /// The certificate is revoked: set the key aside, make a new one, show a new code.
    Revoked {
        /// In words.
        reason: String,
    },
}

/// The machine.
pub struct Session {
    proof: Proof,
    random: Arc<dyn Random>,
    step: Step,
}

enum Step {
    Connected { due: Instant },
    Proving { due: Instant },
    Open(Open),
}

struct Open {
    clock: ServerClock,
    /// When to ask for a certificate; `None` where the session does not allow it.
    renewal: Option<Instant>,
    /// Whether the server has said which messages alone it takes.
    is_limited: bool,
}

impl Session {
    /// A session whose connection stands.
    #[must_use]
    pub fn new(proof: Proof, random: Arc<dyn Random>, now: Instant) -> Self {
        Self {
            proof,
            random,
            step: Step::Connected {
                due: now + WELCOME_DUE,
            },
        }
    }

    /// A frame of the server.
    pub fn frame(&mut self, frame: ServerToDevice, now: Instant) -> Vec<Effect> {
        match frame {
            ServerToDevice::Challenge { nonce, .. } => self.prove(&nonce),
            ServerToDevice::Welcome {
                device,
                organisation,
                configuration,
                renew_after,
                server_time,
                only,
            } => {
                if !matches!(self.step, Step::Proving { .. }) {
                    return broken("The server welcomed without a proof.");
                }
                let clock = ServerClock::new(server_time, now);
                let may_renew = only
                    .as_ref()
                    .is_none_or(|only| only.contains(&SessionAbility::Renew));
                let renewal = may_renew.then(|| self.plan_renewal(&clock, renew_after, only.is_some(), now));
                self.step = Step::Open(Open {
                    clock,
                    renewal,
                    is_limited: only.is_some(),
                });
                match only {
                    None => self.admitted(device, organisation, configuration),
                    Some(only) => vec![Effect::Tell(Event::Limited {
                        device,
                        reason: limits(&only).to_owned(),
                    })],
                }
            }
            ServerToDevice::Problem(problem) => vec![Effect::End(Ending::Refused(problem))],
            ServerToDevice::Revoked { reason } => {
                let told = Event::Revoked {
                    reason: reason.clone(),
                };
                vec![Effect::Tell(told), Effect::End(Ending::Revoked { reason })]
            }
            in_session => self.in_session(in_session, now),
        }
    }

    /// What became of [`Effect::Install`].
    pub fn installed(&mut self, credential: &Credential, written: Result<(), String>) -> Vec<Effect> {
        match written {
            Ok(()) => vec![
                Effect::Send(DeviceToServer::Installed {
                    certificate_sha256: credential.sha256,
                }),
                Effect::Tell(Event::Installed {
                    certificate_sha256: credential.sha256,
                    not_after: credential.not_after,
                }),
                Effect::End(Ending::Switch),
            ],
            Err(reason) => vec![Effect::Tell(Event::Error(Trouble::new(
                "not_stored",
                format!("A new certificate came and could not be written: {reason}"),
                "Make room or mend the permissions of the state directory; the device asks again within the hour.",
            )))],
        }
    }

    /// Somebody wants a new certificate now. Where the session does not allow that, it is told.
    pub fn renew_now(&mut self, now: Instant) -> Vec<Effect> {
        match &mut self.step {
            Step::Open(open) if open.renewal.is_some() => {
                open.renewal = Some(now + RENEWAL_REPEAT);
                self.renew()
            }
            _ => vec![Effect::Tell(not_renewed())],
        }
    }

    /// Whether the session takes measurements: it has been welcomed, and without limits.
    #[must_use]
    pub fn takes_measurements(&self) -> bool {
        matches!(&self.step, Step::Open(open) if !open.is_limited)
    }

    /// Lets time limits act. Call it at [`Self::due`]; calling it more often changes nothing.
    pub fn tick(&mut self, now: Instant) -> Vec<Effect> {
        match &mut self.step {
            Step::Connected { due } | Step::Proving { due } if now >= *due => {
                broken("The server did not welcome the device in time.")
            }
            Step::Open(open) if open.renewal.is_some_and(|due| now >= due) => {
                open.renewal = Some(now + RENEWAL_REPEAT);
                self.renew()
            }
            _ => Vec::new(),
        }
    }

    /// When [`Self::tick`] is needed next.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        match &self.step {
            Step::Connected { due } | Step::Proving { due } => Some(*due),
            Step::Open(open) => open.renewal,
        }
    }

    fn prove(&mut self, nonce: &Base64) -> Vec<Effect> {
        let Step::Connected { due } = self.step else {
            return broken("The server challenged twice.");
        };
        if nonce.0.len() != NONCE_LEN {
            return broken("The server's challenge has the wrong length.");
        }
        let counter = self.proof.counter.saturating_add(1);
        if counter >= MAX_COUNTER {
            return vec![Effect::End(Ending::Broken(Trouble::new(
                "counter_exhausted",
                "The counter of sessions has reached its end.",
                "Run `gangway-device reset` and enrol the device again.",
            )))];
        }
        let Proof {
            key,
            credential,
            origin,
            agent,
            ..
        } = &self.proof;
        let signature = match key.sign(&proof_message(&nonce.0, origin, &credential.sha256)) {
            Ok(signature) => signature,
            Err(error) => return unsigned(&error),
        };
        let proof = DeviceToServer::Proof {
            chain: credential.chain.clone(),
            signature: Base64(signature),
            counter,
            agent: agent.clone(),
        };
        self.proof.counter = counter;
        self.step = Step::Proving { due };
        vec![Effect::SaveCounter(counter), Effect::Send(proof)]
    }

    fn admitted(
        &self,
        device: DeviceId,
        organisation: OrganisationId,
        configuration: Configuration,
    ) -> Vec<Effect> {
        let Credential {
            sha256: certificate_sha256,
            not_after,
            ..
        } = self.proof.credential;
        let mut effects = vec![
            Effect::Proved {
                certificate_sha256,
                device: device.clone(),
                organisation: organisation.clone(),
            },
            Effect::KeepConfiguration(configuration.clone()),
            Effect::Send(DeviceToServer::Facts {
                facts: self.proof.facts.clone(),
            }),
            Effect::Tell(Event::Online {
                device,
                organisation,
                certificate_sha256,
            }),
            Effect::Tell(Event::Configuration(configuration)),
        ];
        if self.proof.standing == Standing::NewBesideOld {
            effects.push(Effect::Tell(Event::Renewed {
                certificate_sha256,
                not_after,
            }));
        }
        effects
    }

    /// Half of the certificate's life has been the server's reckoning; the jitter, up to a twentieth of it, is ours.
    fn plan_renewal(
        &self,
        clock: &ServerClock,
        renew_after: UnixMillis,
        at_once: bool,
        now: Instant,
    ) -> Instant {
        let due = if at_once {
            now
        } else {
            let due = clock.when(renew_after, now);
            let life = self
                .proof
                .credential
                .not_after
                .since(self.proof.credential.not_before);
            let twentieth = Duration::from_millis(u64::try_from(life / 20).unwrap_or(0));
            let spread = if due > now {
                twentieth
            } else {
                twentieth.min(OVERDUE_SPREAD)
            };
            due + spread.mul_f64(fraction(self.random.as_ref()))
        };
        due.max(self.proof.renewal_not_before.unwrap_or(now))
    }

    fn in_session(&mut self, frame: ServerToDevice, now: Instant) -> Vec<Effect> {
        let Step::Open(open) = &mut self.step else {
            return broken("The server spoke before its welcome.");
        };
        match frame {
            ServerToDevice::Configuration { configuration } => vec![
                Effect::KeepConfiguration(configuration.clone()),
                Effect::Tell(Event::Configuration(configuration)),
            ],
            ServerToDevice::Identify {} => vec![Effect::Tell(Event::Identify {})],
            ServerToDevice::RenewNow {} if open.renewal.is_some() => self.renew_now(now),
            ServerToDevice::Certificate { chain, trust_anchors } => {
                let server_time = open.clock.at(now);
                self.take_certificate(&chain, trust_anchors.as_deref(), server_time)
            }
            _ => Vec::new(),
        }
    }

    fn renew(&self) -> Vec<Effect> {
        let Proof { key, csr, .. } = &self.proof;
        match key.sign(&renewal_message(&csr.der)) {
            Ok(endorsement) => vec![Effect::Send(DeviceToServer::Renew {
                csr: csr.pem.clone(),
                endorsement: Base64(endorsement),
            })],
            Err(error) => unsigned(&error),
        }
    }

    fn take_certificate(
        &self,
        chain: &str,
        trust_anchors: Option<&str>,
        server_time: UnixMillis,
    ) -> Vec<Effect> {
        let Proof {
            key,
            credential: present,
            ..
        } = &self.proof;
        let endpoints = present.endpoints.clone();
        match credential::verify(chain, trust_anchors, endpoints, &key.spki(), server_time) {
            // Who asks early gets the certificate that stands (protocol.md §4): nothing to do.
            Ok(credential) if credential.sha256 == present.sha256 => Vec::new(),
            Ok(credential) => vec![Effect::Install(Box::new(Installation {
                credential,
                configuration: None,
            }))],
            Err(error) => vec![Effect::Tell(Event::Error(Trouble::new(
                error.code(),
                format!("The server sent a certificate that cannot be used: {error}."),
                "The present certificate stays in use; the device asks again within the hour.",
            )))],
        }
    }
}

/// What becomes of the wish to renew where no session stands that allows it.
pub(crate) fn not_renewed() -> Event {
    Event::Error(Trouble::new(
        "not_renewed",
        "The certificate can be renewed only while the device is online.",
        "Ask again then; at half of the certificate's life the device renews it by itself.",
    ))
}

fn limits(only: &[SessionAbility]) -> &'static str {
    if only.contains(&SessionAbility::Renew) {
        "The certificate expired while the device was off; the device asks for a new one."
    } else {
        "The server has lost its record of this certificate; an operator of the organisation has to readmit the device."
    }
}

fn unsigned(error: &KeyError) -> Vec<Effect> {
    let message = format!("Nothing could be signed: {error}.");
    let trouble = Trouble::new("key", message, "The device tries again by itself.");
    vec![Effect::End(Ending::Broken(trouble))]
}

fn broken(message: &str) -> Vec<Effect> {
    let trouble = Trouble::new("session_broken", message, "The device tries again by itself.");
    vec![Effect::End(Ending::Broken(trouble))]
}

#[cfg(test)]
mod tests;
