//! Roles that a provider's claim gives: worked out from what it says, and given and taken away with each sign-in.
//!
//! What somebody gave by hand stays, and the greater one of the two counts. A claim makes nobody an owner, so it takes no last owner away.

use std::collections::BTreeMap;

use gangway_protocol::audit::Action;
use gangway_protocol::id::{AccountId, OrganisationId};
use gangway_protocol::organisation::Role;
use gangway_protocol::single_sign_on::ClaimedRoles;
use gangway_protocol::time::UnixMillis;
use serde_json::{Map, Value};

use crate::authority::Result;
use crate::db::audit::Actor;
use crate::db::identities::{self, Claimed};
use crate::db::identity_providers::ProviderRecord;
use crate::db::organisations::tree;
use crate::db::{Conn, accounts, memberships, organisations};
use crate::people::ending::{self, Ended};

/// Values of a claim that are looked at: an account in more groups names those that matter here by an own claim.
const MAX_VALUES: usize = 1_000;

/// What the claim of a person gives them, where.
pub type Wanted = BTreeMap<OrganisationId, Role>;

/// Works out what a person's claims give.
#[must_use]
pub fn wanted(roles: &ClaimedRoles, customer: &OrganisationId, claims: &Map<String, Value>) -> Wanted {
    let mut wanted = Wanted::new();
    let mut give = |organisation: &OrganisationId, role: Role| {
        let role = role.min(Role::Admin);
        let held = wanted.entry(organisation.clone()).or_insert(role);
        *held = role.max(*held);
    };
    if let Some(role) = roles.everyone {
        give(customer, role);
    }
    let values = roles.claim.as_deref().map(|claim| values(claims, claim));
    let values = values.unwrap_or_default();
    for mapping in &roles.mappings {
        if values.contains(&mapping.value.as_str()) {
            give(&mapping.organisation, mapping.role);
        }
    }
    wanted
}

/// A text, or the texts of an array; by its name, or else by a path with dots, as Keycloak has it.
fn values<'a>(claims: &'a Map<String, Value>, claim: &str) -> Vec<&'a str> {
    let found = claims.get(claim).or_else(|| {
        let mut parts = claim.split('.');
        let mut found = claims.get(parts.next()?)?;
        for part in parts {
            found = found.get(part)?;
        }
        Some(found)
    });
    match found {
        Some(Value::String(text)) => vec![text],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).take(MAX_VALUES).collect(),
        _ => Vec::new(),
    }
}

/// Gives `account` what is wanted, takes away what is not, and ends what rested on that. Gives what is to be told.
///
/// # Errors
/// Only faults.
pub async fn apply(
    tx: &mut Conn<'_>,
    provider: &ProviderOf<'_>,
    account: &AccountId,
    name: &str,
    wanted: &Wanted,
    now: UnixMillis,
) -> Result<Vec<Ended>> {
    let before = identities::claimed(tx, provider.id, account).await?;
    let places: Vec<&OrganisationId> = wanted
        .keys()
        .chain(before.iter().map(|claimed| &claimed.organisation))
        // Whoever removes a provider holds its customer.
        .chain(std::iter::once(provider.customer))
        .collect();
    organisations::bump_revisions(tx, &places).await?;
    accounts::lock(tx, account).await?;
    let held = identities::claimed(tx, provider.id, account).await?;
    let mut changed = Vec::new();
    let mut is_less = false;
    for (organisation, role) in wanted {
        // Threat model: SSO-4. A mapping names organisations of its customer alone, and a claim opens none that is archived.
        let place = tree::find(tx, organisation).await?;
        if !place.is_some_and(|place| place.root == *provider.customer && place.is_open()) {
            continue;
        }
        let present = held.iter().find(|claimed| claimed.organisation == *organisation);
        let by_hand = match present {
            Some(claimed) => claimed.by_hand,
            None => memberships::find(tx, organisation, account)
                .await?
                .map(|(role, _)| role),
        };
        if by_hand.is_some_and(|by_hand| by_hand >= *role) {
            // What was given by hand is as much. The claim gives nothing here.
            if let Some(claimed) = present {
                identities::unclaim(tx, account, claimed).await?;
                is_less |= by_hand.is_some_and(|by_hand| by_hand < claimed.role);
            }
            continue;
        }
        let new = Claimed {
            organisation: organisation.clone(),
            role: *role,
            claimed: *role,
            by_hand,
        };
        if present == Some(&new) {
            continue;
        }
        is_less |= present.is_some_and(|present| present.role > new.role);
        identities::claim(tx, provider.id, account, &new, now).await?;
        changed.push(told(
            organisation,
            Action::MemberRoleClaimed,
            account,
            format!("{name}, as {}, by {}", role.as_str(), provider.name),
        ));
    }
    for claimed in held {
        if wanted.contains_key(&claimed.organisation) {
            continue;
        }
        identities::unclaim(tx, account, &claimed).await?;
        is_less = true;
        changed.push(told(
            &claimed.organisation,
            Action::MemberClaimEnded,
            account,
            format!("{name}, {} by {}", claimed.claimed.as_str(), provider.name),
        ));
    }
    if is_less {
        changed.extend(ending::end_what_exceeds(tx, account, now).await?);
    }
    let actor = Actor::Account { id: account, name };
    ending::record(tx, &changed, actor, now).await?;
    Ok(changed)
}

/// What of a provider decides over its claims.
#[derive(Clone, Copy, Debug)]
pub struct ProviderOf<'a> {
    /// Its id.
    pub id: &'a gangway_protocol::id::IdentityProviderId,
    /// Its name.
    pub name: &'a str,
    /// Its customer.
    pub customer: &'a OrganisationId,
}

impl<'a> From<&'a ProviderRecord> for ProviderOf<'a> {
    fn from(record: &'a ProviderRecord) -> Self {
        Self {
            id: &record.id,
            name: &record.name,
            customer: &record.organisation,
        }
    }
}

fn told(organisation: &OrganisationId, action: Action, account: &AccountId, detail: String) -> Ended {
    Ended {
        organisation: organisation.clone(),
        action,
        subject: account.to_string(),
        detail,
        device: None,
    }
}

#[cfg(test)]
mod tests {
    use gangway_protocol::single_sign_on::RoleMapping;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_gives_the_greatest_of_what_its_values_mean_and_never_an_owner() {
        let customer = OrganisationId::new(UnixMillis(1), [1; 10]);
        let below = OrganisationId::new(UnixMillis(1), [2; 10]);
        let mapping = |value: &str, organisation: &OrganisationId, role| RoleMapping {
            value: value.to_owned(),
            organisation: organisation.clone(),
            role,
        };
        let mut roles = ClaimedRoles {
            claim: Some("realm_access.roles".to_owned()),
            mappings: vec![
                mapping("ops", &below, Role::Operator),
                mapping("boss", &below, Role::Owner),
                mapping("read", &below, Role::Viewer),
            ],
            everyone: None,
        };
        let claims = |value: Value| value.as_object().cloned().unwrap_or_default();
        let nested = claims(json!({"realm_access": {"roles": ["read", "ops", 7, "unknown"]}}));
        assert_eq!(
            wanted(&roles, &customer, &nested),
            Wanted::from([(below.clone(), Role::Operator)])
        );
        let named = claims(json!({"realm_access.roles": "boss", "realm_access": {"roles": ["ops"]}}));
        assert_eq!(
            wanted(&roles, &customer, &named),
            Wanted::from([(below, Role::Admin)])
        );
        assert_eq!(wanted(&roles, &customer, &claims(json!({}))), Wanted::new());
        roles.everyone = Some(Role::Viewer);
        assert_eq!(
            wanted(&roles, &customer, &claims(json!({"realm_access": 7}))),
            Wanted::from([(customer, Role::Viewer)])
        );
    }
}
