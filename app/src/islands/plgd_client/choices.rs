//! The ways to initialise a client: at a hub, by our own CA in its place, by a key.

use gangway_protocol::id::OrganisationId;
use gangway_protocol::signer::Signer;
use gangway_signing::{ClientAccess, ClientCa};
use serde::{Deserialize, Serialize};

use crate::visit::language;

/// The value of the choice that takes no hub.
pub(super) const BY_KEY: &str = "key";

/// A hub where this visitor may sign in, and whether our own CA may sign in its place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClientHub {
    /// The hub.
    pub(crate) signer: Signer,
    /// What it is called here.
    pub(crate) name: String,
    /// The organisation whose built-in CA the visitor may use.
    pub(crate) builtin: Option<OrganisationId>,
}

/// One way to initialise a client.
#[derive(Clone)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) access: Option<ClientAccess>,
}

/// All of them, the one by a key last.
pub(super) fn choices(hubs: Vec<ClientHub>) -> Vec<Choice> {
    let t = language();
    let of = |number: usize, hub: ClientHub| {
        let with = |ca: ClientCa| ClientAccess {
            signer: hub.signer.clone(),
            ca,
        };
        let own = Choice {
            value: format!("hub-{number}"),
            label: t.client_by_hub(&hub.name),
            access: Some(with(ClientCa::Hub)),
        };
        let builtin = hub.builtin.clone().map(|organisation| Choice {
            value: format!("builtin-{number}"),
            label: t.client_by_builtin(&hub.name),
            access: Some(with(ClientCa::Builtin(organisation))),
        });
        std::iter::once(own).chain(builtin)
    };
    let mut choices: Vec<Choice> = hubs
        .into_iter()
        .enumerate()
        .flat_map(|(number, hub)| of(number, hub).collect::<Vec<_>>())
        .collect();
    choices.push(Choice {
        value: BY_KEY.to_owned(),
        label: t.client_by_key().to_owned(),
        access: None,
    });
    choices
}
