//! The list by what devices have in common, and by the numbers of their certificates.

use gangway_protocol::certificate::{CertificateQuery, RevocationReason, RevocationRequest};
use gangway_protocol::device::DeviceUpdate;
use gangway_protocol::organisation::Role;

use super::list::names;
use super::{approved, named, query};
use crate::support::both_engines;
use crate::support::device::SoftDevice;

both_engines!(
    async fn devices_are_found_by_what_they_have_in_common(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let stranger_home = server.organisation("Others").await;
        let stranger = server.member(&stranger_home, Role::Operator, "Sam").await;
        let pump = approved(&server, &ada, |request| {
            request.name = Some("Pump".to_owned());
            request.labels = vec!["hall".to_owned(), "wet".to_owned()];
            request.facts.software_version = "1.2.3".to_owned();
        })
        .await;
        approved(&server, &ada, |request| {
            request.name = Some("Gate".to_owned());
            request.labels = vec!["hall".to_owned()];
        })
        .await;
        approved(&server, &stranger, |request| {
            request.labels = vec!["hall".to_owned()];
            request.facts.software_version = "1.2.3".to_owned();
        })
        .await;
        let labelled = |label: &str| query(|q| q.label = Some(label.to_owned()));
        assert_eq!(names(&ada, &labelled("hall")).await, ["Gate", "Pump"]);
        assert_eq!(names(&ada, &labelled("wet")).await, ["Pump"]);
        assert!(
            names(&ada, &labelled("hal")).await.is_empty(),
            "a label is whole or none"
        );
        let version = query(|q| q.software_version = Some("1.2.3".to_owned()));
        assert_eq!(names(&ada, &version).await, ["Pump"]);
        let both = query(|q| {
            q.label = Some("hall".to_owned());
            q.software_version = Some("1.2.3".to_owned());
            q.query = Some("pump".to_owned());
        });
        assert_eq!(names(&ada, &both).await, ["Pump"]);

        // A label that is taken away finds nothing any more.
        let update = DeviceUpdate {
            labels: Some(vec!["hall".to_owned()]),
            ..DeviceUpdate::default()
        };
        ada.api.update_device(&pump.id, &update).await.expect("changed");
        assert!(names(&ada, &labelled("wet")).await.is_empty());
        assert_eq!(names(&ada, &labelled("hall")).await, ["Gate", "Pump"]);

        // By who signed, and by when that ends: in 90 days.
        let (_, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        let signed = query(|q| q.signer = Some(certificate.signer.clone()));
        assert_eq!(ada.api.devices(&signed).await.expect("a page").items.len(), 1);
        for (days, found) in [(89, 0), (91, 1)] {
            let ending = query(|q| q.expires_within_days = Some(days));
            assert_eq!(ada.api.devices(&ending).await.expect("a page").items.len(), found);
        }
        ada.api
            .revoke_device(
                &certificate.device,
                &RevocationRequest {
                    reason: RevocationReason::KeyCompromise,
                },
            )
            .await
            .expect("revoked");
        assert!(names(&ada, &signed).await.is_empty());
    }
);

both_engines!(
    async fn a_device_is_found_by_a_number_of_its_certificate(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let strangers = server.organisation("Others").await;
        let sam = server.member(&strangers, Role::Operator, "Sam").await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &ada).await;
        named(&server, &ada, "Another").await;
        let colons = |digits: &str| {
            let pairs: Vec<&str> = (0..digits.len() / 2)
                .map(|at| &digits[2 * at..2 * at + 2])
                .collect();
            pairs.join(":").to_uppercase()
        };
        let (serial, digest) = (certificate.serial.clone(), certificate.sha256.to_string());
        for number in [
            serial.clone(),
            colons(&serial),
            serial[..10].to_owned(),
            digest.clone(),
            colons(&digest),
        ] {
            let words = query(|q| q.query = Some(number.clone()));
            let page = ada.api.devices(&words).await.expect("a page");
            assert_eq!(
                (page.items.len(), page.items[0].id.clone()),
                (1, certificate.device.clone()),
                "{number}"
            );
            let narrowed = query(|q| {
                q.query = Some(number.clone());
                q.state = Some("suspended".to_owned());
            });
            assert!(names(&ada, &narrowed).await.is_empty());
            assert!(names(&sam, &words).await.is_empty(), "it is another's");
            let found = CertificateQuery {
                query: Some(number.clone()),
                ..CertificateQuery::default()
            };
            let page = ada.api.certificates(&found).await.expect("a page");
            assert_eq!(page.items.len(), 1, "{number}");
            assert!(
                sam.api
                    .certificates(&found)
                    .await
                    .expect("a page")
                    .items
                    .is_empty()
            );
        }
    }
);

both_engines!(
    async fn a_search_by_digits_from_the_middle_goes_through_all_its_pages(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        for _ in 0..3 {
            SoftDevice::in_fleet(&server, &ada).await;
        }
        server
            .execute(
                "UPDATE certificates SET search = search || $1",
                &[" pump-20261128"],
            )
            .await;
        let mut found = 0;
        let mut after = None;
        loop {
            let query = CertificateQuery {
                query: Some("20261128".to_owned()),
                limit: Some(1),
                after,
                ..CertificateQuery::default()
            };
            let page = ada.api.certificates(&query).await.expect("a page");
            found += page.items.len();
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(found, 3);
    }
);
