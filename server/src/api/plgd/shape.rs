//! The two forms of plgd's answers. Messages are built whole; the usual form then leaves out what is empty.

use axum::body::Body;
use axum::response::Response;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

/// What asks for the form of protobuf.
const PROTOJSON: &str = "application/protojson";

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Without empty texts, lists and objects.
    Json,
    /// With every field, as protobuf writes JSON.
    Protojson,
}

impl Shape {
    /// What a request asks for, or else what it sends.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let asks = |name| {
            headers
                .get_all(name)
                .iter()
                .filter_map(|value| value.to_str().ok())
                .flat_map(|value| value.split(','))
                .filter_map(|kind| kind.split(';').next())
                .any(|kind| kind.trim().eq_ignore_ascii_case(PROTOJSON))
        };
        if asks(ACCEPT) || (!headers.contains_key(ACCEPT) && asks(CONTENT_TYPE)) {
            Self::Protojson
        } else {
            Self::Json
        }
    }

    /// A message in this form.
    pub(super) fn shaped(self, mut message: Value) -> Value {
        if self == Self::Json {
            prune(&mut message);
        }
        message
    }

    /// An answer of one message.
    pub(super) fn answer(self, message: Value) -> Response {
        self.answer_shaped(&self.shaped(message))
    }

    /// As [`Self::answer`], for a message that has its form.
    pub(super) fn answer_shaped(self, message: &Value) -> Response {
        self.answer_with(Body::from(message.to_string()))
    }

    /// An answer of whatever is in this form.
    pub(super) fn answer_with(self, body: Body) -> Response {
        let mut response = Response::new(body);
        let kind = match self {
            Self::Json => "application/json",
            // So it is called in answers, whatever the request calls it.
            Self::Protojson => "application/jsonpb",
        };
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        response
    }
}

/// Numbers and `false` stay.
fn prune(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.values_mut().for_each(prune);
            fields.retain(|_, field| !is_empty(field));
        }
        Value::Array(items) => items.iter_mut().for_each(prune),
        _ => {}
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_empty_is_left_out_of_the_usual_form_alone() {
        let message =
            json!({ "a": "", "b": null, "c": { "d": [], "e": {} }, "f": 0, "g": false, "h": ["x"] });
        assert_eq!(
            Shape::Json.shaped(message.clone()),
            json!({ "f": 0, "g": false, "h": ["x"] })
        );
        assert_eq!(Shape::Protojson.shaped(message.clone()), message);
    }

    #[test]
    fn accept_decides_and_then_what_is_sent() {
        let shape = |pairs: &[(http::HeaderName, &str)]| {
            let headers = pairs.iter().map(|(name, value)| {
                (
                    name.clone(),
                    HeaderValue::from_str(value).expect("a header value"),
                )
            });
            Shape::of(&headers.collect())
        };
        assert_eq!(shape(&[]), Shape::Json);
        assert_eq!(shape(&[(ACCEPT, "application/protojson")]), Shape::Protojson);
        assert_eq!(shape(&[(CONTENT_TYPE, PROTOJSON)]), Shape::Protojson);
        assert_eq!(
            shape(&[(ACCEPT, "application/json, */*"), (CONTENT_TYPE, PROTOJSON)]),
            Shape::Json
        );
    }
}
