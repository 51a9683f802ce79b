//! Where plgd's clients find our CA, for anyone: what we can truly say of a hub's configuration, and nothing else.
//!
//! Every organisation that could be has such a document: it says nothing of whether there is one.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use gangway_protocol::path;
use http::HeaderMap;
use serde_json::json;

use super::records::nanoseconds;
use super::shape::Shape;
use super::status::Status;
use super::{Place, open_to_all_origins, organisation_of};
use crate::plgd::hub_uuid;
use crate::state::Gangway;

/// `HubConfigurationResponse`.
pub(super) async fn show_configuration(
    State(gangway): State<Arc<Gangway>>,
    place: Place,
    headers: HeaderMap,
) -> Response {
    let shape = Shape::of(&headers);
    let organisation = match organisation_of(place) {
        Ok(organisation) => organisation,
        Err(error) => return Status::of(&error, None).answer(shape),
    };
    let public_url = gangway.config.public_url.as_str().trim_end_matches('/');
    let mut response = shape.answer(json!({
        "id": hub_uuid(&organisation).to_string(),
        "currentTime": nanoseconds(gangway.clock.now()),
        "jwtOwnerClaim": "sub",
        "certificateAuthorities": gangway.ca.trust_anchor(),
        "certificateAuthority": format!("{public_url}{}", path::plgd(&organisation)),
        "buildInfo": { "version": env!("CARGO_PKG_VERSION") },
    }));
    open_to_all_origins(response.headers_mut());
    response
}
