//! Every function of the database's folder that fetches rows, and how it may find them. Those about the fleet stand in
//! `fleet_lists`.

use futures_util::future::BoxFuture;
use gangway_protocol::audit::Action;
use gangway_protocol::encoding::Sha256Hex;
use gangway_protocol::id::{SignInId, WebhookId};
use gangway_protocol::time::UnixMillis;

use super::super::certificates::{CertificateFilter, numbers};
use super::super::organisations::tree;
use super::super::webhooks::{deliveries, outbox};
use super::super::{
    Conn, DbError, accounts, approvals, audit, certificates, device_keys, held, links, memberships, passkeys,
    plgd, sign_ins, signers, tokens, webhooks,
};
use super::filling::{account, device, home, id, other};

fn webhook() -> WebhookId {
    id("whk_", 1).parse().expect("an id")
}

pub(super) type Ask = for<'c, 'd> fn(&'c mut Conn<'d>) -> BoxFuture<'c, Result<(), DbError>>;

/// How a query that fetches rows goes about it.
pub(super) enum Rule {
    /// By an index, in the order of that index.
    Walks(Ask),
    /// By an index; what it finds is few, and is sorted.
    SortsFew(Ask),
    /// Not a list: the reason.
    Exempt(#[expect(dead_code, reason = "it is there to be read where it stands")] &'static str),
}
use Rule::{Exempt, SortsFew, Walks};

const CHANGES: Rule = Exempt("it changes rows by their index and returns what it changed");

const NAMED: Rule = Exempt(
    "the few that a page names, by their primary key; here there is one row, which SQLite reads instead",
);

/// Every function of the database's folder that fetches rows, but for those of `fleet_lists`.
pub(super) const LISTS: &[(&str, Rule)] = &[
    (
        "accounts::persons_named",
        SortsFew(|conn| Box::pin(async { accounts::persons_named(conn, "Ada", 10).await.map(drop) })),
    ),
    (
        "accounts::without_owner_uuid",
        Exempt("what an earlier version left, once, when the server starts"),
    ),
    (
        "approvals::lapsed",
        Walks(|conn| Box::pin(async { approvals::lapsed(conn, UnixMillis(50), 500).await.map(drop) })),
    ),
    (
        "approvals::unanswered",
        Walks(|conn| Box::pin(async { approvals::unanswered(conn, UnixMillis(50), 500).await.map(drop) })),
    ),
    (
        "approvals::being_signed",
        SortsFew(|conn| {
            Box::pin(async {
                approvals::being_signed(conn, &device(), &Sha256Hex([0; 32]))
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "approvals::waiting_by",
        Exempt("the open approvals, of which there are few, when somebody's right ends"),
    ),
    (
        "approvals::devices_approved",
        SortsFew(|conn| {
            Box::pin(async {
                let (home, ada) = (home(), account());
                for account in [None, Some(&ada)] {
                    for address in [None, Some("192.0.2.1")] {
                        let span = UnixMillis(10)..UnixMillis(60);
                        let by = approvals::By { account, address };
                        approvals::devices_approved(conn, std::slice::from_ref(&home), by, span, 10_001)
                            .await?;
                    }
                }
                Ok(())
            })
        }),
    ),
    (
        "audit::take_left",
        Exempt("all that was left since the last round, and takes it"),
    ),
    (
        "audit::lock_heads",
        SortsFew(|conn| Box::pin(async { audit::lock_heads(conn, &[&"server".to_owned()]).await.map(drop) })),
    ),
    (
        "audit::heads",
        Exempt("one for each organisation, all of them wanted"),
    ),
    (
        "audit::following",
        Walks(|conn| Box::pin(async { audit::following(conn, home().as_str(), 40, 50).await.map(drop) })),
    ),
    (
        "audit::last",
        Walks(|conn| Box::pin(async { audit::last(conn, home().as_str(), 50).await.map(drop) })),
    ),
    (
        "audit::newest",
        SortsFew(|conn| {
            Box::pin(async {
                let place = audit::Moment {
                    at: UnixMillis(40_000),
                    seq: 40_000,
                    chain: home().to_string(),
                };
                for actions in [Vec::new(), vec![Action::NotMine], Action::meant_by("member.")] {
                    for actor in [None, Some("server")] {
                        for subject in [None, Some(device())] {
                            for (since, until) in [(i64::MIN, i64::MAX), (10, 90_000)] {
                                for before in [None, Some(&place)] {
                                    for organisations in [vec![home()], vec![home(), other(2), other(3)]] {
                                        let filter = audit::AuditFilter {
                                            actions: actions.clone(),
                                            actor: actor.map(str::to_owned),
                                            subject: subject.as_ref().map(ToString::to_string),
                                            since: UnixMillis(since),
                                            until: UnixMillis(until),
                                        };
                                        audit::newest(conn, &organisations, &filter, before, 20).await?;
                                    }
                                }
                            }
                        }
                    }
                }
                Ok(())
            })
        }),
    ),
    (
        "audit::devices_named",
        SortsFew(|conn| Box::pin(async { audit::devices_named(conn, &[device().as_str()]).await.map(drop) })),
    ),
    ("audit::organisations_named", NAMED),
    ("audit::signers_named", NAMED),
    (
        "audit::members_named",
        SortsFew(|conn| {
            Box::pin(async { audit::members_named(conn, &[account().as_str()]).await.map(drop) })
        }),
    ),
    (
        "audit::grounds",
        SortsFew(|conn| Box::pin(async { audit::grounds(conn, &[device().as_str()]).await.map(drop) })),
    ),
    (
        "audit::passkeys_named",
        SortsFew(|conn| Box::pin(async { audit::passkeys_named(conn, &["0"]).await.map(drop) })),
    ),
    (
        "certificates::unproven",
        Walks(|conn| Box::pin(async { certificates::unproven(conn, UnixMillis(50), 500).await.map(drop) })),
    ),
    (
        "certificates::numbered",
        SortsFew(|conn| {
            Box::pin(async {
                let filter = CertificateFilter {
                    query: Some(format!("{:063}", 4_711)),
                    ..CertificateFilter::default()
                };
                certificates::page(conn, &[home()], &filter, 51).await.map(drop)
            })
        }),
    ),
    (
        "certificates::beginning_with",
        SortsFew(|conn| {
            Box::pin(async {
                numbers::beginning_with(conn, &format!("{:063}", 4_711))
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "certificates::page",
        SortsFew(|conn| {
            Box::pin(async {
                for device in [None, Some(device())] {
                    for query in [None, Some("4711".to_owned())] {
                        for after in [None, Some((UnixMillis(50_000), Sha256Hex([0; 32])))] {
                            let filter = CertificateFilter {
                                device: device.clone(),
                                query: query.clone(),
                                after,
                            };
                            for organisations in [vec![home()], vec![home(), other(2), other(3)]] {
                                certificates::page(conn, &organisations, &filter, 50).await?;
                            }
                        }
                    }
                }
                Ok(())
            })
        }),
    ),
    (
        "certificates::endings_due",
        SortsFew(|conn| {
            Box::pin(async {
                certificates::endings_due(conn, &home(), UnixMillis(50), "", 500)
                    .await
                    .map(drop)
            })
        }),
    ),
    ("certificates::revoke_of_devices", CHANGES),
    ("certificates::revoke_of_key", CHANGES),
    ("certificates::revoke_one", CHANGES),
    ("certificates::hold_of_device", CHANGES),
    ("certificates::release_of_device", CHANGES),
    ("certificates::revoke_displaced", CHANGES),
    (
        "certificates::grace_over",
        Walks(|conn| {
            Box::pin(async {
                certificates::grace_over(conn, UnixMillis(50), 500)
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "certificates::revoked",
        Exempt("the whole of a revocation list, in its order"),
    ),
    (
        "device_keys::devices_elsewhere",
        Walks(|conn| {
            Box::pin(async {
                device_keys::devices_elsewhere(conn, &home(), &Sha256Hex([0; 32]))
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "device_keys::lock_everywhere",
        SortsFew(|conn| Box::pin(async { device_keys::lock_everywhere(conn, &Sha256Hex([0; 32])).await })),
    ),
    (
        "held::page",
        Walks(|conn| {
            Box::pin(async {
                for after in [None, Some((UnixMillis(50), Sha256Hex([0; 32])))] {
                    held::page(conn, &home(), after, 50).await?;
                }
                Ok(())
            })
        }),
    ),
    (
        "held::everywhere",
        Walks(|conn| Box::pin(async { held::everywhere(conn, 50).await.map(drop) })),
    ),
    (
        "held::readmitted_since",
        Walks(|conn| Box::pin(async { held::readmitted_since(conn, UnixMillis(200_000)).await.map(drop) })),
    ),
    ("issuers::all", Exempt("as many as there were CAs")),
    (
        "links::invitations_by",
        Exempt("the invitations that wait, when their maker's right ends"),
    ),
    (
        "links::invitations",
        Walks(|conn| {
            Box::pin(async {
                links::invitations(conn, &home(), UnixMillis(10), "", 50)
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "memberships::of_organisation",
        Walks(|conn| {
            Box::pin(async {
                memberships::of_organisation(conn, &home(), "", 50)
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "memberships::of_account",
        SortsFew(|conn| Box::pin(async { memberships::of_account(conn, &account(), 50).await.map(drop) })),
    ),
    (
        "nameplates::all",
        Exempt("read whole, once, when the server starts"),
    ),
    (
        "organisations::list",
        Exempt("every customer, page by page, for the operator's command line"),
    ),
    (
        "organisations::of_account",
        Exempt("follows the tree from an account's memberships"),
    ),
    (
        "passkeys::credentials",
        Walks(|conn| Box::pin(async { passkeys::credentials(conn, &account()).await.map(drop) })),
    ),
    (
        "passkeys::of_account",
        Walks(|conn| Box::pin(async { passkeys::of_account(conn, &account(), "", 50).await.map(drop) })),
    ),
    (
        "plgd::organisations_of_person",
        SortsFew(|conn| Box::pin(async { plgd::organisations_of_person(conn, &account()).await.map(drop) })),
    ),
    ("plgd::revoke_of_person", CHANGES),
    (
        "plgd::matching",
        SortsFew(|conn| {
            Box::pin(async {
                let names = |filter: &mut plgd::Filter| filter.common_names.push("uuid:1".to_owned());
                let devices = |filter: &mut plgd::Filter| filter.devices.push("1".to_owned());
                let records = |filter: &mut plgd::Filter| filter.records.push("1".to_owned());
                let nothing = |_: &mut plgd::Filter| {};
                let asked: [&dyn Fn(&mut plgd::Filter); 4] = [&nothing, &names, &devices, &records];
                let filters = asked.map(|ask| {
                    let mut filter = plgd::Filter::default();
                    ask(&mut filter);
                    filter
                });
                for filter in filters {
                    for whose in [plgd::Whose::Everybody, plgd::Whose::Account(account())] {
                        plgd::matching(conn, &home(), &whose, &filter, UnixMillis(50), ("4", 200)).await?;
                    }
                }
                Ok(())
            })
        }),
    ),
    (
        "organisations::members_of",
        SortsFew(|conn| Box::pin(async { tree::members_of(conn, &[home()]).await.map(drop) })),
    ),
    (
        "rules::reach",
        Exempt("follows the tree from an account's memberships"),
    ),
    ("organisations::subtree", Exempt("follows the tree downwards")),
    (
        "rules::fleets",
        Exempt("the fleets of one account, all of them wanted"),
    ),
    (
        "sign_ins::of_account",
        Walks(|conn| {
            Box::pin(async {
                let current: SignInId = id("sin_", 1).parse().expect("an id");
                sign_ins::of_account(conn, &account(), &current, None, UnixMillis(10), "", 50)
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "signers::usable_at",
        Exempt("follows the tree upwards, to at most 32 signers of each"),
    ),
    (
        "signer_credentials::organisations",
        Exempt("a row for each corporate CA, of which operators add a few"),
    ),
    (
        "signers::of_organisation",
        SortsFew(|conn| Box::pin(async { signers::of_organisation(conn, &home()).await.map(drop) })),
    ),
    (
        "tokens::reach",
        Walks(|conn| Box::pin(async { tokens::reach(conn, &account()).await.map(drop) })),
    ),
    (
        "tokens::of_account",
        Walks(|conn| Box::pin(async { tokens::of_account(conn, &account(), "", 50).await.map(drop) })),
    ),
    (
        "webhooks::of_organisation",
        Walks(|conn| Box::pin(async { webhooks::of_organisation(conn, &home()).await.map(drop) })),
    ),
    (
        "webhooks::due",
        SortsFew(|conn| Box::pin(async { webhooks::due(conn, UnixMillis(50), "", 100).await.map(drop) })),
    ),
    (
        "webhooks::ids",
        Walks(|conn| Box::pin(async { webhooks::ids(conn, "", 500).await.map(drop) })),
    ),
    (
        "webhooks::due_of",
        Walks(|conn| {
            Box::pin(async {
                deliveries::due_of(conn, &webhook(), UnixMillis(50), 4)
                    .await
                    .map(drop)
            })
        }),
    ),
    (
        "webhooks::page",
        Walks(|conn| Box::pin(async { deliveries::page(conn, &webhook(), "", 50).await.map(drop) })),
    ),
    (
        "webhooks::wanting",
        Exempt("follows the tree upwards, to at most 20 webhooks of each"),
    ),
    (
        "webhooks::names",
        SortsFew(|conn| Box::pin(async { outbox::names(conn, &[&device()]).await.map(drop) })),
    ),
    (
        "webhooks::online",
        Exempt("whoever was online when a server died, once, when the next one starts"),
    ),
    ("organisations::path", Exempt("follows the tree upwards")),
    ("organisations::below", Exempt("follows the tree downwards")),
    ("organisations::close_below", Exempt("follows the tree downwards")),
    ("links::void_invitations", CHANGES),
    (
        "organisations::roles_of",
        Exempt("follows the tree upwards, as all roles at an organisation do"),
    ),
];
