//! Registration keys and tickets: made, used, replaced, taken back; and what whoever guesses finds.

use gangway_protocol::error::ProblemCode;
use gangway_protocol::organisation::Role;
use gangway_protocol::page::PageQuery;
use gangway_protocol::permit::{
    DevicePermit, PermitKind, PermitMode, PermitReplacement, PermitRequest, PermitState, SerialsRequest,
};
use gangway_protocol::time::UnixMillis;

use super::applicant::{Applicant, Became, Until};
use super::{Works, device_permit, import, once, request};
use serde_json::json;

use crate::relay::socket::{ENROLMENT, Socket};
use crate::support::{START, both_engines};

both_engines!(
    async fn a_device_joins_by_a_registration_key_and_the_record_says_so(server: Server) {
        let works = Works::new(&server).await;
        let (permit, key) = works.key(PermitMode::Auto).await;
        let spawned = server.spawn();
        let device = Applicant::new("thermometer-7");
        assert!(matches!(device.ask(&spawned, &key).await, Became::Joined(_)));
        let fleet = works.ada.fleet().await;
        assert_eq!(fleet.len(), 1);
        assert_eq!(
            (fleet[0].name.as_str(), fleet[0].labels.as_slice()),
            ("thermometer-7", &["hall 3".to_owned()][..])
        );
        let shown = works.permits(PermitKind::RegistrationKey).await;
        assert_eq!((shown[0].uses, shown[0].last_used_at), (1, Some(START)));
        let came = works
            .ada
            .api
            .permit_devices(&works.home, &permit.id, &PageQuery::default())
            .await;
        assert_eq!(came.expect("devices").items[0].id, fleet[0].id);
        let actors: Vec<(String, Option<String>)> = server
            .query("SELECT actor, actor_name FROM audit WHERE action = 'device.approved'")
            .await;
        assert_eq!(actors, [(permit.id.to_string(), Some("Hall 3".to_owned()))]);
        server.verify_audit().await.expect("the record holds");
    }
);

both_engines!(
    async fn a_ticket_is_for_one_device_unless_somebody_says_otherwise(server: Server) {
        let works = Works::new(&server).await;
        let (permit, ticket) = works
            .make(&PermitRequest {
                kind: PermitKind::Ticket,
                ..request(PermitMode::Auto)
            })
            .await;
        assert_eq!(permit.max_uses, Some(1));
        let spawned = server.spawn();
        let first = Applicant::new("first");
        assert!(matches!(first.ask(&spawned, &ticket).await, Became::Joined(_)));
        assert!(matches!(
            Applicant::new("second").ask(&spawned, &ticket).await,
            Became::Refused(_)
        ));
        assert_eq!(
            works.permits(PermitKind::Ticket).await[0].state,
            PermitState::Used
        );
    }
);

both_engines!(
    /// Power or connection may fail anywhere: the same key goes on where it was, and counts once.
    async fn a_device_that_was_interrupted_goes_on_with_the_same_key(server: Server) {
        let works = Works::new(&server).await;
        let (_, ticket) = works
            .make(&PermitRequest {
                kind: PermitKind::Ticket,
                ..request(PermitMode::Auto)
            })
            .await;
        let spawned = server.spawn();
        let device = Applicant::new("thermometer-7");
        for until in [Until::Offered, Until::Certified, Until::Certified] {
            assert_eq!(device.ask_until(&spawned, &ticket, until).await, Became::Waits(0));
        }
        assert!(matches!(device.ask(&spawned, &ticket).await, Became::Joined(_)));
        assert_eq!(
            server
                .text("SELECT CAST(COUNT(*) AS TEXT) FROM certificates")
                .await,
            "1"
        );
        assert_eq!(works.permits(PermitKind::Ticket).await[0].uses, 1);
    }
);

both_engines!(
    /// Threat model: PRE-3. A lookup that nobody has answers as one with another secret; guesses are counted and shown.
    async fn an_unknown_key_answers_as_a_wrong_secret(server: Server) {
        let works = Works::new(&server).await;
        let (permit, key) = works.key(PermitMode::Auto).await;
        let spawned = server.spawn();
        let wrong = DevicePermit::of_key(&format!("{}-AAAAAAAA", permit.lookup)).expect("a key");
        let unknown = DevicePermit::of_key("AAAAAAAA-AAAAAAAA").expect("a key");
        let device = Applicant::new("stranger");
        assert_eq!(device.ask(&spawned, &wrong).await, Became::Mismatch);
        assert_eq!(device.ask(&spawned, &unknown).await, Became::Mismatch);
        let shown = works.permits(PermitKind::RegistrationKey).await;
        assert_eq!((shown[0].failures, shown[0].uses), (1, 0));
        assert!(matches!(device.ask(&spawned, &key).await, Became::Joined(_)));
    }
);

both_engines!(
    /// Threat model: PRE-3.
    async fn guessing_is_stopped(server: Server) {
        let works = Works::new(&server).await;
        let (permit, _) = works.key(PermitMode::Auto).await;
        let spawned = server.spawn();
        let wrong = DevicePermit::of_key(&format!("{}-AAAAAAAA", permit.lookup)).expect("a key");
        let device = Applicant::new("stranger");
        let mut became = Vec::new();
        for _ in 0..6 {
            became.push(device.ask(&spawned, &wrong).await);
        }
        assert_eq!(became.pop(), Some(Became::Problem("rate_limited".to_owned())));
        assert!(became.iter().all(|one| *one == Became::Mismatch));
    }
);

both_engines!(
    async fn a_key_that_was_taken_back_lets_nobody_in_and_those_it_let_in_stay(server: Server) {
        let works = Works::new(&server).await;
        let (permit, key) = works.key(PermitMode::Auto).await;
        let spawned = server.spawn();
        assert!(matches!(
            Applicant::new("first").ask(&spawned, &key).await,
            Became::Joined(_)
        ));
        for _ in 0..2 {
            works
                .ada
                .api
                .revoke_permit(&works.home, &permit.id)
                .await
                .expect("it is taken back");
        }
        assert_eq!(
            Applicant::new("second").ask(&spawned, &key).await,
            Became::Mismatch
        );
        assert_eq!(server.states().await, ["enrolling"]);
        assert_eq!(server.records("permit.revoked").await, 1);
    }
);

both_engines!(
    async fn a_key_that_was_replaced_works_beside_the_new_one_for_a_while(server: Server) {
        let works = Works::new(&server).await;
        let (permit, former) = works.key(PermitMode::Auto).await;
        let spawned = server.spawn();
        let made = works
            .ada
            .api
            .replace_permit(&works.home, &permit.id, &PermitReplacement { overlap_hours: 2 })
            .await
            .expect("another key");
        assert_eq!(made.permit.replaces, Some(permit.id.clone()));
        let new = DevicePermit::of_key(made.key.expose()).expect("a key");
        assert!(matches!(
            Applicant::new("a").ask(&spawned, &former).await,
            Became::Joined(_)
        ));
        assert!(matches!(
            Applicant::new("b").ask(&spawned, &new).await,
            Became::Joined(_)
        ));
        server.clock.advance(2 * UnixMillis::HOUR);
        assert!(matches!(
            Applicant::new("c").ask(&spawned, &former).await,
            Became::Refused(_)
        ));
        assert!(matches!(
            Applicant::new("d").ask(&spawned, &new).await,
            Became::Joined(_)
        ));
    }
);

both_engines!(
    async fn a_key_with_a_list_lets_in_each_serial_number_once(server: Server) {
        let works = Works::new(&server).await;
        let (permit, key) = works
            .make(&PermitRequest {
                serials: vec!["SN-a".to_owned()],
                ..request(PermitMode::List)
            })
            .await;
        let more = SerialsRequest {
            serials: vec!["SN-b".to_owned(), "SN-a".to_owned()],
        };
        works
            .ada
            .api
            .add_permit_serials(&works.home, &permit.id, &more)
            .await
            .expect("more");
        let spawned = server.spawn();
        assert!(matches!(
            Applicant::new("a").ask(&spawned, &key).await,
            Became::Joined(_)
        ));
        assert!(matches!(
            Applicant::new("b").ask(&spawned, &key).await,
            Became::Joined(_)
        ));
        assert!(matches!(
            Applicant::new("a").ask(&spawned, &key).await,
            Became::Refused(_)
        ));
        assert!(matches!(
            Applicant::new("c").ask(&spawned, &key).await,
            Became::Refused(_)
        ));
        assert_eq!(works.permits(PermitKind::RegistrationKey).await[0].uses, 2);
    }
);

both_engines!(
    async fn a_key_works_from_its_networks_alone(server: Server) {
        let works = Works::new(&server).await;
        let from = |networks: &[&str]| PermitRequest {
            networks: networks.iter().map(|range| (*range).to_owned()).collect(),
            ..request(PermitMode::Auto)
        };
        let (elsewhere, far) = works.make(&from(&["192.0.2.7", "2001:db8::1/32"])).await;
        assert_eq!(elsewhere.networks, ["192.0.2.7/32", "2001:db8::/32"]);
        let (_, near) = works.make(&from(&["127.0.0.0/8"])).await;
        let spawned = server.spawn();
        assert_eq!(Applicant::new("a").ask(&spawned, &far).await, Became::Mismatch);
        assert!(matches!(
            Applicant::new("a").ask(&spawned, &near).await,
            Became::Joined(_)
        ));
    }
);

both_engines!(
    /// Threat model: PRE-4. Who may not approve devices gives no permits, and a foreign permit is an unknown one.
    async fn permits_are_for_whoever_may_give_them(server: Server) {
        let works = Works::new(&server).await;
        let (permit, _) = works.key(PermitMode::Auto).await;
        let installer = server.member(&works.home, Role::Installer, "Ina").await;
        let refused = installer
            .api
            .make_permit(&works.home, &request(PermitMode::Auto), &once())
            .await;
        assert_eq!(
            refused.expect_err("a refusal").code(),
            Some(ProblemCode::Forbidden)
        );
        let viewer = server.member(&works.home, Role::Viewer, "Vic").await;
        let refused = viewer
            .api
            .preapprove_devices(&works.home, &import(&[("a", "b")]))
            .await;
        assert_eq!(
            refused.expect_err("a refusal").code(),
            Some(ProblemCode::Forbidden)
        );
        let other = server.organisation("Elsewhere").await;
        let eve = server.member(&other, Role::Owner, "Eve").await;
        let refused = eve.api.revoke_permit(&other, &permit.id).await;
        assert_eq!(
            refused.expect_err("a refusal").code(),
            Some(ProblemCode::NotFound)
        );
        server.clock.advance(UnixMillis::HOUR);
        let late = works.ada.api.revoke_permit(&works.home, &permit.id).await;
        assert_eq!(
            late.expect_err("a refusal").code(),
            Some(ProblemCode::StepUpRequired)
        );
    }
);

both_engines!(
    /// Threat model: PRE-2. The secret stands nowhere in the clear.
    async fn a_secret_is_kept_sealed(server: Server) {
        let works = Works::new(&server).await;
        works.preapprove("thermometer-7", "open sesame").await;
        let kept = server.text("SELECT secret FROM permits").await;
        assert!(kept.starts_with("v1.") && !kept.contains("sesame"), "{kept}");
        let spawned = server.spawn();
        let device = Applicant::new("x");
        assert!(matches!(
            device
                .ask(&spawned, &device_permit("thermometer-7", "open sesame"))
                .await,
            Became::Joined(_)
        ));
        assert_eq!(works.ada.fleet().await[0].name, "thermometer-7");
    }
);

both_engines!(
    /// Threat model: PRE-7.
    async fn people_cannot_claim_a_device_that_has_a_permit(server: Server) {
        let works = Works::new(&server).await;
        let (_, key) = works.key(PermitMode::Auto).await;
        let spawned = server.spawn();
        let mut device = Socket::open(&spawned, ENROLMENT).await;
        let lookup = serde_json::to_value(&key.lookup).expect("JSON");
        device
            .say(json!({"type": "hello", "agent": "test", "lookup": lookup}))
            .await;
        let plate = device.hear_a("nameplate").await;
        device.hear_a("claim").await;
        let token = server.enrol_token().await;
        let mut claimant = Socket::claim(&spawned, &token, plate["nameplate"].as_str().expect("one")).await;
        let pake = data_encoding::BASE64.encode(&[7; 33]);
        claimant.say(json!({"type": "claim", "pake": pake})).await;
        assert_eq!(claimant.problem().await["code"], "code_unknown");
    }
);

both_engines!(
    /// It was answered with 500: the database held what the server had not looked at.
    async fn a_signer_that_a_permit_names_is_not_removed(server: Server) {
        let works = Works::new(&server).await;
        let (permit, _) = works.key(PermitMode::Auto).await;
        let refused = works.ada.api.remove_signer(&works.home, &permit.signer).await;
        assert_eq!(
            refused.expect_err("a refusal").code(),
            Some(ProblemCode::Conflict)
        );
    }
);

both_engines!(
    /// Two keys at a time let in twice as many.
    async fn a_key_for_so_many_is_replaced_at_once_and_what_is_left_goes_over(server: Server) {
        let works = Works::new(&server).await;
        let (permit, key) = works
            .make(&PermitRequest {
                max_uses: Some(3),
                ..request(PermitMode::Auto)
            })
            .await;
        let spawned = server.spawn();
        assert!(matches!(
            Applicant::new("a").ask(&spawned, &key).await,
            Became::Joined(_)
        ));
        let api = &works.ada.api;
        let beside = api
            .replace_permit(&works.home, &permit.id, &PermitReplacement { overlap_hours: 1 })
            .await;
        assert_eq!(beside.expect_err("a refusal").code(), Some(ProblemCode::Invalid));
        let made = api
            .replace_permit(&works.home, &permit.id, &PermitReplacement { overlap_hours: 0 })
            .await
            .expect("another key");
        assert_eq!(made.permit.max_uses, Some(2));
        assert!(matches!(
            Applicant::new("b").ask(&spawned, &key).await,
            Became::Refused(_)
        ));
    }
);

both_engines!(
    /// One device could use up all serial numbers, declining each time.
    async fn a_key_of_a_device_has_one_serial_number(server: Server) {
        let works = Works::new(&server).await;
        let (_, key) = works
            .make(&PermitRequest {
                serials: vec!["SN-a".to_owned(), "SN-b".to_owned()],
                ..request(PermitMode::List)
            })
            .await;
        let spawned = server.spawn();
        let mut device = Applicant::new("a");
        assert!(matches!(device.ask(&spawned, &key).await, Became::Joined(_)));
        device.facts.serial = Some("SN-b".to_owned());
        device.ask(&spawned, &key).await;
        assert!(matches!(
            Applicant::new("b").ask(&spawned, &key).await,
            Became::Joined(_)
        ));
    }
);
