//! The whole agent against a scripted server on loopback: real sockets, real files, every frame played by hand. What the
//! tests share stands here.

mod enrolment;
mod handle;
mod measuring;
mod session;
mod unsaved;

use std::sync::Arc;
use std::time::Duration;

use gangway_protocol::code::UserCode;
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::ClaimId;
use gangway_protocol::secret::SecretString;
use gangway_protocol::session::ServerToDevice as ToSession;

use super::{Agent, Network};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::enrolment::Accept;
use crate::event::Event;
use crate::key::{FileKey, KeyType};
use crate::rng::{Random, SystemRandom};
use crate::store::{Record, Store};
use crate::testing::{Peer, Relay, shared_ca_and_key};

/// A server, and the state directory of a device.
struct Scene {
    relay: Relay,
    state: tempfile::TempDir,
}

impl Scene {
    async fn new() -> Self {
        Self {
            relay: Relay::start(None).await,
            state: tempfile::tempdir().expect("a directory"),
        }
    }

    fn start(&self, accept: Accept) -> Agent {
        self.start_on(
            Store::open(self.state.path(), KeyType::P256).expect("a store"),
            accept,
        )
    }

    /// Starts a device whose state lies elsewhere.
    fn start_on(&self, store: Store, accept: Accept) -> Agent {
        let mut settings = Settings::new(self.relay.url().parse().expect("a server"));
        settings.accept = accept;
        let network = Network::with(&settings, Arc::new(SystemClock), Arc::new(NoJitter)).expect("a network");
        Agent::start(settings, store, &network).expect("started")
    }

    /// Starts a device and gives its open enrolment socket and the code that it shows.
    async fn waiting(&self, accept: Accept) -> (Agent, Peer, UserCode) {
        let mut agent = self.start(accept);
        let mut device = self.relay.accept().await;
        device.give_nameplate("BCDF").await;
        let code = code(&mut agent).await;
        (agent, device, code)
    }

    /// Enrols a device in no time and gives its open session.
    async fn enrolled(&self) -> (Agent, Peer) {
        let (mut agent, mut device, code) = self.waiting(Accept::Always).await;
        device.cross(&code, self.chain_for("first")).await;
        let mut session = self.relay.accept().await;
        session.welcome().await;
        event(&mut agent, is_online).await;
        (agent, session)
    }

    /// The key in the state directory.
    fn key(&self) -> FileKey {
        let pem = std::fs::read_to_string(self.state.path().join("key.pem")).expect("a key");
        FileKey::from_pem(&SecretString::new(pem)).expect("a key")
    }

    /// A certificate of this name for that key.
    fn chain_for(&self, name: &str) -> String {
        shared_ca_and_key().0.chain_for(&self.key(), name)
    }

    fn record(&self) -> Record {
        Store::peek(self.state.path()).expect("readable").1
    }
}

/// No jitter: every back-off ends at once.
struct NoJitter;

impl Random for NoJitter {
    fn fill(&self, bytes: &mut [u8]) {
        // Secrets and key exchanges draw more than the four bytes of a fraction, and need real randomness.
        if bytes.len() == 4 {
            bytes.fill(0);
        } else {
            SystemRandom.fill(bytes);
        }
    }
}

/// The next event that `pick` takes; others are passed over.
async fn event<T>(agent: &mut Agent, pick: impl Fn(&Event) -> Option<T>) -> T {
    let search = async {
        loop {
            let event = agent.next().await.expect("the agent runs");
            if let Some(found) = pick(&event) {
                return found;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), search)
        .await
        .expect("the event comes")
}

async fn code(agent: &mut Agent) -> UserCode {
    let text = event(agent, |event| match event {
        Event::Code(code) => Some(code.user_code.expose().to_owned()),
        _ => None,
    });
    UserCode::read(&text.await).expect("a code")
}

/// The claim of a question.
fn asked(event: &Event) -> Option<ClaimId> {
    match event {
        Event::ApprovalAsked { claim, .. } => Some(claim.clone()),
        _ => None,
    }
}

fn is_online(event: &Event) -> Option<()> {
    matches!(event, Event::Online { .. }).then_some(())
}

fn problem(code: ProblemCode) -> ToSession {
    ToSession::Problem(Problem {
        code,
        message: "as scripted".to_owned(),
        retry_after_secs: None,
    })
}
