//! Certificates of the server itself, for listeners to which devices come that trust the built-in CA. They are short-lived and made
//! anew instead of being revoked, so that no record knows them; their keys are never written anywhere.

use gangway_protocol::certificate::{PublicKey, split_chain};
use gangway_protocol::id::IssuerId;
use gangway_protocol::time::UnixMillis;
use x509_cert::der::Encode as _;
use zeroize::Zeroizing;

use super::identity::distinguished_name;
use super::key::IssuerKey;
use super::profile::Statement;
use super::{CaError, CertificateAuthority, extension};
use crate::rng::Random;

/// Days of validity. A server makes itself a new one long before.
const VALIDITY_DAYS: u32 = 7;
/// Whose it is said to be: no organisation's, which are named by their ids.
const ORGANISATION: &str = "Gangway";

/// A certificate with its key.
pub struct ServerCertificate {
    /// DER, the leaf first, without the root.
    pub chain: Vec<Vec<u8>>,
    /// The private key, PKCS#8.
    pub key: Zeroizing<Vec<u8>>,
    /// Who signed it.
    pub issuer: IssuerId,
    /// From when on it is made anew.
    pub renew_at: UnixMillis,
}

impl CertificateAuthority {
    /// A certificate for a server that is reached by these names and addresses; the first one is its common name.
    ///
    /// # Errors
    /// [`CaError::Expired`], or when the issuer's key is not here.
    pub fn certify_server(
        &self,
        names: &[String],
        now: UnixMillis,
        random: &dyn Random,
    ) -> Result<ServerCertificate, CaError> {
        let (key, pkcs8) = IssuerKey::generate()?;
        let spki = key.public_key()?.to_der()?;
        let public = PublicKey::from_spki(&spki)
            .map_err(|_| CaError::Recorded("a key that was made just now is of no known kind"))?;
        let common_name = names.first().map_or(ORGANISATION, String::as_str);
        let statement = Statement {
            subject: distinguished_name(ORGANISATION, common_name)?,
            key_usage: extension::device_key_usage()?,
            extended_key_usage: extension::server_auth()?,
            alternative_name: Some(extension::server_names(names)?),
        };
        let draft = self.draft_leaf(statement, &public, VALIDITY_DAYS, now, random)?;
        let leaf = self.leaf_issuer(&draft.issuer)?.sign(&draft.to_be_signed)?;
        let chain = self
            .chain(&draft.issuer, &leaf.pem)
            .ok_or(CaError::Recorded("a certificate names no known issuer"))?;
        let chain = split_chain(&chain.chain)
            .map_err(|_| CaError::Recorded("a chain that was made just now cannot be read"))?;
        Ok(ServerCertificate {
            chain,
            key: pkcs8,
            issuer: draft.issuer,
            renew_at: now.plus(i64::from(VALIDITY_DAYS) * UnixMillis::DAY / 2),
        })
    }

    /// Which issuer signs now.
    #[must_use]
    pub fn signing_issuer(&self) -> IssuerId {
        self.issuers().signing.certificate.id().clone()
    }
}
