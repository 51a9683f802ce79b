//! The built-in CA: what its certificates and revocation lists say, checked field by field and by openssl.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use gangway_protocol::certificate::{RevocationReason, split_chain};
use gangway_protocol::id::{DeviceId, OrganisationId};
use gangway_protocol::secret::SecretString;
use gangway_protocol::time::UnixMillis;
use gangway_server::ca::crl::{Crl, RevokedSerial};
use gangway_server::ca::{Authority, Chain, DeviceIdentity};
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

const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");

fn identity(server: &Server) -> DeviceIdentity {
    DeviceIdentity {
        organisation: OrganisationId::new(START, server.gangway.random.for_id()),
        device: DeviceId::new(START, server.gangway.random.for_id()),
    }
}

fn certificates(pem: &str) -> Vec<Certificate> {
    let ders = split_chain(pem).expect("PEM");
    ders.iter()
        .map(|der| Certificate::from_der(der).expect("a certificate"))
        .collect()
}

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
    let refused = gangway.authority.draft(
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
    async fn serial_numbers_are_random_and_unique(server: Server) {
        let csr = csr::csr(&csr::key());
        let identity = identity(&server);
        let serials: std::collections::HashSet<String> = (0..200)
            .map(|_| server.certify(&identity, &csr, 90).0.serial)
            .collect();
        assert_eq!(serials.len(), 200);
    }
);

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
            error.to_string().contains("do not open with this encryption key"),
            "{error}"
        );
    }
);

// --- openssl as the judge ---

/// Runs openssl; returns what it printed.
fn openssl(arguments: &[&str], files: &[(&str, &Path)]) -> Result<String, String> {
    let mut command = Command::new("openssl");
    command.args(arguments);
    for (option, path) in files {
        if !option.is_empty() {
            command.arg(option);
        }
        command.arg(path);
    }
    let output = command.output().expect("openssl runs");
    let text =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        Ok(text)
    } else {
        Err(text)
    }
}

struct Files {
    folder: tempfile::TempDir,
}

impl Files {
    fn new(chain: &Chain) -> Self {
        let files = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        };
        let ders = split_chain(&chain.chain).expect("PEM");
        files.write(
            "leaf.pem",
            gangway_protocol::certificate::join_chain([&ders[0]]).as_bytes(),
        );
        files.write(
            "intermediate.pem",
            gangway_protocol::certificate::join_chain([&ders[1]]).as_bytes(),
        );
        files.write("root.pem", chain.trust_anchors.as_bytes());
        files
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path(name), content).expect("a file is written");
    }

    /// `openssl verify`, as strict as it gets, at the tests' present.
    fn verify(&self, options: &[&str], at: UnixMillis) -> Result<String, String> {
        let at = at.as_secs().to_string();
        let mut arguments = vec!["verify", "-x509_strict", "-purpose", "sslclient", "-attime", &at];
        arguments.extend(options);
        let root = self.path("root.pem");
        let intermediate = self.path("intermediate.pem");
        let leaf = self.path("leaf.pem");
        openssl(
            &arguments,
            &[("-CAfile", &root), ("-untrusted", &intermediate), ("", &leaf)],
        )
    }
}

both_engines!(
    async fn openssl_verifies_chains_of_every_kind_of_key(server: Server) {
        for (kind, csr) in csr::of_every_kind() {
            let (_, chain) = server.certify(&identity(&server), &csr, 90);
            let files = Files::new(&chain);
            let verdict = files.verify(&[], START);
            assert!(
                verdict.as_ref().is_ok_and(|text| text.contains("leaf.pem: OK")),
                "{kind}: {verdict:?}"
            );
            let expired = files.verify(&[], START.plus(91 * UnixMillis::DAY));
            assert!(expired.is_err_and(|text| text.contains("expired")), "{kind}");
        }
    }
);

both_engines!(
    async fn openssl_reads_and_verifies_the_revocation_lists(server: Server) {
        let (draft, chain) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
        let files = Files::new(&chain);
        let authority = &server.gangway.authority;
        let crl = authority
            .crl(&server.gangway.db, &draft.issuer, START)
            .await
            .expect("a list")
            .expect("its issuer");
        files.write("crl.der", &crl.der);
        let text = openssl(
            &["crl", "-inform", "DER", "-noout", "-text"],
            &[
                ("-in", &files.path("crl.der")),
                ("-CAfile", &files.path("intermediate.pem")),
            ],
        )
        .expect("openssl reads it");
        assert!(text.contains("verify OK"), "{text}");
        assert!(text.contains("No Revoked Certificates"), "{text}");
        assert!(text.contains("X509v3 CRL Number"), "{text}");
        assert!(text.contains("X509v3 Authority Key Identifier"), "{text}");
        assert!(text.contains("Version 2"), "{text}");

        // The whole chain with the lists of both issuers.
        let root = server
            .gangway
            .authority
            .export_root(&server.gangway.db)
            .await
            .expect("the root");
        let of_root = authority
            .crl(&server.gangway.db, &root.id, START)
            .await
            .expect("a list")
            .expect("the root");
        files.write("root.crl", &of_root.der);
        for (der, pem) in [("crl.der", "crl.pem"), ("root.crl", "root.crl.pem")] {
            openssl(
                &["crl", "-inform", "DER"],
                &[("-in", &files.path(der)), ("-out", &files.path(pem))],
            )
            .expect("converted");
        }
        let lists = [files.path("crl.pem"), files.path("root.crl.pem")];
        let [own, roots] = lists.each_ref().map(|path| path.to_str().expect("a path"));
        let verdict = files.verify(&["-crl_check_all", "-CRLfile", own, "-CRLfile", roots], START);
        assert!(verdict.is_ok(), "{verdict:?}");
    }
);

#[tokio::test]
async fn openssl_reads_every_reason() {
    use gangway_server::ca::founding::{Plan, found_root};
    use gangway_server::ca::profile::Serial;

    let plan = Plan {
        id: gangway_protocol::id::IssuerId::new(START, [1; 10]),
        serial: Serial::from_random([7; 16]),
        host: "panel.example",
        public_url: "https://panel.example",
        now: START,
    };
    let root = found_root(plan).expect("a root");
    let revoked: Vec<RevokedSerial> = RevocationReason::ALL
        .into_iter()
        .enumerate()
        .map(|(at, reason)| RevokedSerial {
            serial: format!("7{at:01x}aabbccddeeff0011"),
            at: START,
            reason,
        })
        .collect();
    let list = Crl {
        number: 1 << 40,
        this_update: START,
        next_update: START.plus(UnixMillis::DAY),
        revoked: &revoked,
    };
    let der = list.sign(&root.certificate, &root.key).expect("a list");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("crl.der");
    std::fs::write(&path, der).expect("a file is written");
    let text =
        openssl(&["crl", "-inform", "DER", "-noout", "-text"], &[("-in", &path)]).expect("openssl reads it");
    for words in [
        "Key Compromise",
        "Affiliation Changed",
        "Superseded",
        "Cessation Of Operation",
        "Certificate Hold",
        "Privilege Withdrawn",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    // RFC 5280 §5.3.1: "unspecified" is said by leaving the reason out.
    assert_eq!(text.matches("Serial Number:").count(), 7);
    assert_eq!(text.matches("X509v3 CRL Reason Code").count(), 6);
}

both_engines!(
    async fn a_list_stays_while_nothing_changes_and_is_made_anew_before_it_ends(server: Server) {
        let (draft, _) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
        let gangway = &server.gangway;
        let list = async |at| {
            gangway
                .authority
                .crl(&gangway.db, &draft.issuer, at)
                .await
                .expect("a list")
                .expect("its issuer")
        };
        let first = list(START).await;
        let later = list(START.plus(23 * UnixMillis::HOUR)).await;
        assert_eq!(first, later);
        let renewed = list(START.plus(25 * UnixMillis::HOUR)).await;
        assert!(renewed.number > first.number);
        let server = server.restart().await;
        let gangway = &server.gangway;
        let kept = gangway
            .authority
            .crl(&gangway.db, &draft.issuer, START.plus(26 * UnixMillis::HOUR))
            .await
            .expect("a list")
            .expect("its issuer");
        assert_eq!(kept, renewed, "a restart changes nothing");
    }
);

// --- what operators do with issuers ---

both_engines!(
    async fn the_root_key_can_be_exported_and_removed(server: Server) {
        let gangway = &server.gangway;
        let root = gangway
            .authority
            .export_root(&gangway.db)
            .await
            .expect("the root");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (key, certificate) = (folder.path().join("key.pem"), folder.path().join("root.pem"));
        std::fs::write(&key, root.private_key.expose()).expect("a file is written");
        std::fs::write(&certificate, &root.certificate).expect("a file is written");
        let of_key = openssl(&["pkey", "-pubout"], &[("-in", &key)]).expect("a key");
        let of_certificate =
            openssl(&["x509", "-pubkey", "-noout"], &[("-in", &certificate)]).expect("a certificate");
        assert_eq!(of_key, of_certificate);

        gangway
            .authority
            .remove_root_key(&gangway.db, gangway.clock.now())
            .await
            .expect("removed");
        assert!(
            gangway.authority.export_root(&gangway.db).await.is_err(),
            "there is nothing left to export"
        );
        let server = server.restart().await;
        let (_, chain) = server.certify(&identity(&server), &csr::csr(&csr::key()), 90);
        assert!(
            Files::new(&chain).verify(&[], START).is_ok(),
            "the intermediate goes on signing"
        );
        let nine_years = START.plus(9 * 365 * UnixMillis::DAY);
        let gangway = &server.gangway;
        let last = gangway
            .authority
            .crl(&gangway.db, &root.id, nine_years)
            .await
            .expect("a list")
            .expect("the root");
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
                .authority
                .import_intermediate(&gangway.db, &foreign, &key, now, &*gangway.random)
                .await
                .expect("it is imported");
            let identity = identity(&server);
            let csr = check_csr(&csr::csr(&csr::key())).expect("a good CSR");
            let draft = gangway
                .authority
                .draft(&identity, csr.key(), 90, now, &*gangway.random)
                .expect("a draft");
            assert_eq!(draft.issuer, id);
            let leaf = gangway
                .authority
                .complete(&draft.issuer, &draft.to_be_signed)
                .expect("a signature");
            let chain = gangway.authority.chain(&id, &leaf.pem).expect("known");
            let verdict = Files::new(&chain).verify(&[], now);
            assert!(verdict.is_ok(), "{algorithm:?}: {verdict:?}");
            let crl = gangway
                .authority
                .crl(&gangway.db, &id, now)
                .await
                .expect("a list")
                .expect("its issuer");
            assert!(!crl.der.is_empty());
            let formers = gangway
                .authority
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
        (join(&[&ders[1], &ders[0]]), &key, "signed by the next"),
        (join(&[&ders[0], &ders[0]]), &key, "signed by the next"),
        (chain.clone(), &other_key, "not the key of the first"),
        (own.chain.clone() + &own.trust_anchors, &key, "not a CA"),
    ];
    let gangway = &server.gangway;
    for (chain, key, words) in cases {
        let result = gangway
            .authority
            .import_intermediate(&gangway.db, &chain, key, START, &*gangway.random)
            .await;
        let error = result.expect_err(words).to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
}

#[test]
fn the_authority_is_shared_between_threads() {
    fn is_shared<T: Send + Sync>() {}
    is_shared::<Authority>();
}
