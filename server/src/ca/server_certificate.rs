//! Certificates of the server itself, for listeners to which devices come that trust the built-in CA. They are short-lived and made
//! anew instead of being revoked, so that no record knows them; their keys are never written anywhere.
//!
//! Our intermediate is for clients alone, so that whoever gets hold of its key can be no server to a device. So the root signs them.

use std::sync::Arc;

use gangway_protocol::certificate::{PublicKey, split_chain};
use gangway_protocol::id::IssuerId;
use gangway_protocol::time::UnixMillis;
use x509_cert::Certificate;
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::der::{Decode as _, Encode as _};
use x509_cert::ext::pkix::ExtendedKeyUsage;
use zeroize::Zeroizing;

use super::identity::distinguished_name;
use super::key::IssuerKey;
use super::profile::Statement;
use super::{CaError, CertificateAuthority, Issuer, Issuers, LeafIssuer, extension};
use crate::rng::Random;

/// Days of validity. A server makes itself a new one long before.
const VALIDITY_DAYS: u32 = 7;
/// X.520 §6.2: ub-common-name. All names stand among the alternative ones.
const MAX_COMMON_NAME_LEN: usize = 64;
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
        let short = |name: &&String| name.len() <= MAX_COMMON_NAME_LEN;
        let common_name = names.iter().find(short).map_or(ORGANISATION, String::as_str);
        let statement = Statement {
            subject: distinguished_name(ORGANISATION, common_name)?,
            key_usage: extension::device_key_usage()?,
            extended_key_usage: extension::server_auth()?,
            alternative_name: Some(extension::server_names(names)?),
        };
        let issuers = self.issuers();
        let issuer = issuers.for_servers().ok_or(CaError::NotForServers)?;
        let draft = issuer.draft(statement, &public, VALIDITY_DAYS, now, random)?;
        let leaf = LeafIssuer(Arc::clone(issuer)).sign(&draft.to_be_signed)?;
        let own = issuer.certificate.pem();
        // Whoever verifies it has the root.
        let above = match own == issuer.trust_anchor {
            true => String::new(),
            false => format!("{own}{}", issuer.above),
        };
        let chain = split_chain(&format!("{}{above}", leaf.pem))
            .map_err(|_| CaError::Recorded("a chain that was made just now cannot be read"))?;
        Ok(ServerCertificate {
            chain,
            key: pkcs8,
            issuer: draft.issuer,
            renew_at: now.plus(i64::from(VALIDITY_DAYS) * UnixMillis::DAY / 2),
        })
    }

    /// Which issuer certifies servers now.
    #[must_use]
    pub fn server_issuer(&self) -> Option<IssuerId> {
        let issuers = self.issuers();
        issuers
            .for_servers()
            .map(|issuer| issuer.certificate.id().clone())
    }
}

impl Issuers {
    /// The issuer that certifies servers for devices that trust our CA: the root, or an intermediate of somebody's own that may.
    fn for_servers(&self) -> Option<&Arc<Issuer>> {
        let root = self.root.as_ref();
        let root =
            root.filter(|root| root.key.is_some() && root.certificate.pem() == self.signing.trust_anchor);
        root.or_else(|| {
            Some(&self.signing).filter(|signing| may_certify_servers(signing.certificate.certificate()))
        })
    }
}

/// RFC 5280 §4.2.1.12: an issuer without the extension may certify for everything, and so most verifiers read it.
fn may_certify_servers(issuer: &Certificate) -> bool {
    let extensions = issuer.tbs_certificate.extensions.as_deref().unwrap_or_default();
    let purposes = extensions
        .iter()
        .find(|extension| extension.extn_id == ExtendedKeyUsage::OID)
        .map(|extension| ExtendedKeyUsage::from_der(extension.extn_value.as_bytes()));
    match purposes {
        None => true,
        Some(Ok(purposes)) => purposes.0.contains(&extension::SERVER_AUTH),
        Some(Err(_)) => false,
    }
}
