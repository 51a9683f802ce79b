//! The running agent by its handle: answers, wishes, the present, and its end.

use std::sync::Arc;
use std::time::Duration;

use gangway_protocol::enrolment::{ClosedReason, DeviceToClaimant, ServerToDevice as ToWaiting};
use gangway_protocol::session::{DeviceToServer as InSession, ServerToDevice as ToSession};

use super::{Scene, asked, event, is_online};
use crate::agent::{Agent, AgentError, Ended, Network};
use crate::clock::SystemClock;
use crate::config::Settings;
use crate::enrolment::Accept;
use crate::event::Event;
use crate::key::KeyType;
use crate::rng::Random;
use crate::status::Phase;
use crate::store::Store;
use crate::testing::Relay;

/// Threat model: ENR-24.
#[tokio::test]
async fn a_late_yes_to_the_library_consents_to_nothing_else() {
    let scene = Scene::new().await;
    let (mut agent, mut device, code) = scene.waiting(Accept::Ask).await;
    let handle = agent.handle();
    let (first, mut channel) = device.claim(&code).await;
    device.offer(&first, &mut channel).await;
    assert_eq!(event(&mut agent, asked).await, first);
    device
        .send(&ToWaiting::Closed {
            claim: first.clone(),
            reason: ClosedReason::Left,
        })
        .await;
    let (second, mut channel) = device.claim(&code).await;
    device.offer(&second, &mut channel).await;
    assert_eq!(event(&mut agent, asked).await, second);
    assert_eq!(handle.status().question, Some(second.clone()));

    handle.answer(&first, true).await.expect("heard");
    let refused = event(&mut agent, |event| match event {
        Event::AnswerRefused { claim, .. } => Some(claim.clone()),
        Event::Accepted { .. } => panic!("a yes for the first claim was taken for the second"),
        _ => None,
    });
    assert_eq!(refused.await, first);
    assert_eq!(
        handle.status().question,
        Some(second.clone()),
        "the question still stands"
    );
    handle.answer(&second, true).await.expect("heard");
    let consent = device.unseal(&mut channel).await;
    assert!(matches!(
        consent,
        DeviceToClaimant::Consent { accepted: true, .. }
    ));
}

#[tokio::test]
async fn a_handle_renews_tells_the_present_and_stops() {
    let scene = Scene::new().await;
    let (mut agent, mut session) = scene.enrolled().await;
    let handle = agent.handle();
    let status = handle.status();
    assert_eq!(status.phase, Phase::Online);
    assert!(status.device.is_some() && status.certificate_sha256.is_some());

    handle.renew().await.expect("heard");
    assert!(matches!(session.next().await, InSession::Renew { .. }));
    let chain = scene.chain_for("second");
    session
        .send(&ToSession::Certificate {
            chain,
            trust_anchors: None,
        })
        .await;
    scene.relay.accept().await.welcome().await;
    event(&mut agent, is_online).await;

    handle.clone().stop().await.expect("heard");
    while agent.next().await.is_some() {}
    assert_eq!(
        handle
            .until(|status| status.phase == Phase::Ended)
            .await
            .map(|_| ()),
        Ok(())
    );
    assert_eq!(handle.renew().await, Err(Ended));
    assert_eq!(agent.answer(&claim(), true).await, Err(Ended));
    agent.stop().await.expect("it ended in order");
}

#[tokio::test]
async fn wishes_that_mean_nothing_now_are_answered() {
    let scene = Scene::new().await;
    let (mut agent, _device, _code) = scene.waiting(Accept::Ask).await;
    agent.handle().renew().await.expect("heard");
    let trouble = event(&mut agent, |event| match event {
        Event::Error(trouble) => Some(trouble.code.clone()),
        _ => None,
    });
    assert_eq!(trouble.await, "not_renewed");
    let other = Scene::new().await;
    let (mut agent, _session) = other.enrolled().await;
    agent.answer(&claim(), true).await.expect("heard");
    event(&mut agent, |event| {
        matches!(event, Event::AnswerRefused { .. }).then_some(())
    })
    .await;
}

/// A system that gives no randomness, once the device runs.
struct NoRandomness;

impl Random for NoRandomness {
    fn fill(&self, _bytes: &mut [u8]) {
        panic!("the system has no randomness");
    }
}

#[tokio::test]
async fn an_end_by_panic_is_told_and_not_silence() {
    let relay = Relay::start(None).await;
    let settings = Settings::new(relay.url().parse().expect("a server"));
    let store = Store::in_memory(KeyType::P256).expect("a store");
    let network = Network::with(&settings, Arc::new(SystemClock), Arc::new(NoRandomness)).expect("a network");
    let mut agent = Agent::start(settings, store, &network).expect("started");
    let handle = agent.handle();
    relay.accept().await.give_nameplate("BCDF").await;
    let told = event(&mut agent, |event| match event {
        Event::Error(trouble) => Some(trouble.clone()),
        _ => None,
    });
    let told = told.await;
    assert_eq!(told.code, "failed");
    assert!(told.message.contains("no randomness"), "{told:?}");
    assert_eq!(agent.next().await, None);
    assert_eq!(handle.status().phase, Phase::Ended);
    let stopped = tokio::time::timeout(Duration::from_secs(5), agent.stop()).await;
    assert!(matches!(
        stopped.expect("it has ended"),
        Err(AgentError::Failed(_))
    ));
}

fn claim() -> gangway_protocol::id::ClaimId {
    "clm_00000000000000000000000000".parse().expect("an id")
}
