//! Who may be called what.

use gangway_protocol::organisation::Role;
use gangway_protocol::time::UnixMillis;
use gangway_server::db::accounts::owner_uuid;
use http::StatusCode;

use super::{IDENTITY, PUMP, RECORDS, at, chain_of, own_name, refused, request, speaking_plgd};
use crate::support::csr;

speaking_plgd!(
    async fn an_empty_common_name_becomes_the_owners(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let reply = server
            .sign(&ada, &at(&home, IDENTITY), &request(&csr::key(), None))
            .await;
        let subject = chain_of(&reply)[0].tbs_certificate.subject.to_string();
        assert_eq!(subject, format!("CN={},O={home}", owner_uuid(&ada.account)));
    }
);

speaking_plgd!(
    /// Threat model: ENR-30.
    async fn nobody_is_called_what_another_person_is(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Owner, "Eve").await;
        let message = refused(&server.identify(&eve, &csr::key(), &own_name(&ada)).await);
        assert!(message.contains("a person's"), "{message}");
        for name in [
            "panel.example.com",
            "Eve",
            "uuid:*",
            "uuid:00000000-0000-0000-0000-000000000000",
        ] {
            let message = refused(&server.identify(&eve, &csr::key(), name).await);
            assert!(
                message.starts_with("cannot sign identity certificate: the common name"),
                "{message}"
            );
        }
        let own = server.identify(&eve, &csr::key(), &own_name(&eve)).await;
        assert_eq!(own.status, StatusCode::OK);
    }
);

speaking_plgd!(
    /// Threat model: ENR-30.
    async fn persons_of_earlier_versions_have_their_names_too(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let eve = server.member(&home, Role::Installer, "Eve").await;
        server.execute("UPDATE accounts SET owner_uuid = NULL", &[]).await;
        let server = server.restart().await;
        let message = refused(&server.identify(&eve, &csr::key(), &own_name(&ada)).await);
        assert!(message.contains("a person's"), "{message}");
    }
);

speaking_plgd!(
    /// Threat model: ENR-30.
    async fn a_device_has_one_key_and_one_owner_at_a_time(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Installer, "Ada").await;
        let ben = server.member(&home, Role::Installer, "Ben").await;
        let key = csr::key();
        assert_eq!(server.identify(&ada, &key, PUMP).await.status, StatusCode::OK);
        for member in [&ada, &ben] {
            let message = refused(
                &server
                    .identify(
                        member,
                        &csr::key(),
                        &PUMP.to_uppercase().replace("UUID:", "uuid:"),
                    )
                    .await,
            );
            assert_eq!(
                message,
                format!(
                    "cannot sign identity certificate: common name {PUMP} with different public key fingerprint exists"
                )
            );
        }
        // Whoever has seen a device's request cannot take its certificate away.
        let message = refused(&server.identify(&ben, &key, PUMP).await);
        assert!(message.contains("for somebody else"), "{message}");
        assert!(server.listed().await.is_empty());

        let device = PUMP.trim_start_matches("uuid:");
        let deleted = server
            .delete(&ada, &format!("{}?deviceIdFilter={device}", at(&home, RECORDS)))
            .await;
        assert_eq!(deleted.status, StatusCode::OK);
        assert_eq!(
            server.identify(&ben, &csr::key(), PUMP).await.status,
            StatusCode::OK
        );
        // Another organisation has devices of its own.
        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Installer, "Eve").await;
        assert_eq!(
            server.identify(&eve, &csr::key(), PUMP).await.status,
            StatusCode::OK
        );
    }
);

speaking_plgd!(
    async fn a_device_whose_certificate_has_run_out_may_have_another_key(server: Server) {
        let home = server.organisation("Works").await;
        let program = server
            .program(&home, &[gangway_protocol::account::TokenScope::Enrol])
            .await;
        server.identify(&program, &csr::key(), PUMP).await;
        server.clock.advance(91 * UnixMillis::DAY);
        assert_eq!(
            server.records_of(&program, "").await.len(),
            1,
            "a device's record stays"
        );
        let reply = server.identify(&program, &csr::key(), PUMP).await;
        assert_eq!(reply.status, StatusCode::OK, "{reply}");
        assert_eq!(server.records_of(&program, "").await.len(), 1);
    }
);
