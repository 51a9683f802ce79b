//! How issuers come to be: the root and its online intermediate at first start.

use gangway_protocol::id::IssuerId;
use gangway_protocol::time::UnixMillis;
use x509_cert::Certificate;
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::der::Encode as _;
use x509_cert::der::asn1::BitString;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfoOwned;
use x509_cert::time::Validity;
use zeroize::Zeroizing;

use super::issuer::IssuerCertificate;
use super::key::{IssuerKey, KeyError};
use super::profile::Serial;
use super::{extension, identity, moment};

/// Devices keep the root as their trust anchor: it should outlive them.
const ROOT_DAYS: i64 = 25 * 365;
/// Long enough to be replaced in calm, short enough to be practised.
const INTERMEDIATE_DAYS: i64 = 10 * 365;

/// A new issuer with its key.
pub struct Founded {
    /// Its certificate.
    pub certificate: IssuerCertificate,
    /// Its key.
    pub key: IssuerKey,
    /// The key's PKCS#8 encoding, to be sealed and stored.
    pub pkcs8: Zeroizing<Vec<u8>>,
}

/// What founding an issuer needs.
pub struct Plan<'a> {
    /// Its id.
    pub id: IssuerId,
    /// Its serial number.
    pub serial: Serial,
    /// Whose CA it is: the host of the public URL.
    pub host: &'a str,
    /// Below this its certificate and CRL are served.
    pub public_url: &'a str,
    /// The present time.
    pub now: UnixMillis,
}

/// Why an issuer cannot be founded.
#[derive(Debug, thiserror::Error)]
pub enum FoundingError {
    /// The key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The encoding.
    #[error("the certificate cannot be read or written: {0}")]
    Der(#[from] x509_cert::der::Error),
}

/// Makes the root.
///
/// # Errors
/// When the system gives no randomness.
pub fn found_root(plan: Plan<'_>) -> Result<Founded, FoundingError> {
    let (key, pkcs8) = IssuerKey::generate()?;
    let public_key = key.public_key()?;
    let name = name(&plan, "root")?;
    let extensions = vec![
        extension::issuer_key_usage()?,
        extension::a_ca(1)?,
        extension::subject_key(&extension::key_identifier(&public_key))?,
    ];
    let draft = Draft {
        name: &name,
        public_key,
        days: ROOT_DAYS,
        extensions,
        limit: None,
    };
    let certificate = sign(&plan, draft, &name, &key)?;
    Ok(Founded {
        certificate: IssuerCertificate::new(plan.id, certificate, plan.public_url)?,
        key,
        pkcs8,
    })
}

/// Makes the intermediate that signs devices' certificates, under `root`.
///
/// # Errors
/// When the system gives no randomness.
pub fn found_intermediate(
    plan: Plan<'_>,
    root: &IssuerCertificate,
    root_key: &IssuerKey,
) -> Result<Founded, FoundingError> {
    let (key, pkcs8) = IssuerKey::generate()?;
    let public_key = key.public_key()?;
    let extensions = vec![
        extension::issuer_key_usage()?,
        // RFC 5280 §4.2.1.9: nothing but end entities below it.
        extension::a_ca(0)?,
        extension::client_auth()?,
        extension::subject_key(&extension::key_identifier(&public_key))?,
        extension::authority_key(root.key_identifier())?,
        extension::crl_distribution_point(root.crl_url())?,
        extension::issuer_at(root.certificate_url())?,
    ];
    let name = name(&plan, "intermediate")?;
    let draft = Draft {
        name: &name,
        public_key,
        days: INTERMEDIATE_DAYS,
        extensions,
        limit: Some(root.not_after()),
    };
    let certificate = sign(&plan, draft, root.subject(), root_key)?;
    Ok(Founded {
        certificate: IssuerCertificate::new(plan.id, certificate, plan.public_url)?,
        key,
        pkcs8,
    })
}

struct Draft<'a> {
    name: &'a Name,
    public_key: SubjectPublicKeyInfoOwned,
    days: i64,
    extensions: Vec<x509_cert::ext::Extension>,
    limit: Option<UnixMillis>,
}

fn sign(
    plan: &Plan<'_>,
    draft: Draft<'_>,
    issuer: &Name,
    issuer_key: &IssuerKey,
) -> Result<Certificate, FoundingError> {
    let end = plan.now.plus(draft.days * UnixMillis::DAY);
    let not_after = draft.limit.map_or(end, |limit| end.min(limit));
    let tbs_certificate = TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(plan.serial.as_bytes())?,
        signature: issuer_key.algorithm(),
        issuer: issuer.clone(),
        validity: Validity {
            not_before: moment::to_x509(plan.now.plus(-UnixMillis::HOUR))?,
            not_after: moment::to_x509(not_after)?,
        },
        subject: draft.name.clone(),
        subject_public_key_info: draft.public_key,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(draft.extensions),
    };
    let signature = issuer_key.sign(&tbs_certificate.to_der()?)?;
    Ok(Certificate {
        tbs_certificate,
        signature_algorithm: issuer_key.algorithm(),
        signature: BitString::from_bytes(&signature)?,
    })
}

/// `O=panel.example, CN=Gangway root 4f2a…`: the tail tells two installations of one host apart.
fn name(plan: &Plan<'_>, what: &str) -> Result<Name, FoundingError> {
    const TAIL_LEN: usize = 8;
    // RFC 5280 §A.1: ub-organization-name is 64; host names may be longer.
    const UB_ORGANISATION_NAME: usize = 64;
    let serial = plan.serial.to_hex();
    let tail = &serial[serial.len() - TAIL_LEN..];
    let host: String = plan.host.chars().take(UB_ORGANISATION_NAME).collect();
    Ok(identity::distinguished_name(
        &host,
        &format!("Gangway {what} {tail}"),
    )?)
}
