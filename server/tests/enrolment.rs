//! Enrolment over the API: approval, consent, issuance, and all the ways in which they do not come to be.

mod approvals;
mod corporate;
mod elsewhere;
mod hook;
mod issuance;
mod keys;
mod own_ca;
mod races;
mod too_late;
mod withdrawals;

use gangway_client::ApiError;
use gangway_protocol::error::ProblemCode;

/// The problem that a call ended in.
#[track_caller]
fn problem<T: std::fmt::Debug>(result: Result<T, ApiError>) -> ProblemCode {
    let error = result.expect_err("a problem");
    error
        .code()
        .unwrap_or_else(|| panic!("a problem with a code, not {error:?}"))
}
