//! Failed attempts to come in, as the record keeps them.

use gangway_protocol::error::ProblemCode;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use serde_json::json;

use crate::support::authenticator::Authenticator;
use crate::support::both_engines;
use crate::support::visitor::Nobody;

both_engines!(
    /// Threat model: WEB-7.
    async fn strangers_leave_a_line_and_a_number_in_the_record_whatever_they_send(server: Server) {
        let owner = server.owner().await;
        let mut stranger = Authenticator::new(&server.gangway.config.origin());
        stranger.credentials.clone_from(&owner.authenticator.credentials);
        for number in 0..12_u8 {
            stranger.credentials[0].id = vec![number; 32];
            let reply = server.try_sign_in(&mut stranger).await;
            assert_eq!(reply.problem(), ProblemCode::PasskeyRefused);
            let code = json!({ "code": format!("AAAAA-BBBBB-CCCCC-{number:05}") });
            let reply = server.post(&Nobody, path::RECOVERIES, code).await;
            assert_eq!(reply.problem(), ProblemCode::LinkUnknown);
            let link = json!({ "token": format!("gw_inv_{number}") });
            let reply = server.post(&Nobody, path::LINK_INSPECTION, link).await;
            assert_eq!(reply.problem(), ProblemCode::LinkUnknown);
        }
        let refused = "FROM audit WHERE action LIKE '%.refused'";
        assert_eq!(
            server
                .text(&format!("SELECT CAST(COUNT(*) AS TEXT) {refused}"))
                .await,
            "2"
        );
        server.clock.advance(UnixMillis::HOUR);
        server.tick().await;
        let said = server
            .query::<(String, String, String)>(
                "SELECT action, subject, detail FROM audit WHERE action LIKE '%.refused' ORDER BY seq",
            )
            .await;
        assert_eq!(said.len(), 4, "{said:?}");
        for (_, subject, _) in &said {
            assert_eq!(subject, "127.0.0.1", "{said:?}");
        }
        for (_, _, detail) in &said[2..] {
            assert_eq!(detail, "12 failures within an hour");
        }
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    /// Threat model: WEB-7.
    async fn who_tries_to_be_an_account_is_recorded_once_within_the_hour(server: Server) {
        let owner = server.owner().await;
        let mut thief = owner.authenticator.clone();
        thief.verifies = false;
        for _ in 0..10 {
            let reply = server.try_sign_in(&mut thief).await;
            assert_eq!(reply.problem(), ProblemCode::PasskeyRefused);
        }
        assert_eq!(server.records("sign_in.refused").await, 1);
        let (subject, actor) = (
            server
                .text("SELECT subject FROM audit WHERE action = 'sign_in.refused'")
                .await,
            server
                .text("SELECT actor FROM audit WHERE action = 'sign_in.refused'")
                .await,
        );
        assert_eq!(subject, owner.account.id.as_str());
        assert_eq!(actor, "server", "nobody knows who it was");
        server.clock.advance(UnixMillis::HOUR);
        server.tick().await;
        assert_eq!(server.records("sign_in.refused").await, 2);
    }
);
