//! What only an operator may do with signers: give a corporate CA its address and its credential.

use gangway_protocol::audit::Action;
use gangway_protocol::id::{OrganisationId, SignerId};
use gangway_protocol::signer::{Signer, SignerKind};
use gangway_protocol::time::UnixMillis;
use gangway_signing::CorporateCredential;

use super::{credential, insert, record};
use crate::authority::{Error, Result};
use crate::ca::KeyStore;
use crate::db::audit::Actor;
use crate::db::{Db, organisations, signer_credentials, signers, write};
use crate::rng::Random;

/// Adds a signer at the end of the list, with its credential where it has one.
///
/// # Errors
/// [`Error::NotFound`] for an unknown organisation; [`Error::Conflict`] when there are too many.
pub async fn add(
    db: &Db,
    organisation: OrganisationId,
    signer: Signer,
    credential: Option<(&KeyStore, &CorporateCredential)>,
    now: UnixMillis,
    random: &dyn Random,
) -> Result<Signer> {
    let sealed = credential
        .map(|(key_store, credential)| credential::seal(key_store, &signer.id, credential, random))
        .transpose()?;
    write!(db, |tx| -> Result<Signer> {
        organisations::bump_revision(tx, &organisation).await?;
        let signer = insert(tx, &organisation, signer, Actor::Server, now).await?;
        if let Some(sealed) = sealed {
            signer_credentials::put(tx, &signer.id, &sealed, now).await?;
        }
        Ok(signer)
    })
}

/// What of a corporate CA changes.
#[derive(Debug)]
pub struct Change {
    /// Its configuration, of the same kind.
    pub configuration: Option<SignerKind>,
    /// Its credential.
    pub credential: Option<CorporateCredential>,
}

/// Changes where a corporate CA is, or its credential. The operator knows whether it is still the same one.
///
/// # Errors
/// [`Error::NotFound`] for an unknown signer; [`Error::Invalid`] for another kind.
pub async fn change(
    db: &Db,
    key_store: &KeyStore,
    id: SignerId,
    change: Change,
    now: UnixMillis,
    random: &dyn Random,
) -> Result<Signer> {
    let Change {
        configuration,
        credential,
    } = change;
    let sealed = credential
        .map(|credential| credential::seal(key_store, &id, &credential, random))
        .transpose()?;
    write!(db, |tx| -> Result<Signer> {
        let organisation = signers::organisation_of(tx, &id).await?.ok_or(Error::NotFound)?;
        organisations::bump_revision(tx, &organisation).await?;
        let mut signer = signers::find(tx, &id).await?.ok_or(Error::NotFound)?;
        if let Some(kind) = configuration {
            if std::mem::discriminant(&kind) != std::mem::discriminant(&signer.kind) {
                return Err(Error::invalid(
                    "kind",
                    "a signer stays of its kind, because certificates name it: add another one instead",
                ));
            }
            signer.kind = kind;
            signers::update(tx, &signer, now).await?;
        }
        if let Some(sealed) = sealed {
            signer_credentials::put(tx, &id, &sealed, now).await?;
        }
        record(
            tx,
            Actor::Server,
            &organisation,
            now,
            Action::SignerChanged,
            &signer,
        )
        .await?;
        Ok(signer)
    })
}
