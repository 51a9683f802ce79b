//! Checkpoints of chains as they are given away: as JSON, or signed by the built-in CA, so that whoever keeps one can show that this
//! server has stated it.

use gangway_protocol::id::OrganisationId;
use gangway_protocol::time::UnixMillis;
use x509_cert::Certificate;
use x509_cert::der::DecodePem as _;

use super::Checkpoint;
use crate::authority::{Caller, Error, Result, Right};
use crate::ca::message::{self, MessageError};
use crate::context::Context;
use crate::db::audit::GENESIS;
use crate::db::{Db, DbError, audit, issuers};

/// Why a file holds no checkpoints that count.
#[derive(Debug, thiserror::Error)]
pub enum UnfitCheckpoints {
    /// It is neither JSON of checkpoints nor signed.
    #[error("holds no checkpoints: {0}")]
    Json(#[from] serde_json::Error),
    /// It is signed, but not by this server.
    #[error("is refused: {0}")]
    Message(#[from] MessageError),
    /// The issuers cannot be read.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The present state of every chain, to be kept elsewhere.
///
/// # Errors
/// What the database says.
pub async fn checkpoints(db: &Db, at: UnixMillis) -> Result<Vec<Checkpoint>, DbError> {
    let heads = audit::heads(&mut db.reader().await?.conn()).await?;
    Ok(heads
        .into_iter()
        .map(|(chain, seq, hash)| Checkpoint { chain, seq, hash, at })
        .collect())
}

/// The present state of an organisation's chain, signed, for one who may read it.
///
/// # Errors
/// As [`Caller::require`], and when the CA cannot sign.
pub async fn signed_of(context: &Context, caller: &Caller, organisation: &OrganisationId) -> Result<String> {
    let at = context.clock.now();
    caller
        .require(&context.db, organisation, Right::ReadAudit)
        .await?;
    let head = audit::head_of(&mut context.db.reader().await?.conn(), organisation.as_str()).await?;
    let (seq, hash) = head.unwrap_or((0, GENESIS));
    let noted = Checkpoint {
        chain: organisation.to_string(),
        seq,
        hash,
        at,
    };
    let text = written(&[noted]).map_err(Error::internal)?;
    Ok(context.ca.sign_message(text.as_bytes(), at)?)
}

/// Checkpoints as JSON.
///
/// # Errors
/// What serde says.
pub fn written(noted: &[Checkpoint]) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(noted)
}

/// Reads checkpoints from either form. Those that are signed have to be signed by an issuer of this database.
///
/// # Errors
/// [`UnfitCheckpoints`].
pub async fn read(db: &Db, text: &str) -> Result<Vec<Checkpoint>, UnfitCheckpoints> {
    if !text.trim_start().starts_with("-----BEGIN") {
        return Ok(serde_json::from_str(text)?);
    }
    let records = issuers::all(&mut db.reader().await?.conn()).await?;
    let known: Vec<Certificate> = records
        .iter()
        .filter_map(|record| Certificate::from_pem(&record.certificate).ok())
        .collect();
    Ok(serde_json::from_slice(&message::open(text, &known)?)?)
}
