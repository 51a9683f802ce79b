//! The extensions of RFC 5280 §4.2 and §5.2 that the built-in CA writes, each as one value.

use std::net::IpAddr;

use ring::digest::{SHA256, digest};
use x509_cert::der::asn1::{Ia5String, ObjectIdentifier, OctetString};
use x509_cert::der::{Encode, oid::AssociatedOid};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::crl::dp::DistributionPoint;
use x509_cert::ext::pkix::name::{DistributionPointName, GeneralName};
use x509_cert::ext::pkix::{
    AccessDescription, AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints,
    CrlDistributionPoints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName, SubjectKeyIdentifier,
};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use x509_cert::der::Error;

/// id-kp-clientAuth (RFC 5280 §4.2.1.12).
pub const CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2");
/// id-kp-serverAuth (RFC 5280 §4.2.1.12).
pub const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
/// id-ad-caIssuers (RFC 5280 §4.2.2.1).
const CA_ISSUERS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.2");

/// The identifier of a key: RFC 7093 §2 method 1, the leftmost 160 bits of SHA-256 over the key's bits. Also tells an
/// issuer's keys apart, nothing more: it is no security mechanism.
#[must_use]
pub fn key_identifier(key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    const LEN: usize = 20;
    let hash = digest(&SHA256, key.subject_public_key.raw_bytes());
    hash.as_ref().iter().copied().take(LEN).collect()
}

/// subjectKeyIdentifier (§4.2.1.2: not critical).
pub fn subject_key(identifier: &[u8]) -> Result<Extension, Error> {
    extension(false, &SubjectKeyIdentifier(OctetString::new(identifier)?))
}

/// authorityKeyIdentifier (§4.2.1.1, §5.2.1: not critical).
pub fn authority_key(identifier: &[u8]) -> Result<Extension, Error> {
    let key_identifier = Some(OctetString::new(identifier)?);
    extension(
        false,
        &AuthorityKeyIdentifier {
            key_identifier,
            ..AuthorityKeyIdentifier::default()
        },
    )
}

/// keyUsage of a device: digitalSignature and nothing else (§4.2.1.3: critical).
pub fn device_key_usage() -> Result<Extension, Error> {
    extension(true, &KeyUsage(KeyUsages::DigitalSignature.into()))
}

/// keyUsage of an issuer (§4.2.1.3: critical).
pub fn issuer_key_usage() -> Result<Extension, Error> {
    extension(true, &KeyUsage(KeyUsages::KeyCertSign | KeyUsages::CRLSign))
}

/// keyUsage digitalSignature and keyAgreement, as identities of OCF have it (§4.2.1.3: critical).
pub fn identity_key_usage() -> Result<Extension, Error> {
    extension(
        true,
        &KeyUsage(KeyUsages::DigitalSignature | KeyUsages::KeyAgreement),
    )
}

/// extKeyUsage clientAuth (§4.2.1.12).
pub fn client_auth() -> Result<Extension, Error> {
    extended_usage(&[CLIENT_AUTH])
}

/// extKeyUsage serverAuth (§4.2.1.12).
pub fn server_auth() -> Result<Extension, Error> {
    extended_usage(&[SERVER_AUTH])
}

/// extKeyUsage of these purposes (§4.2.1.12).
pub fn extended_usage(purposes: &[ObjectIdentifier]) -> Result<Extension, Error> {
    extension(false, &ExtendedKeyUsage(purposes.to_vec()))
}

/// basicConstraints of a device: not a CA, said aloud (§4.2.1.9: critical).
pub fn not_a_ca() -> Result<Extension, Error> {
    extension(
        true,
        &BasicConstraints {
            ca: false,
            path_len_constraint: None,
        },
    )
}

/// basicConstraints of an issuer (§4.2.1.9: critical).
pub fn a_ca(path_len_constraint: u8) -> Result<Extension, Error> {
    extension(
        true,
        &BasicConstraints {
            ca: true,
            path_len_constraint: Some(path_len_constraint),
        },
    )
}

/// subjectAltName with one URI (§4.2.1.6: not critical beside a subject).
pub fn alternative_name(uri: &str) -> Result<Extension, Error> {
    extension(false, &SubjectAltName(vec![uri_name(uri)?]))
}

/// subjectAltName with the names and addresses of a server (§4.2.1.6: not critical beside a subject).
pub fn server_names(names: &[String]) -> Result<Extension, Error> {
    let name = |name: &String| -> Result<GeneralName, Error> {
        Ok(match name.parse() {
            Ok(IpAddr::V4(address)) => GeneralName::IpAddress(OctetString::new(address.octets())?),
            Ok(IpAddr::V6(address)) => GeneralName::IpAddress(OctetString::new(address.octets())?),
            Err(_) => GeneralName::DnsName(Ia5String::new(name)?),
        })
    };
    let names = names.iter().map(name).collect::<Result<_, _>>()?;
    extension(false, &SubjectAltName(names))
}

/// cRLDistributionPoints (§4.2.1.13: not critical).
pub fn crl_distribution_point(url: &str) -> Result<Extension, Error> {
    let distribution_point = Some(DistributionPointName::FullName(vec![uri_name(url)?]));
    extension(
        false,
        &CrlDistributionPoints(vec![DistributionPoint {
            distribution_point,
            reasons: None,
            crl_issuer: None,
        }]),
    )
}

/// authorityInfoAccess with caIssuers (§4.2.2.1: not critical).
pub fn issuer_at(url: &str) -> Result<Extension, Error> {
    let access = AccessDescription {
        access_method: CA_ISSUERS,
        access_location: uri_name(url)?,
    };
    extension(false, &AuthorityInfoAccessSyntax(vec![access]))
}

/// Any extension that x509-cert knows.
pub fn extension<E: Encode + AssociatedOid>(critical: bool, value: &E) -> Result<Extension, Error> {
    Ok(Extension {
        extn_id: E::OID,
        critical,
        extn_value: OctetString::new(value.to_der()?)?,
    })
}

fn uri_name(uri: &str) -> Result<GeneralName, Error> {
    Ok(GeneralName::UniformResourceIdentifier(Ia5String::new(uri)?))
}
