//! What a request asks: from its query, its form or JSON body, and the headers that name a key. What clients do not know about
//! is passed over, as the original does.

use std::collections::BTreeMap;

use axum::extract::Request;
use gangway_protocol::secret::SecretString;
use http::{HeaderMap, header};
use serde_json::Value;

use super::instant::Zone;
use super::refusal::{Code, Refusal};
use crate::api::request::body_up_to;

/// The headers in which clients send a key.
const KEY_HEADERS: [&str; 2] = ["thingspeakapikey", "x-thingspeakapikey"];
/// The names under which it stands elsewhere.
const KEY_NAMES: [&str; 4] = ["api_key", "key", "apikey", "write_api_key"];
/// Longest body of an update: eight fields and a status.
const MAX_UPDATE_LEN: usize = 16 * 1024;

/// Names and values.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    key: Option<SecretString>,
    values: BTreeMap<String, String>,
}

impl Parameters {
    /// Those of the query and the headers.
    pub(super) fn of_query(request: &Request) -> Self {
        let mut parameters = Self {
            key: key_of(request.headers()),
            values: BTreeMap::new(),
        };
        parameters.take_form(request.uri().query().unwrap_or_default().as_bytes());
        parameters
    }

    /// Those of the query and the headers, and of the body, which comes first.
    pub(super) async fn of_update(request: Request) -> Result<Self, Refusal> {
        let mut parameters = Self::of_query(&request);
        let is_json = is_json(request.headers());
        let body = body_up_to(request, MAX_UPDATE_LEN).await?;
        if is_json {
            let value = serde_json::from_slice(&body)
                .map_err(|_| Refusal::because(Code::BadRequest, "The body is not JSON."))?;
            parameters.take_json(value);
        } else {
            parameters.take_form(&body);
        }
        Ok(parameters)
    }

    /// Those of a form.
    pub(super) fn take_form(&mut self, form: &[u8]) {
        for (name, value) in form_urlencoded::parse(form) {
            self.take(&name, value.into_owned());
        }
    }

    /// Those of an object; other values say nothing.
    fn take_json(&mut self, value: Value) {
        let Value::Object(object) = value else { return };
        for (name, value) in object {
            if let Some(text) = plain(value) {
                self.take(&name, text);
            }
        }
    }

    fn take(&mut self, name: &str, value: String) {
        if KEY_NAMES.contains(&name) {
            // A header comes before a query.
            if self.key.is_none() && !value.trim().is_empty() {
                self.key = Some(SecretString::new(value.trim().to_owned()));
            }
        } else {
            self.values.insert(name.to_owned(), value);
        }
    }

    /// The key.
    pub(super) fn key(&self) -> Option<SecretString> {
        self.key.clone()
    }

    /// What stands under a name, unless it is empty.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.values
            .get(name)
            .map(|text| text.trim())
            .filter(|text| !text.is_empty())
    }

    /// A number under a name; what is none says nothing.
    pub(super) fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// A finite number under a name.
    pub(super) fn decimal(&self, name: &str) -> Option<f64> {
        self.number::<f64>(name).filter(|number| number.is_finite())
    }

    /// Whether `true` stands under a name.
    pub(super) fn says_yes(&self, name: &str) -> bool {
        self.text(name)
            .is_some_and(|text| text.eq_ignore_ascii_case("true"))
    }

    /// The zone that was asked for.
    pub(super) fn zone(&self) -> Zone {
        match (self.text("timezone"), self.number("offset")) {
            (Some(name), _) => Zone::named(name),
            (None, Some(hours)) => Zone::offset(hours),
            (None, None) => Zone::default(),
        }
    }

    /// JSONP would let every page run what a feed says as a script of its own; CORS gives it the data alone.
    pub(super) fn refuse_callback(&self) -> Result<(), Refusal> {
        match self.text("callback") {
            Some(_) => Err(Refusal::because(
                Code::BadRequest,
                "JSONP (callback) is not answered: a script of every page would be run with what stands in the feed. Ask without \
                 it; answers may be read from any origin (CORS).",
            )),
            None => Ok(()),
        }
    }
}

/// Whether a body says that it is JSON.
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        kind.trim_start()
            .to_ascii_lowercase()
            .starts_with("application/json")
    })
}

/// A value of JSON as a client may have meant it.
pub(super) fn plain(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn key_of(headers: &HeaderMap) -> Option<SecretString> {
    let value = KEY_HEADERS.iter().find_map(|name| headers.get(*name))?;
    let text = value.to_str().ok()?.trim();
    (!text.is_empty()).then(|| SecretString::new(text.to_owned()))
}
