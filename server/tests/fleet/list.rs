//! The list: searched, filtered, sorted, in pages, and never beyond what the caller may see.

use gangway_protocol::account::TokenScope;
use gangway_protocol::certificate::{RevocationReason, RevocationRequest};
use gangway_protocol::device::{Device, DeviceQuery, DeviceState};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::Role;

use super::{approved, named, query};
use crate::relay::device::Device as Enrolled;
use crate::support::device::SoftDevice;
use crate::support::member::Member;
use crate::support::{START, both_engines};

/// The names of the devices that match, in order.
pub(super) async fn names(member: &Member, query: &DeviceQuery) -> Vec<String> {
    let page = member.api.devices(query).await.expect("the fleet");
    assert_eq!(page.next, None, "all on one page");
    page.items.into_iter().map(|device| device.name).collect()
}

/// The names of the devices in which all these words occur.
async fn found(member: &Member, words: &str) -> Vec<String> {
    names(member, &query(|q| q.query = Some(words.to_owned()))).await
}

both_engines!(
    async fn words_find_devices_by_all_that_names_them(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let gate = approved(&server, &ada, |request| {
            request.name = Some("Gate North".to_owned());
            request.labels = vec!["Building 7".to_owned(), "100%".to_owned()];
            request.facts.hostname = "pi-4711".to_owned();
            request.facts.serial = Some("SN-ABC".to_owned());
        })
        .await;
        named(&server, &ada, "Über_Gate").await;

        for words in [
            "north",
            "NORTH gate",
            "ing 7",
            "pi-47",
            "sn-abc",
            gate.id.as_str(),
        ] {
            assert_eq!(found(&ada, words).await, ["Gate North"], "{words}");
        }
        assert_eq!(
            found(&ada, "gate").await,
            ["Über_Gate", "Gate North"],
            "the newest first"
        );
        assert_eq!(found(&ada, "über").await, ["Über_Gate"]);
        assert_eq!(found(&ada, "ÜBER").await, ["Über_Gate"]);
        // What LIKE would take for a pattern is text.
        assert_eq!(found(&ada, "%").await, ["Gate North"]);
        assert_eq!(found(&ada, "r_g").await, ["Über_Gate"]);
        assert!(found(&ada, "\\").await.is_empty());
        assert!(
            found(&ada, "north south").await.is_empty(),
            "every word has to occur"
        );
        assert_eq!(found(&ada, "  ").await.len(), 2, "no words, no filter");
    }
);

both_engines!(
    async fn states_are_filtered_and_the_retired_are_shown_when_asked_for(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let mut devices = Vec::new();
        for _ in 0..3 {
            let (_, certificate) = SoftDevice::in_fleet(&server, &ada).await;
            devices.push(certificate.device);
        }
        named(&server, &ada, "enrolling").await;
        for (device, name) in devices.iter().zip(["active", "suspended", "retired"]) {
            let update = gangway_protocol::device::DeviceUpdate {
                name: Some(name.to_owned()),
                labels: None,
            };
            ada.api.update_device(device, &update).await.expect("renamed");
        }
        ada.api.suspend_device(&devices[1]).await.expect("suspended");
        ada.api.retire_device(&devices[2]).await.expect("retired");

        for state in DeviceState::NAMES {
            let expected: &[&str] = match state {
                "pending" | "rejected" => &[],
                other => &[other],
            };
            let shown = names(&ada, &query(|q| q.state = Some(state.to_owned()))).await;
            assert_eq!(shown, expected, "{state}");
        }
        let mut shown = names(&ada, &DeviceQuery::default()).await;
        shown.sort();
        assert_eq!(shown, ["active", "enrolling", "suspended"]);
    }
);

both_engines!(
    async fn presence_is_filtered_and_sorted_by(server: Server) {
        let spawned = server.spawn();
        let token = server.all_token().await;
        let mut left = Enrolled::enrol(&server, &spawned, &token).await;
        let mut here = Enrolled::enrol(&server, &spawned, &token).await;
        let never = Enrolled::enrol(&server, &spawned, &token).await;
        let (session, _) = left.session(&spawned).await;
        session.close().await;
        server.tick_relay().await;
        server.clock.advance(5_000);
        let (_session, _) = here.session(&spawned).await;
        server.tick_relay().await;

        let program = server.bearer(token).await;
        let ids = async |change: fn(&mut DeviceQuery)| -> Vec<String> {
            let page = program.api.devices(&query(change)).await.expect("the fleet");
            page.items.iter().map(|device| device.id.to_string()).collect()
        };
        assert_eq!(
            ids(|q| q.presence = Some("online".to_owned())).await,
            [here.id.clone()]
        );
        let mut offline = ids(|q| q.presence = Some("offline".to_owned())).await;
        offline.sort();
        let mut expected = [left.id.clone(), never.id.clone()];
        expected.sort();
        assert_eq!(offline, expected, "also whoever never was there");
        assert_eq!(
            ids(|q| q.sort = Some("-last_seen_at".to_owned())).await,
            [here.id.clone(), left.id.clone(), never.id.clone()]
        );
        assert_eq!(
            ids(|q| q.sort = Some("last_seen_at".to_owned())).await,
            [never.id, left.id, here.id]
        );
    }
);

both_engines!(
    async fn pages_follow_each_other_in_every_order(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        // Equal names and equal instants: the id decides.
        for name in ["b", "B", "a", "ä", "c", "Z", "a"] {
            named(&server, &ada, name).await;
            server.clock.advance(-1_000);
        }
        for sort in [
            "name",
            "-name",
            "created_at",
            "-created_at",
            "last_seen_at",
            "-last_seen_at",
        ] {
            let whole = query(|q| q.sort = Some(sort.to_owned()));
            let all = ada.api.devices(&whole).await.expect("the fleet");
            assert_eq!(
                (all.items.len(), all.total, all.next),
                (7, Some(7), None),
                "{sort}"
            );

            let mut walked: Vec<Device> = Vec::new();
            let mut next = DeviceQuery {
                limit: Some(3),
                ..whole.clone()
            };
            loop {
                let page = ada.api.devices(&next).await.expect("a page");
                let first = walked.is_empty();
                assert_eq!(
                    page.total,
                    first.then_some(7),
                    "only the first page counts: {sort}"
                );
                walked.extend(page.items);
                match page.next {
                    Some(after) => next.after = Some(after),
                    None => break,
                }
            }
            assert_eq!(walked, all.items, "{sort}");
        }
        let by_name = names(&ada, &query(|q| q.sort = Some("name".to_owned()))).await;
        assert_eq!(by_name.concat().to_lowercase(), "aabbczä", "regardless of case");
    }
);

both_engines!(
    async fn what_comes_and_goes_between_two_pages_moves_nothing(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Operator, "Ada").await;
        let mut ids = Vec::new();
        for name in ["1", "2", "3", "4"] {
            ids.push(named(&server, &ada, name).await.id);
        }
        let pages = query(|q| q.limit = Some(2));
        let first = ada.api.devices(&pages).await.expect("a page");
        named(&server, &ada, "5").await;
        let reason = RevocationReason::CessationOfOperation;
        ada.api
            .revoke_device(&ids[3], &RevocationRequest { reason })
            .await
            .expect("it goes");
        let second = DeviceQuery {
            after: first.next,
            ..pages
        };
        assert_eq!(names(&ada, &second).await, ["2", "1"]);
    }
);

both_engines!(
    async fn a_cursor_is_good_for_its_own_order_and_limits_hold(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Viewer, "Ada").await;
        let refused = async |change: &dyn Fn(&mut DeviceQuery)| {
            let error = ada
                .api
                .devices(&query(change))
                .await
                .expect_err("it is not acceptable");
            assert_eq!(error.code(), Some(ProblemCode::Invalid));
            error.field().expect("it names the field").to_owned()
        };
        assert_eq!(refused(&|q| q.limit = Some(0)).await, "limit");
        assert_eq!(refused(&|q| q.limit = Some(201)).await, "limit");
        assert_eq!(refused(&|q| q.sort = Some("serial".to_owned())).await, "sort");
        assert_eq!(refused(&|q| q.state = Some("lost".to_owned())).await, "state");
        assert_eq!(
            refused(&|q| q.presence = Some("maybe".to_owned())).await,
            "presence"
        );
        assert_eq!(
            refused(&|q| q.query = Some("one two three four five six seven".to_owned())).await,
            "query"
        );

        let operator = server.member(&home, Role::Operator, "Olga").await;
        for name in ["a", "b"] {
            named(&server, &operator, name).await;
        }
        let page = ada
            .api
            .devices(&query(|q| q.limit = Some(1)))
            .await
            .expect("a page");
        let by_name = |q: &mut DeviceQuery| (q.after, q.sort) = (page.next.clone(), Some("name".to_owned()));
        assert_eq!(refused(&by_name).await, "after");
        assert_eq!(refused(&|q| q.after = Some("~".to_owned())).await, "after");
    }
);

both_engines!(
    async fn one_list_merges_all_organisations_in_reach(server: Server) {
        let home = server.organisation("Works").await;
        let [branch, leaf] = server.grow_tree(&home).await;
        let ada = server.member(&home, Role::Admin, "Ada").await;
        let below = server.member(&branch, Role::Operator, "Bea").await;
        for (place, name) in [
            (&home, "d"),
            (&leaf, "a"),
            (&branch, "c"),
            (&leaf, "b"),
            (&home, "e"),
        ] {
            let here = server.at(&ada, place);
            named(&server, &here, name).await;
        }
        let sorted = |limit| {
            query(|q| {
                (q.sort, q.limit) = (Some("name".to_owned()), Some(limit));
            })
        };
        let first = ada.api.devices(&sorted(2)).await.expect("a page");
        assert_eq!(first.total, Some(5), "over all of them");
        let second = DeviceQuery {
            after: first.next,
            ..sorted(200)
        };
        assert_eq!(names(&ada, &second).await, ["c", "d", "e"]);
        assert_eq!(names(&below, &sorted(200)).await, ["a", "b", "c"]);
        let only = |organisation: &OrganisationId| query(|q| q.organisation = Some(organisation.clone()));
        assert_eq!(
            names(&ada, &only(&branch)).await,
            ["b", "c", "a"],
            "an organisation and what is below it, not what is above"
        );
        let above = below.api.devices(&only(&home)).await.expect_err("out of reach");
        assert_eq!(above.code(), Some(ProblemCode::NotFound));
    }
);

both_engines!(
    /// Threat model: ACC-9.
    async fn a_foreign_organisation_sees_nothing_and_is_told_nothing(server: Server) {
        let home = server.organisation("Works").await;
        let ada = server.member(&home, Role::Owner, "Ada").await;
        let device = named(&server, &ada, "gate").await;
        let elsewhere = server.organisation("Elsewhere").await;
        let eve = server.member(&elsewhere, Role::Owner, "Eve").await;

        let list = eve.api.devices(&DeviceQuery::default()).await.expect("a list");
        assert_eq!((list.items.len(), list.total), (0, Some(0)));
        let unknown = OrganisationId::new(START, [9; 10]);
        let mut answers = Vec::new();
        for organisation in [home.clone(), unknown] {
            let asked = query(|q| q.organisation = Some(organisation));
            answers.push(eve.api.devices(&asked).await.expect_err("not theirs"));
            answers.push(eve.api.devices_csv(&asked).await.expect_err("not theirs"));
        }
        assert_eq!(answers[0].code(), Some(ProblemCode::NotFound));
        assert!(
            answers.iter().all(|answer| *answer == answers[0]),
            "a foreign id answers as an unknown one: {answers:?}"
        );
        let shown = eve.api.device(&device.id).await.expect_err("not theirs");
        assert_eq!(shown, answers[0]);
    }
);

both_engines!(
    async fn who_may_only_enrol_sees_no_fleet(server: Server) {
        let home = server.organisation("Works").await;
        let installer = server.member(&home, Role::Installer, "Ines").await;
        let own = named(&server, &installer, "own").await;
        assert_eq!(own.name, "own", "what one has enrolled oneself one may see");
        let list = installer
            .api
            .devices(&DeviceQuery::default())
            .await
            .expect("a list");
        assert!(list.items.is_empty());
        let asked = query(|q| q.organisation = Some(home.clone()));
        let refused = installer
            .api
            .devices(&asked)
            .await
            .expect_err("not an installer's");
        assert_eq!(refused.code(), Some(ProblemCode::Forbidden));

        let program = server.program(&home, &[TokenScope::Enrol]).await;
        let refused = program
            .api
            .devices(&DeviceQuery::default())
            .await
            .expect_err("not its scope");
        assert_eq!(refused.code(), Some(ProblemCode::Forbidden));
        let nobody = server.anybody().devices(&DeviceQuery::default()).await;
        assert_eq!(
            nobody.expect_err("sign in first").code(),
            Some(ProblemCode::Unauthenticated)
        );
    }
);
