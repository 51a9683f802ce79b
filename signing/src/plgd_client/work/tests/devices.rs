//! Devices by a client: found, owned, brought to a hub and away from it.

use super::*;

#[test]
fn a_device_is_owned_without_a_pause_and_anew_when_the_time_was_too_short() {
    let mut play = Play::at_the_hub(ClientTask::Own(device()));
    let name = format!("uuid:{DEVICE}");
    let own = play.start();
    assert_eq!(
        path(&own),
        ("POST".to_owned(), format!("{CLIENT}/api/v1/devices/{DEVICE}/own"))
    );
    assert_eq!(body(&own), json!({"timeout": "60000000000"}));
    let finish = play.signed(&name);
    assert_eq!(
        path(&finish),
        (
            "POST".to_owned(),
            format!("{CLIENT}/api/v1/devices/{DEVICE}/own/{STATE}")
        )
    );
    let again = sending(play.take(404, r#"{"code":5,"message":"not found"}"#));
    assert_eq!(path(&again), path(&own));
    assert!(play.work.had_expired());
    play.signed(&name);
    assert_eq!(end(play.take(200, "{}")), ClientEnd::Done);
    // A state that is no UUID would go into an address.
    let mut play = Play::at_the_hub(ClientTask::Own(device()));
    play.start();
    let challenge = play.challenge(&name).replace(STATE, "../reset");
    assert!(matches!(
        play.take(200, &challenge),
        Err(ClientError::Malformed { .. })
    ));
}

#[test]
fn devices_are_looked_for_in_the_network_or_at_an_address() {
    let discover = |endpoint: Option<&str>| ClientTask::Discover {
        endpoint: endpoint.map(str::to_owned),
        nanos: Some(90_000_000_000),
    };
    let asked = Play::at_the_hub(discover(None)).start();
    assert_eq!(
        path(&asked).1,
        format!("{CLIENT}/api/v1/devices?useMulticast=IPV4&useMulticast=IPV6&timeout=10000000000")
    );
    let mut play = Play::at_the_hub(discover(Some("192.168.1.7:5683 &x")));
    assert_eq!(
        path(&play.start()).1,
        format!("{CLIENT}/api/v1/devices?useEndpoints=192.168.1.7%3A5683+%26x&timeout=10000000000")
    );
    let found = end(play.take(200, &format!("{{\"result\":{{\"id\":\"{DEVICE}\"}}}}\n\n")));
    assert!(matches!(found, ClientEnd::Devices(devices) if devices.len() == 1));
}

const HUB: &str = r#"{"id":"hub-1","coapGateway":"coaps+tcp://hub.example:5684","certificateAuthorities":"-----BEGIN","authority":"https://auth.hub.example","deviceOauthClient":{"clientId":"device","audience":"a","scopes":["offline_access"],"providerName":"plgd"}}"#;
const DISCOVERY: &str = r#"{"issuer":"https://auth.hub.example","authorization_endpoint":"https://auth.hub.example/authorize","token_endpoint":"https://auth.hub.example/token","response_modes_supported":["fragment"]}"#;

fn onboarding() -> Play {
    let redirect = Redirect {
        uri: format!("https://panel.example/link/signed-in/{SIGNER}"),
        reads_fragment: true,
    };
    Play::at_the_hub(ClientTask::onboard(device(), redirect, |bytes| bytes.fill(7)))
}

#[test]
fn a_device_joins_a_hub_with_a_code_that_comes_back_to_this_page() {
    let mut play = onboarding();
    play.start();
    play.next(HUB);
    let Ok(ClientStep::Visit { url }) = play.take(200, DISCOVERY) else {
        panic!("a visit");
    };
    let url = url::Url::parse(&url).expect("an address");
    let query: std::collections::HashMap<_, _> = url.query_pairs().into_owned().collect();
    assert_eq!(
        (query["client_id"].as_str(), query["response_mode"].as_str()),
        ("device", "fragment")
    );
    assert_eq!(
        (query["scope"].as_str(), query["audience"].as_str()),
        ("offline_access", "a")
    );
    assert!(
        !query.contains_key("code_challenge"),
        "the hub redeems it, without our verifier"
    );
    let state = &query["state"];
    let back = |behind: &str| Returned::read(&format!("/link/signed-in/{SIGNER}{behind}"));
    let mut bring = |behind: &str| play.work.returned(&back(behind), &play.wallet);
    let other = bring("#state=nobodys&code=c0de").expect_err("foreign");
    assert_eq!(other, ClientError::Authority(SignInError::OtherSignIn));
    assert!(
        bring(&format!("?state={state}&code=c0de")).is_err(),
        "our server has seen it"
    );
    let onboard = sending(bring(&format!("#state={state}&code=c0de")));
    assert_eq!(
        path(&onboard),
        (
            "POST".to_owned(),
            format!("{CLIENT}/api/v1/devices/{DEVICE}/onboard")
        )
    );
    assert_eq!(
        body(&onboard),
        json!({"coapGatewayAddress": "coaps+tcp://hub.example:5684", "authorizationCode": "c0de",
            "authorizationProviderName": "plgd", "hubId": "hub-1", "certificateAuthorities": "-----BEGIN"})
    );
    let look = play.next("{}");
    assert_eq!(
        path(&look).1,
        format!("{CLIENT}/api/v1/devices/{DEVICE}/resources/CoapCloudConfResURI")
    );
    let waits = play.take(200, r#"{"data":{"content":{"cps":"registering"}}}"#);
    assert!(matches!(waits, Ok(ClientStep::Wait { millis: 1_000 })));
    sending(play.work.waited(&play.wallet));
    assert_eq!(
        end(play.take(200, r#"{"data":{"content":{"cps":"registered"}}}"#)),
        ClientEnd::Cloud(CloudStatus::Registered)
    );
}

#[test]
fn what_a_hub_does_not_say_is_named() {
    for (missing, what) in [
        ("\"coapGateway\":\"coaps+tcp://hub.example:5684\",", "coapGateway"),
        (
            "\"certificateAuthorities\":\"-----BEGIN\",",
            "certificateAuthorities",
        ),
        (",\"providerName\":\"plgd\"", "deviceOauthClient.providerName"),
    ] {
        let mut play = onboarding();
        play.start();
        assert_eq!(
            play.take(200, &HUB.replace(missing, "")).expect_err(what),
            ClientError::HubIncomplete { what }
        );
    }
    let mut play = onboarding();
    play.start();
    play.next(HUB);
    let no_fragment = DISCOVERY.replace("[\"fragment\"]", "[\"query\"]");
    assert!(matches!(
        play.take(200, &no_fragment),
        Err(ClientError::Authority(SignInError::Misconfigured { .. }))
    ));
}

#[test]
fn a_device_that_leaves_is_looked_at_until_it_has_left() {
    let mut play = Play::at_the_hub(ClientTask::Offboard(device()));
    play.start();
    play.next("{}");
    for _ in 0..MAX_LOOKS {
        let waits = play.take(200, r#"{"cps":"registered"}"#);
        assert!(matches!(waits, Ok(ClientStep::Wait { .. })));
        sending(play.work.waited(&play.wallet));
    }
    assert_eq!(
        end(play.take(200, r#"{"cps":"registered"}"#)),
        ClientEnd::Cloud(CloudStatus::Registered)
    );
}
