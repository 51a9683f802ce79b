//! What the server's own command line makes: set-up links and tokens.

use gangway_protocol::account::{Account, TokenScope};
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::signer::Signer;
use gangway_server::db::{DbError, signers};
use gangway_server::people::service::{TokenOrder, create_token};

use crate::support::both_engines;

both_engines!(
    async fn the_first_token_makes_an_organisation_that_set_up_takes_over(server: Server) {
        let program = server.terminal(&[TokenScope::Enrol]).await;
        let account: Account = server.get(&program, path::ACCOUNT).await.json();
        let made = &account.organisations[0];
        assert_eq!(made.name, "My organisation");
        let signers: Vec<Signer> = {
            let mut reader = server.gangway.db.reader().await.expect("a reader");
            let found = signers::of_organisation(&mut reader.conn(), &made.id).await;
            found.expect("the database answers")
        };
        assert_eq!(signers.len(), 1, "it can sign");

        let again = server.terminal(&[TokenScope::FleetRead]).await;
        let again: Account = server.get(&again, path::ACCOUNT).await.json();
        assert_eq!(again.id, account.id, "one service account has all of them");

        let owner = server.owner().await;
        let organisation = &owner.account.organisations[0];
        assert_eq!(
            (&organisation.id, organisation.name.as_str()),
            (&made.id, "Harbour")
        );
        assert_eq!(organisation.role, Role::Owner);
    }
);

both_engines!(
    async fn an_organisation_that_does_not_exist_gets_no_token(server: Server) {
        let gangway = &server.gangway;
        let order = TokenOrder {
            name: "test".to_owned(),
            scopes: vec![TokenScope::FleetRead],
            organisation: Some(OrganisationId::new(gangway.clock.now(), gangway.random.for_id())),
            valid_days: 1,
        };
        let refused = create_token(&gangway.db, &*gangway.clock, &*gangway.random, order).await;
        assert!(matches!(refused, Err(DbError::Missing)));
    }
);
