//! What the review warns of.

use gangway_client::crossing::Warning;
use serde_json::json;

use crate::stage::{CODE, Play};

/// Threat model: ENR-9.
#[test]
fn a_careful_person_is_warned() {
    let (own, foreign) = (
        "https://panel.example/link",
        "https://panel.example.attacker.net/link",
    );
    let other_panel = || Warning::OtherPanel {
        link: foreign.to_owned(),
    };
    for (link, network, warnings) in [
        (own, "same", vec![]),
        (foreign, "same", vec![other_panel()]),
        (own, "different", vec![Warning::OtherNetwork]),
        (foreign, "different", vec![other_panel(), Warning::OtherNetwork]),
    ] {
        let mut play = Play::start(CODE);
        play.introduction["link"] = json!(link);
        play.network = network;
        play.run();
        let review = play.crossing.view().review.clone().expect("something to review");
        assert_eq!(review.warnings, warnings);
    }
}
