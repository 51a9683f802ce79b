//! Certificates as members find and take them, and what the built-in CA publishes for anyone.

use gangway_protocol::certificate::{Certificate, CertificateQuery, RevocationReason, RevocationRequest};
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::IssuerId;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use http::{Method, StatusCode, header};
use x509_cert::crl::CertificateList;
use x509_cert::der::{Decode as _, DecodePem as _, Encode as _};

use crate::support::member::Member;
use crate::support::visitor::Nobody;
use crate::support::{Engine, START, Server, both_engines, csr};

/// Enrols a device a second after the last one.
async fn enrolled(server: &Server, member: &Member) -> Certificate {
    server.clock.advance(1_000);
    member.enrol(server, &csr::key()).await
}

fn query(change: impl FnOnce(&mut CertificateQuery)) -> CertificateQuery {
    let mut query = CertificateQuery::default();
    change(&mut query);
    query
}

async fn found(member: &Member, words: &str) -> Vec<Sha256Hex> {
    let page = member
        .api
        .certificates(&query(|q| q.query = Some(words.to_owned())))
        .await;
    let certificates = page.expect("certificates").items;
    certificates
        .into_iter()
        .map(|certificate| certificate.sha256)
        .collect()
}

both_engines!(
    async fn certificates_are_found_by_serial_digest_and_subject(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let (first, second) = (enrolled(&server, &ada).await, enrolled(&server, &ada).await);

        assert_eq!(found(&ada, &first.serial).await, [first.sha256]);
        assert_eq!(
            found(&ada, &first.serial[4..20].to_uppercase()).await,
            [first.sha256]
        );
        assert_eq!(
            found(&ada, &second.sha256.to_string()[..16]).await,
            [second.sha256]
        );
        assert_eq!(
            found(&ada, &format!("  {} ", first.device)).await,
            [first.sha256],
            "{}",
            first.subject
        );
        assert_eq!(
            found(&ada, "cn=").await,
            [second.sha256, first.sha256],
            "the newest first"
        );
        assert!(found(&ada, "%").await.is_empty() && found(&ada, "_").await.len() == 2);

        let of_device = query(|q| q.device = Some(second.device.clone()));
        let page = ada.api.certificates(&of_device).await.expect("certificates");
        assert_eq!((page.items, page.next), (vec![second.clone()], None));
        let listed = ada
            .api
            .device_certificates(&second.device, &Default::default())
            .await;
        assert_eq!(listed.expect("the same through the device").items, [second]);
    }
);

both_engines!(
    async fn certificates_come_in_pages_over_all_organisations_in_reach(server: Server) {
        let home = server.organisation("Works").await;
        let [branch, _] = server.grow_tree(&home).await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let mut newest_first = Vec::new();
        for place in [&home, &branch, &home, &branch, &home] {
            newest_first.insert(0, enrolled(&server, &server.at(&ada, place)).await);
        }
        let mut walked = Vec::new();
        let mut next = query(|q| q.limit = Some(2));
        loop {
            let page = ada.api.certificates(&next).await.expect("a page");
            assert!(page.items.len() <= 2);
            walked.extend(page.items);
            match page.next {
                Some(after) => next.after = Some(after),
                None => break,
            }
        }
        assert_eq!(walked, newest_first);
        let only = ada
            .api
            .certificates(&query(|q| q.organisation = Some(branch.clone())))
            .await;
        assert_eq!(only.expect("certificates").items.len(), 2);

        for (field, odd) in [
            ("limit", query(|q| q.limit = Some(201))),
            ("after", query(|q| q.after = Some("MTIz".to_owned()))),
        ] {
            let error = ada.api.certificates(&odd).await.expect_err("not acceptable");
            assert_eq!(
                (error.code(), error.field()),
                (Some(ProblemCode::Invalid), Some(field))
            );
        }
    }
);

both_engines!(
    /// Threat model: ACC-9.
    async fn a_certificate_is_a_pem_file_for_whoever_may_see_its_device(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Viewer, "Ada").await;
        let installer = server.member(&home, Role::Installer, "Ines").await;
        let certificate = enrolled(&server, &installer).await;
        let place = format!("{}?format=pem", path::certificate(certificate.sha256));

        for who in [&ada, &installer] {
            let file = server.get(who, &place).await;
            assert_eq!(file.status, StatusCode::OK, "{file}");
            assert_eq!(
                file.headers[header::CONTENT_TYPE],
                "application/pem-certificate-chain"
            );
            let name = format!("attachment; filename=\"{}.pem\"", certificate.device);
            assert_eq!(file.headers[header::CONTENT_DISPOSITION], name);
            let text = String::from_utf8(file.body).expect("PEM is text");
            assert_eq!(text, certificate.chain, "leaf first, then its issuer");
            assert_eq!(text.matches("-----BEGIN CERTIFICATE-----").count(), 2);
            assert!(!text.contains("PRIVATE"));
        }
        let odd = server.get(&ada, &place.replace("pem", "der")).await;
        assert_eq!(odd.problem(), ProblemCode::Invalid);

        let colleague = server.member(&home, Role::Installer, "Ingo").await;
        assert_eq!(
            server.get(&colleague, &place).await.problem(),
            ProblemCode::Forbidden
        );
        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Owner, "Eve").await;
        let unknown = format!("{}?format=pem", path::certificate(Sha256Hex([7; 32])));
        let (foreign, unknown) = (server.get(&eve, &place).await, server.get(&eve, &unknown).await);
        assert_eq!(foreign.problem(), ProblemCode::NotFound);
        assert_eq!(
            foreign.body, unknown.body,
            "a foreign one answers as an unknown one"
        );
        assert!(found(&eve, "").await.is_empty());
        let asked = query(|q| q.organisation = Some(home.clone()));
        let refused = eve.api.certificates(&asked).await.expect_err("not theirs");
        assert_eq!(refused.code(), Some(ProblemCode::NotFound));
        let delivery = eve.api.record_delivery(&certificate.sha256).await;
        assert_eq!(
            delivery.expect_err("not theirs").code(),
            Some(ProblemCode::NotFound)
        );
    }
);

both_engines!(
    async fn issuers_and_their_revocation_lists_are_for_anyone(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let certificate = enrolled(&server, &ada).await;
        let issuers: Vec<(String,)> = server.query("SELECT id FROM issuers ORDER BY id").await;
        assert_eq!(issuers.len(), 2, "a root and an intermediate");
        for (issuer,) in &issuers {
            let file = server.get(&Nobody, &path::issuer_certificate(issuer)).await;
            assert_eq!(file.headers[header::CONTENT_TYPE], "application/pkix-cert");
            x509_cert::Certificate::from_der(&file.body).expect("DER");
            let list = server.get(&Nobody, &path::issuer_crl(issuer)).await;
            assert_eq!(list.headers[header::CONTENT_TYPE], "application/pkix-crl");
            assert_eq!(list.headers[header::CACHE_CONTROL], "no-cache");
            CertificateList::from_der(&list.body).expect("DER");
        }
        let signing: Vec<(String,)> = server
            .query("SELECT id FROM issuers WHERE slot = 'signing'")
            .await;
        let place = path::issuer_crl(&signing[0].0);
        let before = server.get(&Nobody, &place).await.body;
        assert_eq!(
            before,
            server.get(&Nobody, &place).await.body,
            "nothing changed, nothing is signed anew"
        );
        let reason = RevocationReason::KeyCompromise;
        let revoked = ada
            .api
            .revoke_certificate(&certificate.sha256, &RevocationRequest { reason })
            .await;
        revoked.expect("revoked");
        let after = server.get(&Nobody, &place).await.body;
        let list = CertificateList::from_der(&after).expect("DER").tbs_cert_list;
        assert_eq!(list.revoked_certificates.expect("it is on the list").len(), 1);

        let unknown = IssuerId::new(START, [9; 10]);
        for place in [
            path::issuer_crl(&unknown),
            path::issuer_certificate(&unknown),
            path::issuer_crl("x"),
        ] {
            assert_eq!(server.get(&Nobody, &place).await.problem(), ProblemCode::NotFound);
        }
    }
);

both_engines!(
    async fn a_revocation_list_is_sent_once_to_whoever_keeps_it(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let certificate = enrolled(&server, &ada).await;
        let signing: Vec<(String,)> = server
            .query("SELECT id FROM issuers WHERE slot = 'signing'")
            .await;
        let ask = async |place: &str, further: &[(http::HeaderName, &str)]| {
            server.call_with(&Nobody, Method::GET, place, None, further).await
        };
        for place in [
            path::issuer_crl(&signing[0].0),
            path::issuer_crl_pem(&signing[0].0),
        ] {
            // A list that was made in the second of the one before is numbered ahead of the clock.
            server.clock.advance(2_000);
            let first = ask(&place, &[]).await;
            let value = |name| first.headers[name].to_str().expect("it is text").to_owned();
            let (tag, date) = (value(header::ETAG), value(header::LAST_MODIFIED));
            for known in [(header::IF_NONE_MATCH, &tag), (header::IF_MODIFIED_SINCE, &date)] {
                let again = ask(&place, &[(known.0.clone(), known.1)]).await;
                assert_eq!((again.status, again.body.len()), (StatusCode::NOT_MODIFIED, 0));
                assert_eq!(again.headers[header::ETAG].to_str().ok(), Some(tag.as_str()));
                assert_eq!(again.headers[header::CACHE_CONTROL], "no-cache");
            }
            let other = ask(
                &place,
                &[
                    (header::IF_NONE_MATCH, "\"1\""),
                    (header::IF_MODIFIED_SINCE, &date),
                ],
            )
            .await;
            assert_eq!(other.status, StatusCode::OK, "a tag is asked about before a date");

            if place.ends_with(".pem") {
                continue;
            }
            // Revoked in the same second in which the first list was made.
            let reason = RevocationReason::KeyCompromise;
            let revocation = RevocationRequest { reason };
            let revoked = ada.api.revoke_certificate(&certificate.sha256, &revocation).await;
            assert_eq!(
                revoked.expect("revoked").revocation.map(|why| why.reason),
                Some(reason)
            );
            for known in [(header::IF_NONE_MATCH, &tag), (header::IF_MODIFIED_SINCE, &date)] {
                let newer = ask(&place, &[(known.0.clone(), known.1)]).await;
                assert_eq!(
                    newer.status,
                    StatusCode::OK,
                    "{} does not hide a revocation",
                    known.0
                );
            }
        }
        let der = ask(&path::issuer_crl(&signing[0].0), &[]).await.body;
        let pem = ask(&path::issuer_crl_pem(&signing[0].0), &[]).await;
        assert_eq!(pem.headers[header::CONTENT_TYPE], "application/x-pem-file");
        let (label, decoded) = x509_cert::der::pem::decode_vec(&pem.body).expect("PEM");
        assert_eq!((label, decoded), ("X509 CRL", der));
        let place = path::issuer_certificate_pem(&signing[0].0);
        let pem = ask(&place, &[]).await.body;
        x509_cert::Certificate::from_pem(&pem).expect("a certificate in PEM");
    }
);

#[tokio::test]
async fn certificates_name_the_address_over_plain_http_that_the_operator_gives() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.ca_url = Some("http://pki.example".parse().expect("a URL"));
    })
    .await;
    let home = server.organisation("Works").await;
    let ada = server.member(&home, Role::Operator, "Ada").await;
    let certificate = enrolled(&server, &ada).await;
    for pem in certificate.chain.split_inclusive("-----END CERTIFICATE-----\n") {
        let der = x509_cert::Certificate::from_pem(pem)
            .expect("a certificate")
            .to_der()
            .expect("DER");
        let text = String::from_utf8_lossy(&der).into_owned();
        for rest in ["crl", "certificate"] {
            let at = text.find("http://pki.example/ca/iss_").expect("it is named");
            assert!(text[at..].contains(&format!("/{rest}")), "{rest}");
        }
        assert!(!text.contains("localhost:8080"), "nothing leads elsewhere");
    }
}
