//! What becomes of root and intermediate: over restarts, taken offline, replaced.

use std::path::Path;
use std::sync::Arc;

use gangway_protocol::certificate::split_chain;
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use gangway_server::ca::CertificateAuthority;
use gangway_server::enrolment::check_csr;

use crate::support::{START, Server, both_engines, csr};

use super::identity;
use super::openssl::{Files, openssl};

both_engines!(
    async fn the_issuers_are_the_same_after_a_restart(server: Server) {
        let (before, _) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
        let server = server.restart().await;
        let (after, _) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
        assert_eq!(before.issuer, after.issuer);
    }
);

both_engines!(
    async fn without_its_encryption_key_the_ca_does_not_start(server: Server) {
        let config = server.gangway.config.clone();
        server.gangway.db.close().await;
        std::fs::remove_file(config.data_dir.join("ca.key")).expect("the key file is there");
        let error = gangway_server::state::Gangway::open(
            config,
            server.clock.clone(),
            Arc::new(gangway_server::rng::SystemRandom),
        )
        .await
        .err()
        .expect("it does not start");
        assert!(
            error
                .to_string()
                .contains("ca.key, which opens the CA's private keys"),
            "{error}"
        );
        assert!(
            !server.gangway.config.data_dir.join("ca.key").exists(),
            "no other key is put in its place"
        );
    }
);

both_engines!(
    /// Threat model: ENR-17.
    async fn the_root_key_can_be_exported_and_removed(server: Server) {
        let gangway = &server.gangway;
        let root = gangway.ca.export_root(&gangway.db).await.expect("the root");
        let sealed_key = "SELECT COALESCE(sealed_key, 'none') FROM issuers WHERE slot = 'root'";
        assert_sealed(&server.text(sealed_key).await, root.private_key.expose());
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("root.pem"));
        std::fs::write(&key, root.private_key.expose()).expect("a file is written");
        std::fs::write(&certificate, &root.certificate).expect("a file is written");
        let of_key = openssl(&["pkey", "-pubout"], &[("-in", &key)]).expect("a key");
        let of_certificate =
            openssl(&["x509", "-pubkey", "-noout"], &[("-in", &certificate)]).expect("a certificate");
        assert_eq!(of_key, of_certificate);

        gangway
            .ca
            .remove_root_key(&gangway.db, gangway.clock.now())
            .await
            .expect("removed");
        assert!(
            gangway.ca.export_root(&gangway.db).await.is_err(),
            "there is nothing left to export"
        );
        assert_eq!(server.text(sealed_key).await, "none");
        let server = server.restart().await;
        let (_, chain) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
        assert!(
            Files::new(&chain).verify(&[], START).is_ok(),
            "the intermediate goes on signing"
        );
        let nine_years = START.plus(9 * 365 * UnixMillis::DAY);
        let last = server.crl(&root.id, nine_years).await;
        std::fs::write(folder.path().join("last.der"), &last.der).expect("a file is written");
        let text = openssl(
            &["crl", "-inform", "DER", "-noout", "-nextupdate"],
            &[("-in", &folder.path().join("last.der"))],
        )
        .expect("the root's last list");
        assert!(
            text.contains("2037") || text.contains("2036"),
            "it stands as long as the intermediate: {text}"
        );
    }
);

/// The key in PEM stands in what is kept of it neither whole nor in parts.
fn assert_sealed(kept: &str, pem: &str) {
    let bytes = kept.strip_prefix("v1.").expect("the sealed form has its version");
    let bytes = data_encoding::BASE64.decode(bytes.as_bytes()).expect("base64");
    let (_, key) = x509_cert::der::pem::decode_vec(pem.as_bytes()).expect("PEM");
    assert!(bytes.len() > key.len(), "the key is in there");
    for part in key.windows(8) {
        assert!(!bytes.windows(8).any(|window| window == part), "it can be read");
    }
}

/// A chain made by openssl, as another CA would hand it over: the intermediate first, the root last; and the key.
fn foreign_chain(folder: &Path, algorithm: &[&str]) -> (String, SecretString) {
    let path = |name: &str| folder.join(name);
    let new_key = |name: &str| {
        let mut arguments = vec!["genpkey"];
        arguments.extend(algorithm);
        openssl(&arguments, &[("-out", &path(name))]).expect("a key");
    };
    std::fs::write(
        path("extensions"),
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n\
         subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    )
    .expect("a file is written");
    new_key("root.key");
    openssl(
        &[
            "req",
            "-x509",
            "-new",
            "-subj",
            "/CN=Works root",
            "-days",
            "7300",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        ],
        &[("-key", &path("root.key")), ("-out", &path("root.pem"))],
    )
    .expect("a root");
    new_key("own.key");
    openssl(
        &["req", "-new", "-subj", "/CN=Works devices"],
        &[("-key", &path("own.key")), ("-out", &path("own.csr"))],
    )
    .expect("a request");
    openssl(
        &["x509", "-req", "-days", "3650", "-CAcreateserial"],
        &[
            ("-in", &path("own.csr")),
            ("-CA", &path("root.pem")),
            ("-CAkey", &path("root.key")),
            ("-extfile", &path("extensions")),
            ("-out", &path("own.pem")),
        ],
    )
    .expect("an intermediate");
    let read = |name: &str| std::fs::read_to_string(path(name)).expect("a file");
    (
        read("own.pem") + &read("root.pem"),
        SecretString::new(read("own.key")),
    )
}

both_engines!(
    async fn an_intermediate_from_elsewhere_takes_over(server: Server) {
        for algorithm in [
            &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"][..],
            &["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"][..],
            &["-algorithm", "ED25519"][..],
        ] {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let (foreign, key) = foreign_chain(folder.path(), algorithm);
            let gangway = &server.gangway;
            // openssl makes its certificates valid from the machine's present on.
            let now = UnixMillis(
                i64::try_from(
                    std::fs::metadata(folder.path().join("own.pem"))
                        .expect("a file")
                        .modified()
                        .expect("a time")
                        .duration_since(std::time::UNIX_EPOCH)
                        .expect("after 1970")
                        .as_millis(),
                )
                .expect("a time"),
            )
            .plus(UnixMillis::MINUTE);
            let (former, _) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
            let id = gangway
                .ca
                .import_intermediate(
                    &gangway.db,
                    foreign.as_bytes(),
                    key.expose().as_bytes(),
                    now,
                    &*gangway.random,
                )
                .await
                .expect("it is imported");
            let identity = identity(&server);
            let csr = check_csr(&csr::csr(&csr::key())).expect("a good CSR");
            let draft = gangway
                .ca
                .draft(&identity, csr.key(), 90, now, &*gangway.random)
                .expect("a draft");
            assert_eq!(draft.issuer, id);
            let leaf = gangway
                .ca
                .leaf_issuer(&draft.issuer)
                .and_then(|issuer| issuer.sign(&draft.to_be_signed))
                .expect("a signature");
            let chain = gangway.ca.chain(&id, &leaf.pem).expect("known");
            let verdict = Files::new(&chain).verify(&[], now);
            assert!(verdict.is_ok(), "{algorithm:?}: {verdict:?}");
            let crl = server.crl(&id, now).await;
            assert!(!crl.der.is_empty());
            let formers = gangway
                .ca
                .crl(&gangway.db, &former.issuer, now)
                .await
                .expect("a list");
            assert!(formers.is_some(), "the former issuer's list is still served");
        }
    }
);

#[tokio::test]
async fn an_unfit_intermediate_is_refused_with_the_reason() {
    let server = Server::start(crate::support::Engine::Sqlite).await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (chain, key) = foreign_chain(
        folder.path(),
        &["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
    );
    let ders = split_chain(&chain).expect("PEM");
    let join = |ders: &[&Vec<u8>]| gangway_protocol::certificate::join_chain(ders);
    let other_key = SecretString::new(csr::key().serialize_pem());
    let (_, own) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
    let cases = [
        (join(&[&ders[0]]), &key, "the whole chain"),
        (
            join(&[&ders[1], &ders[0]]),
            &key,
            "but the next certificate in the file is",
        ),
        (
            join(&[&ders[0], &ders[0]]),
            &key,
            "but the next certificate in the file is",
        ),
        (chain.clone(), &other_key, "not the key of the first"),
        (own.chain.clone() + &own.trust_anchors, &key, "not a CA"),
    ];
    let gangway = &server.gangway;
    for (chain, key, words) in cases {
        let result = gangway
            .ca
            .import_intermediate(
                &gangway.db,
                chain.as_bytes(),
                key.expose().as_bytes(),
                START,
                &*gangway.random,
            )
            .await;
        let error = result.expect_err(words).to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn the_authority_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<CertificateAuthority>();
}
