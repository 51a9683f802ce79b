//! Claims between a claimant and a waiting device.

use gangway_protocol::account::Token;
use gangway_protocol::organisation::Role;
use gangway_protocol::path;
use gangway_server::config::Config;
use http::{StatusCode, header};
use serde_json::{Value, json};

use super::socket::{Claims, Socket};
use crate::support::member::Member;
use crate::support::person::Person;
use crate::support::visitor::Visitor as _;
use crate::support::{Engine, Server, Spawned, both_engines, csr};

fn pake(side: u8) -> String {
    data_encoding::BASE64.encode(&[&[side][..], &[7; 32]].concat())
}

async fn claim(server: &Spawned, token: &str, nameplate: &Value) -> Socket {
    let bearer = format!("Bearer {token}");
    claim_as(server, &[("authorization", &bearer)], nameplate).await
}

async fn claim_as(server: &Spawned, headers: &[(&str, &str)], nameplate: &Value) -> Socket {
    let nameplate = nameplate.as_str().expect("a text");
    let mut claimant = Claims::open(server, headers, nameplate)
        .await
        .expect("the upgrade succeeds");
    claimant.say(json!({"type": "claim", "pake": pake(0x42)})).await;
    claimant
}

/// A claim of a program up to the device's first sealed message.
pub(crate) async fn crossing(spawned: &Spawned, token: &str) -> (Socket, Socket, Value) {
    let bearer = format!("Bearer {token}");
    crossing_as(spawned, &[("authorization", &bearer)]).await
}

/// A claim of whoever sends these headers, up to the device's first sealed message.
async fn crossing_as(spawned: &Spawned, headers: &[(&str, &str)]) -> (Socket, Socket, Value) {
    let (mut device, nameplate) = Socket::wait(spawned).await;
    let mut claimant = claim_as(spawned, headers, &nameplate["nameplate"]).await;
    let id = claimant.hear_a("accepted").await["claim"].clone();
    assert_eq!(device.hear_a("claim").await["claim"], id);
    device
        .say(json!({"type": "answer", "claim": id, "pake": pake(0x41), "confirm": "AAAA"}))
        .await;
    claimant.hear_a("answer").await;
    claimant
        .say(json!({"type": "confirm", "claim": id, "confirm": "BBBB"}))
        .await;
    device.hear_a("confirm").await;
    device
        .say(json!({"type": "sealed", "claim": id, "box": "AAAA"}))
        .await;
    assert_eq!(claimant.hear_a("sealed").await["box"], "AAAA");
    assert_eq!(claimant.hear_a("context").await["network"], "same");
    (device, claimant, id)
}

both_engines! {
    async fn a_token_claims_a_device_and_they_talk(server: Server) {
        let token = server.enrol_token().await;
        let spawned = server.spawn();
        let (mut device, mut claimant, id) = crossing(&spawned, &token).await;
        let claim = id.as_str().expect("a text").parse().expect("a claim's id");
        let info = server.gangway.relay.claim(&claim).expect("it runs");
        assert!(info.redeemed_at.is_some() && info.ended_at.is_none());
        server.gangway.relay.tell_approval(&claim, "Harbour Works".to_owned(), "Ada".to_owned());
        assert_eq!(device.hear_a("approval").await["approver"], "Ada");
        for text in ["BBBB", "CCCC", "DDDD"] {
            claimant.say(json!({"type": "sealed", "claim": id, "box": text})).await;
            assert_eq!(device.hear_a("sealed").await["box"], text);
        }
        device.say(json!({"type": "outcome", "claim": id, "outcome": "enrolled"})).await;
        assert_eq!(claimant.end().await, Some(1000));
        device.say(json!({"type": "replace", "reason": "spent"})).await;
        device.hear_a("nameplate").await;
        assert!(server.gangway.relay.claim(&claim).expect("it is remembered").ended_at.is_some());
        server.clock.advance(11 * 60 * 1000);
        server.gangway.relay.tick().await;
        assert!(server.gangway.relay.claim(&claim).is_none());
    }
}

both_engines! {
    /// Threat model: ACC-12.
    async fn a_claim_under_way_ends_with_the_right_to_make_it(server: Server) {
        let token = server.enrol_token().await;
        let spawned = server.spawn();
        let (mut device, mut claimant, id) = crossing(&spawned, &token).await;
        let program = server.bearer(token.clone()).await;
        let owner = server.member(&program.organisation, Role::Owner, "Olga").await;
        let removed = owner.api.remove_member(&program.organisation, &program.account).await;
        removed.expect("not a member any more");
        assert_eq!(device.hear_a("closed").await["claim"], id);
        claimant.end().await;
    }
}

both_engines! {
    /// Threat model: ACC-12.
    async fn a_claim_under_way_ends_with_the_token_that_opened_it(server: Server) {
        let spawned = server.spawn();
        let owner = server.owner().await;
        let request = json!({
            "name": "A script", "scopes": ["enrol"], "organisation": owner.organisation(), "valid_days": 1,
        });
        let token: Token = server.post(&owner, path::TOKENS, request).await.json();
        let secret = token.secret.as_ref().expect("told once");
        let (mut device, mut claimant, id) = crossing(&spawned, secret.expose()).await;
        let revoked = server.delete(&owner, &path::token(&token.id)).await;
        assert_eq!(revoked.status, StatusCode::NO_CONTENT);
        assert_eq!(device.hear_a("closed").await["claim"], id);
        claimant.end().await;
    }
}

both_engines! {
    /// Threat model: ACC-12.
    async fn a_claim_under_way_ends_with_the_sign_in_that_opened_it_and_no_other_does(server: Server) {
        let spawned = server.spawn();
        let kept_browser = server.owner().await;
        let mut browser_to_end = server.sign_in(&kept_browser.authenticator).await;
        let cookie = |person: &Person| format!("__Host-gangway={}", person.cookie);
        let (one, two) = (cookie(&browser_to_end), cookie(&kept_browser));
        let browser = |cookie| [("cookie", cookie), ("origin", "http://localhost:8080")];
        let (mut device, mut claimant, id) = crossing_as(&spawned, &browser(one.as_str())).await;
        let (mut kept_device, mut kept_claimant, kept) = crossing_as(&spawned, &browser(two.as_str())).await;
        // A step-up changes the cookie, not the sign-in.
        server.step_up(&mut browser_to_end).await;
        claimant.say(json!({"type": "sealed", "claim": id, "box": "BBBB"})).await;
        assert_eq!(device.hear_a("sealed").await["box"], "BBBB");

        let signed_out = server.delete(&browser_to_end, &path::account_sign_in("current")).await;
        assert_eq!(signed_out.status, StatusCode::NO_CONTENT);
        assert_eq!(device.hear_a("closed").await["claim"], id);
        claimant.end().await;
        kept_claimant.say(json!({"type": "sealed", "claim": kept, "box": "CCCC"})).await;
        assert_eq!(kept_device.hear_a("sealed").await["box"], "CCCC");
    }
}

both_engines! {
    async fn of_two_claims_at_once_one_is_accepted(server: Server) {
        let token = server.enrol_token().await;
        let spawned = server.spawn();
        for _ in 0..10 {
            let (device, nameplate) = Socket::wait(&spawned).await;
            let nameplate = &nameplate["nameplate"];
            let (mut one, mut other) = tokio::join!(claim(&spawned, &token, nameplate), claim(&spawned, &token, nameplate));
            let (one, other) = tokio::join!(one.hear(), other.hear());
            let mut kinds = [&one["type"], &other["type"]];
            kinds.sort_by_key(ToString::to_string);
            assert_eq!(kinds, ["accepted", "problem"]);
            let refused = if one["type"] == "problem" { one } else { other };
            assert_eq!(refused["code"], "busy");
            device.vanish();
        }
    }
}

#[tokio::test]
async fn who_may_not_claim_is_told_on_the_socket() {
    let server = Server::start(Engine::Sqlite).await;
    let spawned = server.spawn();
    let problem = async |headers: &[(&str, &str)], nameplate: &str| {
        let mut socket = Claims::open(&spawned, headers, nameplate)
            .await
            .expect("the upgrade succeeds");
        socket.problem().await["code"].clone()
    };
    assert_eq!(problem(&[], "BCDF").await, "unauthenticated");
    assert_eq!(
        problem(&[("authorization", "Bearer gw_pat_nothing")], "BCDF").await,
        "unauthenticated"
    );
    let reader = format!(
        "Bearer {}",
        server
            .token(&[gangway_protocol::account::TokenScope::FleetRead])
            .await
    );
    assert_eq!(problem(&[("authorization", &reader)], "BCDF").await, "forbidden");
    let enrol = format!("Bearer {}", server.enrol_token().await);
    assert_eq!(problem(&[("authorization", &enrol)], "B4DF").await, "malformed");

    let cookie = [("cookie", "__Host-gangway=whatever")];
    assert_eq!(
        Claims::open(&spawned, &cookie, "BCDF").await.err(),
        Some(StatusCode::FORBIDDEN),
        "no Origin"
    );
    let foreign = [cookie[0], ("origin", "https://evil.example")];
    assert_eq!(
        Claims::open(&spawned, &foreign, "BCDF").await.err(),
        Some(StatusCode::FORBIDDEN)
    );
    let own = [cookie[0], ("origin", "http://localhost:8080")];
    assert_eq!(
        problem(&own, "BCDF").await,
        "unauthenticated",
        "an unknown cookie from our own page"
    );
}

#[tokio::test]
async fn every_fault_of_a_claimant_has_its_problem() {
    let server = Server::start_with(Engine::Sqlite, |config| {
        config.caps.failed_codes_per_account = 1_000;
        config.caps.failed_codes_per_address = 1_000;
    })
    .await;
    let token = server.enrol_token().await;
    let spawned = server.spawn();

    let mut claimant = claim(&spawned, &token, &json!("BCDF")).await;
    assert_eq!(claimant.problem().await["code"], "code_unknown");

    let mut claimant = Socket::claim(&spawned, &token, "BCDF").await;
    claimant.say(json!({"type": "claim", "pake": "AAAA"})).await;
    assert_eq!(claimant.problem().await["code"], "malformed");

    let mut claimant = Socket::claim(&spawned, &token, "BCDF").await;
    claimant.say(json!({"type": "hello"})).await;
    assert_eq!(claimant.problem().await["code"], "unknown_type");

    let (device, mut claimant, _) = crossing(&spawned, &token).await;
    device.vanish();
    assert_eq!(claimant.problem().await["code"], "device_gone");

    let (mut device, mut claimant, id) = crossing(&spawned, &token).await;
    for _ in 0..65 {
        claimant
            .say(json!({"type": "sealed", "claim": id, "box": "AAAA"}))
            .await;
    }
    assert_eq!(claimant.problem().await["code"], "too_large");
    for _ in 0..64 {
        device.hear_a("sealed").await;
    }
    assert_eq!(device.hear_a("closed").await["reason"], "too_large");

    let (mut device, nameplate) = Socket::wait(&spawned).await;
    let mut claimant = claim(&spawned, &token, &nameplate["nameplate"]).await;
    claimant.hear_a("accepted").await;
    let id = device.hear_a("claim").await["claim"].clone();
    server.clock.advance(15_000);
    server.gangway.relay.tick().await;
    assert_eq!(claimant.problem().await["code"], "timeout");
    assert_eq!(
        device.hear_a("closed").await,
        json!({"type": "closed", "claim": id, "reason": "timeout"})
    );

    let (mut device, nameplate) = Socket::wait(&spawned).await;
    let mut claimant = claim(&spawned, &token, &nameplate["nameplate"]).await;
    claimant.hear_a("accepted").await;
    let id = device.hear_a("claim").await["claim"].clone();
    device
        .say(json!({"type": "decline", "claim": id, "code": "busy"}))
        .await;
    assert_eq!(claimant.problem().await["code"], "busy");

    let (mut device, mut claimant, id) = crossing(&spawned, &token).await;
    claimant
        .send(tokio_tungstenite::tungstenite::Message::Close(None))
        .await;
    assert_eq!(
        device.hear_a("closed").await,
        json!({"type": "closed", "claim": id, "reason": "left"})
    );

    let (_device, mut claimant, _) = crossing(&spawned, &token).await;
    let (problem, ()) = tokio::join!(claimant.hear_a("problem"), server.gangway.relay.drain());
    assert_eq!(problem["code"], "shutting_down");
    assert_eq!(claimant.end().await, Some(1001));
}

/// Threat model: ENR-2.
#[tokio::test]
async fn guessing_is_limited_whatever_the_spelling_and_the_socket() {
    let server = Server::start(Engine::Sqlite).await;
    let token = server.enrol_token().await;
    let spawned = server.spawn();
    let guess = async |nameplate: &str| claim(&spawned, &token, &json!(nameplate)).await.problem().await;
    assert_eq!(guess("BCDF").await["code"], "code_unknown");
    assert_eq!(guess("bc-df").await["code"], "code_unknown");
    let refused = guess("b.c.d.f").await;
    assert_eq!(
        refused["code"], "rate_limited",
        "an account may fail twice per nameplate"
    );
    assert!(refused["retry_after_secs"].as_u64().is_some_and(|secs| secs > 60));
    for nameplate in ["BCDG", "BCDH", "BCDJ"] {
        assert_eq!(guess(nameplate).await["code"], "code_unknown");
    }
    let (_device, nameplate) = Socket::wait(&spawned).await;
    let real = nameplate["nameplate"].as_str().expect("a text");
    assert_eq!(
        guess(real).await["code"],
        "rate_limited",
        "five failures: not even a real one"
    );
    server.clock.advance(10 * 60 * 1000 + 1000);
    assert_eq!(guess("BCDK").await["code"], "code_unknown");
}

/// What happens to three guesses: by a program, by a colleague of its owner, by somebody of another organisation.
async fn three_guesses(cap: impl FnOnce(&mut Config)) -> [Value; 3] {
    let server = Server::start_with(Engine::Sqlite, cap).await;
    let token = server.enrol_token().await;
    let home = server.first_organisation().await.parse().expect("an id");
    let elsewhere = server.organisation("Elsewhere").await;
    let ada = server.member(&home, Role::Installer, "Ada").await;
    let eve = server.member(&elsewhere, Role::Installer, "Eve").await;
    let spawned = server.spawn();
    let bearer = format!("Bearer {token}");
    let cookie = |of: &Member| of.headers()[header::COOKIE].to_str().expect("text").to_owned();
    let (adas, eves) = (cookie(&ada), cookie(&eve));
    let origin = ("origin", "http://localhost:8080");
    let guess = async |headers: &[(&str, &str)], nameplate: &str| {
        let mut claimant = Claims::open(&spawned, headers, nameplate)
            .await
            .expect("the upgrade succeeds");
        claimant.say(json!({"type": "claim", "pake": pake(0x42)})).await;
        claimant.problem().await["code"].clone()
    };
    [
        guess(&[("authorization", &bearer)], "BCDF").await,
        guess(&[("cookie", &adas), origin], "BCDG").await,
        guess(&[("cookie", &eves), origin], "BCDH").await,
    ]
}

/// Threat model: ENR-3.
#[tokio::test]
async fn guesses_count_for_their_address_and_for_their_organisation() {
    let at_an_address = three_guesses(|config| config.caps.failed_codes_per_address = 1).await;
    assert_eq!(at_an_address, ["code_unknown", "rate_limited", "rate_limited"]);
    let in_an_organisation = three_guesses(|config| config.caps.failed_codes_per_organisation = 1).await;
    assert_eq!(
        in_an_organisation,
        ["code_unknown", "rate_limited", "code_unknown"]
    );
}

/// Threat model: ENR-11.
#[tokio::test]
async fn nothing_is_approved_before_the_device_has_confirmed_the_code() {
    let server = Server::start(Engine::Sqlite).await;
    let token = server.all_token().await;
    let spawned = server.spawn();
    let program = server.bearer(token.clone()).await;
    let request = program.approval_request(&csr::csr(&csr::key())).await;
    let (mut device, nameplate) = Socket::wait(&spawned).await;
    let mut claimant = claim(&spawned, &token, &nameplate["nameplate"]).await;
    let id = claimant.hear_a("accepted").await["claim"].clone();
    device.hear_a("claim").await;
    device
        .say(json!({"type": "answer", "claim": id, "pake": pake(0x41), "confirm": "AAAA"}))
        .await;
    claimant.hear_a("answer").await;
    let approve = async || {
        let place = path::approval(id.as_str().expect("a text"));
        let body = serde_json::to_value(&request).expect("JSON");
        let (status, reply) = server.try_ask(&token, "POST", &place, Some(body)).await;
        (status, reply["code"].clone())
    };
    assert_eq!(approve().await, (StatusCode::NOT_FOUND, json!("not_found")));
    claimant
        .say(json!({"type": "confirm", "claim": id, "confirm": "BBBB"}))
        .await;
    device.hear_a("confirm").await;
    assert_eq!(
        approve().await.0,
        StatusCode::NOT_FOUND,
        "the device has not said so yet"
    );
    device
        .say(json!({"type": "sealed", "claim": id, "box": "AAAA"}))
        .await;
    claimant.hear_a("sealed").await;
    claimant.hear_a("context").await;
    assert_eq!(approve().await.0, StatusCode::OK);
}
