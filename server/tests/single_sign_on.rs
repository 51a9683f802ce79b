//! Sign-in by a customer's own OpenID Connect provider, against one that the OpenID Foundation has certified.

mod coming_in;
mod lures;
mod providers;
mod reach;
mod refusals;

use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::single_sign_on::IdentityProvider;
use serde_json::{Value, json};

use crate::support::Server;
use crate::support::identity_provider::Idp;
use crate::support::member::Member;

/// A customer with an owner and an organisation below, and its provider: its operators are operators of that one.
struct Works {
    home: OrganisationId,
    hall: OrganisationId,
    owner: Member,
    idp: Idp,
    provider: IdentityProvider,
}

impl Works {
    async fn new(server: &Server) -> Self {
        let home = server.organisation("Works").await;
        let owner = server.member(&home, Role::Owner, "Olga").await;
        let hall = crate::organisations::made(&owner, &home, "Hall").await;
        let idp = Idp::start(server).await;
        let roles = operators_of(&hall);
        let provider = idp.add(server, &owner, &home, &roles).await;
        Self {
            home,
            hall,
            owner,
            idp,
            provider,
        }
    }

    /// The same owner, after so long that they signed in anew.
    async fn refresh(&mut self, server: &Server) {
        self.owner = server.refresh(&self.owner).await;
    }
}

fn operators_of(organisation: &OrganisationId) -> Value {
    json!({
        "claim": "groups",
        "mappings": [{ "value": "operators", "organisation": organisation, "role": "operator" }],
    })
}
