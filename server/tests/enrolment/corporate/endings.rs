//! What is revoked here is ended at its CA, by the server itself.

use gangway_protocol::certificate::{RevocationReason, RevocationRequest};
use gangway_protocol::page::PageQuery;

use super::*;

const LOST: RevocationRequest = RevocationRequest {
    reason: RevocationReason::KeyCompromise,
};

async fn due(works: &Works) -> usize {
    let due = works
        .ada
        .api
        .endings_due(&works.home, &PageQuery::default())
        .await;
    due.expect("a list").items.len()
}

both_engines!(
    /// Threat model: ENR-36.
    async fn the_server_ends_at_its_ca_what_is_revoked_here(server: Server) {
        for dialect in [Dialect::StepCa, Dialect::Vault] {
            let works = Works::new(&server, dialect).await;
            let (_, certificate) = works.in_fleet(&server).await;
            let revoked = works.ada.api.revoke_device(&certificate.device, &LOST).await;
            revoked.expect("revoked");
            assert_eq!(due(&works).await, 1);
            server.tick().await;
            assert_eq!(due(&works).await, 0, "{dialect:?}");
            let serial = match dialect {
                Dialect::StepCa => {
                    let number =
                        u128::from_str_radix(&certificate.serial[..32.min(certificate.serial.len())], 16);
                    (certificate.serial.len() <= 32).then(|| number.expect("hexadecimal").to_string())
                }
                Dialect::Est | Dialect::Vault => Some("fa:01".to_owned()),
            };
            let ended = works.ca.revoked();
            assert_eq!(ended.len(), 1);
            assert!(serial.is_none_or(|serial| ended == [serial]));
            server.tick().await;
            assert_eq!(works.ca.revoked().len(), 1, "once is enough");
        }
        assert_eq!(server.records("certificate.ended_at_signer").await, 2);
    }
);

both_engines!(
    /// Threat model: ENR-36.
    async fn what_cannot_be_ended_yet_is_tried_again_and_shown_until_then(server: Server) {
        let works = Works::new(&server, Dialect::Vault).await;
        let (_, certificate) = works.in_fleet(&server).await;
        let sealed = server.text("SELECT sealed FROM signer_credentials").await;
        server
            .execute("UPDATE signer_credentials SET sealed = $1", &["nothing"])
            .await;
        let revoked = works.ada.api.revoke_device(&certificate.device, &LOST).await;
        revoked.expect("revoked");
        server.tick().await;
        assert_eq!((due(&works).await, works.ca.revoked().len()), (1, 0));
        server
            .execute("UPDATE signer_credentials SET sealed = $1", &[&sealed])
            .await;
        server.tick().await;
        assert_eq!(due(&works).await, 1, "it waits for its turn");
        server.clock.advance(UnixMillis::MINUTE);
        server.tick().await;
        assert_eq!((due(&works).await, works.ca.revoked().len()), (0, 1));
    }
);

both_engines!(
    async fn what_est_signed_is_ended_by_people(server: Server) {
        let works = Works::new(&server, Dialect::Est).await;
        let (_, certificate) = works.in_fleet(&server).await;
        let revoked = works.ada.api.revoke_device(&certificate.device, &LOST).await;
        revoked.expect("revoked");
        server.tick().await;
        assert_eq!(due(&works).await, 1);
        let ended = works.ada.api.record_ending(&certificate.sha256).await;
        ended.expect("somebody there has revoked it");
        assert_eq!(due(&works).await, 0);
    }
);
