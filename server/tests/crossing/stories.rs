//! What people do with the command line.

use serde_json::json;

use crate::processes::Place;

/// Threat model: ENR-12.
#[tokio::test]
async fn a_device_joins_the_fleet_from_the_terminal() {
    let (place, mut device, code) = Place::with_device("always").await;
    let mut link = place
        .link(&code, &["--yes", "--name", "Thermometer 7", "--label", "roof"])
        .await;

    let review = link.event("review").await;
    assert_eq!(review["verified"], false, "{review}");
    assert_eq!(review["network"], "same");
    assert_eq!(review["warnings"], json!([]));
    let signed = link.event("certificate_signed").await;
    let installed = device.event("installed").await;
    assert_eq!(installed["certificate_sha256"], signed["certificate_sha256"]);
    let online = device.event("online").await;
    let (exit, last) = link.end().await;
    assert_eq!(
        (exit, &last["event"], &last["device"]),
        (0, &json!("online"), &online["device"]),
        "{last}"
    );
    assert_eq!(place.certificates(), 1);
    let log = place.server_log();
    assert!(log.contains("serving"), "{log}");
    let (_, secret) = code.split_once('-').expect("a code has two halves");
    assert!(
        !log.contains(secret) && !log.contains(&place.token),
        "codes and tokens are in no log"
    );
}

#[tokio::test]
async fn simulated_devices_join_without_anybody_to_ask() {
    let place = Place::open().await;
    let mut devices = place.simulate(2);
    for count in 1..=2 {
        let shown = devices.event("code").await;
        let code = shown["user_code"].as_str().expect("a code");
        let (exit, last) = place.link(code, &["--yes"]).await.end().await;
        assert_eq!((exit, &last["event"]), (0, &json!("online")), "{last}");
        assert_eq!(place.certificates(), count);
    }
}

#[tokio::test]
async fn a_person_is_asked_and_may_say_not_mine() {
    let (place, mut device, code) = Place::with_device("ask").await;
    let mut link = place.link(&code, &[]).await;
    link.event("review").await;
    link.say("n").await;
    let refused = device.event("refused").await;
    assert_eq!(refused["by"], "claimant", "{refused}");
    let (exit, last) = link.end().await;
    assert_eq!((exit, &last["code"]), (4, &json!("not_mine")), "{last}");
    assert_ne!(device.code().await, code, "a refused code is spent");
    assert_eq!(place.certificates(), 0);
}

#[tokio::test]
async fn an_input_that_ends_after_the_code_claims_nothing() {
    let (place, mut device, code) = Place::with_device("always").await;
    let mut link = place.link(&code, &[]).await;
    link.hang_up();
    let (exit, last) = link.end().await;
    assert_eq!((exit, &last["event"]), (2, &json!("error")), "{last}");
    assert!(last.to_string().contains("--yes"), "{last}");
    let (exit, last) = place.link(&code, &["--yes"]).await.end().await;
    assert_eq!(
        (exit, &last["event"]),
        (0, &json!("online")),
        "the code is still good: {last}"
    );
    device.event("online").await;
}

#[tokio::test]
async fn the_person_at_the_device_may_refuse() {
    let (place, mut device, code) = Place::with_device("ask").await;
    let link = place.link(&code, &["--yes"]).await;
    let question = device.question().await;
    device.say(&format!("n {question}")).await;
    let (exit, last) = link.end().await;
    assert_eq!((exit, &last["code"]), (4, &json!("device_refused")), "{last}");
    assert_eq!(place.certificates(), 0, "nothing was signed");
}

#[tokio::test]
async fn wrong_codes_are_told_and_counted_and_one_account_has_two_of_them() {
    let (place, mut device, code) = Place::with_device("always").await;
    for count in 1..=2 {
        let (exit, last) = place.link(&misread(&code), &["--yes"]).await.end().await;
        assert_eq!((exit, &last["code"]), (3, &json!("wrong_code")), "{last}");
        let failed = device.event("attempt_failed").await;
        assert_eq!(failed["count"], count, "{failed}");
    }
    // threat model, ENR-2: one account may fail twice per nameplate, with whatever token.
    let (exit, last) = place
        .link_with(&place.new_token().await, &code, &["--yes"])
        .await
        .end()
        .await;
    assert_eq!((exit, &last["code"]), (10, &json!("rate_limited")), "{last}");
    assert!(
        last["remedy"]
            .as_str()
            .is_some_and(|remedy| remedy.starts_with("Wait")),
        "{last}"
    );
    assert_eq!(place.certificates(), 0);
}

#[tokio::test]
async fn unknown_codes_and_bad_tokens_have_their_exit_codes() {
    let place = Place::open().await;
    let (exit, last) = place.link("BBBB-CCCCCC", &["--yes"]).await.end().await;
    assert_eq!((exit, &last["code"]), (3, &json!("code_unknown")), "{last}");
    let (exit, last) = place.link("A1", &["--yes"]).await.end().await;
    assert_eq!((exit, &last["code"]), (2, &json!("usage")), "{last}");
    let (exit, last) = place
        .link_with("gw_pat_of_nobody", "BBBB-CCCCCC", &["--yes"])
        .await
        .end()
        .await;
    assert_eq!((exit, &last["code"]), (8, &json!("unauthenticated")), "{last}");
}

/// The same code with another last letter.
fn misread(code: &str) -> String {
    let (rest, last) = code.split_at(code.len() - 1);
    format!("{rest}{}", if last == "B" { "C" } else { "B" })
}
