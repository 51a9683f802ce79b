//! The hub, driven by hand: what every socket is told, in which order, and what is left behind.

use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr};

use gangway_protocol::code::Nameplate;
use gangway_protocol::id::{AccountId, SignInId};
use gangway_protocol::permit::Lookup;
use gangway_protocol::session::Configuration;
use gangway_protocol::time::UnixMillis;
use serde_json::{Value, json};

use super::super::driver::{Job, Proved, SessionPass};
use super::super::ticket::Ticket;
use super::*;
use crate::clock::Monotonic;
use crate::config::Caps;
use crate::db::CallerCredential;
use crate::limits::CodeAttempt;
use crate::rng::SystemRandom;

mod enrolling;
mod sessions;

pub(super) const START: UnixMillis = UnixMillis(1_800_000_000_000);
/// [`START`] on both clocks.
pub(super) const NOW: Now = Now {
    wall: START,
    monotonic: Monotonic::from_millis(0),
};

/// `millis` after `now`.
pub(super) fn later(now: Now, millis: i64) -> Now {
    Now {
        wall: now.wall.plus(millis),
        monotonic: now.plus(millis),
    }
}

/// What the hub asked of its driver.
#[derive(Debug, PartialEq)]
pub(super) enum Asked {
    Send(Value),
    Ping(Vec<u8>),
    Close(u16),
    Hold,
    Release,
    Start(&'static str),
}

#[derive(Default)]
pub(super) struct Recorder {
    asked: VecDeque<(u32, Asked)>,
    pub(super) jobs: Vec<(SocketKey, Job)>,
}

impl Driver for Recorder {
    fn send(&mut self, socket: u32, text: &str) {
        self.asked
            .push_back((socket, Asked::Send(serde_json::from_str(text).expect("JSON"))));
    }
    fn ping(&mut self, socket: u32, payload: &[u8]) {
        self.asked.push_back((socket, Asked::Ping(payload.to_vec())));
    }
    fn close(&mut self, socket: u32, code: u16) {
        self.asked.push_back((socket, Asked::Close(code)));
    }
    fn hold(&mut self, socket: u32) {
        self.asked.push_back((socket, Asked::Hold));
    }
    fn release(&mut self, socket: u32) {
        self.asked.push_back((socket, Asked::Release));
    }
    fn start(&mut self, socket: SocketKey, job: Job, _: Monotonic) {
        let name = match &job {
            Job::Prove { .. } => "prove",
            Job::Renew { .. } => "renew",
            Job::Installed { .. } => "installed",
            Job::Facts { .. } => "facts",
            Job::Measurements { .. } => "measurements",
            Job::RaiseCloneAlarm { .. } => "alarm",
        };
        self.asked.push_back((socket.index, Asked::Start(name)));
        self.jobs.push((socket, job));
    }

    fn attend(&mut self, socket: SocketKey, _: Lookup, _: Option<IpAddr>) {
        self.asked.push_back((socket.index, Asked::Start("attend")));
    }
}

/// A hub with its driver and the time.
pub(super) struct Scene {
    pub(super) hub: Hub,
    pub(super) driver: Recorder,
    pub(super) now: Now,
}

impl Scene {
    pub(super) fn new() -> Self {
        Self::with_caps(&Caps::default(), [])
    }

    pub(super) fn with_caps(caps: &Caps, leases: impl IntoIterator<Item = (PackedNameplate, Lease)>) -> Self {
        let dependencies = Dependencies {
            random: Arc::new(SystemRandom),
            limits: Limits::new(caps),
            resume_key: ResumeKey::new(&[7; 32]),
            verification_uri: "https://panel.example/link".to_owned(),
            max_waiting: caps.waiting_devices,
            max_waiting_per_address: caps.waiting_devices_per_address,
            max_unproven_per_address: caps.unproven_sessions_per_address,
            claims: Arc::default(),
        };
        Self {
            hub: Hub::new(dependencies, leases, NOW),
            driver: Recorder::default(),
            now: NOW,
        }
    }

    pub(super) fn open(&mut self, socket: u32, opening: Opening) {
        self.hub.open(socket, opening, self.now, &mut self.driver);
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "calls read as a conversation with json! in them"
    )]
    pub(super) fn says(&mut self, socket: u32, message: Value) {
        self.hub
            .on_text(socket, &message.to_string(), self.now, &mut self.driver);
    }

    pub(super) fn goes(&mut self, socket: u32) {
        self.hub
            .on_gone(socket, OfflineReason::ConnectionLost, self.now, &mut self.driver);
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        self.now = later(self.now, seconds * UnixMillis::SECOND);
        self.hub.sweep_claims(self.now, &mut self.driver);
        let mut next = Some(0);
        while let Some(from) = next {
            next = self.hub.sweep(from, 2, self.now, &mut self.driver);
        }
    }

    /// Everything that was asked for this socket since the last look at it.
    pub(super) fn asked(&mut self, socket: u32) -> Vec<Asked> {
        let (of_it, others) = self.driver.asked.drain(..).partition(|(of, _)| *of == socket);
        self.driver.asked = others;
        let of_it: VecDeque<(u32, Asked)> = of_it;
        of_it.into_iter().map(|(_, asked)| asked).collect()
    }

    /// The one message that was sent to this socket.
    pub(super) fn told(&mut self, socket: u32) -> Value {
        match self.asked(socket).as_slice() {
            [Asked::Send(message)] => message.clone(),
            other => panic!("{other:?}"),
        }
    }

    /// The problem that this socket was told before it was closed.
    pub(super) fn problem(&mut self, socket: u32) -> Value {
        match self.asked(socket).as_slice() {
            [.., Asked::Send(message), Asked::Close(1008)] => {
                assert_eq!(message["type"], "problem", "{message}");
                message.clone()
            }
            other => panic!("{other:?}"),
        }
    }

    /// A waiting device, and its `nameplate` message.
    pub(super) fn wait(&mut self, socket: u32) -> Value {
        self.open(
            socket,
            Opening::Device {
                address: Some(address(1)),
            },
        );
        self.says(socket, json!({"type": "hello", "agent": "test"}));
        self.told(socket)
    }

    pub(super) fn claimant(&mut self, socket: u32, nameplate: &str) {
        self.open(socket, Opening::Claimant(Box::new(ticket(1, nameplate))));
        self.says(socket, json!({"type": "claim", "pake": pake()}));
    }
}

pub(super) fn address(last: u8) -> IpAddr {
    Ipv4Addr::new(192, 0, 2, last).into()
}

pub(super) fn pake() -> String {
    data_encoding::BASE64.encode(&[0x42; 33])
}

pub(super) fn ticket(who: u8, nameplate: &str) -> Ticket {
    let nameplate: Nameplate = nameplate.parse().expect("a nameplate");
    Ticket {
        attempt: CodeAttempt {
            account: AccountId::new(START, [who; 10]),
            account_since: START.plus(-100 * UnixMillis::DAY),
            organisations: Vec::new(),
            address: Some(address(1).into()),
            nameplate,
        },
        name: "Ada Lindqvist".to_owned(),
        credential: CallerCredential::SignIn(SignInId::new(START, [who; 10])),
        address: address(1),
    }
}

pub(super) fn proved(device: u8, certificate: u8, newest: bool) -> Done {
    Done::Proved(Box::new(Proved {
        pass: pass(device, certificate),
        newest,
        welcome: json!({"type": "welcome"}).to_string(),
    }))
}

pub(super) fn pass(device: u8, certificate: u8) -> SessionPass {
    SessionPass {
        device: DeviceId::new(START, [device; 10]),
        certificate: gangway_protocol::encoding::Sha256Hex([certificate; 32]),
        only: None,
    }
}

pub(super) fn configuration() -> Configuration {
    Configuration::default()
}
