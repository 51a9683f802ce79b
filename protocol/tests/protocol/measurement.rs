//! Bodies of measurement feeds, pinned by their literal JSON.

use gangway_protocol::measurement::{
    Feed, FeedKey, FeedKeyKind, FeedKeyReplacement, FeedKeyRequest, FeedRequest, FeedUpdate, Measurements,
};

use crate::bodies::survives;

const FEED: &str = r#"{"channel":142770,"organisation":"org_01jd8r3k5m7n9p1q3s5t7v9x1z","device":"dev_01jd8r3k5m7n9p1q3s5t7v9x1z","name":"Thermometer","description":"In the hall","fields":[{"name":"temperature","unit":"°C"}],"location":{"latitude":48.15,"longitude":17.11,"elevation":140.0},"metadata":"{}","retention":{"raw_days":7},"created_at":1790000000000}"#;
const KEY: &str = r#"{"id":"fky_01jd8r3k5m7n9p1q3s5t7v9x1z","kind":"read","name":"Marge","fields":[1,2],"created_at":1790000000000,"expires_at":1790000060000,"last_used_at":1790000000001,"secret":"gw_frk_x"}"#;
const MEASURED: &str = r#"{"channel":142770,"resolution_secs":60,"series":[{"field":1,"name":"temperature","unit":"°C","points":[{"at":1790000000000,"mean":21.5,"low":21.0,"high":22.0,"count":6}]}]}"#;

#[test]
fn feeds_keys_and_values_keep_their_form() {
    let feed: Feed = survives(FEED);
    assert_eq!(feed.channel.to_string(), "142770");
    let key: FeedKey = survives(KEY);
    assert_eq!(key.kind, FeedKeyKind::Read);
    let _measured: Measurements = survives(MEASURED);
    let _update: FeedUpdate = survives(r#"{"name":"Hall 3"}"#);
    let _replacement: FeedKeyReplacement = survives(r#"{"overlap_hours":2}"#);
}

#[test]
fn what_is_left_out_of_a_request_is_empty() {
    let request: FeedRequest = serde_json::from_str(r#"{"name":"Hall"}"#).expect("a request");
    assert!(request.fields.is_empty() && request.location.is_none() && request.metadata.is_empty());
    let request: FeedKeyRequest = serde_json::from_str(r#"{"name":"Marge"}"#).expect("a request");
    assert_eq!((request.kind, request.fields), (FeedKeyKind::Read, None));
}
