//! A power cut at every step: the crossing finishes, or can be repeated with what people have in front of them; a key
//! never gets two certificates.

use crate::processes::{Device, Place};

/// Steps after which `gangway link` tells something.
const STEPS: [&str; 5] = [
    "code_accepted",
    "identity_checked",
    "certificate_signed",
    "installed",
    "online",
];

/// Threat model: ENR-16, ENR-20.
#[tokio::test]
async fn the_server_may_be_killed_at_any_step() {
    for step in STEPS {
        let (mut place, mut device, code) = Place::with_device("always").await;
        let mut link = place.link(&code, &["--yes"]).await;
        link.event(step).await;
        place.kill_server().await;
        place.start_server().await;
        let (exit, last) = link.end().await;
        assert!([0, 5, 7].contains(&exit), "killed after {step}: {last}");
        finish(&place, &mut device, code).await;
        assert_eq!(place.certificates(), 1, "killed after {step}");
    }
}

#[tokio::test]
async fn the_device_may_be_killed_after_the_approval() {
    for step in ["claimed", "accepted", "installed"] {
        let (place, mut device, code) = Place::with_device("always").await;
        let link = place.link(&code, &["--yes", "--wait-secs", "1"]).await;
        device.event(step).await;
        device.kill().await;
        let (exit, last) = link.end().await;
        assert!([5, 7, 9].contains(&exit), "killed after {step}: {last}");
        let mut device = place.device("always");
        finish(&place, &mut device, code).await;
        assert_eq!(place.certificates(), 1, "killed after {step}");
    }
}

#[tokio::test]
async fn the_terminal_may_be_closed_after_the_approval() {
    let (place, mut device, code) = Place::with_device("ask").await;
    let link = place.link(&code, &["--yes"]).await;
    device.event("approval_asked").await;
    drop(link);
    device.event("claim_ended").await;
    let link = place.link(&code, &["--yes"]).await;
    let question = device.question().await;
    device.say(&format!("y {question}")).await;
    let (exit, last) = link.end().await;
    assert_eq!(exit, 0, "{last}");
    assert_eq!(place.certificates(), 1);
}

/// Every update that was answered with its number is there afterwards, with that number.
#[tokio::test]
async fn a_killed_server_has_every_measurement_that_it_acknowledged() {
    let mut place = Place::open().await;
    let feed = place.new_feed().await;
    let (port, key) = (
        place.port(),
        feed["write_key"].as_str().expect("a key").to_owned(),
    );
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let key = key.clone();
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for step in 0.. {
                    let value = f64::from(writer * 100_000 + step);
                    let path = format!("/thingspeak/update?api_key={key}&field1={value}");
                    match Place::get(port, &path).await.as_deref() {
                        Some("0") => tokio::time::sleep(std::time::Duration::from_millis(20)).await,
                        Some(entry) => acknowledged.push((entry.to_owned(), value)),
                        None => return acknowledged,
                    }
                }
                acknowledged
            })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    place.kill_server().await;
    let mut acknowledged = Vec::new();
    for writer in writers {
        acknowledged.extend(writer.await.expect("it ends"));
    }
    assert!(acknowledged.len() > 8, "{acknowledged:?}");
    place.start_server().await;
    let (channel, key) = (&feed["channel"], feed["read_key"].as_str().expect("a key"));
    let path = format!("/thingspeak/channels/{channel}/feeds.json?results=8000&api_key={key}");
    let kept = Place::get(port, &path).await.expect("an answer");
    let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    for (entry, value) in acknowledged {
        let is_it = |kept: &&serde_json::Value| {
            let number = kept["entry_id"].as_i64();
            number.is_some_and(|number| entry.parse() == Ok(number))
        };
        let found = kept["feeds"].as_array().expect("entries").iter().find(is_it);
        assert_eq!(found.expect("it was acknowledged")["field1"], value.to_string());
    }
}

/// Goes on until the device is online, as often as it waits for a code to be typed. `code` is what it showed last.
async fn finish(place: &Place, device: &mut Device, mut code: String) {
    loop {
        let event = device.event_of(&["code", "waiting", "online"]).await;
        match event["event"].as_str() {
            Some("online") => return,
            Some("code") => code = event["user_code"].as_str().expect("a code").to_owned(),
            _ => {
                let (exit, last) = place.link(&code, &["--yes"]).await.end().await;
                assert_eq!(exit, 0, "{last}");
            }
        }
    }
}
