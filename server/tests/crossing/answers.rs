//! How a question at the device is answered, and that an answer counts for its question alone.

use std::process::Stdio;

use gangway_protocol::code::{ALPHABET, radio_word};
use serde_json::json;

use crate::processes::{Place, Terminal};

/// A claim is asked about and given up; then another is asked about. What was meant for the first arrives late.
/// Threat model: ENR-24.
#[tokio::test]
async fn a_yes_meant_for_one_claim_never_consents_to_the_next() {
    let (place, mut device, code) = Place::with_device("ask").await;
    let given_up = place.link(&code, &["--yes"]).await;
    let first = device.question().await;
    drop(given_up);
    device.event("claim_ended").await;
    let link = place.link(&code, &["--yes"]).await;
    let second = device.question().await;
    assert_ne!(first, second);

    // By a line that names it, by a line that names nothing, by the command, by the file as the command writes it.
    device.say(&format!("y {first}")).await;
    let refused = device.event_of(&["answer_refused", "accepted"]).await;
    assert_eq!(
        (&refused["event"], &refused["claim"]),
        (&json!("answer_refused"), &json!(first))
    );
    device.say("y").await;
    let unclear = device.event_of(&["error", "accepted"]).await;
    assert_eq!(unclear["code"], "input", "{unclear}");
    let (exit, said) = place.answer(&["yes", &first]).await;
    assert_eq!(exit, Some(5), "{said}");
    let (exit, said) = place.answer(&["yes"]).await;
    assert_eq!(exit, Some(5), "{said}");
    assert!(
        said.contains("Answer with: gangway-device answer yes"),
        "it says how: {said}"
    );
    std::fs::write(place.device_state().join("answer"), format!("y {first}")).expect("written");
    let refused = device.event_of(&["answer_refused", "accepted"]).await;
    assert_eq!(refused["event"], "answer_refused", "{refused}");
    assert_eq!(place.certificates(), 0, "nothing was signed");

    device.say(&format!("y {second}")).await;
    let (exit, last) = link.end().await;
    assert_eq!(exit, 0, "{last}");
    assert_eq!(place.certificates(), 1);
}

/// Threat model: ENR-24.
#[tokio::test]
async fn a_closed_standard_input_is_no_refusal() {
    let place = Place::open().await;
    let mut device = place.device_hearing("ask", Stdio::null());
    let code = device.code().await;
    let link = place.link(&code, &["--yes"]).await;
    let question = device.question().await;
    let how = device.event_of(&["error", "refused"]).await;
    assert_eq!(how["code"], "nobody_to_ask", "{how}");
    let remedy = how["remedy"].as_str().expect("a remedy");
    assert!(remedy.contains("gangway-device answer yes"), "{remedy}");
    let (exit, said) = place.answer(&["yes", &question]).await;
    assert_eq!(exit, Some(0), "{said}");
    let (exit, last) = link.end().await;
    assert_eq!(exit, 0, "{last}");
    assert_eq!(place.certificates(), 1);
}

/// The page on a real terminal: a key that comes as soon as the question does is dropped, and said; one after the name could
/// be read counts.
/// Threat model: ENR-24.
#[tokio::test]
async fn a_key_counts_once_the_name_could_be_read() {
    let place = Place::open().await;
    let mut terminal = Terminal::open(&place);
    let code = terminal.shows(code).await;
    let link = place.link(&code, &["--yes"]).await;
    let seen = |words: &'static str| move |page: &str| page.contains(words).then_some(());
    terminal.shows(seen("approved by")).await;
    terminal.press("y").await;
    terminal.shows(seen("Read first who wants this device")).await;
    assert_eq!(place.certificates(), 0, "nothing was signed");
    terminal.shows(seen("y accept")).await;
    terminal.press("y").await;
    let (exit, last) = link.end().await;
    assert_eq!(exit, 0, "{last}");
}

/// The code on the page, as its words of the radio alphabet tell it: four, and six after them.
fn code(page: &str) -> Option<String> {
    let symbol = |word: &str| {
        let mut symbols = ALPHABET.iter().copied().map(char::from);
        symbols.find(|symbol| radio_word(*symbol) == Some(word))
    };
    let symbols: String = page.split_whitespace().filter_map(symbol).collect();
    symbols.get(..10).map(str::to_owned)
}
