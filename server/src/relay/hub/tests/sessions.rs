//! Sessions of enrolled devices.

use super::*;

fn proof() -> Value {
    json!({"type": "proof", "chain": "", "signature": "AAAA", "counter": 1, "agent": "test"})
}

/// A session at this socket.
fn session(scene: &mut Scene, socket: u32, device: u8, certificate: u8) {
    session_of(scene, socket, proved(device, certificate, true));
}

fn session_of(scene: &mut Scene, socket: u32, done: Done) {
    scene.open(socket, Opening::Session { address: None });
    assert_eq!(scene.told(socket)["type"], "challenge");
    prove(scene, socket, done);
}

fn prove(scene: &mut Scene, socket: u32, done: Done) {
    scene.says(socket, proof());
    assert_eq!(scene.asked(socket), [Asked::Hold, Asked::Start("prove")]);
    let key = who_asked(scene);
    scene.hub.on_done(key, done, scene.now, &mut scene.driver);
    assert_eq!(
        scene.asked(socket),
        [Asked::Send(json!({"type": "welcome"})), Asked::Release]
    );
}

/// The socket for which the last job was started.
fn who_asked(scene: &mut Scene) -> SocketKey {
    let (key, _) = scene.driver.jobs.pop().expect("a job was started");
    key
}

fn presence(scene: &mut Scene, device: u8) -> Option<Presence> {
    scene.hub.take_batch().presence.remove(&pass(device, 1).device)
}

#[test]
fn presence_follows_the_session() {
    let mut scene = Scene::new();
    session(&mut scene, 0, 1, 1);
    assert_eq!(presence(&mut scene, 1), Some(Presence::Online { since: START }));
    scene.now = later(scene.now, 5_000);
    scene.goes(0);
    let offline = Presence::Offline {
        last_seen_at: scene.now.wall,
        reason: OfflineReason::ConnectionLost,
    };
    assert_eq!(presence(&mut scene, 1), Some(offline));
    assert_eq!(
        presence(&mut scene, 1),
        None,
        "what did not change is not written again"
    );
}

/// Threat model: SES-1.
#[test]
fn a_refused_proof_ends_the_connection() {
    let mut scene = Scene::new();
    scene.open(0, Opening::Session { address: None });
    scene.told(0);
    scene.says(0, proof());
    let key = who_asked(&mut scene);
    let refused = Done::Refused(problem(ProblemCode::CertificateUnknown, "no"));
    scene.hub.on_done(key, refused, scene.now, &mut scene.driver);
    assert_eq!(scene.problem(0)["code"], "certificate_unknown");
    assert_eq!(scene.hub.take_batch().presence.len(), 0);
}

#[test]
fn a_late_answer_finds_nobody() {
    let mut scene = Scene::new();
    scene.open(0, Opening::Session { address: None });
    scene.says(0, proof());
    let key = who_asked(&mut scene);
    scene.goes(0);
    scene.open(0, Opening::Session { address: None });
    scene.asked(0);
    scene
        .hub
        .on_done(key, proved(1, 1, true), scene.now, &mut scene.driver);
    assert_eq!(scene.asked(0), [], "the index has another owner");
}

#[test]
fn proof_is_due_in_ten_seconds_and_comes_first() {
    let mut scene = Scene::new();
    scene.open(0, Opening::Session { address: None });
    scene.told(0);
    scene.pass(10);
    assert_eq!(scene.problem(0)["code"], "timeout");
    scene.open(1, Opening::Session { address: None });
    scene.says(1, json!({"type": "measurements", "series": []}));
    assert_eq!(scene.problem(1)["code"], "malformed");
    scene.open(2, Opening::Session { address: None });
    let mut late = proof();
    late["counter"] = json!(1_u64 << 53);
    scene.says(2, late);
    assert_eq!(scene.problem(2)["code"], "malformed");
}

fn ping_of(scene: &mut Scene, socket: u32) -> Vec<u8> {
    match scene.asked(socket).as_slice() {
        [Asked::Ping(payload)] => payload.clone(),
        other => panic!("{other:?}"),
    }
}

/// Threat model: SES-4.
#[test]
fn two_live_sessions_of_one_certificate_raise_the_alarm_and_stay() {
    let mut scene = Scene::new();
    session(&mut scene, 0, 1, 1);
    session(&mut scene, 1, 1, 1);
    let token = ping_of(&mut scene, 0);
    scene.hub.on_pong(0, b"another", scene.now, &mut scene.driver);
    assert_eq!(scene.asked(0), [], "a Pong to another Ping says nothing");
    scene.hub.on_pong(0, &token, scene.now, &mut scene.driver);
    assert_eq!(scene.asked(0), [Asked::Start("alarm")]);
    scene.pass(10);
    assert_eq!((scene.asked(0), scene.asked(1)), (vec![], vec![]), "both stay");
}

/// Threat model: SES-4.
#[test]
fn a_session_that_does_not_answer_is_superseded_without_alarm() {
    let mut scene = Scene::new();
    session(&mut scene, 0, 1, 1);
    scene.hub.take_batch();
    session(&mut scene, 1, 1, 1);
    ping_of(&mut scene, 0);
    scene.pass(9);
    assert_eq!(scene.asked(0), []);
    scene.pass(1);
    assert_eq!(scene.asked(0), [Asked::Close(1000)]);
    scene.goes(0);
    assert!(scene.driver.jobs.is_empty(), "no alarm");
    assert_eq!(presence(&mut scene, 1), None, "the device stayed online");
}

#[test]
fn a_session_on_a_newer_certificate_supersedes_at_once() {
    let mut scene = Scene::new();
    session(&mut scene, 0, 1, 1);
    session(&mut scene, 1, 1, 2);
    assert_eq!(scene.asked(0), [Asked::Close(1000)]);
    session_of(&mut scene, 2, proved(1, 1, false));
    assert_eq!(scene.asked(1), [], "an older certificate supersedes nobody");
}

/// Threat model: SES-5.
#[test]
fn exclusion_ends_every_session_and_catches_proofs_under_way() {
    let mut scene = Scene::new();
    session(&mut scene, 0, 1, 1);
    session(&mut scene, 9, 2, 2);
    scene.open(1, Opening::Session { address: None });
    scene.says(1, proof());
    let key = who_asked(&mut scene);
    scene.asked(1);
    let device = pass(1, 1).device;
    let revoked = Exclusion::Revoked {
        reason: "stolen".into(),
    };
    scene.hub.exclude(&device, &revoked, scene.now, &mut scene.driver);
    let told = [
        Asked::Send(json!({"type": "revoked", "reason": "stolen"})),
        Asked::Close(1008),
    ];
    assert_eq!(scene.asked(0), told);
    scene
        .hub
        .on_done(key, proved(1, 1, true), scene.now, &mut scene.driver);
    assert_eq!(
        scene.asked(1),
        told,
        "it was admitted a moment before the revocation"
    );
    assert_eq!(scene.asked(9), [], "another device");
    session(&mut scene, 2, 1, 1);
    scene
        .hub
        .exclude(&device, &Exclusion::Suspended, scene.now, &mut scene.driver);
    let problem = scene.problem(2);
    assert_eq!(
        (&problem["code"], &problem["retry_after_secs"]),
        (&json!("suspended"), &json!(3600))
    );
    session(&mut scene, 3, 1, 1);
    scene
        .hub
        .exclude(&device, &Exclusion::Retired, scene.now, &mut scene.driver);
    assert_eq!(scene.problem(3)["code"], "retired");
}

#[test]
fn a_revoked_certificate_ends_only_its_own_session() {
    let mut scene = Scene::new();
    session(&mut scene, 0, 1, 2);
    let SessionPass { device, .. } = pass(1, 2);
    let exclude = |scene: &mut Scene, certificate: u8, exclusion: Option<Exclusion>| {
        let sha256 = pass(1, certificate).certificate;
        scene
            .hub
            .exclude_certificate(&device, &sha256, exclusion.as_ref(), scene.now, &mut scene.driver);
        scene.asked(0)
    };
    assert_eq!(exclude(&mut scene, 1, Some(Exclusion::Suspended)), []);
    assert_eq!(
        exclude(&mut scene, 2, None),
        [Asked::Close(1000)],
        "superseded needs no words"
    );
}

/// Threat model: SES-6.
#[test]
fn limited_sessions_send_only_what_they_may() {
    let limited = |only| {
        let Done::Proved(mut proved) = proved(1, 1, true) else {
            unreachable!()
        };
        proved.pass.only = Some(only);
        Done::Proved(proved)
    };
    let mut scene = Scene::new();
    let renew = gangway_protocol::session::SessionAbility::Renew;
    session_of(&mut scene, 0, limited(vec![renew]));
    scene.says(0, json!({"type": "renew", "csr": "", "endorsement": "AAAA"}));
    assert_eq!(scene.asked(0), [Asked::Hold, Asked::Start("renew")]);
    scene.says(0, json!({"type": "measurements", "series": []}));
    assert_eq!(scene.problem(0)["code"], "forbidden");
    session_of(&mut scene, 1, limited(vec![]));
    scene.asked(0);
    scene.says(1, json!({"type": "renew", "csr": "", "endorsement": "AAAA"}));
    assert_eq!(scene.problem(1)["code"], "forbidden");
}

#[test]
fn measurements_and_facts_are_bounded() {
    let series = |count: usize, points: usize| {
        let points = vec![json!([1, 2.5]); points];
        json!({"type": "measurements", "series": vec![json!({"name": "temperature", "points": points}); count]})
    };
    for (message, code) in [
        (series(64, 31), None),
        (series(65, 1), Some("too_large")),
        (series(1, 2001), Some("too_large")),
        (
            json!({"type": "measurements", "series": [{"name": "x".repeat(65), "points": []}]}),
            Some("malformed"),
        ),
        (
            json!({"type": "facts", "facts": {"hostname": "\u{202e}x", "os": "", "os_version": "", "arch": "", "software": "", "software_version": ""}}),
            Some("malformed"),
        ),
    ] {
        let mut scene = Scene::new();
        session(&mut scene, 0, 1, 1);
        scene.says(0, message);
        match code {
            None => assert_eq!(scene.asked(0), [Asked::Hold, Asked::Start("measurements")]),
            Some(code) => assert_eq!(scene.problem(0)["code"], code),
        }
    }
}

/// Threat model: WEB-5.
#[test]
fn a_flood_of_messages_ends_the_session() {
    let mut scene = Scene::new();
    session(&mut scene, 0, 1, 1);
    for _ in 0..60 {
        scene.says(0, json!({"type": "measurements", "series": []}));
    }
    assert_eq!(scene.asked(0), []);
    scene.says(0, json!({"type": "measurements", "series": []}));
    assert_eq!(scene.problem(0)["code"], "rate_limited");
}

/// Threat model: ENR-23.
#[test]
fn an_address_has_a_bounded_number_of_unproven_sessions() {
    let caps = Caps {
        unproven_sessions_per_address: 2,
        ..Caps::default()
    };
    let mut scene = Scene::with_caps(&caps, []);
    let from = |last: u8| Opening::Session {
        address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last))),
    };
    for socket in [0, 1] {
        scene.open(socket, from(1));
        assert_eq!(scene.told(socket)["type"], "challenge");
    }
    for socket in 2..42 {
        scene.open(socket, from(1));
        assert_eq!(scene.asked(socket), [Asked::Hold], "it waits for a place");
    }
    scene.open(42, from(1));
    let refused = scene.problem(42);
    let retry = refused["retry_after_secs"].as_i64();
    assert_eq!(refused["code"], "busy");
    assert!(retry.is_some_and(|secs| (5..=10).contains(&secs)), "{refused}");
    scene.open(43, from(2));
    assert_eq!(scene.told(43)["type"], "challenge", "another address has its own");
}

/// Threat model: ENR-23.
#[test]
fn a_fleet_behind_one_address_comes_back_in_one_go() {
    let caps = Caps {
        unproven_sessions_per_address: 2,
        ..Caps::default()
    };
    let mut scene = Scene::with_caps(&caps, []);
    for socket in 0..6 {
        scene.open(
            socket,
            Opening::Session {
                address: Some(address(1)),
            },
        );
    }
    let is_challenged = |scene: &mut Scene, socket: u32| {
        let asked = scene.asked(socket);
        matches!(asked.as_slice(), [.., Asked::Send(message), Asked::Release] if message["type"] == "challenge")
    };
    assert_eq!(scene.told(0)["type"], "challenge");
    assert_eq!(scene.told(1)["type"], "challenge");
    // One proves itself, one gives up, one is too slow: each gives its place to who has waited longest and is still there.
    scene.goes(2);
    scene.asked(2);
    prove(&mut scene, 0, proved(1, 1, true));
    assert!(is_challenged(&mut scene, 3));
    scene.goes(1);
    assert!(is_challenged(&mut scene, 4));
    scene.pass(9);
    prove(&mut scene, 3, proved(2, 1, true));
    assert!(is_challenged(&mut scene, 5), "within its ten seconds");
    scene.pass(1);
    assert_eq!(scene.problem(4)["code"], "timeout");
    assert!(scene.hub.queues.is_empty(), "nothing is remembered of them");
}

#[test]
fn who_finds_no_place_within_ten_seconds_is_told_when_to_come_again() {
    let caps = Caps {
        unproven_sessions_per_address: 1,
        ..Caps::default()
    };
    let mut scene = Scene::with_caps(&caps, []);
    for socket in [0, 1] {
        scene.pass(5);
        scene.open(
            socket,
            Opening::Session {
                address: Some(address(1)),
            },
        );
    }
    scene.says(0, proof());
    scene.pass(10);
    assert_eq!(
        scene.problem(1)["code"],
        "busy",
        "the first proof is being checked still"
    );
}

#[test]
fn a_readmitted_device_comes_back_and_its_other_sessions_stay() {
    let mut scene = Scene::new();
    session(&mut scene, 0, 1, 1);
    let Done::Proved(mut held) = proved(1, 2, true) else {
        panic!("it is proved")
    };
    (held.pass.only, held.newest) = (Some(Vec::new()), false);
    session_of(&mut scene, 1, Done::Proved(held));
    let device = pass(1, 1).device;
    scene.hub.readmit(&device, scene.now, &mut scene.driver);
    assert_eq!(scene.asked(0), [], "it is not held");
    assert_eq!(scene.asked(1), [Asked::Close(1001)]);
}

#[test]
fn a_device_is_told_things_and_made_to_come_back() {
    let mut scene = Scene::new();
    session(&mut scene, 0, 1, 1);
    let device = pass(1, 1).device;
    assert!(scene.hub.tell_session(&device, Tell::Identify, &mut scene.driver));
    assert_eq!(scene.told(0), json!({"type": "identify"}));
    assert!(
        scene
            .hub
            .tell_session(&device, Tell::Configuration(configuration()), &mut scene.driver)
    );
    assert_eq!(scene.told(0)["configuration"]["revision"], 0);
    assert!(
        !scene
            .hub
            .tell_session(&pass(2, 1).device, Tell::RenewNow, &mut scene.driver)
    );
    scene.hub.reconnect(&device, scene.now, &mut scene.driver);
    assert_eq!(scene.asked(0), [Asked::Close(1001)]);
}

#[test]
fn silence_ends_a_session_after_a_ping() {
    let mut scene = Scene::new();
    session(&mut scene, 0, 1, 1);
    scene.pass(54);
    assert_eq!(scene.asked(0), [Asked::Ping(vec![])]);
    scene.pass(44);
    assert_eq!(scene.asked(0), []);
    scene.pass(1);
    assert_eq!(scene.asked(0), [Asked::Close(1001)]);
    scene.goes(0);
    let reason = presence(&mut scene, 1).map(|presence| {
        matches!(
            presence,
            Presence::Offline {
                reason: OfflineReason::PingTimeout,
                ..
            }
        )
    });
    assert_eq!(reason, Some(true));
}
