//! What is signed, and what is taken of a request.

use std::process::Command;

use futures_util::future::join_all;
use gangway_protocol::account::TokenScope;
use gangway_protocol::certificate::{RevocationReason, RevocationRequest};
use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName};

use super::{
    GENERAL, IDENTITY, PUMP, at, chain_of, own_name, pem_of, refusal, refused, request, serial_of,
    speaking_plgd,
};
use crate::support::START;
use crate::support::csr;
use crate::support::device::SoftDevice;
use crate::support::visitor::Reply;

const SUPERSEDED: usize = 4;

fn extension<'a, E: AssociatedOid + Decode<'a>>(certificate: &'a Certificate) -> Option<E> {
    let extensions = certificate
        .tbs_certificate
        .extensions
        .as_deref()
        .unwrap_or_default();
    let mut found = extensions.iter().filter(|extension| extension.extn_id == E::OID);
    let extension = found.next()?;
    assert!(found.next().is_none(), "{} stands twice", E::OID);
    Some(E::from_der(extension.extn_value.as_bytes()).expect("a well-formed extension"))
}

fn purposes(certificate: &Certificate) -> Vec<String> {
    let usage: ExtendedKeyUsage = extension(certificate).expect("purposes");
    usage.0.iter().map(ToString::to_string).collect()
}

speaking_plgd!(
    async fn an_identity_is_what_plgds_clients_look_for(server: Server) {
        let home = server.organisation("Works").await;
        let program = server.program(&home, &[TokenScope::Enrol]).await;
        for place in [IDENTITY, "/certificate-authority/api/v1/sign/identity-csr/"] {
            let csr = request(&csr::key(), Some(&own_name(&program)));
            let reply = server.sign(&program, &at(&home, place), &csr).await;
            let chain = chain_of(&reply);
            assert_eq!(chain.len(), 3, "leaf, intermediate, root");
            let [leaf, .., root] = &chain[..] else {
                panic!("a chain")
            };
            let subject = leaf.tbs_certificate.subject.to_string();
            assert_eq!(subject, format!("CN={},O={home}", own_name(&program)));
            assert_eq!(root.tbs_certificate.subject, root.tbs_certificate.issuer);
            let usage: KeyUsage = extension(leaf).expect("a key usage");
            assert_eq!(usage.0, KeyUsages::DigitalSignature | KeyUsages::KeyAgreement);
            assert_eq!(
                purposes(leaf),
                ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1", "1.3.6.1.4.1.44924.1.6"]
            );
            let until = leaf
                .tbs_certificate
                .validity
                .not_after
                .to_unix_duration()
                .as_secs();
            let latest = START.plus(90 * UnixMillis::DAY).as_secs();
            assert!(
                i64::try_from(until).is_ok_and(|until| until <= latest),
                "the policy's life"
            );
        }
    }
);

speaking_plgd!(
    async fn openssl_verifies_a_chain_by_its_last_certificate(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let chain = pem_of(&server.identify(&ada, &csr::key(), PUMP).await);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let blocks: Vec<&str> = chain.split_inclusive("-----END CERTIFICATE-----\n").collect();
        let write = |name: &str, block: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, block).expect("a file is written");
            path
        };
        let output = Command::new("openssl")
            .args([
                "verify",
                "-x509_strict",
                "-attime",
                &START.as_secs().to_string(),
                "-CAfile",
            ])
            .arg(write("root.pem", blocks[2]))
            .arg("-untrusted")
            .arg(write("intermediate.pem", blocks[1]))
            .arg(write("leaf.pem", blocks[0]))
            .output()
            .expect("openssl runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
);

speaking_plgd!(
    async fn what_is_no_identity_has_not_the_purpose_of_one(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let csr = request(&csr::key(), Some(PUMP));
        let chain = chain_of(&server.sign(&ada, &at(&home, GENERAL), &csr).await);
        assert_eq!(purposes(&chain[0]), ["1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.1"]);
        let csr = request(&csr::key(), Some("panel.example.com"));
        let message = refused(&server.sign(&ada, &at(&home, GENERAL), &csr).await);
        assert!(message.starts_with("cannot sign certificate: "), "{message}");
    }
);

speaking_plgd!(
    /// Threat model: ENR-14, ENR-30.
    async fn a_request_for_a_ca_gets_a_leaf(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let output = Command::new("openssl")
            .args([
                "req",
                "-new",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
            ])
            .args(["-subj", &format!("/O=Somebody else/CN={PUMP}")])
            .args(["-addext", "basicConstraints=critical,CA:TRUE,pathlen:9"])
            .args(["-addext", "keyUsage=critical,keyCertSign,cRLSign"])
            .args(["-addext", "extendedKeyUsage=codeSigning"])
            .args([
                "-addext",
                "subjectAltName=DNS:panel.example.com,URI:urn:gangway:device:a:b",
            ])
            .args([
                "-addext",
                "crlDistributionPoints=URI:http://elsewhere.example/crl",
            ])
            .arg("-keyout")
            .arg(folder.path().join("key.pem"))
            .output()
            .expect("openssl runs");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let csr = String::from_utf8(output.stdout).expect("PEM");
        for place in [IDENTITY, GENERAL] {
            let reply = server.sign(&ada, &at(&home, place), &csr).await;
            let leaf = &chain_of(&reply)[0];
            let constraints: BasicConstraints = extension(leaf).expect("constraints");
            assert!(!constraints.ca && constraints.path_len_constraint.is_none());
            let usage: KeyUsage = extension(leaf).expect("a key usage");
            assert_eq!(usage.0, KeyUsages::DigitalSignature | KeyUsages::KeyAgreement);
            assert!(!purposes(leaf).contains(&"1.3.6.1.5.5.7.3.3".to_owned()));
            assert_eq!(extension::<SubjectAltName>(leaf), None);
            let text = format!("{leaf:?}") + &String::from_utf8_lossy(&reply.body);
            assert!(!text.contains("elsewhere.example"));
            assert_eq!(
                leaf.tbs_certificate.subject.to_string(),
                format!("CN={PUMP},O={home}")
            );
        }
    }
);

speaking_plgd!(
    async fn signing_again_revokes_what_was_signed_before(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let key = csr::key();
        let first = serial_of(&server.identify(&ada, &key, PUMP).await);
        assert!(server.listed().await.is_empty());
        server.clock.advance(UnixMillis::MINUTE);
        let second = serial_of(&server.identify(&ada, &key, PUMP).await);
        assert_ne!(first, second);
        let listed = server.listed().await;
        assert_eq!(listed.into_iter().collect::<Vec<_>>(), [(first, SUPERSEDED)]);
        let records = server.records_of(&ada, "").await;
        assert_eq!(records.len(), 1);
        assert_eq!(records[0]["creationDate"], format!("{}000000", START.0));
        assert_ne!(records[0]["credential"]["date"], records[0]["creationDate"]);
        // The person's own certificates stand side by side.
        for _ in 0..2 {
            server.identify(&ada, &csr::key(), &own_name(&ada)).await;
        }
        assert_eq!(server.records_of(&ada, "").await.len(), 3);
        assert_eq!(server.listed().await.len(), 1);
        assert_eq!(server.records("plgd.certificate_issued").await, 4);
        assert_eq!(server.records("plgd.certificate_revoked").await, 1);
        server.verify_audit().await.expect("the record holds");
    }
);

speaking_plgd!(
    async fn of_many_signed_at_once_for_one_name_and_key_one_stands(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let key = csr::key();
        let replies = join_all((0..4).map(|_| server.identify(&ada, &key, PUMP))).await;
        let serials: Vec<String> = replies.iter().map(serial_of).collect();
        let listed = server.listed().await;
        let standing: Vec<&String> = serials
            .iter()
            .filter(|serial| !listed.contains_key(*serial))
            .collect();
        assert_eq!(standing.len(), 1, "{serials:?} {listed:?}");
        assert_eq!(server.records_of(&ada, "").await.len(), 1);
    }
);

speaking_plgd!(
    async fn keys_that_are_weak_revoked_or_of_the_fleet_are_refused(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let weak = server.sign(&ada, &at(&home, IDENTITY), &csr::rsa(1024)).await;
        let message = refused(&weak);
        assert!(
            message.starts_with("cannot sign identity certificate: "),
            "{message}"
        );
        let (device, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let message = refused(&server.identify(&ada, &device.key, PUMP).await);
        assert!(message.contains("of the fleet"), "{message}");
        let revocation = RevocationRequest {
            reason: RevocationReason::KeyCompromise,
        };
        let revoked = ada.api.revoke_device(&certificate.device, &revocation).await;
        revoked.expect("revoked");
        let message = refused(&server.identify(&ada, &device.key, PUMP).await);
        assert!(message.contains("has been revoked"), "{message}");
        assert_eq!(server.records_of(&ada, "").await.len(), 0);
    }
);

speaking_plgd!(
    async fn whoever_may_not_enrol_by_our_ca_has_nothing_signed(server: Server) {
        let home = server.organisation("Works").await;
        let viewer = server.member(&home, Role::Viewer, "Vera").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let program = server.program(&home, &[TokenScope::Enrol]).await;
        let forbidden = |reply: &Reply| refusal(reply, StatusCode::FORBIDDEN, 7);
        forbidden(&server.identify(&viewer, &csr::key(), PUMP).await);
        let reader = server.program(&home, &[TokenScope::FleetRead]).await;
        forbidden(&server.identify(&reader, &csr::key(), PUMP).await);
        server
            .set_policy(&home, |policy| policy.token_may_approve = false)
            .await;
        forbidden(&server.identify(&program, &csr::key(), PUMP).await);
        server
            .execute(
                "UPDATE signers SET least_role = 'admin' WHERE organisation = $1",
                &[home.as_str()],
            )
            .await;
        forbidden(&server.identify(&ada, &csr::key(), PUMP).await);
        let elsewhere = server.organisation("Elsewhere").await;
        let csr = request(&csr::key(), Some(PUMP));
        for organisation in [
            elsewhere.to_string(),
            "org_0000000001zzzzzzzzzzzzzzzz".to_owned(),
            "x".to_owned(),
        ] {
            let reply = server
                .sign(&ada, &format!("/plgd/{organisation}{IDENTITY}"), &csr)
                .await;
            let message = refusal(&reply, StatusCode::NOT_FOUND, 5);
            assert_eq!(
                message,
                "cannot sign identity certificate: there is no such thing here"
            );
        }
    }
);
