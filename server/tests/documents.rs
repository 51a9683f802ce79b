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
