//! Waiting devices and claims.

use super::*;

fn sealed(claim: &Value, text: &str) -> Value {
    json!({"type": "sealed", "claim": claim, "box": text})
}

fn text(value: &Value) -> &str {
    value.as_str().expect("it is text")
}

/// The nameplate of a device that waits at socket 0.
fn waiting(scene: &mut Scene) -> String {
    text(&scene.wait(0)["nameplate"]).to_owned()
}

/// A claim on the device at socket 0 by a claimant at socket 1, up to the device's first sealed message.
fn crossing(scene: &mut Scene) -> Value {
    crossing_from(scene, address(1))
}

/// The same by a claimant at this address.
fn crossing_from(scene: &mut Scene, address: IpAddr) -> Value {
    let nameplate = waiting(scene);
    let ticket = Ticket {
        address,
        ..ticket(1, &nameplate)
    };
    scene.open(1, Opening::Claimant(Box::new(ticket)));
    scene.says(1, json!({"type": "claim", "pake": pake()}));
    let claim = scene.told(1)["claim"].clone();
    let told = scene.told(0);
    assert_eq!(
        told,
        json!({"type": "claim", "claim": claim, "nameplate": nameplate, "pake": pake()})
    );
    scene.says(
        0,
        json!({"type": "answer", "claim": claim, "pake": pake(), "confirm": "AAAA"}),
    );
    assert_eq!(scene.told(1)["type"], "answer");
    scene.says(1, json!({"type": "confirm", "claim": claim, "confirm": "BBBB"}));
    assert_eq!(scene.told(0)["type"], "confirm");
    claim
}

#[test]
fn a_crossing_from_hello_to_outcome() {
    let mut scene = Scene::new();
    let claim = crossing(&mut scene);
    scene.says(0, sealed(&claim, "AAAA"));
    let told = scene.asked(1);
    let context = json!({"type": "context", "network": "same", "first_seen": START});
    assert_eq!(told, [Asked::Send(sealed(&claim, "AAAA")), Asked::Send(context)]);
    let id: ClaimId = text(&claim).parse().expect("a claim's id");
    let claims = scene.hub.dependencies.claims.clone();
    let seen = || claims.get(&id).expect("the claim is known");
    assert_eq!(seen().redeemed_at, Some(START));
    scene.says(1, sealed(&claim, "BBBB"));
    assert_eq!(scene.told(0), sealed(&claim, "BBBB"));
    scene
        .hub
        .tell_approval(&id, "Harbour Works".into(), "Ada".into(), &mut scene.driver);
    assert_eq!(scene.told(0)["organisation"], "Harbour Works");
    scene.says(
        0,
        json!({"type": "outcome", "claim": claim, "outcome": "enrolled"}),
    );
    assert_eq!(scene.asked(1), [Asked::Close(1000)]);
    assert_eq!(scene.asked(0), []);
    assert!(seen().ended_at.is_some());
    scene.says(0, json!({"type": "replace", "reason": "spent"}));
    assert_eq!(scene.told(0)["type"], "nameplate");
}

/// Threat model: ENR-9.
#[test]
fn a_claimant_at_another_address_hears_that_the_networks_differ() {
    let mut scene = Scene::new();
    let claim = crossing_from(&mut scene, address(2));
    scene.says(0, sealed(&claim, "AAAA"));
    let context = json!({"type": "context", "network": "different", "first_seen": START});
    assert_eq!(scene.asked(1).last(), Some(&Asked::Send(context)));
}

#[test]
fn escapes_in_json_make_no_difference() {
    let mut scene = Scene::new();
    let claim = crossing(&mut scene);
    let text = format!(r#"{{"type":"sealed","claim":{claim},"box":"\/\/\/\/"}}"#);
    scene.hub.on_text(0, &text, scene.now, &mut scene.driver);
    assert_eq!(scene.asked(1)[0], Asked::Send(sealed(&claim, "////")));
    scene.hub.on_text(1, &text, scene.now, &mut scene.driver);
    assert_eq!(scene.told(0), sealed(&claim, "////"));
}

#[test]
fn a_second_claim_is_busy_and_costs_nothing() {
    let mut scene = Scene::new();
    let nameplate = waiting(&mut scene);
    scene.claimant(1, &nameplate);
    for socket in 2..20 {
        scene.claimant(socket, &nameplate);
        let problem = scene.problem(socket);
        assert_eq!(
            (&problem["code"], &problem["retry_after_secs"]),
            (&json!("busy"), &json!(15))
        );
        scene.goes(socket);
    }
    assert_eq!(scene.told(1)["type"], "accepted");
}

/// Threat model: ENR-1.
#[test]
fn unknown_nameplates_count_until_the_account_is_limited() {
    let mut scene = Scene::new();
    let codes: Vec<Value> = ["BBBB", "BBBC", "BBBD", "BBBF", "BBBG", "BBBH"]
        .into_iter()
        .map(|nameplate| {
            scene.claimant(1, nameplate);
            let problem = scene.problem(1);
            scene.goes(1);
            problem["code"].clone()
        })
        .collect();
    assert_eq!(codes[..5], vec![json!("code_unknown"); 5]);
    assert_eq!(codes[5], "rate_limited");
}

#[test]
fn whoever_leaves_the_other_is_told() {
    let mut scene = Scene::new();
    let claim = crossing(&mut scene);
    scene.goes(1);
    assert_eq!(
        scene.told(0),
        json!({"type": "closed", "claim": claim, "reason": "left"})
    );

    let mut scene = Scene::new();
    crossing(&mut scene);
    scene.goes(0);
    assert_eq!(scene.problem(1)["code"], "device_gone");
}

#[test]
fn three_failed_claims_spend_the_code_on_the_server_as_well() {
    let mut scene = Scene::new();
    let nameplate = waiting(&mut scene);
    for who in 1..=4 {
        scene.open(1, Opening::Claimant(Box::new(ticket(who, &nameplate))));
        scene.says(1, json!({"type": "claim", "pake": pake()}));
        if who == 4 {
            assert_eq!(scene.problem(1)["code"], "code_unknown");
            continue;
        }
        let claim = scene.told(1)["claim"].clone();
        scene.says(
            0,
            json!({"type": "answer", "claim": claim, "pake": pake(), "confirm": "AAAA"}),
        );
        scene.goes(1);
        scene.asked(1);
    }
}

#[test]
fn opening_is_due_in_fifteen_seconds_and_expiry_never_interrupts_a_claim() {
    let mut scene = Scene::new();
    let nameplate = waiting(&mut scene);
    scene.pass(30);
    scene.claimant(1, &nameplate);
    let claim = scene.told(1)["claim"].clone();
    scene.pass(14);
    assert_eq!(scene.asked(1), []);
    scene.pass(1);
    assert_eq!(scene.problem(1)["code"], "timeout");
    // Beside a ping, perhaps: those come at random moments.
    assert!(scene.asked(0).contains(&Asked::Send(
        json!({"type": "closed", "claim": claim, "reason": "timeout"})
    )));

    let mut scene = Scene::new();
    let claim = crossing(&mut scene);
    scene.says(0, sealed(&claim, "AAAA"));
    for _ in 0..59 {
        scene.pass(10);
        for socket in [0, 1] {
            scene.hub.on_pong(socket, &[], scene.now, &mut scene.driver);
        }
    }
    scene.asked(0);
    scene.asked(1);
    scene.says(1, sealed(&claim, "BBBB"));
    assert_eq!(
        scene.told(0),
        sealed(&claim, "BBBB"),
        "590 s after the claim, close to the code's end"
    );
}

#[test]
fn a_code_that_was_not_replaced_ends_its_connection() {
    let mut scene = Scene::new();
    scene.wait(0);
    for _ in 0..66 {
        scene.pass(10);
        scene.hub.on_pong(0, &[], scene.now, &mut scene.driver);
    }
    assert_eq!(scene.problem(0)["code"], "timeout");
}

#[test]
fn hello_and_claim_are_due_in_ten_seconds() {
    let mut scene = Scene::new();
    scene.open(0, Opening::Device { address: None });
    scene.open(1, Opening::Claimant(Box::new(ticket(1, "BCDF"))));
    scene.pass(9);
    assert_eq!((scene.asked(0), scene.asked(1)), (vec![], vec![]));
    scene.pass(1);
    assert_eq!(scene.problem(0)["code"], "timeout");
    assert_eq!(scene.problem(1)["code"], "timeout");
}

#[test]
fn a_device_resumes_its_nameplate_over_broken_connections_and_restarts() {
    let mut scene = Scene::new();
    let first = scene.wait(0);
    scene.goes(0);
    scene.now = later(scene.now, 20_000);
    scene.open(
        3,
        Opening::Device {
            address: Some(address(2)),
        },
    );
    scene.says(
        3,
        json!({"type": "hello", "agent": "test", "resume": first["resume"]}),
    );
    let again = scene.told(3);
    assert_eq!(again["nameplate"], first["nameplate"]);
    assert_eq!(again["expires_in_secs"], 580);

    let mut restarted = Scene::with_caps(&Caps::default(), scene.hub.take_batch().leases);
    restarted.open(0, Opening::Device { address: None });
    restarted.says(
        0,
        json!({"type": "hello", "agent": "test", "resume": again["resume"]}),
    );
    assert_eq!(restarted.told(0)["nameplate"], first["nameplate"]);
    restarted.goes(0);
    restarted.now = later(restarted.now, 600_000);
    restarted.open(0, Opening::Device { address: None });
    restarted.says(
        0,
        json!({"type": "hello", "agent": "test", "resume": again["resume"]}),
    );
    assert_ne!(
        restarted.told(0)["nameplate"],
        first["nameplate"],
        "a stale token brings a new one"
    );
}

#[test]
fn the_newer_of_two_sockets_wins_and_ends_the_claim_of_the_older() {
    let mut scene = Scene::new();
    let first = scene.wait(0);
    scene.claimant(1, text(&first["nameplate"]));
    let claim = scene.told(1)["claim"].clone();
    scene.asked(0);
    scene.open(
        2,
        Opening::Device {
            address: Some(address(1)),
        },
    );
    scene.says(
        2,
        json!({"type": "hello", "agent": "test", "resume": first["resume"]}),
    );
    assert_eq!(scene.told(2)["nameplate"], first["nameplate"]);
    let closed = json!({"type": "closed", "claim": claim, "reason": "superseded"});
    assert_eq!(scene.asked(0), [Asked::Send(closed), Asked::Close(1000)]);
    assert_eq!(scene.problem(1)["code"], "device_gone");
    scene.goes(0);
    scene.open(
        5,
        Opening::Claimant(Box::new(ticket(2, text(&first["nameplate"])))),
    );
    scene.says(5, json!({"type": "claim", "pake": pake()}));
    assert_eq!(scene.told(5)["type"], "accepted", "the newer one is found");
    assert_eq!(scene.told(2)["type"], "claim");
}

/// Threat model: ENR-23.
#[test]
fn caps_of_waiting_devices_answer_busy_with_a_time() {
    let caps = Caps {
        waiting_devices: 3,
        waiting_devices_per_address: 2,
        ..Caps::default()
    };
    let mut scene = Scene::with_caps(&caps, []);
    for socket in 0..2 {
        scene.wait(socket);
    }
    scene.open(
        2,
        Opening::Device {
            address: Some(address(1)),
        },
    );
    let problem = scene.problem(2);
    assert_eq!(
        (&problem["code"], &problem["retry_after_secs"]),
        (&json!("busy"), &json!(60))
    );
    scene.open(
        3,
        Opening::Device {
            address: Some(address(2)),
        },
    );
    assert_eq!(scene.asked(3), []);
    scene.open(
        4,
        Opening::Device {
            address: Some(address(3)),
        },
    );
    assert_eq!(scene.problem(4)["code"], "busy");
    scene.goes(0);
    scene.open(
        0,
        Opening::Device {
            address: Some(address(1)),
        },
    );
    assert_eq!(scene.asked(0), [], "there is room again");
}

/// Threat model: ENR-23.
#[test]
fn nameplates_cannot_be_used_up_from_one_address() {
    let caps = Caps {
        waiting_devices_per_address: 2,
        ..Caps::default()
    };
    let mut scene = Scene::with_caps(&caps, []);
    scene.wait(0);
    for _ in 0..7 {
        scene.says(0, json!({"type": "replace", "reason": "asked"}));
        assert_eq!(scene.told(0)["type"], "nameplate");
    }
    scene.says(0, json!({"type": "replace", "reason": "asked"}));
    assert_eq!(scene.problem(0)["code"], "busy");
}

#[test]
fn what_does_not_follow_the_protocol_ends_the_connection() {
    for (message, code) in [
        (
            json!({"type": "outcome", "claim": "clm_0000000001zzzzzzzzzzzzzzzz", "outcome": "failed"}),
            "malformed",
        ),
        (json!({"type": "hello"}), "malformed"),
        (json!({"type": "hello", "agent": "x".repeat(257)}), "malformed"),
        (json!({"type": "proof"}), "unknown_type"),
        (json!([1, 2]), "malformed"),
    ] {
        let mut scene = Scene::new();
        scene.open(0, Opening::Device { address: None });
        scene.says(0, message.clone());
        assert_eq!(scene.problem(0)["code"], code, "{message}");
    }
    let mut scene = Scene::new();
    scene.wait(0);
    scene.says(0, json!({"type": "hello", "agent": "test"}));
    assert_eq!(scene.problem(0)["code"], "malformed");
    let mut scene = Scene::new();
    scene.open(0, Opening::Claimant(Box::new(ticket(1, "BCDF"))));
    scene.says(0, json!({"type": "claim", "pake": "AAAA"}));
    assert_eq!(scene.problem(0)["code"], "malformed");
}

#[test]
fn a_claimant_that_breaks_the_protocol_ends_its_claim() {
    let other = "clm_0000000001zzzzzzzzzzzzzzzz";
    for (message, code) in [
        (
            json!({"type": "sealed", "claim": other, "box": "AAAA"}),
            "malformed",
        ),
        (
            json!({"type": "confirm", "claim": other, "confirm": "AAAA"}),
            "malformed",
        ),
        (json!({"type": "claim", "pake": pake()}), "malformed"),
        (json!({"type": "hello"}), "unknown_type"),
    ] {
        let mut scene = Scene::new();
        let claim = crossing(&mut scene);
        scene.says(1, message.clone());
        assert_eq!(scene.problem(1)["code"], code, "{message}");
        assert_eq!(
            scene.told(0),
            json!({"type": "closed", "claim": claim, "reason": "malformed"})
        );
    }
}

#[test]
fn late_frames_about_an_ended_claim_are_ignored() {
    let mut scene = Scene::new();
    let claim = crossing(&mut scene);
    scene.goes(1);
    scene.told(0);
    scene.says(0, sealed(&claim, "AAAA"));
    scene.says(0, json!({"type": "outcome", "claim": claim, "outcome": "failed"}));
    assert_eq!(scene.asked(0), []);
}

#[test]
fn a_frame_over_the_limit_is_told_before_close_1009() {
    let mut scene = Scene::new();
    scene.wait(0);
    scene
        .hub
        .on_frame_error(0, FrameError::TooLarge, scene.now, &mut scene.driver);
    let asked = scene.asked(0);
    let [Asked::Send(problem), Asked::Close(1009)] = asked.as_slice() else {
        panic!("{asked:?}");
    };
    assert_eq!(problem["code"], "too_large");
}

#[test]
fn draining_sends_everybody_away_and_refuses_who_comes_later() {
    let mut scene = Scene::new();
    let claim = crossing(&mut scene);
    scene.hub.drain(scene.now, &mut scene.driver);
    let told = scene.asked(1);
    assert!(
        matches!(told.as_slice(), [Asked::Send(problem), Asked::Close(1001)] if problem["code"] == "shutting_down")
    );
    let told = scene.asked(0);
    assert_eq!(told.last(), Some(&Asked::Close(1001)), "{claim} {told:?}");
    scene.open(7, Opening::Device { address: None });
    assert_eq!(scene.problem(7)["code"], "shutting_down");
}

#[test]
fn nothing_is_left_behind() {
    let mut scene = Scene::new();
    for round in 0..50 {
        let nameplate = waiting(&mut scene);
        scene.open(1, Opening::Claimant(Box::new(ticket(round, &nameplate))));
        scene.says(1, json!({"type": "claim", "pake": pake()}));
        scene.goes(u32::from(round % 2));
        scene.goes(u32::from(1 - round % 2));
        scene.driver.asked.clear();
        assert_eq!(scene.hub.take_batch().counts, Counts::default());
        assert!(
            scene.hub.claims.is_empty()
                && scene.hub.claim_ids.is_empty()
                && scene.hub.waiting_places.are_free()
        );
    }
    assert_eq!(scene.hub.records.len(), 2);
}
