//! Credentials for corporate CAs: sealed when an operator gives one, opened when its CA is asked, told to nobody.

use gangway_protocol::id::SignerId;
use gangway_protocol::signer::Signer;
use gangway_signing::{CorporateCredential, CorporateError};

use crate::authority::{Error, Result};
use crate::ca::KeyStore;
use crate::db::{Conn, signer_credentials};
use crate::rng::Random;

/// What a sealed credential is for: it opens for this signer alone.
fn context(signer: &SignerId) -> String {
    format!("credential of {signer}")
}

/// Seals a credential for this signer.
///
/// # Errors
/// None that a credential leads to.
pub(super) fn seal(
    key_store: &KeyStore,
    signer: &SignerId,
    credential: &CorporateCredential,
    random: &dyn Random,
) -> Result<String> {
    let text = credential.write().map_err(Error::internal)?;
    key_store
        .seal(text.expose().as_bytes(), &context(signer), random)
        .map_err(Error::internal)
}

/// The credential of a signer.
///
/// # Errors
/// [`CorporateError::Credential`] where there is none that can be opened; what the database says.
pub(super) async fn open(
    conn: &mut Conn<'_>,
    key_store: &KeyStore,
    signer: &Signer,
) -> Result<std::result::Result<CorporateCredential, CorporateError>> {
    let unusable = |why: &str| CorporateError::Credential {
        detail: format!(
            "{why}: the operator gives one with `gangway admin signer change {} --credential FILE`",
            signer.id
        ),
    };
    let Some(sealed) = signer_credentials::find(conn, &signer.id).await? else {
        return Ok(Err(unusable("it has none")));
    };
    let opened = key_store
        .open(&sealed, &context(&signer.id))
        .map_err(|_| unusable("it does not open with this server’s encryption key"))
        .and_then(|text| {
            CorporateCredential::read(&signer.kind, &text).map_err(|unfit| unusable(&unfit.to_string()))
        });
    Ok(opened)
}
