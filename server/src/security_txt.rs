//! `/.well-known/security.txt` (RFC 9116): whom to tell about a weakness of this installation. Only where the operator said it.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use gangway_protocol::path;
use gangway_protocol::time::UnixMillis;
use http::header::CONTENT_TYPE;

use crate::authority::{Error, Result};
use crate::ca::moment;
use crate::state::Gangway;

/// RFC 9116 §2.5.5 recommends less than a year. The file is made at each request, so that it never expires while the server
/// runs.
const STANDS_FOR: i64 = 180 * UnixMillis::DAY;

/// The one route.
pub fn router() -> Router<Arc<Gangway>> {
    Router::new().route(path::SECURITY_TXT, get(show_security_contact))
}

async fn show_security_contact(State(gangway): State<Arc<Gangway>>) -> Result<Response> {
    let contacts = &gangway.config.security_contact;
    if contacts.is_empty() {
        return Err(Error::NotFound);
    }
    let contacts: String = contacts
        .iter()
        .map(|contact| format!("Contact: {contact}\n"))
        .collect();
    let expires = moment::shown(gangway.clock.now().plus(STANDS_FOR));
    let own = path::SECURITY_TXT.trim_start_matches('/');
    let text = format!(
        "{contacts}Expires: {expires}\nCanonical: {}{own}\n",
        gangway.config.public_url
    );
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}
