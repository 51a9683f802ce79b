//! Who a device certificate is about, in the certificate itself: the subject's names and the URN among its alternative
//! names. A server that was restored from an older backup reads them back from there.

use gangway_protocol::id::{DeviceId, OrganisationId};
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::der::Any;
use x509_cert::der::asn1::{ObjectIdentifier, SetOfVec, Utf8StringRef};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};

/// id-at-commonName (RFC 5280 §A.1).
pub const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// id-at-organizationName (RFC 5280 §A.1).
const ORGANISATION_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
/// id-at-organizationalUnitName (RFC 5280 §A.1).
const UNIT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");
/// The unit by which idprov tells certificates of devices from those of people and services.
const DEVICE_UNIT: &str = "iotdevice";
const URN: &str = "urn:gangway:device:";

/// The device and organisation that a certificate of the built-in CA names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceIdentity {
    /// The organisation; of a new certificate the device's customer, whichever of its organisations has the device.
    pub organisation: OrganisationId,
    /// The device.
    pub device: DeviceId,
    /// By which name the device's own protocol knows it; instead of its id it stands in the subject.
    pub known_as: Option<String>,
}

impl DeviceIdentity {
    /// `urn:gangway:device:{organisation}:{device}`.
    #[must_use]
    pub fn urn(&self) -> String {
        format!("{URN}{}:{}", self.organisation, self.device)
    }

    /// Reads [`Self::urn`].
    #[must_use]
    pub fn from_urn(urn: &str) -> Option<Self> {
        let (organisation, device) = urn.strip_prefix(URN)?.split_once(':')?;
        Some(Self {
            organisation: organisation.parse().ok()?,
            device: device.parse().ok()?,
            known_as: None,
        })
    }

    /// The identity among the alternative names of a certificate.
    #[must_use]
    pub fn from_alternative_names(names: &SubjectAltName) -> Option<Self> {
        names.0.iter().find_map(|name| match name {
            GeneralName::UniformResourceIdentifier(uri) => Self::from_urn(uri.as_str()),
            _ => None,
        })
    }

    /// The subject: organisation id and device id, never what a CSR asks for.
    ///
    /// # Errors
    /// When the names do not fit DER, which ids always do.
    pub fn subject(&self) -> Result<Name, x509_cert::der::Error> {
        let (organisation, device) = (self.organisation.as_str(), self.device.as_str());
        match &self.known_as {
            None => distinguished_name(organisation, device),
            Some(name) => named([
                (ORGANISATION_NAME, organisation),
                (UNIT_NAME, DEVICE_UNIT),
                (COMMON_NAME, name),
            ]),
        }
    }
}

/// By which name its own protocol knows the device of this subject: the common name beside the unit of devices.
#[must_use]
pub fn known_as(subject: &Name) -> Option<String> {
    let value = |wanted| {
        let mut values = subject
            .0
            .iter()
            .flat_map(|relative| relative.0.iter())
            .filter(|attribute| attribute.oid == wanted)
            .map(|attribute| attribute.value.value());
        values.next().filter(|_| values.next().is_none())
    };
    // UTF8String and PrintableString hold the same bytes.
    value(UNIT_NAME).filter(|unit| *unit == DEVICE_UNIT.as_bytes())?;
    String::from_utf8(value(COMMON_NAME)?.to_vec()).ok()
}

/// The name `O=organisation, CN=common`.
///
/// # Errors
/// When a part does not fit DER.
pub fn distinguished_name(organisation: &str, common: &str) -> Result<Name, x509_cert::der::Error> {
    named([(ORGANISATION_NAME, organisation), (COMMON_NAME, common)])
}

fn named<const PARTS: usize>(
    parts: [(ObjectIdentifier, &str); PARTS],
) -> Result<Name, x509_cert::der::Error> {
    let part = |(oid, text)| -> Result<RelativeDistinguishedName, x509_cert::der::Error> {
        let value = Any::encode_from(&Utf8StringRef::new(text)?)?;
        Ok(RelativeDistinguishedName(SetOfVec::try_from(vec![
            AttributeTypeAndValue { oid, value },
        ])?))
    };
    Ok(RdnSequence(
        parts.into_iter().map(part).collect::<Result<_, _>>()?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_of_another_protocol_is_known_by_its_name_there() {
        let mut identity = DeviceIdentity::from_urn(
            "urn:gangway:device:org_0000000001zzzzzzzzzzzzzzzz:dev_0000000001zzzzzzzzzzzzzzzz",
        )
        .expect("an identity");
        assert_eq!(known_as(&identity.subject().expect("a name")), None);
        identity.known_as = Some("AA:BB".to_owned());
        assert_eq!(
            known_as(&identity.subject().expect("a name")).as_deref(),
            Some("AA:BB")
        );
    }

    #[test]
    fn the_urn_reads_back_and_nothing_else_does() {
        let identity = DeviceIdentity {
            organisation: "org_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
            device: "dev_0000000001zzzzzzzzzzzzzzzz".parse().expect("an id"),
            known_as: None,
        };
        assert_eq!(DeviceIdentity::from_urn(&identity.urn()), Some(identity.clone()));
        assert_eq!(DeviceIdentity::from_urn("urn:gangway:device:org_1:dev_1"), None);
        assert_eq!(DeviceIdentity::from_urn("urn:uuid:1"), None);
        assert_eq!(
            identity.subject().expect("ids fit into a name").to_string(),
            "CN=dev_0000000001zzzzzzzzzzzzzzzz,O=org_0000000001zzzzzzzzzzzzzzzz"
        );
    }
}
