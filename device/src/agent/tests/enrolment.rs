//! From the code to the first session, and what breaks on the way.

use gangway_protocol::enrolment::{DeviceToServer as Waiting, Outcome, ReplaceReason};
use gangway_protocol::path;

use super::{Scene, asked, code, event, is_online};
use crate::enrolment::Accept;
use crate::event::Event;
use crate::key::KeyType;
use crate::store::Store;
use crate::testing::shared_ca_and_key;

#[tokio::test]
async fn a_device_crosses_comes_online_and_comes_back_after_a_restart() {
    let scene = Scene::new().await;
    let mut agent = scene.start(Accept::Always);
    let mut device = scene.relay.accept().await;
    assert_eq!(device.path, path::ENROLMENT_SOCKET);
    assert_eq!(device.give_nameplate("BCDF").await, None);
    let code = code(&mut agent).await;
    let chain = scene.chain_for("thermometer-7");
    device.cross(&code, chain.clone()).await;

    let mut session = scene.relay.accept().await;
    assert_eq!(session.path, path::SESSION_SOCKET);
    assert_eq!(session.welcome().await, (chain.clone(), 1));
    event(&mut agent, is_online).await;
    let record = scene.record();
    assert_eq!(record.proved.map(|proved| proved.chain), Some(chain.clone()));
    assert_eq!(record.resume, None);
    let (stopped, ()) = tokio::join!(agent.stop(), session.answer_goodbye());
    stopped.expect("stopped");

    let mut agent = scene.start(Accept::Always);
    let (again, counter) = scene.relay.accept().await.welcome().await;
    assert!(again == chain && counter > 1, "the counter goes on: {counter}");
    event(&mut agent, is_online).await;
}

#[tokio::test]
async fn a_device_killed_after_the_installation_finishes() {
    let scene = Scene::new().await;
    let (agent, mut device, code) = scene.waiting(Accept::Always).await;
    let chain = scene.chain_for("x");
    device.cross(&code, chain.clone()).await;
    // Like a process that is killed: no goodbye, and no session has proved the certificate.
    agent.task.abort();
    while !agent.task.is_finished() {
        tokio::task::yield_now().await;
    }
    drop(agent);
    let mut agent = scene.start(Accept::Always);
    loop {
        let mut session = scene.relay.accept().await;
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
    let scene = Scene::new().await;
    let mut agent = scene.start(Accept::Always);
    let mut device = scene.relay.accept().await;
    assert_eq!(device.give_nameplate("BCDF").await, None);
    let first = code(&mut agent).await;
    device.close(1001).await;
    event(&mut agent, |event| {
        matches!(event, Event::Offline { .. }).then_some(())
    })
    .await;
    let mut device = scene.relay.accept().await;
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

    let mut agent = scene.start(Accept::Always);
    let mut device = scene.relay.accept().await;
    assert_eq!(
        device.give_nameplate("BCDF").await.as_deref(),
        Some("resume BCDF")
    );
    assert_ne!(code(&mut agent).await, first, "the secret was never written down");
}

#[tokio::test]
async fn a_person_who_refuses_is_heard() {
    let scene = Scene::new().await;
    let (mut agent, mut device, code) = scene.waiting(Accept::Ask).await;
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

#[tokio::test]
async fn frames_that_nobody_understands_end_the_connection_and_nothing_else() {
    let scene = Scene::new().await;
    let mut agent = scene.start(Accept::Always);
    for garbage in [
        "{",
        r#"{"type":"unheard_of"}"#,
        &format!(r#"{{"type":"{}"}}"#, "x".repeat(40_000)),
    ] {
        let mut device = scene.relay.accept().await;
        device.give_nameplate("BCDF").await;
        device.send_text(garbage).await;
        event(&mut agent, |event| {
            matches!(event, Event::Offline { .. }).then_some(())
        })
        .await;
    }
    scene.relay.accept().await.give_nameplate("BCDF").await;
}

#[tokio::test]
async fn a_device_without_a_directory_comes_online_as_any_other() {
    let scene = Scene::new().await;
    let store = Store::in_memory(KeyType::P256).expect("a store");
    let key = store.key();
    let mut agent = scene.start_on(store, Accept::Always);
    let mut device = scene.relay.accept().await;
    device.give_nameplate("BCDF").await;
    let code = code(&mut agent).await;
    device
        .cross(&code, shared_ca_and_key().0.chain_for(key.as_ref(), "x"))
        .await;
    scene.relay.accept().await.welcome().await;
    event(&mut agent, is_online).await;
}
