//! What is read: by whom, of which organisations, by which filters, with which names.

use std::collections::BTreeSet;

use gangway_protocol::account::TokenScope;
use gangway_protocol::audit::{AuditActorKind, AuditQuery, Confirmation};
use gangway_protocol::device::DeviceUpdate;
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::StatusCode;
use serde_json::Value;

use super::{all_of, asked};
use crate::organisations::made;
use crate::support::device::SoftDevice;
use crate::support::{START, both_engines, csr};

/// Everything that tells of an organisation's record.
fn paths(organisation: &str) -> [String; 6] {
    [
        path::audit(organisation),
        path::audit_entry(organisation, 1),
        path::audit_verification(organisation),
        path::audit_checkpoint(organisation),
        path::audit_csv(organisation),
        path::audit_jsonl(organisation),
    ]
}

both_engines!(
    /// Threat model: WEB-13.
    async fn the_record_is_for_those_who_administer_there_and_above(server: Server) {
        let customer = server.organisation("Customer").await;
        let olga = server.member(&customer, Role::Owner, "Olga").await;
        let here = made(&olga, &customer, "Here").await;
        let beside = made(&olga, &customer, "Beside").await;
        let below = made(&olga, &here, "Below").await;
        let foreign = server.organisation("Foreign").await;
        for role in Role::ALL {
            let own = server.member(&here, role, "Own").await;
            let above = server.member(&customer, role, "Above").await;
            let wanted = if role >= Role::Admin {
                StatusCode::OK
            } else {
                StatusCode::FORBIDDEN
            };
            for (member, path) in [&own, &above]
                .into_iter()
                .flat_map(|member| paths(here.as_str()).map(|path| (member, path)))
            {
                let reply = server.get(member, &path).await;
                assert_eq!(reply.status, wanted, "{path} as {role:?}: {reply}");
            }
            for elsewhere in [&beside, &below, &foreign] {
                let stranger = server.member(elsewhere, role, "Stranger").await;
                let unknown = paths("org_00000000000000000000000000");
                for (path, unknown) in paths(here.as_str()).into_iter().zip(unknown) {
                    let (real, none) = (
                        server.get(&stranger, &path).await,
                        server.get(&stranger, &unknown).await,
                    );
                    assert_eq!(real.status, StatusCode::NOT_FOUND, "{path} as {role:?}: {real}");
                    assert_eq!(real.body, none.body, "{path} as {role:?}");
                }
            }
        }
        for scope in TokenScope::ALL {
            let program = server.program(&here, &[scope]).await;
            let wanted = match scope {
                TokenScope::AuditRead => StatusCode::OK,
                _ => StatusCode::FORBIDDEN,
            };
            for path in paths(here.as_str()) {
                let reply = server.get(&program, &path).await;
                assert_eq!(reply.status, wanted, "{path} with {scope:?}: {reply}");
            }
        }
    }
);

both_engines!(
    async fn pages_over_several_organisations_lose_and_repeat_nothing(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let (north, south) = (made(&ada, &home, "North").await, made(&ada, &home, "South").await);
        // The clock stands still: all of it happens at the same instant, and gets the same places in each chain.
        for place in [&home, &north, &south] {
            server.at(&ada, place).enrol(&server, &csr::key()).await;
        }
        server.clock.advance(UnixMillis::MINUTE);
        server.at(&ada, &north).enrol(&server, &csr::key()).await;

        let whole = all_of(&ada, &home, &AuditQuery::default(), 200).await;
        let kept: Vec<(String, i64)> = server
            .query(
                "SELECT chain, seq FROM audit WHERE chain <> 'server' ORDER BY at DESC, seq DESC, chain DESC",
            )
            .await;
        let places: Vec<(String, i64)> = whole
            .iter()
            .map(|entry| {
                (
                    entry.organisation.to_string(),
                    i64::try_from(entry.seq).expect("small"),
                )
            })
            .collect();
        assert_eq!(places, kept, "newest first");
        let homes: BTreeSet<&OrganisationId> = whole.iter().map(|entry| &entry.organisation).collect();
        assert_eq!(homes.len(), 3);
        for limit in [1, 2, 3, 7] {
            let pages = all_of(&ada, &home, &AuditQuery::default(), limit).await;
            assert_eq!(pages, whole, "in pages of {limit}");
        }

        let of = |change: fn(&mut AuditQuery)| {
            let (ada, home) = (&ada, &home);
            async move { all_of(ada, home, &asked(change), 2).await }
        };
        let only = |keep: &dyn Fn(&gangway_protocol::audit::AuditEntry) -> bool| {
            let kept: Vec<_> = whole.iter().filter(|entry| keep(entry)).cloned().collect();
            assert!(
                !kept.is_empty() && kept.len() < whole.len(),
                "a filter that tells something"
            );
            kept
        };
        assert_eq!(
            of(|q| q.alone = true).await,
            only(&|entry| entry.organisation == home)
        );
        assert_eq!(
            of(|q| q.action = Some("device.approved".to_owned())).await,
            only(&|entry| entry.action == "device.approved")
        );
        assert_eq!(
            of(|q| q.action = Some("certificate.".to_owned())).await,
            only(&|entry| entry.action.starts_with("certificate."))
        );
        let later = START.plus(1);
        assert_eq!(
            of(|q| q.since = Some(START.plus(1))).await,
            only(&|entry| entry.at >= later)
        );
        assert_eq!(
            of(|q| q.until = Some(START.plus(1))).await,
            only(&|entry| entry.at < later)
        );
        let by_ada = asked(|q| q.actor = Some(ada.account.to_string()));
        assert_eq!(all_of(&ada, &home, &by_ada, 2).await, whole, "she did all of it");
        let ben = server.member(&home, Role::Admin, "Ben").await;
        ben.enrol(&server, &csr::key()).await;
        let by_ben = asked(|q| {
            q.actor = Some(ben.account.to_string());
            q.action = Some("device.".to_owned());
        });
        let his = all_of(&ada, &home, &by_ben, 1).await;
        let names: Vec<&str> = his.iter().map(|entry| entry.action.as_str()).collect();
        assert_eq!(names, ["device.consented", "device.approved"]);
        let about = asked(|q| {
            q.subject = Some(his[0].subject.id.clone());
            q.actor = Some(ben.account.to_string());
            q.action = Some("device.approved".to_owned());
        });
        assert_eq!(all_of(&ada, &home, &about, 1).await, his[1..]);

        for (field, query) in [
            ("action", asked(|q| q.action = Some("device.painted".to_owned()))),
            ("actor", asked(|q| q.actor = Some(" ".to_owned()))),
            ("subject", asked(|q| q.subject = Some(String::new()))),
            ("limit", asked(|q| q.limit = Some(201))),
            ("after", asked(|q| q.after = Some("x".to_owned()))),
        ] {
            let refused = ada.api.audit(&home, &query).await.expect_err("it is no filter");
            assert_eq!(refused.code(), Some(ProblemCode::Invalid), "{field}");
            assert!(format!("{refused:?}").contains(field), "{field}: {refused:?}");
        }
    }
);

both_engines!(
    async fn subjects_have_the_names_that_the_reader_may_see(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let hall = made(&ada, &home, "Hall").await;
        let ben = server.member(&hall, Role::Admin, "Ben").await;
        let (_, certificate) = SoftDevice::in_fleet(&server, &server.at(&ada, &hall)).await;
        let device = certificate.device;
        let rename = DeviceUpdate {
            name: Some("crane-1".to_owned()),
            labels: None,
        };
        ada.api
            .update_device(&device, &rename)
            .await
            .expect("it is renamed");
        let approved = asked(|q| q.action = Some("device.approved".to_owned()));
        let name = async |reader| {
            let found = all_of(reader, &hall, &approved, 10).await;
            assert_eq!(found.len(), 1);
            found.into_iter().next().and_then(|entry| entry.subject.name)
        };
        assert_eq!(
            name(&ben).await.as_deref(),
            Some("crane-1"),
            "as it is called now"
        );
        let up = gangway_protocol::organisation::DeviceMove {
            organisation: home.clone(),
        };
        ada.api.move_device(&device, &up).await.expect("it is moved");
        assert_eq!(name(&ben).await, None, "it is above now, where he sees nothing");
        assert_eq!(name(&ada).await.as_deref(), Some("crane-1"));

        let made = asked(|q| q.action = Some("organisation.created".to_owned()));
        let made = all_of(&ada, &home, &made, 10).await;
        assert_eq!(made[0].subject.name.as_deref(), Some("Hall"));
        assert_eq!(made[0].actor.kind, AuditActorKind::Account);
        assert_eq!(made[0].actor.name.as_deref(), Some("Ada"));
    }
);

both_engines!(
    /// Threat model: ENR-10.
    async fn an_approval_shows_what_confirmed_it(server: Server) {
        let owner = server.owner().await;
        let home = owner.organisation();
        let owner = server.sign_in(&owner.authenticator).await;
        owner.approve(&server, &csr::key()).await;
        let approved = asked(|q| q.action = Some("device.approved".to_owned()));
        let found = all_of(&owner, &home, &approved, 10).await;
        assert_eq!(
            found[0].confirmed_by,
            Some(Confirmation::Passkey {
                name: Some("Test key".to_owned()),
                user_verified: Some(true)
            })
        );
        let detail = owner
            .api
            .audit_entry(&home, found[0].seq)
            .await
            .expect("the entry");
        assert_eq!(detail.entry, found[0]);
        let assertion: Value = detail.assertion.expect("an assertion").read().expect("JSON");
        assert_eq!(
            assertion["id"],
            server.text("SELECT credential_id FROM passkeys").await.as_str()
        );
        assert!(assertion["clientDataJSON"].is_string() && assertion["signature"].is_string());
        let before = owner
            .api
            .audit_entry(&home, found[0].seq - 1)
            .await
            .expect("the one before");
        assert_eq!(detail.previous_hash, before.entry.hash);
        assert!(before.assertion.is_none() && before.entry.confirmed_by.is_none());

        let program = server.program(&home, &[TokenScope::Enrol]).await;
        program.approve(&server, &csr::key()).await;
        let found = all_of(&owner, &home, &approved, 10).await;
        let token = found[0].actor.id.clone().expect("the token");
        assert_eq!(found[0].actor.kind, AuditActorKind::Token);
        assert_eq!(found[0].confirmed_by, Some(Confirmation::Token { id: token }));
        let detail = owner
            .api
            .audit_entry(&home, found[0].seq)
            .await
            .expect("the entry");
        assert!(detail.assertion.is_none());
        for none in [0, 9_999, u64::MAX] {
            let refused = owner
                .api
                .audit_entry(&home, none)
                .await
                .expect_err("there is none");
            assert_eq!(refused.code(), Some(ProblemCode::NotFound), "{none}");
        }
    }
);
