//! Who may try a code: a signed-in member or a token, with a role that enrols.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, header};

use gangway_protocol::code::Nameplate;
use gangway_protocol::enrolment::CLAIM_SUBPROTOCOL;
use gangway_protocol::error::{Problem, ProblemCode};
use gangway_protocol::id::OrganisationId;

use super::{FOREIGN_ORIGIN, handshake, upgrade};
use crate::api::csrf;
use crate::api::problem::kind;
use crate::api::request::PathId;
use crate::authority::{Caller, Credential, Right};
use crate::authority::{Error, Result};
use crate::db::memberships;
use crate::limits::ClientAddress;
use crate::limits::CodeAttempt;
use crate::relay::{Opening, Ticket, problem};
use crate::state::Gangway;

/// Most organisations of an account under which its failures are counted.
const MAX_ORGANISATIONS: i64 = 16;

pub(super) async fn open_claim(
    State(gangway): State<Arc<Gangway>>,
    PathId(nameplate): PathId<String>,
    caller: Result<Caller>,
    request: Request,
) -> Result<Response> {
    let handshake = handshake(&gangway, &request, CLAIM_SUBPROTOCOL)?;
    if rides_on_a_cookie(request.headers()) && !csrf::has_own_origin(request.headers(), &gangway.config) {
        return Err(FOREIGN_ORIGIN);
    }
    let opening = match ticket(&gangway, caller, &nameplate).await {
        Ok(ticket) => Opening::Claimant(Box::new(ticket)),
        Err(problem) => Opening::Refused(problem),
    };
    Ok(upgrade(&gangway, request, handshake, opening))
}

fn rides_on_a_cookie(headers: &HeaderMap) -> bool {
    headers.contains_key(header::COOKIE) && !headers.contains_key(header::AUTHORIZATION)
}

/// What a claimant may try. Sign-in comes before any look-up of a code, so that strangers cannot look for devices.
async fn ticket(gangway: &Gangway, caller: Result<Caller>, nameplate: &str) -> Result<Ticket, Problem> {
    let told = |error: Error| {
        if let Error::Internal(error) = &error {
            tracing::error!(%error, "a claimant could not be identified");
        }
        problem(kind(&error).1, sentence(&error.to_string()))
    };
    let caller = caller.map_err(told)?;
    caller.require_scope(Right::Enrol).map_err(told)?;
    let organisations = organisations(gangway, &caller).await.map_err(told)?;
    let nameplate: Nameplate = nameplate.parse().map_err(|error| {
        problem(
            ProblemCode::Malformed,
            sentence(&format!("this is no nameplate: {error}")),
        )
    })?;
    let Caller {
        account,
        name,
        account_since,
        credential,
        address: ClientAddress(address),
    } = caller;
    let attempt = CodeAttempt {
        account,
        account_since,
        organisations,
        address: Some(address.into()),
        nameplate,
    };
    Ok(Ticket {
        attempt,
        name,
        credential: credential.kept_as(),
        address,
    })
}

/// Where the caller may enrol: there its failures are counted.
async fn organisations(gangway: &Gangway, caller: &Caller) -> Result<Vec<OrganisationId>> {
    if let Credential::Token { organisation, .. } = &caller.credential {
        return Ok(vec![organisation.clone()]);
    }
    let mut reader = gangway.db.reader().await?;
    let memberships = memberships::of_account(&mut reader.conn(), &caller.account, MAX_ORGANISATIONS).await?;
    let enrolling: Vec<_> = memberships
        .into_iter()
        .filter_map(|(organisation, role)| role.may_enrol().then_some(organisation))
        .collect();
    if enrolling.is_empty() {
        return Err(Error::Forbidden(
            "your role in no organisation allows enrolling devices: ask one of its admins",
        ));
    }
    Ok(enrolling)
}

/// API errors begin with a small letter; a problem is a sentence.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => format!(
            "{}{}.",
            first.to_uppercase(),
            letters.as_str().trim_end_matches('.')
        ),
        None => String::new(),
    }
}
