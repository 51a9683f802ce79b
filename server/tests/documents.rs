//! Documents that are made from the code are committed; these tests fail when they are stale.

use std::path::PathBuf;

fn assert_fresh(file: &str, made: &str, command: &str) {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs")).join(file);
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == made,
        "docs/{file} is stale: run `cargo run -p gangway -- {command} > docs/{file}`"
    );
}

#[test]
fn the_configuration_is_documented() {
    assert_fresh(
        "configuration.md",
        &gangway_server::config::document(),
        "check-config --document",
    );
}

#[test]
fn the_api_is_documented() {
    let text = gangway_server::router::description()
        .to_pretty_json()
        .expect("the description is JSON");
    assert_fresh("openapi.json", &format!("{text}\n"), "openapi");
}

#[test]
fn the_description_of_the_api_refers_to_nothing_that_it_lacks() {
    let text = gangway_server::router::description()
        .to_json()
        .expect("the description is JSON");
    let description: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().expect("a reference ends");
        assert!(description.pointer(pointer).is_some(), "{pointer}");
    }
}
