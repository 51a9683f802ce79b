//! What the built-in CA's certificates say, field by field (RFC 5280).

use gangway_protocol::time::UnixMillis;
use gangway_server::ca::DeviceIdentity;
use gangway_server::ca::profile::SERIAL_LEN;
use gangway_server::enrolment::check_csr;
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid;
use x509_cert::der::{Decode, Encode as _};
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CrlDistributionPoints,
    ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};

use crate::support::{START, Server, both_engines, csr};

use super::{certificates, identity};

const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

fn extension<'a, E: AssociatedOid + Decode<'a>>(certificate: &'a Certificate) -> Option<(bool, E)> {
    let extensions = certificate
        .tbs_certificate
        .extensions
        .as_deref()
        .unwrap_or_default();
    let mut found = extensions.iter().filter(|extension| extension.extn_id == E::OID);
    let extension = found.next()?;
    // RFC 5280 §4.2: a certificate MUST NOT include more than one instance of a particular extension.
    assert!(found.next().is_none(), "{} stands twice", E::OID);
    Some((
        extension.critical,
        E::from_der(extension.extn_value.as_bytes()).expect("a well-formed extension"),
    ))
}

fn seconds(time: x509_cert::time::Time) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).expect("a date")
}

/// What RFC 5280 asks of every certificate, and what linters complain about.
fn check_common(certificate: &Certificate, issuer: &Certificate) {
    let tbs = &certificate.tbs_certificate;
    assert_eq!(tbs.version, x509_cert::Version::V3, "§4.1.2.1");
    let serial = tbs.serial_number.as_bytes();
    assert!(
        (8..=20).contains(&serial.len()),
        "§4.1.2.2: 64 bits at least, 20 octets at most"
    );
    assert!(serial[0] > 0 && serial[0] < 0x80, "§4.1.2.2: positive");
    assert_eq!(tbs.signature, certificate.signature_algorithm, "§4.1.1.2");
    assert_eq!(
        tbs.issuer.to_der().expect("DER"),
        issuer.tbs_certificate.subject.to_der().expect("DER"),
        "§4.1.2.4: byte for byte the issuer's subject"
    );
    assert!(!tbs.subject.is_empty(), "§4.1.2.6");
    assert!(
        tbs.issuer_unique_id.is_none() && tbs.subject_unique_id.is_none(),
        "§4.1.2.8"
    );
    assert!(
        seconds(tbs.validity.not_before) < seconds(tbs.validity.not_after),
        "§4.1.2.5"
    );
    assert!(seconds(tbs.validity.not_after) <= seconds(issuer.tbs_certificate.validity.not_after));
    let (critical, own) = extension::<SubjectKeyIdentifier>(certificate).expect("§4.2.1.2");
    assert!(!critical && !own.0.as_bytes().is_empty());
}

fn check_points_to(certificate: &Certificate, issuer: &Certificate, base: &str) {
    let (critical, authority) = extension::<AuthorityKeyIdentifier>(certificate).expect("§4.2.1.1");
    let (_, issuers_own) = extension::<SubjectKeyIdentifier>(issuer).expect("§4.2.1.2");
    assert!(!critical);
    assert_eq!(
        authority.key_identifier,
        Some(issuers_own.0),
        "§4.2.1.1: the issuer's subject key identifier"
    );
    let (critical, points) = extension::<CrlDistributionPoints>(certificate).expect("§4.2.1.13");
    assert!(!critical);
    let Some(DistributionPointName::FullName(names)) = &points.0[0].distribution_point else {
        panic!("a full name")
    };
    let [GeneralName::UniformResourceIdentifier(crl)] = names.as_slice() else {
        panic!("one URI")
    };
    assert!(
        crl.as_str().starts_with(base) && crl.as_str().ends_with("/crl"),
        "{}",
        crl.as_str()
    );
    let (critical, access) = extension::<AuthorityInfoAccessSyntax>(certificate).expect("§4.2.2.1");
    assert!(!critical);
    let GeneralName::UniformResourceIdentifier(at) = &access.0[0].access_location else {
        panic!("a URI")
    };
    assert!(
        at.as_str().starts_with(base) && at.as_str().ends_with("/certificate"),
        "{}",
        at.as_str()
    );
}

fn check_device_profile(certificate: &Certificate, identity: &DeviceIdentity) {
    let (critical, usage) = extension::<KeyUsage>(certificate).expect("§4.2.1.3");
    assert!(critical);
    assert_eq!(
        usage.0,
        KeyUsages::DigitalSignature,
        "digitalSignature and nothing else"
    );
    let (_, extended) = extension::<ExtendedKeyUsage>(certificate).expect("§4.2.1.12");
    assert_eq!(extended.0, [CLIENT_AUTH]);
    let (_, constraints) = extension::<BasicConstraints>(certificate).expect("§4.2.1.9");
    assert!(!constraints.ca && constraints.path_len_constraint.is_none());
    let (critical, names) = extension::<SubjectAltName>(certificate).expect("§4.2.1.6");
    assert!(!critical, "§4.2.1.6: not critical beside a subject");
    assert_eq!(names.0.len(), 1, "one name and no other");
    assert_eq!(
        DeviceIdentity::from_alternative_names(&names).as_ref(),
        Some(identity)
    );
    let subject = certificate.tbs_certificate.subject.to_string();
    assert_eq!(
        subject,
        format!("CN={},O={}", identity.device, identity.organisation)
    );
}

both_engines!(
    async fn every_kind_of_key_gets_the_profile_of_the_policy(server: Server) {
        for (kind, csr) in csr::of_every_kind() {
            let identity = identity(&server);
            let (_, chain) = server.certify(&identity, &csr, 90);
            let [leaf, intermediate] = certificates(&chain.chain)
                .try_into()
                .expect("leaf and intermediate");
            let [root] = certificates(&chain.trust_anchors).try_into().expect("the root");
            check_common(&leaf, &intermediate);
            check_common(&intermediate, &root);
            check_common(&root, &root);
            check_points_to(&leaf, &intermediate, "http://localhost:8080/ca/");
            check_points_to(&intermediate, &root, "http://localhost:8080/ca/");
            check_device_profile(&leaf, &identity);
            let spki = check_csr(&csr).expect("a good CSR");
            assert_eq!(
                leaf.tbs_certificate
                    .subject_public_key_info
                    .to_der()
                    .expect("DER"),
                spki.key().spki_der(),
                "{kind}"
            );
            let validity = leaf.tbs_certificate.validity;
            assert_eq!(
                seconds(validity.not_after),
                START.as_secs() + 90 * 86_400 - 1,
                "{kind}"
            );
            assert_eq!(seconds(validity.not_before), START.as_secs() - 300, "{kind}");
        }
    }
);

#[tokio::test]
async fn issuers_are_cas_and_nothing_else() {
    let server = Server::start(crate::support::Engine::Sqlite).await;
    let (_, chain) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
    let [_, intermediate] = certificates(&chain.chain)
        .try_into()
        .expect("leaf and intermediate");
    let [root] = certificates(&chain.trust_anchors).try_into().expect("the root");
    for (issuer, below) in [(&intermediate, 0), (&root, 1)] {
        let (critical, constraints) = extension::<BasicConstraints>(issuer).expect("§4.2.1.9");
        assert!(critical && constraints.ca);
        assert_eq!(constraints.path_len_constraint, Some(below));
        let (critical, usage) = extension::<KeyUsage>(issuer).expect("§4.2.1.3");
        assert!(critical);
        assert_eq!(usage.0, KeyUsages::KeyCertSign | KeyUsages::CRLSign);
    }
}

/// Threat model: ENR-14.
#[tokio::test]
async fn what_a_csr_asks_for_is_ignored() {
    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyUsagePurpose};

    let server = Server::start(crate::support::Engine::Sqlite).await;
    let mut wishes = CertificateParams::new(vec!["panel.example".to_owned()]).expect("names");
    wishes.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    wishes.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    wishes.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::Any];
    let csr = wishes
        .serialize_request(&csr::key())
        .expect("a CSR")
        .pem()
        .expect("PEM");
    let identity = identity(&server);
    let (_, chain) = server.certify(&identity, &csr, 90);
    check_device_profile(&certificates(&chain.chain)[0], &identity);
}

#[tokio::test]
async fn no_certificate_outlives_its_issuer() {
    let server = Server::start(crate::support::Engine::Sqlite).await;
    server
        .clock
        .advance(10 * 365 * UnixMillis::DAY - 30 * UnixMillis::DAY);
    let (_, chain) = server.certify(&identity(&server), &csr::csr(&csr::key()), 825);
    let [leaf, intermediate] = certificates(&chain.chain)
        .try_into()
        .expect("leaf and intermediate");
    assert_eq!(
        leaf.tbs_certificate.validity.not_after,
        intermediate.tbs_certificate.validity.not_after
    );

    server.clock.advance(31 * UnixMillis::DAY);
    let gangway = &server.gangway;
    let csr = check_csr(&csr::csr(&csr::key())).expect("a good CSR");
    let refused = gangway.ca.draft(
        &identity(&server),
        csr.key(),
        90,
        gangway.clock.now(),
        &*gangway.random,
    );
    assert!(
        refused
            .expect_err("the issuer has expired")
            .to_string()
            .contains("import-intermediate")
    );
}

both_engines!(
    /// Threat model: ENR-16.
    async fn serial_numbers_are_random_and_unique(server: Server) {
        let csr = csr::csr(&csr::key());
        let identity = identity(&server);
        let serials: std::collections::HashSet<String> = (0..200)
            .map(|_| server.certify(&identity, &csr, 90).0.serial)
            .collect();
        assert_eq!(serials.len(), 200);
        assert!(serials.iter().all(|serial| serial.len() == 2 * SERIAL_LEN));
        // 14 random bits and 16: of 200 draws hardly any two are alike.
        for part in [0..4, 2 * SERIAL_LEN - 4..2 * SERIAL_LEN] {
            let parts: std::collections::HashSet<&str> =
                serials.iter().map(|serial| &serial[part.clone()]).collect();
            assert!(parts.len() > 150, "{part:?}: {parts:?}");
        }
    }
);
