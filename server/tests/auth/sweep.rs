//! Removal of what has expired.

use gangway_protocol::account::TokenScope;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::StatusCode;

use crate::support::both_engines;
use crate::support::visitor::Nobody;

both_engines!(
    async fn what_has_expired_goes_and_the_rest_stays(server: Server) {
        let owner = server.owner().await;
        server.invitation(&owner, Role::Viewer).await;
        server.act(&Nobody, path::SIGN_INS).await;
        let program = server.terminal(&[TokenScope::FleetRead]).await;
        let rows = async || {
            server
                .text(
                    "SELECT (SELECT COUNT(*) FROM ceremonies) || ' ' || (SELECT COUNT(*) FROM links) || ' ' ||
                            (SELECT COUNT(*) FROM sign_ins)",
                )
                .await
        };
        server.tick().await;
        assert_eq!(rows().await, "1 1 1", "the used link is gone");
        server.clock.advance(UnixMillis::HOUR);
        server.tick().await;
        assert_eq!(rows().await, "0 1 1");
        server.clock.advance(7 * UnixMillis::DAY);
        server.tick().await;
        assert_eq!(rows().await, "0 0 0");
        assert_eq!(server.get(&program, path::ACCOUNT).await.status, StatusCode::OK);
    }
);
