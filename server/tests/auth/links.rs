//! Looking at one-time links.

use gangway_protocol::account::LinkPurpose;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use serde_json::json;

use crate::support::both_engines;
use crate::support::visitor::Nobody;

both_engines!(
    async fn a_link_tells_what_it_is_for_as_often_as_one_looks(server: Server) {
        let setup = server.setup_token().await.expect("set-up is open");
        assert!(setup.expose().starts_with("gw_setup_"));
        let inspect = async |token| {
            let request = json!({ "token": token });
            server.post(&Nobody, path::LINK_INSPECTION, request).await
        };
        for _ in 0..2 {
            let purpose: LinkPurpose = inspect(setup.clone()).await.json();
            assert_eq!(purpose, LinkPurpose::Setup {});
        }
        let owner = server.register(&setup, "Olga").await;
        assert_eq!(inspect(setup).await.problem(), ProblemCode::LinkUnknown);

        let (_, token) = server.invitation(&owner, Role::Installer).await;
        assert!(token.expose().starts_with("gw_inv_"));
        let purpose: LinkPurpose = inspect(token.clone()).await.json();
        let organisation = "Harbour".to_owned();
        assert_eq!(
            purpose,
            LinkPurpose::Invitation {
                organisation,
                role: Role::Installer
            }
        );
        server.clock.advance(7 * UnixMillis::DAY - 1);
        assert_eq!(inspect(token.clone()).await.status, StatusCode::OK);
        server.clock.advance(1);
        assert_eq!(inspect(token).await.problem(), ProblemCode::LinkUnknown);
    }
);

both_engines!(
    async fn a_set_up_link_lasts_an_hour(server: Server) {
        let token = server.setup_token().await.expect("set-up is open");
        let inspect = async || {
            let token = json!({ "token": token });
            server.post(&Nobody, path::LINK_INSPECTION, token).await
        };
        server.clock.advance(UnixMillis::HOUR - 1);
        assert_eq!(inspect().await.status, StatusCode::OK);
        server.clock.advance(1);
        assert_eq!(inspect().await.problem(), ProblemCode::LinkUnknown);
    }
);
