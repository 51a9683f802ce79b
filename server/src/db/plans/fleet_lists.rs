//! Every function about the fleet that fetches rows, and how it may find them.

use gangway_protocol::time::UnixMillis;

use super::super::bulk_jobs::{self, listed};
use super::super::fleet::{By, Order, Place};
use super::super::{devices, expiry, fleet, moves, presence, saved_views};
use super::filling::{account, bulk_job, device, home, other};
use super::fleets::{filters, part, traits, whole};
use super::lists::Rule::{self, Exempt, SortsFew, Walks};

/// See the file's description.
pub(super) const FLEET_LISTS: &[(&str, Rule)] = &[
    (
        "bulk_jobs::of_organisation",
        Walks(|conn| Box::pin(async { bulk_jobs::of_organisation(conn, &home(), "", 50).await.map(drop) })),
    ),
    (
        "bulk_jobs::open",
        Walks(|conn| Box::pin(async { bulk_jobs::open(conn, 64).await.map(drop) })),
    ),
    (
        "bulk_jobs::unconfirmed",
        Walks(|conn| Box::pin(async { bulk_jobs::unconfirmed(conn, UnixMillis(50), 64).await.map(drop) })),
    ),
    (
        "bulk_jobs::older",
        Walks(|conn| Box::pin(async { bulk_jobs::older(conn, UnixMillis(50), 64).await.map(drop) })),
    ),
    (
        "bulk_jobs::left",
        Walks(|conn| Box::pin(async { listed::left(conn, &bulk_job(), 64).await.map(drop) })),
    ),
    (
        "bulk_jobs::failures",
        Walks(|conn| Box::pin(async { listed::failures(conn, &bulk_job(), "", 50).await.map(drop) })),
    ),
    (
        "saved_views::of_account",
        Walks(|conn| Box::pin(async { saved_views::of_account(conn, &account()).await.map(drop) })),
    ),
    (
        "saved_views::shared_in",
        SortsFew(|conn| Box::pin(async { saved_views::shared_in(conn, &[home()]).await.map(drop) })),
    ),
    (
        "fleet::grouped",
        Exempt("counts a whole fleet along an index that holds what is counted"),
    ),
    (
        "fleet::expiring",
        Exempt("counts what ends within weeks along the index of ends"),
    ),
    (
        "fleet::enrolments",
        Exempt("counts the approvals of a month along their index"),
    ),
    ("fleet::signer_names", Exempt("a customer has few signers")),
    ("fleet::count_presence", Exempt("counts everything, once an hour")),
    (
        "fleet::presence",
        Exempt("adds up the hours of two weeks along their index"),
    ),
    (
        "fleet::narrowed_to",
        SortsFew(|conn| {
            Box::pin(async {
                for filter in traits() {
                    whole().ways(conn, &filter).await?;
                }
                Ok(())
            })
        }),
    ),
    (
        "devices::all_of",
        SortsFew(|conn| Box::pin(async { devices::all_of(conn, &[device()]).await.map(drop) })),
    ),
    (
        "devices::lock_all",
        SortsFew(|conn| Box::pin(async { devices::lock_all(conn, &[device()]).await.map(drop) })),
    ),
    (
        "fleet::parts",
        Exempt("the customers of organisations that are named by their ids"),
    ),
    (
        "fleet::page",
        SortsFew(|conn| {
            Box::pin(async {
                for by in [By::Name, By::Creation, By::Recency] {
                    for descending in [false, true] {
                        let order = Order { by, descending };
                        for filter in filters() {
                            for fleets in [whole(), part()] {
                                let ways = fleets.ways(conn, &filter).await?;
                                fleet::page(conn, &ways, order, &Place::start(order), 51).await?;
                            }
                        }
                    }
                }
                Ok(())
            })
        }),
    ),
    (
        "presence::excluded_since",
        SortsFew(|conn| {
            Box::pin(async {
                presence::excluded_since(conn, UnixMillis(200_000))
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "moves::former_homes",
        Walks(|conn| Box::pin(async { moves::former_homes(conn, &device()).await.map(drop) })),
    ),
    (
        "presence::homes",
        SortsFew(|conn| Box::pin(async { presence::homes(conn, &[device()]).await.map(drop) })),
    ),
    (
        "expiry::page",
        Walks(|conn| {
            Box::pin(async {
                let (after, customer) = (expiry::Place(UnixMillis(50), String::new()), &home());
                let part = [home(), other(2)];
                for part in [None, Some(&part[..])] {
                    let within = expiry::Within { customer, part };
                    expiry::page(conn, within, &after, UnixMillis(60_000), 50).await?;
                }
                Ok(())
            })
        }),
    ),
    (
        "expiry::following",
        Walks(|conn| {
            Box::pin(async {
                let after = expiry::Place(UnixMillis(50), String::new());
                expiry::following(conn, &after, UnixMillis(60_000), 500)
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "expiry::newest_issued",
        SortsFew(|conn| Box::pin(async { expiry::newest_issued(conn, &[&device()]).await.map(drop) })),
    ),
];
