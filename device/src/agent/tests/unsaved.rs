//! What the running agent does not do when it cannot save its state.

use std::sync::Arc;

use gangway_protocol::encoding::Base64;
use gangway_protocol::path;
use gangway_protocol::session::{DeviceToServer, ServerToDevice};

use super::{Scene, event};
use crate::credential;
use crate::enrolment::{Accept, Installation};
use crate::event::Event;
use crate::key::{FileKeys, KeyType};
use crate::store::Store;
use crate::store::crash::CrashDisk;
use crate::testing::{NOW, shared_ca_and_key};

fn open(disk: CrashDisk) -> Store {
    Store::on(Box::new(disk), KeyType::P256, Arc::new(FileKeys)).expect("a store")
}

/// The store of a device with a certificate, whose disk takes nothing any more.
fn enrolled_on_a_failing_disk() -> Store {
    let disk = CrashDisk::default();
    let mut store = open(disk.clone());
    let key = store.key();
    let chain = shared_ca_and_key().0.chain_for(key.as_ref(), "x");
    let credential = credential::verify(&chain, None, Vec::new(), &key.spki(), NOW).expect("accepted");
    let installation = Installation {
        credential,
        configuration: None,
    };
    store.install(installation).expect("installed");
    let files = disk.survivors().pop().expect("what is there");
    open(CrashDisk::with(&files, Some(0)))
}

/// Threat model: SES-3.
#[tokio::test]
async fn a_counter_that_cannot_be_saved_is_not_sent() {
    let scene = Scene::new().await;
    let mut agent = scene.start_on(enrolled_on_a_failing_disk(), Accept::Always);
    let mut session = scene.relay.accept().await;
    assert_eq!(session.path, path::SESSION_SOCKET);
    let challenge = ServerToDevice::Challenge {
        nonce: Base64(vec![7; 32]),
        server_time: NOW,
    };
    session.send(&challenge).await;
    let sent = session.maybe_next::<DeviceToServer>().await;
    assert_eq!(sent, None, "the connection is closed without a proof");
    session.answer_goodbye().await;
    let trouble = event(&mut agent, |event| match event {
        Event::Error(trouble) => Some(trouble.code.clone()),
        _ => None,
    });
    assert_eq!(trouble.await, "not_stored");
}
