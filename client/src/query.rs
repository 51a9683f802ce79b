//! Query strings from the query types of `gangway_protocol`: flat structures of text, numbers and truth values.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

/// `path` with the fields of `query` as its query string, sorted by name; absent fields are left out.
pub(crate) fn with_query(path: &str, query: &impl Serialize) -> String {
    let Ok(Value::Object(fields)) = serde_json::to_value(query) else {
        return path.to_owned();
    };
    let mut pairs: Vec<(String, String)> = fields
        .into_iter()
        .filter_map(|(name, value)| Some((name, text_of(value)?)))
        .collect();
    pairs.sort();
    let mut url = path.to_owned();
    for (place, (name, value)) in pairs.iter().enumerate() {
        url.push(if place == 0 { '?' } else { '&' });
        encode(&mut url, name);
        url.push('=');
        encode(&mut url, value);
    }
    url
}

fn text_of(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// RFC 3986 §2.3: everything but unreserved characters is percent-encoded, so that no value can add a field or end the query.
fn encode(url: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            url.push(char::from(byte));
        } else {
            let _ = write!(url, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use gangway_protocol::device::DeviceQuery;

    use super::*;

    #[test]
    fn values_cannot_break_out_of_the_query() {
        let query = DeviceQuery {
            query: Some("a&limit=9#ü?/%".to_owned()),
            limit: Some(50),
            ..DeviceQuery::default()
        };
        assert_eq!(
            with_query("/api/v1/devices", &query),
            "/api/v1/devices?limit=50&query=a%26limit%3D9%23%C3%BC%3F%2F%25"
        );
    }

    #[test]
    fn an_empty_query_adds_nothing() {
        assert_eq!(
            with_query("/api/v1/devices", &DeviceQuery::default()),
            "/api/v1/devices"
        );
    }
}
