//! As [`super::lists`], of single sign-on.

use gangway_protocol::id::IdentityProviderId;
use gangway_protocol::time::UnixMillis;

use super::super::{identities, identity_providers, sign_ins};
use super::filling::{account, home, id};
use super::lists::Rule::{self, Exempt, SortsFew, Walks};

fn provider() -> IdentityProviderId {
    id("idp_", 1).parse().expect("an id")
}

/// Every function about identity providers that fetches rows.
pub(super) const SINGLE_SIGN_ON: &[(&str, Rule)] = &[
    (
        "identities::of_account",
        SortsFew(|conn| Box::pin(async { identities::of_account(conn, &account(), "", 50).await.map(drop) })),
    ),
    (
        "identities::of_provider",
        Walks(|conn| Box::pin(async { identities::of_provider(conn, &provider(), 50).await.map(drop) })),
    ),
    (
        "identities::lapsed",
        Walks(|conn| Box::pin(async { identities::lapsed(conn, UnixMillis(50), 50).await.map(drop) })),
    ),
    (
        "identities::claimed",
        SortsFew(|conn| {
            Box::pin(async { identities::claimed(conn, &provider(), &account()).await.map(drop) })
        }),
    ),
    (
        "identity_providers::of_organisation",
        Walks(|conn| Box::pin(async { identity_providers::of_organisation(conn, &home()).await.map(drop) })),
    ),
    (
        "identity_providers::names_for",
        SortsFew(|conn| Box::pin(async { identity_providers::names_for(conn, &home()).await.map(drop) })),
    ),
    (
        "identity_providers::removed",
        Exempt("the few providers that there are, a handful for a customer, once a minute"),
    ),
    (
        "sign_ins::accounts_by_provider",
        SortsFew(|conn| {
            Box::pin(async {
                sign_ins::accounts_by_provider(conn, &provider(), Some("sid"), 50)
                    .await
                    .map(drop)
            })
        }),
    ),
];
