//! Certificate revocation lists (RFC 5280 §5): what stands in one, and when the next one is due. Not where they are kept.

use gangway_protocol::certificate::RevocationReason;
use gangway_protocol::time::UnixMillis;
use x509_cert::Version;
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::der::Encode as _;
use x509_cert::der::asn1::{BitString, Uint};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{CrlNumber, CrlReason};
use x509_cert::serial_number::SerialNumber;

use super::issuer::IssuerCertificate;
use super::key::IssuerKey;
use super::{CaError, extension, moment};
use crate::db::certificates::RevokedSerial;

/// For how long a list stands. Whoever verifies may be cut off from us over a long weekend.
pub const LIFE: i64 = 7 * UnixMillis::DAY;
/// A list that is older is made anew even when nothing was revoked, so that the one served is never near its end.
pub const RENEW_AFTER: i64 = UnixMillis::DAY;

/// What a list says.
#[derive(Clone, Debug)]
pub struct Crl<'a> {
    /// Greater than that of every list before it (RFC 5280 §5.2.3).
    pub number: u64,
    /// From when on it stands.
    pub this_update: UnixMillis,
    /// When the next list will stand at the latest.
    pub next_update: UnixMillis,
    /// All revoked certificates of the issuer.
    pub revoked: &'a [RevokedSerial],
}

impl Crl<'_> {
    /// The list in DER, signed by its issuer.
    ///
    /// # Errors
    /// When the key refuses to sign, or a serial number is not one.
    pub fn sign(&self, issuer: &IssuerCertificate, key: &IssuerKey) -> Result<Vec<u8>, CaError> {
        let revoked = self.revoked.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        let tbs_cert_list = TbsCertList {
            version: Version::V2,
            signature: key.algorithm(),
            issuer: issuer.subject().clone(),
            this_update: moment::to_x509(self.this_update)?,
            next_update: Some(moment::to_x509(self.next_update)?),
            // RFC 5280 §5.1.2.6: absent when nothing is revoked.
            revoked_certificates: Some(revoked).filter(|revoked| !revoked.is_empty()),
            crl_extensions: Some(vec![
                extension::authority_key(issuer.key_identifier())?,
                extension::extension(false, &CrlNumber(Uint::new(&self.number.to_be_bytes())?))?,
            ]),
        };
        let signature = key.sign(&tbs_cert_list.to_der()?)?;
        let list = CertificateList {
            tbs_cert_list,
            signature_algorithm: key.algorithm(),
            signature: BitString::from_bytes(&signature)?,
        };
        Ok(list.to_der()?)
    }
}

fn entry(revoked: &RevokedSerial) -> Result<RevokedCert, CaError> {
    let serial = data_encoding::HEXLOWER
        .decode(revoked.serial.as_bytes())
        .map_err(|_| CaError::Recorded("a serial number is not hex"))?;
    Ok(RevokedCert {
        serial_number: SerialNumber::new(&serial)?,
        revocation_date: moment::to_x509(revoked.at)?,
        crl_entry_extensions: reason_code(revoked.reason)?.map(|extension| vec![extension]),
    })
}

/// The reasonCode extension. RFC 5280 §5.3.1: left out instead of saying "unspecified".
fn reason_code(reason: RevocationReason) -> Result<Option<Extension>, CaError> {
    let code = match reason {
        RevocationReason::Unspecified => return Ok(None),
        RevocationReason::KeyCompromise => CrlReason::KeyCompromise,
        RevocationReason::AffiliationChanged => CrlReason::AffiliationChanged,
        RevocationReason::Superseded => CrlReason::Superseded,
        RevocationReason::CessationOfOperation => CrlReason::CessationOfOperation,
        RevocationReason::CertificateHold => CrlReason::CertificateHold,
        RevocationReason::PrivilegeWithdrawn => CrlReason::PrivilegeWithdrawn,
    };
    Ok(Some(extension::extension(false, &code)?))
}
