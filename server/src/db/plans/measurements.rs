//! As [`super::lists`], of measurement feeds. Values are in a file of their own with SQLite: those lists are not asked here.

use gangway_protocol::measurement::ChannelNumber;

use super::super::feeds;
use super::filling::home;
use super::lists::Rule::{self, Exempt, Walks};

/// Why the lists of values are not asked.
const OWN_FILE: Rule =
    Exempt("each is of one channel, along the primary key of its table, and bounded by a limit or a span");

/// Every function about measurement feeds that fetches rows.
pub(super) const MEASUREMENTS: &[(&str, Rule)] = &[
    (
        "feeds::of_organisation",
        Walks(|conn| Box::pin(async { feeds::of_organisation(conn, &home(), 50, 50).await.map(drop) })),
    ),
    (
        "feeds::of_feed",
        Walks(|conn| Box::pin(async { feeds::keys::of_feed(conn, ChannelNumber(7)).await.map(drop) })),
    ),
    (
        "feeds::longest_kept",
        Exempt("every organisation has a policy, and there are few different ones; once in ten minutes"),
    ),
    ("measurements::states", OWN_FILE),
    ("measurements::arrived", OWN_FILE),
    ("measurements::times", OWN_FILE),
    (
        "measurements::to_pack",
        Exempt("along the index of what is not packed, as far as the limit"),
    ),
    ("measurements::oldest", OWN_FILE),
    ("measurements::old_pieces", OWN_FILE),
    (
        "measurements::to_sweep",
        Exempt("along the index of what was swept, as far as the limit"),
    ),
    (
        "measurements::of_table",
        Exempt("the partitions of a table, of the system's own catalogue"),
    ),
    ("measurements::entries", OWN_FILE),
    ("measurements::minutes", OWN_FILE),
    ("measurements::hours", OWN_FILE),
    ("measurements::newest", OWN_FILE),
    ("measurements::remarks", OWN_FILE),
];
