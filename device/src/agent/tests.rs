//! The whole agent against a scripted server on loopback: real sockets, real files, every frame played by hand.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gangway_protocol::code::UserCode;
use gangway_protocol::enrolment::{DeviceToServer as Waiting, Outcome, ReplaceReason};
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::ClaimId;
use gangway_protocol::path;
use gangway_protocol::secret::SecretString;
use gangway_protocol::session::{DeviceToServer as InSession, ServerToDevice as ToSession};
use gangway_protocol::time::UnixMillis;

use super::{Agent, Network};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::enrolment::Accept;
use crate::event::Event;
use crate::key::{DeviceKey as _, FileKey, KeyType};
use crate::rng::{Random, SystemRandom};
use crate::store::Store;
use crate::testing::{Relay, shared_ca_and_key};

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

pub(super) fn start(relay: &Relay, state: &Path, accept: Accept) -> Agent {
    let store = Store::open(state, KeyType::P256).expect("a store");
    start_on(relay, store, accept)
}

pub(super) fn start_on(relay: &Relay, store: Store, accept: Accept) -> Agent {
    let mut settings = Settings::new(relay.url().parse().expect("a server"));
    settings.accept = accept;
    let network = Network::with(&settings, Arc::new(SystemClock), Arc::new(NoJitter)).expect("a network");
    Agent::start(settings, store, &network).expect("started")
}

/// The next event that `pick` takes; others are passed over.
pub(super) async fn event<T>(agent: &mut Agent, pick: impl Fn(&Event) -> Option<T>) -> T {
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

pub(super) async fn code(agent: &mut Agent) -> UserCode {
    let text = event(agent, |event| match event {
        Event::Code(code) => Some(code.user_code.expose().to_owned()),
        _ => None,
    });
    UserCode::read(&text.await).expect("a code")
}

/// The claim of a question.
pub(super) fn asked(event: &Event) -> Option<ClaimId> {
    match event {
        Event::ApprovalAsked { claim, .. } => Some(claim.clone()),
        _ => None,
    }
}

pub(super) fn is_online(event: &Event) -> Option<()> {
    matches!(event, Event::Online { .. }).then_some(())
}

/// The key in the state directory, to sign certificates for.
pub(super) fn key(state: &Path) -> FileKey {
    let pem = std::fs::read_to_string(state.join("key.pem")).expect("a key");
    FileKey::from_pem(&SecretString::new(pem)).expect("a key")
}

#[tokio::test]
async fn a_device_crosses_comes_online_and_comes_back_after_a_restart() {
    let (relay, state) = (
        Relay::start(None).await,
        tempfile::tempdir().expect("a directory"),
    );
    let mut agent = start(&relay, state.path(), Accept::Always);
    let mut device = relay.accept().await;
    assert_eq!(device.path, path::ENROLMENT_SOCKET);
    assert_eq!(device.give_nameplate("BCDF").await, None);
    let code = code(&mut agent).await;
    let chain = shared_ca_and_key()
        .0
        .chain_for(&key(state.path()), "thermometer-7");
    device.cross(&code, chain.clone()).await;

    let mut session = relay.accept().await;
    assert_eq!(session.path, path::SESSION_SOCKET);
    assert_eq!(session.welcome().await, (chain.clone(), 1));
    event(&mut agent, is_online).await;
    let record = Store::peek(state.path()).expect("readable").1;
    assert_eq!(record.proved.map(|proved| proved.chain), Some(chain.clone()));
    assert_eq!(record.resume, None);
    let (stopped, ()) = tokio::join!(agent.stop(), session.answer_goodbye());
    stopped.expect("stopped");

    let mut agent = start(&relay, state.path(), Accept::Always);
    let (again, counter) = relay.accept().await.welcome().await;
    assert!(again == chain && counter > 1, "the counter goes on: {counter}");
    event(&mut agent, is_online).await;
}

#[tokio::test]
async fn a_device_killed_after_the_installation_finishes() {
    let (relay, state) = (
        Relay::start(None).await,
        tempfile::tempdir().expect("a directory"),
    );
    let mut agent = start(&relay, state.path(), Accept::Always);
    let mut device = relay.accept().await;
    device.give_nameplate("BCDF").await;
    let code = code(&mut agent).await;
    let chain = shared_ca_and_key().0.chain_for(&key(state.path()), "x");
    device.cross(&code, chain.clone()).await;
    // Like a process that is killed: no goodbye, and no session has proved the certificate.
    agent.task.abort();
    while !agent.task.is_finished() {
        tokio::task::yield_now().await;
    }
    drop(agent);
    let mut agent = start(&relay, state.path(), Accept::Always);
    loop {
        let mut session = relay.accept().await;
        assert_eq!(session.path, path::SESSION_SOCKET, "no second code is shown");
        // The aborted agent may have got as far as connecting.
        if session.is_open().await {
            assert_eq!(session.welcome().await.0, chain);
            break;
        }
    }
    event(&mut agent, is_online).await;
}

#[tokio::test]
async fn the_nameplate_is_kept_across_connections_and_restarts_and_the_code_across_connections() {
    let (relay, state) = (
        Relay::start(None).await,
        tempfile::tempdir().expect("a directory"),
    );
    let mut agent = start(&relay, state.path(), Accept::Always);
    let mut device = relay.accept().await;
    assert_eq!(device.give_nameplate("BCDF").await, None);
    let first = code(&mut agent).await;
    device.close(1001).await;
    event(&mut agent, |event| {
        matches!(event, Event::Offline { .. }).then_some(())
    })
    .await;
    let mut device = relay.accept().await;
    assert_eq!(
        device.give_nameplate("BCDF").await.as_deref(),
        Some("resume BCDF")
    );
    event(&mut agent, |event| {
        matches!(event, Event::Waiting { .. }).then_some(())
    })
    .await;
    device.claim(&first).await;
    let (stopped, ()) = tokio::join!(agent.stop(), device.answer_goodbye());
    stopped.expect("stopped");

    let mut agent = start(&relay, state.path(), Accept::Always);
    let mut device = relay.accept().await;
    assert_eq!(
        device.give_nameplate("BCDF").await.as_deref(),
        Some("resume BCDF")
    );
    assert_ne!(code(&mut agent).await, first, "the secret was never written down");
}

#[tokio::test]
async fn a_person_who_refuses_is_heard() {
    let (relay, state) = (
        Relay::start(None).await,
        tempfile::tempdir().expect("a directory"),
    );
    let mut agent = start(&relay, state.path(), Accept::Ask);
    let mut device = relay.accept().await;
    device.give_nameplate("BCDF").await;
    let code = code(&mut agent).await;
    let (claim, mut channel) = device.claim(&code).await;
    device.offer(&claim, &mut channel).await;
    let question = event(&mut agent, asked).await;
    agent.answer(&question, false).await.expect("heard");
    let consent = device.unseal(&mut channel).await;
    assert!(matches!(
        consent,
        gangway_protocol::enrolment::DeviceToClaimant::Consent { accepted: false, .. }
    ));
    let refused = Waiting::Outcome {
        claim,
        outcome: Outcome::Refused,
    };
    assert_eq!(device.next::<Waiting>().await, refused);
    let replace = |reason| Waiting::Replace { reason };
    assert_eq!(device.next::<Waiting>().await, replace(ReplaceReason::Spent));
    device.replace_nameplate("GHJK").await;
    event(&mut agent, |event| matches!(event, Event::Code(_)).then_some(())).await;
    agent.replace_code().await.expect("heard");
    assert_eq!(device.next::<Waiting>().await, replace(ReplaceReason::Asked));
}

/// Enrols a device in no time and gives its open session.
pub(super) async fn enrolled(relay: &Relay, state: &Path) -> (Agent, crate::testing::Peer) {
    let mut agent = start(relay, state, Accept::Always);
    let mut device = relay.accept().await;
    device.give_nameplate("BCDF").await;
    let code = code(&mut agent).await;
    device
        .cross(&code, shared_ca_and_key().0.chain_for(&key(state), "first"))
        .await;
    let mut session = relay.accept().await;
    session.welcome().await;
    event(&mut agent, is_online).await;
    (agent, session)
}

#[tokio::test]
async fn a_renewed_certificate_is_proved_before_it_replaces_the_old_one() {
    let (relay, state) = (
        Relay::start(None).await,
        tempfile::tempdir().expect("a directory"),
    );
    let (mut agent, mut session) = enrolled(&relay, state.path()).await;
    session.send(&ToSession::RenewNow {}).await;
    assert!(matches!(session.next().await, InSession::Renew { .. }));
    let second = shared_ca_and_key().0.chain_for(&key(state.path()), "second");
    session
        .send(&ToSession::Certificate {
            chain: second.clone(),
            trust_anchors: None,
        })
        .await;
    assert!(matches!(session.next().await, InSession::Installed { .. }));

    let mut proving = relay.accept().await;
    let (chain, _) = proving.challenge().await;
    assert_eq!(chain, second);
    let record = Store::peek(state.path()).expect("readable").1;
    assert_eq!(
        record.proved.map(|proved| proved.subject).as_deref(),
        Some(r"CN=first,O=Harbour\, Works"),
        "not yet"
    );
    drop(proving);
    // The connection broke before the welcome: the next one proves it.
    let mut proving = relay.accept().await;
    assert_eq!(proving.welcome().await.0, second);
    event(&mut agent, |event| {
        matches!(event, Event::Renewed { .. }).then_some(())
    })
    .await;
    let record = Store::peek(state.path()).expect("readable").1;
    assert_eq!(
        record.proved.map(|proved| proved.subject).as_deref(),
        Some(r"CN=second,O=Harbour\, Works")
    );
}

#[tokio::test]
async fn a_new_certificate_that_the_server_refuses_is_forgotten() {
    let (relay, state) = (
        Relay::start(None).await,
        tempfile::tempdir().expect("a directory"),
    );
    let (mut agent, mut session) = enrolled(&relay, state.path()).await;
    let second = shared_ca_and_key().0.chain_for(&key(state.path()), "second");
    session
        .send(&ToSession::Certificate {
            chain: second,
            trust_anchors: None,
        })
        .await;
    let mut proving = relay.accept().await;
    proving.challenge().await;
    proving.send(&problem(ProblemCode::CertificateUnknown)).await;
    let mut old = relay.accept().await;
    let (chain, _) = old.welcome().await;
    assert_eq!(chain, shared_ca_and_key_first(state.path()));
    event(&mut agent, is_online).await;
}

fn shared_ca_and_key_first(state: &Path) -> String {
    let record = Store::peek(state).expect("readable").1;
    assert_eq!(record.fresh, None);
    record.proved.expect("the old one").chain
}

pub(super) fn problem(code: ProblemCode) -> ToSession {
    ToSession::Problem(Problem {
        code,
        message: "as scripted".to_owned(),
        retry_after_secs: None,
    })
}

#[tokio::test]
async fn a_revoked_device_makes_a_new_key_and_shows_a_new_code() {
    for in_session in [true, false] {
        let (relay, state) = (
            Relay::start(None).await,
            tempfile::tempdir().expect("a directory"),
        );
        let (mut agent, mut session) = enrolled(&relay, state.path()).await;
        let before = key(state.path()).id();
        if in_session {
            session
                .send(&ToSession::Revoked {
                    reason: "stolen".to_owned(),
                })
                .await;
        } else {
            drop(session);
            let mut again = relay.accept().await;
            again.challenge().await;
            again.send(&problem(ProblemCode::CertificateRevoked)).await;
        }
        event(&mut agent, |event| {
            matches!(event, Event::Revoked { .. }).then_some(())
        })
        .await;
        let mut device = relay.accept().await;
        assert_eq!(device.path, path::ENROLMENT_SOCKET);
        device.give_nameplate("BCDF").await;
        code(&mut agent).await;
        assert_ne!(key(state.path()).id(), before);
        let aside = state
            .path()
            .join(format!("key-set-aside-{}.pem", &before.to_string()[..16]));
        assert!(aside.is_file(), "set aside, not destroyed");
    }
}

#[tokio::test]
async fn a_lapsed_device_enrols_again_with_the_same_key() {
    let (relay, state) = (
        Relay::start(None).await,
        tempfile::tempdir().expect("a directory"),
    );
    let (mut agent, session) = enrolled(&relay, state.path()).await;
    let before = key(state.path()).id();
    drop(session);
    let mut again = relay.accept().await;
    again.challenge().await;
    again.send(&problem(ProblemCode::GraceOver)).await;
    let mut device = relay.accept().await;
    device.give_nameplate("BCDF").await;
    let code = code(&mut agent).await;
    let chain = shared_ca_and_key().0.chain_for(&key(state.path()), "anew");
    device.cross(&code, chain.clone()).await;
    assert_eq!(relay.accept().await.welcome().await.0, chain);
    event(&mut agent, is_online).await;
    assert_eq!(key(state.path()).id(), before);
}

#[tokio::test]
async fn a_suspended_device_waits_an_hour_and_says_so() {
    let (relay, state) = (
        Relay::start(None).await,
        tempfile::tempdir().expect("a directory"),
    );
    let (mut agent, session) = enrolled(&relay, state.path()).await;
    drop(session);
    let mut again = relay.accept().await;
    again.challenge().await;
    again.send(&problem(ProblemCode::Suspended)).await;
    let trouble = event(&mut agent, |event| match event {
        Event::Error(trouble) => Some(trouble.clone()),
        _ => None,
    });
    assert_eq!(trouble.await.code, "suspended");
    let wait = event(&mut agent, |event| match event {
        Event::Offline { retry_in_secs, .. } => Some(*retry_in_secs),
        _ => None,
    });
    assert_eq!(wait.await, 3600);
    tokio::time::timeout(Duration::from_secs(5), agent.stop())
        .await
        .expect("stopping does not wait for the hour")
        .expect("stopped");
}

#[tokio::test]
async fn frames_that_nobody_understands_end_the_connection_and_nothing_else() {
    let (relay, state) = (
        Relay::start(None).await,
        tempfile::tempdir().expect("a directory"),
    );
    let mut agent = start(&relay, state.path(), Accept::Always);
    for garbage in [
        "{",
        r#"{"type":"unheard_of"}"#,
        &format!(r#"{{"type":"{}"}}"#, "x".repeat(40_000)),
    ] {
        let mut device = relay.accept().await;
        device.give_nameplate("BCDF").await;
        device.send_text(garbage).await;
        event(&mut agent, |event| {
            matches!(event, Event::Offline { .. }).then_some(())
        })
        .await;
    }
    relay.accept().await.give_nameplate("BCDF").await;
}

#[tokio::test]
async fn a_device_without_a_directory_comes_online_as_any_other() {
    let relay = Relay::start(None).await;
    let store = Store::in_memory(KeyType::P256).expect("a store");
    let key = store.key();
    let mut agent = start_on(&relay, store, Accept::Always);
    let mut device = relay.accept().await;
    device.give_nameplate("BCDF").await;
    let code = code(&mut agent).await;
    device
        .cross(&code, shared_ca_and_key().0.chain_for(key.as_ref(), "x"))
        .await;
    relay.accept().await.welcome().await;
    event(&mut agent, is_online).await;
}

#[tokio::test]
async fn the_servers_time_is_believed_only_over_tls() {
    let (relay, state) = (
        Relay::start(None).await,
        tempfile::tempdir().expect("a directory"),
    );
    let (_agent, _session) = enrolled(&relay, state.path()).await;
    assert_eq!(
        Store::peek(state.path()).expect("readable").1.last_good_time,
        None::<UnixMillis>
    );
}
