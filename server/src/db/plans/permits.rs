//! As [`super::lists`], of permits and the lobby.

use gangway_protocol::id::PermitId;
use gangway_protocol::permit::{Lookup, PermitKind};
use gangway_protocol::time::UnixMillis;

use super::super::permits::uses;
use super::super::{lobby, permits};
use super::filling::{device, home, id};
use super::lists::Rule::{self, SortsFew, Walks};

fn permit() -> PermitId {
    id("prm_", 1).parse().expect("an id")
}

/// Every function about permits and the lobby that fetches rows.
pub(super) const PERMITS: &[(&str, Rule)] = &[
    (
        "permits::of_lookup",
        SortsFew(|conn| {
            Box::pin(async {
                for lookup in [Lookup::Key("1".to_owned()), Lookup::Device("2".to_owned())] {
                    permits::of_lookup(conn, &lookup, UnixMillis(50)).await?;
                }
                Ok(())
            })
        }),
    ),
    (
        "permits::of_organisation",
        Walks(|conn| {
            Box::pin(async {
                permits::of_organisation(conn, &home(), PermitKind::Preapproval, "", 50, UnixMillis(50))
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "permits::of_device_ids",
        SortsFew(|conn| {
            Box::pin(async {
                permits::of_device_ids(conn, &home(), &["2".to_owned()], UnixMillis(50))
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "permits::devices",
        Walks(|conn| Box::pin(async { uses::devices(conn, &permit(), "", 50).await.map(drop) })),
    ),
    (
        "lobby::waiting",
        SortsFew(|conn| {
            Box::pin(async {
                lobby::waiting(conn, &home(), &[home()], "pending", "", 50)
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "lobby::duplicates",
        SortsFew(|conn| Box::pin(async { lobby::duplicates(conn, &home(), &[device()]).await.map(drop) })),
    ),
];
