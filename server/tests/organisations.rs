//! A customer's organisations: their tree, what holds below, who belongs where, and devices that go from one to another.

mod members;
mod moves;
mod rules;
mod tree;

use gangway_client::{ApiError, IdempotencyKey};
use gangway_protocol::error::ProblemCode;
use gangway_protocol::id::OrganisationId;
use gangway_protocol::organisation::{Organisation, OrganisationRequest, OrganisationUpdate};

use crate::support::member::Member;

/// Has `member` make an organisation below another one.
pub(crate) async fn made(member: &Member, parent: &OrganisationId, name: &str) -> OrganisationId {
    let made = try_make(member, parent, name).await;
    made.expect("it is made").id
}

async fn try_make(member: &Member, parent: &OrganisationId, name: &str) -> Result<Organisation, ApiError> {
    let request = OrganisationRequest {
        parent: parent.clone(),
        name: name.to_owned(),
    };
    let mut key = [0; 16];
    key.iter_mut()
        .zip(name.bytes().chain(parent.as_str().bytes().rev()))
        .for_each(|(at, byte)| *at = byte);
    member
        .api
        .create_organisation(&request, &IdempotencyKey::new(key))
        .await
}

fn below(parent: &OrganisationId) -> OrganisationUpdate {
    OrganisationUpdate {
        parent: Some(parent.clone()),
        ..OrganisationUpdate::default()
    }
}

/// The problem that a call ended in.
#[track_caller]
fn problem<T: std::fmt::Debug>(result: Result<T, ApiError>) -> ProblemCode {
    let error = result.expect_err("a problem");
    error
        .code()
        .unwrap_or_else(|| panic!("a problem with a code, not {error:?}"))
}
