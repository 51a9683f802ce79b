//! ThingSpeak's HTTP interface over measurement feeds, for programs that are written for it: below `/thingspeak`, with the same
//! paths, parameters and answers (<https://www.mathworks.com/help/thingspeak/rest-api.html>). A foreign contract, and hence in no
//! description of ours (`docs/decisions/0040-measurements.md`).
//!
//! 1. [`guard`] answers what browsers ask before they send a request across origins, and takes away cookies: a key is all that
//!    counts here, and it opens one feed. An organisation switches all of it off by its rule `thingspeak_api`.
//! 2. A path names a resource and the form of the answer by its ending ([`Format`]); [`parameters`] gathers what was asked from
//!    query, body and headers.
//! 3. The service `measurements` does it; [`document`] writes the answer, [`refusal`] the original's refusals.
//!
//! Keys in URLs are inherent to this interface. They are in none of our logs (`log.rs`), and no answer sends a referrer.

mod bulk;
mod chart;
mod document;
mod feeds;
mod instant;
mod parameters;
mod refusal;
mod slices;
mod update;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use gangway_protocol::measurement::{ChannelNumber, MAX_FIELDS};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_MAX_AGE, COOKIE,
};
use http::{HeaderName, HeaderValue, Method, StatusCode};

use crate::measurements::access::{Opened, open_channel};
use crate::state::Gangway;
use document::Format;
use parameters::Parameters;
use refusal::{Code, Refusal};

/// What other origins may do, as the original says it, and the headers by which clients name their key.
const OPEN: [(HeaderName, &str); 5] = [
    (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
    (
        ACCESS_CONTROL_ALLOW_METHODS,
        "GET, POST, PUT, OPTIONS, DELETE, PATCH",
    ),
    (
        ACCESS_CONTROL_ALLOW_HEADERS,
        "origin, content-type, X-Requested-With, THINGSPEAKAPIKEY, X-THINGSPEAKAPIKEY",
    ),
    (ACCESS_CONTROL_MAX_AGE, "1800"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "cross-origin",
    ),
];

/// What a handler gives.
type Answer = Result<Response, Refusal>;

/// The routes below [`gangway_protocol::path::THINGSPEAK`]. Older clients say `feed` and `field` in the singular.
pub fn router() -> Router<Arc<Gangway>> {
    let mut router = Router::new();
    for (ending, format) in [
        ("", Format::Text),
        (".json", Format::Json),
        (".xml", Format::Xml),
        (".csv", Format::Csv),
    ] {
        let write = move |State(gangway): State<Arc<Gangway>>, request: Request| async move {
            let answer = update::update(&gangway, request, format).await;
            answer.unwrap_or_else(|refusal: Refusal| refusal.of_update(format))
        };
        router = router.route(&format!("/update{ending}"), get(write).post(write));
    }
    for (ending, format) in [("", Format::Json), (".json", Format::Json), (".xml", Format::Xml)] {
        let list = move |State(gangway): State<Arc<Gangway>>, request: Request| async move {
            let answer = feeds::list_channels(&gangway, request, format).await;
            answer.unwrap_or_else(|refusal: Refusal| refusal.answer(format))
        };
        router = router.route(&format!("/channels{ending}"), get(list));
    }
    router
        .route("/channels/{channel}", get(show_channel))
        .route("/channels/{channel}/bulk_update.json", post(bulk_json))
        .route("/channels/{channel}/bulk_update.csv", post(bulk_csv))
        .route("/channels/{channel}/{what}", get(show_feeds))
        .route("/channels/{channel}/{what}/{which}", get(show_one))
        .route(
            "/channels/{channel}/{what}/{field}/{which}",
            get(show_last_of_field),
        )
        .fallback(async || Refusal::from(Code::NotFound).answer(Format::Json))
        .method_not_allowed_fallback(async || Refusal::from(Code::Method).answer(Format::Json))
        .layer(from_fn(guard))
}

/// What comes before and after every handler.
async fn guard(mut request: Request, next: Next) -> Response {
    // Threat model: WEB-14. Whoever is signed in is nobody here.
    request.headers_mut().remove(COOKIE);
    let mut response = if request.method() == Method::OPTIONS {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    } else {
        next.run(request).await
    };
    for (name, value) in OPEN {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}

/// A request that reads a channel, with the feed that its key opens.
struct Reading {
    opened: Opened,
    parameters: Parameters,
}

impl Reading {
    /// Reads the parameters, and opens the channel by the key among them.
    async fn begin(gangway: &Gangway, channel: &str, request: Request) -> Result<Self, Refusal> {
        let parameters = Parameters::of_query(&request);
        parameters.refuse_callback()?;
        let channel = channel.parse().map(ChannelNumber);
        let (Ok(channel), Some(key)) = (channel, parameters.key()) else {
            return Err(Code::NoRead.into());
        };
        // A channel that there is not answers as one that the key does not open.
        let opened = open_channel(gangway, &key, channel).await?;
        let opened = opened.ok_or(Code::NoRead)?;
        Ok(Self { opened, parameters })
    }
}

/// `9.json`: the name and the form of the answer.
fn parted(text: &str, otherwise: Format) -> (&str, Format) {
    match text.rsplit_once('.') {
        Some((name, ending)) => match Format::of_ending(ending) {
            Some(format) => (name, format),
            None => (text, otherwise),
        },
        None => (text, otherwise),
    }
}

/// The number of a field: `1`, or `field1` as older clients say it.
fn field_number(text: &str) -> Result<u8, Refusal> {
    let number = text.strip_prefix("field").unwrap_or(text).parse::<u8>();
    match number {
        Ok(number) if number >= 1 && usize::from(number) <= MAX_FIELDS => Ok(number),
        _ => Err(Code::NotFound.into()),
    }
}

async fn show_channel(
    State(gangway): State<Arc<Gangway>>,
    Path(channel): Path<String>,
    request: Request,
) -> Response {
    let (channel, format) = parted(&channel, Format::Json);
    let answer = async {
        let reading = Reading::begin(&gangway, channel, request).await?;
        feeds::show_channel(&gangway, &reading, format).await
    };
    answer.await.unwrap_or_else(|refusal| refusal.answer(format))
}

async fn bulk_json(
    State(gangway): State<Arc<Gangway>>,
    Path(channel): Path<String>,
    request: Request,
) -> Response {
    let answer = bulk::update_json(&gangway, &channel, request).await;
    answer.unwrap_or_else(|refusal| refusal.answer(Format::Json))
}

async fn bulk_csv(
    State(gangway): State<Arc<Gangway>>,
    Path(channel): Path<String>,
    request: Request,
) -> Response {
    let answer = bulk::update_csv(&gangway, &channel, request).await;
    answer.unwrap_or_else(|refusal| refusal.answer(Format::Json))
}

/// `feeds`, `status`.
async fn show_feeds(
    State(gangway): State<Arc<Gangway>>,
    Path((channel, what)): Path<(String, String)>,
    request: Request,
) -> Response {
    let (what, format) = parted(&what, Format::Json);
    let answer = async {
        match what {
            "feeds" | "feed" => {
                let reading = Reading::begin(&gangway, &channel, request).await?;
                feeds::show_feeds(&gangway, &reading, None, format).await
            }
            "status" => {
                let reading = Reading::begin(&gangway, &channel, request).await?;
                feeds::show_status(&gangway, &reading, format).await
            }
            _ => Err(Code::NotFound.into()),
        }
    };
    answer.await.unwrap_or_else(|refusal| refusal.answer(format))
}

/// `feeds/last`, `feeds/17`, `status/last`, `fields/1`, `charts/1`.
async fn show_one(
    State(gangway): State<Arc<Gangway>>,
    Path((channel, what, which)): Path<(String, String, String)>,
    request: Request,
) -> Response {
    let (which, format) = parted(&which, Format::Json);
    let answer = async {
        match what.as_str() {
            "feeds" | "feed" => {
                let reading = Reading::begin(&gangway, &channel, request).await?;
                feeds::show_entry(&gangway, &reading, which, format).await
            }
            "status" if which == "last" => {
                let reading = Reading::begin(&gangway, &channel, request).await?;
                feeds::show_last_status(&gangway, &reading, format).await
            }
            "fields" | "field" => {
                let field = field_number(which)?;
                let reading = Reading::begin(&gangway, &channel, request).await?;
                feeds::show_feeds(&gangway, &reading, Some(field), format).await
            }
            "charts" | "chart" => {
                let field = field_number(which)?;
                let reading = Reading::begin(&gangway, &channel, request).await?;
                chart::show(&gangway, &reading, field).await
            }
            _ => Err(Code::NotFound.into()),
        }
    };
    answer.await.unwrap_or_else(|refusal| refusal.answer(format))
}

/// `fields/1/last`, `fields/1/last_data_age`.
async fn show_last_of_field(
    State(gangway): State<Arc<Gangway>>,
    Path((channel, what, field, which)): Path<(String, String, String, String)>,
    request: Request,
) -> Response {
    let (which, format) = parted(&which, Format::Text);
    let answer = async {
        if !["fields", "field"].contains(&what.as_str()) {
            return Err(Code::NotFound.into());
        }
        let field = field_number(&field)?;
        let reading = Reading::begin(&gangway, &channel, request).await?;
        match which {
            "last" => feeds::show_last_of_field(&gangway, &reading, field, format).await,
            "last_data_age" => feeds::show_age_of_field(&gangway, &reading, field, format).await,
            _ => Err(Code::NotFound.into()),
        }
    };
    answer.await.unwrap_or_else(|refusal| refusal.answer(format))
}
