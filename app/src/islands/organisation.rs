//! What moves on the page of an organisation: its place in the tree, its members, invitations and rules.

mod invitations;
mod members;
mod policy;
mod structure;

use gangway_protocol::id::AccountId;
use gangway_protocol::organisation::{Invitation, Member, Organisation, PolicyDetail};
use gangway_protocol::path::page as paths;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

use self::invitations::Invitations;
use self::members::Members;
use self::policy::Rules;
use self::structure::Structure;
use crate::browser::page;
use crate::components::notice::TroubleNotice;
use crate::trouble::Outcome;

/// The organisation with all that its page shows, as the server read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Shown {
    /// The organisation.
    pub(crate) organisation: Organisation,
    /// Who looks.
    pub(crate) visitor: AccountId,
    /// Whether the visitor administers the organisation above, and so decides where this one stands.
    pub(crate) may_place: bool,
    /// Those right below it.
    pub(crate) below: Vec<Organisation>,
    /// Where it may be moved: id and path.
    pub(crate) targets: Vec<(String, String)>,
    /// Its own members.
    pub(crate) members: Outcome<Vec<Member>>,
    /// Members of those above it, whose roles hold here too, with the name of the organisation that they are members of.
    pub(crate) from_above: Vec<(String, Member)>,
    /// Members of other organisations whom the visitor may add.
    pub(crate) known: Vec<(AccountId, String)>,
    /// Invitations to it that wait.
    pub(crate) invitations: Outcome<Vec<Invitation>>,
    /// Its rules.
    pub(crate) policy: Outcome<PolicyDetail>,
}

/// All of it.
#[cfg_attr(feature = "hydrate", island(lazy))]
#[cfg_attr(not(feature = "hydrate"), island)]
pub(crate) fn OrganisationView(
    /// What the page shows.
    shown: Shown,
) -> impl IntoView {
    let Shown {
        organisation,
        visitor,
        may_place,
        below,
        targets,
        members,
        from_above,
        known,
        invitations,
        policy,
    } = shown;
    let is_open = organisation.is_open();
    let home = StoredValue::new(organisation.clone());
    view! {
        <Structure home may_place below targets />
        <Members home visitor first=members from_above known />
        {is_open.then(|| view! { <Invitations organisation first=invitations /> })}
        {match policy {
            Ok(detail) => view! { <Rules home detail /> }.into_any(),
            Err(trouble) => view! { <TroubleNotice trouble /> }.into_any(),
        }}
    }
}

/// The address of an organisation's page.
pub(crate) fn address_of(id: &str) -> String {
    format!("{}?{}={id}", paths::ORGANISATION, paths::ORGANISATION_ID)
}

/// Shows an organisation as the server has it now.
fn show(organisation: &Organisation) {
    page::leave_for(&address_of(organisation.id.as_str()));
}
