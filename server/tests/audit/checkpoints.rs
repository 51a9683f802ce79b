//! Signed checkpoints: what openssl says of them, and what the command line makes of a record that was rewritten since.

use gangway_protocol::organisation::Role;
use gangway_server::audit::{Checkpoint, checkpoints};
use gangway_server::db::audit::{GENESIS, following};

use crate::ca::openssl;
use crate::support::program::{on, refuses, succeeds, text};
use crate::support::{Engine, START, Server, both_engines, csr};

/// What openssl finds inside of a message that the root stands behind.
fn opened(message: &[u8], root: &str) -> Result<String, String> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = |name: &str, content: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).expect("a file");
        path
    };
    let (message, root) = (file("message.pem", message), file("root.pem", root.as_bytes()));
    let content = folder.path().join("content.json");
    openssl(
        &[
            "cms",
            "-verify",
            "-inform",
            "PEM",
            "-purpose",
            "any",
            "-attime",
            &START.as_secs().to_string(),
        ],
        &[("-in", &message), ("-CAfile", &root), ("-out", &content)],
    )?;
    Ok(std::fs::read_to_string(content).expect("its content"))
}

both_engines!(
    /// Threat model: WEB-6.
    async fn openssl_verifies_a_checkpoint_and_finds_the_head_in_it(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        ada.enrol(&server, &csr::key()).await;
        let signed = ada.api.audit_checkpoint(&home).await.expect("a checkpoint");
        let root = server
            .text("SELECT trust_anchor FROM issuers WHERE slot = 'signing'")
            .await;
        let content = opened(&signed, &root).expect("openssl accepts it");
        let noted: Vec<Checkpoint> = serde_json::from_str(&content).expect("checkpoints");
        let head = server
            .text("SELECT CAST(seq AS TEXT) || ' ' || hash FROM audit_heads WHERE chain <> 'server'")
            .await;
        assert_eq!(noted.len(), 1);
        assert_eq!((noted[0].chain.as_str(), noted[0].at), (home.as_str(), START));
        assert_eq!(format!("{} {}", noted[0].seq, noted[0].hash), head);
        let signed_text = String::from_utf8(signed).expect("PEM");
        let db = &server.gangway.db;
        let read = checkpoints::read(db, &signed_text).await.expect("we read it too");
        assert_eq!(read, noted);

        let stranger = Server::start(Engine::Sqlite).await;
        let other_root = stranger
            .text("SELECT trust_anchor FROM issuers WHERE slot = 'signing'")
            .await;
        opened(signed_text.as_bytes(), &other_root).expect_err("another root stands behind nothing of it");
        let elsewhere = checkpoints::read(&stranger.gangway.db, &signed_text).await;
        let refused = elsewhere
            .expect_err("another server has not signed it")
            .to_string();
        assert!(refused.contains("no issuer of this server"), "{refused}");
    }
);

/// Changes a byte of the content inside of a message.
fn changed(message: &str) -> String {
    let (label, mut der) = x509_cert::der::pem::decode_vec(message.as_bytes()).expect("PEM");
    let place = der
        .windows(6)
        .position(|bytes| bytes == b"\"seq\":")
        .expect("the content is inside");
    der[place + 7] ^= 1;
    let ending = x509_cert::der::pem::LineEnding::LF;
    x509_cert::der::pem::encode_string(label, ending, &der).expect("PEM")
}

/// Threat model: WEB-6.
#[tokio::test]
async fn a_record_that_was_rewritten_is_refused_against_a_signed_checkpoint() {
    let server = Server::start(Engine::Sqlite).await;
    let home = server.organisation("Works").await;
    let ada = server.member(&home, Role::Admin, "Ada").await;
    ada.enrol(&server, &csr::key()).await;
    let data = server.gangway.config.data_dir.clone();
    let from_panel = ada.api.audit_checkpoint(&home).await.expect("a checkpoint");
    let from_panel = String::from_utf8(from_panel).expect("PEM");
    let from_terminal = succeeds(&on(&data, &["admin", "audit", "checkpoint", "--signed"]));
    let root = server
        .text("SELECT trust_anchor FROM issuers WHERE slot = 'signing'")
        .await;
    let content = opened(from_terminal.as_bytes(), &root).expect("openssl accepts it");
    assert!(content.contains(home.as_str()), "{content}");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let verify = |name: &str, message: &str| {
        let file = folder.path().join(name);
        std::fs::write(&file, message).expect("a file");
        on(&data, &["admin", "audit", "verify", "--checkpoint", text(&file)])
    };
    for message in [&from_panel, &from_terminal] {
        assert!(succeeds(&verify("kept.pem", message)).contains(home.as_str()));
        refuses(&verify("changed.pem", &changed(message)), "it was changed since");
    }
    refuses(
        &verify("none.pem", "-----BEGIN CERTIFICATE-----\n"),
        "no signed message",
    );

    rewrite(&server, home.as_str()).await;
    server.verify_audit().await.expect("every hash is computed anew");
    for message in [&from_panel, &from_terminal] {
        refuses(&verify("kept.pem", message), "it was rewritten");
    }
}

/// Changes the first entry of a chain and computes all hashes anew, as somebody could who owns the database.
async fn rewrite(server: &Server, chain: &str) {
    server.open_record().await;
    let mut reader = server.gangway.db.reader().await.expect("a reader");
    let entries = following(&mut reader.conn(), chain, 0, 1_000)
        .await
        .expect("entries");
    drop(reader);
    let mut previous = GENESIS;
    for (place, mut entry) in entries.into_iter().enumerate() {
        if place == 0 {
            entry.detail = "nothing happened".to_owned();
        }
        previous = entry.expected_hash(chain, &previous);
        let seq = entry.seq.to_string();
        server
            .execute(
                "UPDATE audit SET detail = $1, hash = $2 WHERE chain = $3 AND seq = CAST($4 AS BIGINT)",
                &[&entry.detail, &previous.to_string(), chain, &seq],
            )
            .await;
    }
    server
        .execute(
            "UPDATE audit_heads SET hash = $1 WHERE chain = $2",
            &[&previous.to_string(), chain],
        )
        .await;
}
