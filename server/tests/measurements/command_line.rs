//! `gangway admin feed create`, beside a server and without one, and what a kill leaves of what was acknowledged.

use serde_json::Value;

use crate::support::program::{on, refuses, succeeds};

fn last_line(output: &std::process::Output) -> Value {
    let said = succeeds(output);
    serde_json::from_str(said.lines().next_back().expect("a line")).expect("one JSON object")
}

#[test]
fn a_feed_is_made_where_there_is_no_server_yet_and_its_keys_are_the_last_line() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let create = ["admin", "feed", "create", "--name", "Thermometer"];
    let first = last_line(&on(folder.path(), &create));
    assert_eq!(first.as_object().map(serde_json::Map::len), Some(3));
    assert_eq!(first["channel"], 1);
    assert!(
        first["write_key"]
            .as_str()
            .is_some_and(|key| key.starts_with("gw_fwk_")),
        "{first}"
    );
    assert!(
        first["read_key"]
            .as_str()
            .is_some_and(|key| key.starts_with("gw_frk_")),
        "{first}"
    );
    assert_eq!(last_line(&on(folder.path(), &create))["channel"], 2);
    let nowhere = [&create[..], &["--organisation", "org_00000000000000000000000000"]].concat();
    refuses(&on(folder.path(), &nowhere), "there is no such organisation");
    refuses(
        &on(folder.path(), &["admin", "feed", "create", "--name", " "]),
        "name is empty",
    );
}
