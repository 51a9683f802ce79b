//! An enrolled device: renewal, and the refusals of a server that knows it.

use std::time::Duration;

use gangway_protocol::error::ProblemCode;
use gangway_protocol::path;
use gangway_protocol::session::{DeviceToServer as InSession, ServerToDevice as ToSession};
use gangway_protocol::time::UnixMillis;

use super::{Scene, code, event, is_online, problem};
use crate::event::Event;
use crate::key::DeviceKey as _;

#[tokio::test]
async fn a_renewed_certificate_is_proved_before_it_replaces_the_old_one() {
    let scene = Scene::new().await;
    let (mut agent, mut session) = scene.enrolled().await;
    session.send(&ToSession::RenewNow {}).await;
    assert!(matches!(session.next().await, InSession::Renew { .. }));
    let second = scene.chain_for("second");
    session
        .send(&ToSession::Certificate {
            chain: second.clone(),
            trust_anchors: None,
        })
        .await;
    assert!(matches!(session.next().await, InSession::Installed { .. }));

    let mut proving = scene.relay.accept().await;
    let (chain, _) = proving.challenge().await;
    assert_eq!(chain, second);
    let record = scene.record();
    assert_eq!(
        record.proved.map(|proved| proved.subject).as_deref(),
        Some(r"CN=first,O=Harbour\, Works"),
        "not yet"
    );
    drop(proving);
    // The connection broke before the welcome: the next one proves it.
    let mut proving = scene.relay.accept().await;
    assert_eq!(proving.welcome().await.0, second);
    event(&mut agent, |event| {
        matches!(event, Event::Renewed { .. }).then_some(())
    })
    .await;
    let record = scene.record();
    assert_eq!(
        record.proved.map(|proved| proved.subject).as_deref(),
        Some(r"CN=second,O=Harbour\, Works")
    );
}

#[tokio::test]
async fn a_new_certificate_that_the_server_refuses_is_forgotten() {
    let scene = Scene::new().await;
    let (mut agent, mut session) = scene.enrolled().await;
    let second = scene.chain_for("second");
    session
        .send(&ToSession::Certificate {
            chain: second,
            trust_anchors: None,
        })
        .await;
    let mut proving = scene.relay.accept().await;
    proving.challenge().await;
    proving.send(&problem(ProblemCode::CertificateUnknown)).await;
    let mut old = scene.relay.accept().await;
    let (chain, _) = old.welcome().await;
    assert_eq!(chain, proved_chain(&scene));
    event(&mut agent, is_online).await;
}

#[tokio::test]
async fn a_revoked_device_makes_a_new_key_and_shows_a_new_code() {
    for in_session in [true, false] {
        let scene = Scene::new().await;
        let (mut agent, mut session) = scene.enrolled().await;
        let before = scene.key().id();
        if in_session {
            session
                .send(&ToSession::Revoked {
                    reason: "stolen".to_owned(),
                })
                .await;
        } else {
            drop(session);
            let mut again = scene.relay.accept().await;
            again.challenge().await;
            again.send(&problem(ProblemCode::CertificateRevoked)).await;
        }
        event(&mut agent, |event| {
            matches!(event, Event::Revoked { .. }).then_some(())
        })
        .await;
        let mut device = scene.relay.accept().await;
        assert_eq!(device.path, path::ENROLMENT_SOCKET);
        device.give_nameplate("BCDF").await;
        code(&mut agent).await;
        assert_ne!(scene.key().id(), before);
        let aside = scene
            .state
            .path()
            .join(format!("key-set-aside-{}.pem", &before.to_string()[..16]));
        assert!(aside.is_file(), "set aside, not destroyed");
    }
}

#[tokio::test]
async fn a_lapsed_device_enrols_again_with_the_same_key() {
    let scene = Scene::new().await;
    let (mut agent, session) = scene.enrolled().await;
    let before = scene.key().id();
    drop(session);
    let mut again = scene.relay.accept().await;
    again.challenge().await;
    again.send(&problem(ProblemCode::GraceOver)).await;
    let mut device = scene.relay.accept().await;
    device.give_nameplate("BCDF").await;
    let code = code(&mut agent).await;
    let chain = scene.chain_for("anew");
    device.cross(&code, chain.clone()).await;
    assert_eq!(scene.relay.accept().await.welcome().await.0, chain);
    event(&mut agent, is_online).await;
    assert_eq!(scene.key().id(), before);
}

#[tokio::test]
async fn a_suspended_device_waits_an_hour_and_says_so() {
    let scene = Scene::new().await;
    let (mut agent, session) = scene.enrolled().await;
    drop(session);
    let mut again = scene.relay.accept().await;
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
async fn the_servers_time_is_believed_only_over_tls() {
    let scene = Scene::new().await;
    let (_agent, _session) = scene.enrolled().await;
    assert_eq!(scene.record().last_good_time, None::<UnixMillis>);
}

fn proved_chain(scene: &Scene) -> String {
    let record = scene.record();
    assert_eq!(record.fresh, None);
    record.proved.expect("the old one").chain
}
