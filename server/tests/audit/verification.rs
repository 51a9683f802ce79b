//! A chain that is followed over HTTP: it holds, or it is told where it does not.

use gangway_protocol::audit::AuditVerification;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;

use crate::support::{both_engines, csr};

both_engines!(
    /// Threat model: WEB-6.
    async fn a_changed_database_shows_to_the_admins(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let verified = async || ada.api.verify_audit(&home).await.expect("it was followed");
        assert!(
            matches!(verified().await, AuditVerification::Holds { entries: 0, .. }),
            "nothing yet"
        );
        ada.enrol(&server, &csr::key()).await;
        let head = server
            .text("SELECT CAST(seq AS TEXT) || ' ' || hash FROM audit_heads WHERE chain <> 'server'")
            .await;
        let AuditVerification::Holds { entries, hash, .. } = verified().await else {
            panic!("nobody has changed anything");
        };
        assert_eq!(format!("{entries} {hash}"), head);

        server.open_record().await;
        server
            .execute(
                "UPDATE audit SET detail = 'x' WHERE chain = $1 AND seq = 2",
                &[home.as_str()],
            )
            .await;
        assert!(
            matches!(verified().await, AuditVerification::Broken { seq: 2, .. }),
            "{:?}",
            verified().await
        );
        server
            .execute(
                "UPDATE audit SET hash = 'x' WHERE chain = $1 AND seq = 1",
                &[home.as_str()],
            )
            .await;
        assert!(
            matches!(verified().await, AuditVerification::Broken { seq: 1, .. }),
            "what cannot be read does not hold"
        );
        for lost in [
            "UPDATE audit_heads SET hash = 'x' WHERE chain = $1",
            "DELETE FROM audit_heads WHERE chain = $1",
        ] {
            server.execute(lost, &[home.as_str()]).await;
            assert!(
                matches!(verified().await, AuditVerification::Broken { .. }),
                "entries without a head"
            );
        }
    }
);

both_engines!(
    async fn one_verification_of_an_organisation_runs_at_a_time(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        server.fill_record(&home, 20_000).await;
        let (one, other) = tokio::join!(ada.api.verify_audit(&home), ada.api.verify_audit(&home));
        let (done, refused) = if one.is_ok() { (one, other) } else { (other, one) };
        assert!(matches!(
            done.expect("one is followed"),
            AuditVerification::Holds { entries: 20_000, .. }
        ));
        let refused = refused.expect_err("the other waits for its turn");
        assert_eq!(refused.code(), Some(ProblemCode::Busy));
        ada.api.verify_audit(&home).await.expect("its turn has come");
    }
);
