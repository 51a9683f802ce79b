//! What a device measures, from another program on it to the panel's API.

use std::time::Duration;

use crate::processes::Place;

/// What the API says of a device's measurements, as lines of CSV without their head.
async fn measured(place: &Place, token: &str, device: &str) -> Vec<String> {
    let request = format!(
        "GET /api/v1/devices/{device}/measurements.csv?resolution_secs=0 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
         connection: close\r\n\r\n"
    );
    let reply = Place::send(place.port(), &request).await.unwrap_or_default();
    let Some((head, body)) = reply.split_once("\r\n\r\n") else {
        return Vec::new();
    };
    match head.starts_with("HTTP/1.1 200") {
        true => body.lines().skip(1).map(str::to_owned).collect(),
        false => Vec::new(),
    }
}

#[tokio::test]
async fn what_a_program_on_the_device_measures_arrives_once_and_waits_while_offline() {
    let (mut place, mut device, code) = Place::with_device("always").await;
    let link = place.link(&code, &["--yes"]).await;
    let online = device.event("online").await;
    let id = online["device"].as_str().expect("an id").to_owned();
    link.end().await;
    let token = place
        .admin(&[
            "token",
            "create",
            "--scope",
            "fleet:read",
            "--public-url",
            &place.url(),
        ])
        .await;
    let token = token.lines().last().expect("the token").to_owned();

    place.measure(&["temperature=21.5", "humidity=40"]).await;
    let lines = until(&place, &token, &id, |lines| lines.join(" ").contains("21.5")).await;
    assert!(lines.join(" ").contains("40"), "{lines:?}");

    // While the server is away the device keeps it, and sends it once when it is back.
    place.kill_server().await;
    place.measure(&["temperature=22.25"]).await;
    place.start_server().await;
    device.event("online").await;
    until(&place, &token, &id, |lines| lines.join(" ").contains("22.25")).await;
    place.measure(&["temperature=23.5"]).await;
    let lines = until(&place, &token, &id, |lines| lines.join(" ").contains("23.5")).await;
    let times = |value: &str| lines.iter().filter(|line| line.contains(value)).count();
    assert_eq!(
        (times("21.5"), times("22.25"), times("23.5")),
        (1, 1, 1),
        "{lines:?}"
    );

    let (exit, said) = place.refused_measure(&["temperature=warm"]).await;
    assert!(
        exit == Some(2) && said.contains("not a number"),
        "{exit:?}: {said}"
    );
}

async fn until(place: &Place, token: &str, device: &str, is_so: impl Fn(&[String]) -> bool) -> Vec<String> {
    for _ in 0..200 {
        let lines = measured(place, token, device).await;
        if is_so(&lines) {
            return lines;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!(
        "it does not arrive: {:?}\n{}",
        measured(place, token, device).await,
        place.server_log()
    );
}
