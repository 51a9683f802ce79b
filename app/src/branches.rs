//! The organisations of an account as a tree: each below the one that it belongs to, siblings by name.

use std::collections::BTreeMap;

use gangway_protocol::account::Account;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{Organisation, Role};

/// Between the names of a path.
const BETWEEN: &str = " / ";

/// An organisation at its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Branch {
    /// The organisation.
    pub(crate) organisation: Organisation,
    /// How many of those above it the person belongs to.
    pub(crate) depth: usize,
    /// Its name behind the names of those.
    pub(crate) path: String,
}

/// The organisations in the order of their tree. One whose parent is not among them begins a tree of its own.
pub(crate) fn branches(organisations: &[Organisation]) -> Vec<Branch> {
    let is_known = |id: &OrganisationId| organisations.iter().any(|other| other.id == *id);
    let mut below: BTreeMap<Option<&OrganisationId>, Vec<&Organisation>> = BTreeMap::new();
    for organisation in organisations {
        let parent = organisation.parent.as_ref().filter(|parent| is_known(parent));
        below.entry(parent).or_default().push(organisation);
    }
    for siblings in below.values_mut() {
        // The last by name first: what is drawn next is taken from the end.
        siblings.sort_by(|one, other| (&other.name, &other.id).cmp(&(&one.name, &one.id)));
    }
    let waiting = |parent: Option<&OrganisationId>| below.get(&parent).cloned().unwrap_or_default();
    let mut stack: Vec<(&Organisation, usize, String)> = waiting(None)
        .into_iter()
        .map(|root| (root, 0, String::new()))
        .collect();
    let mut found = Vec::with_capacity(organisations.len());
    while let Some((organisation, depth, above)) = stack.pop() {
        let path = format!("{above}{}", organisation.name);
        let inner = format!("{path}{BETWEEN}");
        stack.extend(
            waiting(Some(&organisation.id))
                .into_iter()
                .map(|child| (child, depth + 1, inner.clone())),
        );
        found.push(Branch {
            organisation: organisation.clone(),
            depth,
            path,
        });
    }
    found
}

/// The organisation that the address of a page names, or else those under no other one that the visitor administers: what is set
/// there holds below.
pub(crate) fn administered(account: &Account, asked: Option<&str>) -> Vec<Organisation> {
    let administered: Vec<_> = account.organisations_where(Role::may_administer).collect();
    let is_first = |organisation: &Organisation| {
        let parent = organisation.parent.as_ref();
        !administered.iter().any(|other| Some(&other.id) == parent)
    };
    administered
        .iter()
        .filter(|organisation| match asked {
            Some(asked) => organisation.id.as_str() == asked,
            None => is_first(organisation),
        })
        .map(|organisation| (*organisation).clone())
        .collect()
}

/// The organisations whose fleet an account may see.
pub(crate) fn fleets(account: &Account) -> Vec<Branch> {
    branches(&account.organisations)
        .into_iter()
        .filter(|branch| branch.organisation.role.may_see_fleet())
        .collect()
}

/// Of these the organisation that an address names, or else the first.
pub(crate) fn named_or_first<'a>(places: &'a [Branch], named: Option<&str>) -> Option<&'a Branch> {
    let is_named = |branch: &&Branch| named.is_none_or(|named| branch.organisation.id.as_str() == named);
    places.iter().find(is_named).or(places.first())
}

/// The branch of the organisation that an address names, or else the first that the person administers.
pub(crate) fn asked_for<'a>(tree: &'a [Branch], asked: Option<&str>) -> Option<&'a Branch> {
    tree.iter().find(|Branch { organisation, .. }| match asked {
        Some(id) => organisation.id.as_str() == id,
        None => organisation.role.may_administer(),
    })
}

#[cfg(test)]
mod tests {
    use gangway_protocol::organisation::Policy;

    use super::*;

    fn organisation(number: u8, parent: Option<u8>, name: &str) -> Organisation {
        let id = |number: u8| format!("org_{number:026}").parse().expect("an id");
        Organisation {
            id: id(number),
            parent: parent.map(id),
            name: name.to_owned(),
            role: Role::Admin,
            policy: Policy::default(),
            archived_at: None,
        }
    }

    #[test]
    fn each_stands_below_its_parent_and_siblings_by_name() {
        let organisations = [
            organisation(1, None, "Works"),
            organisation(2, Some(1), "South"),
            organisation(3, Some(1), "North"),
            organisation(4, Some(3), "Hall"),
            organisation(5, Some(9), "Elsewhere"),
        ];
        let found: Vec<_> = branches(&organisations)
            .into_iter()
            .map(|branch| (branch.path, branch.depth))
            .collect();
        let expected = [
            ("Elsewhere", 0),
            ("Works", 0),
            ("Works / North", 1),
            ("Works / North / Hall", 2),
            ("Works / South", 1),
        ];
        assert_eq!(found, expected.map(|(path, depth)| (path.to_owned(), depth)));
    }
}
