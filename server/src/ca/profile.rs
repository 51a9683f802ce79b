//! What a leaf certificate says: everything by policy; from its holder comes only the public key (threat model, ENR-14).

use gangway_protocol::time::UnixMillis;
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::der::{Encode as _, Error};
use x509_cert::ext::Extension;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::Validity;

use super::extension;
use super::identity::DeviceIdentity;
use super::issuer::IssuerCertificate;
use super::moment;

/// Bytes of a serial number: 126 of its bits are random, where CA/Browser Forum BR §7.1 asks for 64 at least.
pub const SERIAL_LEN: usize = 16;
/// How far validity reaches back. Clocks of devices and of whoever verifies are rarely further behind.
pub(super) const BACKDATE: i64 = 5 * UnixMillis::MINUTE;

/// What tells one kind of leaf from another: whom it is about, and what its key is for.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    /// Who.
    pub(super) subject: Name,
    /// What the key may do.
    pub(super) key_usage: Extension,
    /// For whom it may do that.
    pub(super) extended_key_usage: Extension,
    /// Who, once more, for programs.
    pub(super) alternative_name: Option<Extension>,
}

impl Statement {
    /// What is said of a device of the fleet.
    pub(super) fn of_device(identity: &DeviceIdentity) -> Result<Self, Error> {
        Ok(Self {
            subject: identity.subject()?,
            key_usage: extension::device_key_usage()?,
            extended_key_usage: extension::client_auth()?,
            alternative_name: Some(extension::alternative_name(&identity.urn())?),
        })
    }
}

/// What is certified.
#[derive(Clone, Debug)]
pub(super) struct LeafCertificate<'a> {
    /// Whom it is about and what its key is for.
    pub(super) statement: Statement,
    /// The public key: all that is taken from the CSR.
    pub(super) public_key: &'a SubjectPublicKeyInfoOwned,
    /// The serial number.
    pub(super) serial: Serial,
    /// The present time.
    pub(super) now: UnixMillis,
    /// Days of validity, by the organisation's policy.
    pub(super) validity_days: u32,
}

/// A certificate's data before signing.
#[derive(Clone, Debug)]
pub struct ToBeSigned {
    /// DER of the TBSCertificate.
    pub der: Vec<u8>,
    /// Start of validity.
    pub not_before: UnixMillis,
    /// End of validity.
    pub not_after: UnixMillis,
}

impl LeafCertificate<'_> {
    /// The to-be-signed data of this certificate from `issuer`.
    ///
    /// # Errors
    /// When a part does not fit DER, which none does that passed the CSR policy.
    pub(super) fn drafted_for(
        self,
        issuer: &IssuerCertificate,
        algorithm: &AlgorithmIdentifierOwned,
    ) -> Result<ToBeSigned, Error> {
        let not_before = self.now.plus(-BACKDATE);
        // RFC 5280 §4.1.2.5: both ends belong to the validity, so a day is 86,400 seconds with the last one counted.
        // A certificate that outlives its issuer cannot be verified for the rest of its life.
        let not_after = self
            .now
            .plus(i64::from(self.validity_days) * UnixMillis::DAY - UnixMillis::SECOND)
            .min(issuer.not_after());
        let Statement {
            subject,
            key_usage,
            extended_key_usage,
            alternative_name,
        } = self.statement;
        let mut extensions = vec![
            key_usage,
            extension::not_a_ca()?,
            extended_key_usage,
            extension::subject_key(&extension::key_identifier(self.public_key))?,
            extension::authority_key(issuer.key_identifier())?,
        ];
        extensions.extend(alternative_name);
        extensions.push(extension::crl_distribution_point(issuer.crl_url())?);
        extensions.push(extension::issuer_at(issuer.certificate_url())?);
        let tbs = TbsCertificate {
            version: Version::V3,
            serial_number: SerialNumber::new(&self.serial.0)?,
            signature: algorithm.clone(),
            issuer: issuer.subject().clone(),
            validity: Validity {
                not_before: moment::to_x509(not_before)?,
                not_after: moment::to_x509(not_after)?,
            },
            subject,
            subject_public_key_info: self.public_key.clone(),
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(extensions),
        };
        Ok(ToBeSigned {
            der: tbs.to_der()?,
            not_before: whole(not_before),
            not_after: whole(not_after),
        })
    }
}

fn whole(at: UnixMillis) -> UnixMillis {
    UnixMillis(at.as_secs() * UnixMillis::SECOND)
}

/// A serial number: positive, 126 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serial([u8; SERIAL_LEN]);

impl Serial {
    /// The serial number of these random bytes.
    #[must_use]
    pub fn from_random(mut random: [u8; SERIAL_LEN]) -> Self {
        // RFC 5280 §4.1.2.2: positive, hence the top bit is clear; the next one set keeps the length the same for all.
        random[0] = (random[0] & 0x7f) | 0x40;
        Self(random)
    }

    /// Lower-case hex, as recorded.
    #[must_use]
    pub fn to_hex(self) -> String {
        data_encoding::HEXLOWER.encode(&self.0)
    }

    /// The bytes, big-endian.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}
