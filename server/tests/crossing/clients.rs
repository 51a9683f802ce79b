//! Clients of ThingSpeak as they are published, at our server.
//!
//! The one for Python is installed by `scripts/setup test`; `GANGWAY_PYTHON` names the interpreter that has it.

use tokio::process::Command;

use crate::processes::Place;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/crossing/thingspeak_client.py");

/// What a sketch for Arduino sends by hand: HTTP/1.1, a form, the key in a header, and no more.
const SKETCH: &str = "POST /thingspeak/update HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX-THINGSPEAKAPIKEY: {key}\r\n\
                      Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 30\r\n\r\n\
                      field1=21.50&field2=40&status=";

#[tokio::test]
async fn the_published_client_for_python_works_unmodified() {
    let place = Place::open().await;
    let feed = place.new_feed().await;
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told by the script that starts them"
    )]
    let python = std::env::var_os("GANGWAY_PYTHON").unwrap_or_else(|| "python3".into());
    let output = Command::new(python)
        .arg(SCRIPT)
        .arg(format!("{}/thingspeak", place.url()))
        .arg(feed.to_string())
        .output()
        .await
        .expect("Python is installed");
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[tokio::test]
async fn the_raw_request_of_a_sketch_for_arduino_works_unmodified() {
    let place = Place::open().await;
    let feed = place.new_feed().await;
    let request = SKETCH.replace("{key}", feed["write_key"].as_str().expect("a key"));
    let reply = Place::send(place.port(), &request).await.expect("an answer");
    assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"), "{reply}");
    assert!(
        reply.ends_with("\r\n\r\n1"),
        "the number of the entry is the whole body: {reply}"
    );
}
