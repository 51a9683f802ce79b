//! What a certificate of an imported chain has to be by itself: a CA that is valid now and may sign what will be signed
//! below it.

use gangway_protocol::time::UnixMillis;
use x509_cert::Certificate;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::oid::AssociatedOid as _;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityInfoAccessSyntax, AuthorityKeyIdentifier, BasicConstraints, CertificatePolicies,
    CrlDistributionPoints, ExtendedKeyUsage, InhibitAnyPolicy, IssuerAltName, KeyUsage, NameConstraints,
    PolicyConstraints, PolicyMappings, SubjectAltName, SubjectKeyIdentifier,
};

use super::{Unfit, extension, shown};
use crate::ca::moment;

/// id-kp-clientAuth and anyExtendedKeyUsage (RFC 5280 §4.2.1.12).
const CLIENT_PURPOSES: [ObjectIdentifier; 2] = [
    ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.2"),
    ObjectIdentifier::new_unwrap("2.5.29.37.0"),
];

/// Extensions of RFC 5280 §4.2.1: those that are judged here, and those that say nothing about what is signed below.
const KNOWN: [ObjectIdentifier; 14] = [
    AuthorityInfoAccessSyntax::OID,
    AuthorityKeyIdentifier::OID,
    BasicConstraints::OID,
    CertificatePolicies::OID,
    CrlDistributionPoints::OID,
    ExtendedKeyUsage::OID,
    InhibitAnyPolicy::OID,
    IssuerAltName::OID,
    KeyUsage::OID,
    NameConstraints::OID,
    PolicyConstraints::OID,
    PolicyMappings::OID,
    SubjectAltName::OID,
    SubjectKeyIdentifier::OID,
];

/// Where in the chain a certificate stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// First: it signs certificates and lists here.
    Intermediate,
    /// Between that and the root.
    Between,
    /// Last: the trust anchor.
    Root,
}

/// Whether `certificate` can stand in this place of the chain, with `below` intermediates below it.
pub(super) fn check(
    certificate: &Certificate,
    place: Place,
    below: usize,
    now: UnixMillis,
) -> Result<(), Unfit> {
    if certificate.tbs_certificate.subject.0.is_empty() {
        return Err(Unfit::NoSubject);
    }
    let constraints: Option<BasicConstraints> = extension(certificate)?;
    let constraints = constraints
        .filter(|constraints| constraints.ca)
        .ok_or(Unfit::NotACa)?;
    if let Some(allowed) = constraints.path_len_constraint
        && below > usize::from(allowed)
    {
        return Err(Unfit::PathLength { allowed, below });
    }
    // RFC 5280 §4.2.1.3: "Conforming CAs MUST include this extension in certificates that contain public keys that are used to
    // validate digital signatures on other public key certificates or CRLs." §6.1.1 (d): nobody asks a trust anchor.
    match extension::<KeyUsage>(certificate)? {
        Some(usage) if !usage.key_cert_sign() => return Err(Unfit::NoCertSign),
        Some(usage) if place == Place::Intermediate && !usage.crl_sign() => return Err(Unfit::NoCrlSign),
        None if place != Place::Root => return Err(Unfit::NoKeyUsage),
        _ => {}
    }
    // RFC 5280 does not say that it limits what is below; all verifiers apply it so.
    if let Some(ExtendedKeyUsage(purposes)) = extension(certificate)?
        && !purposes.iter().any(|purpose| CLIENT_PURPOSES.contains(purpose))
    {
        let purposes: Vec<String> = purposes.iter().map(ToString::to_string).collect();
        return Err(Unfit::Purposes(purposes.join(", ")));
    }
    let validity = &certificate.tbs_certificate.validity;
    let (from, until) = (
        moment::from_x509(validity.not_before),
        moment::from_x509(validity.not_after),
    );
    if now < from {
        return Err(Unfit::NotYetValid(shown(from)));
    }
    if now > until {
        return Err(Unfit::Expired(shown(until)));
    }
    if let Some(constraints) = extension::<NameConstraints>(certificate)? {
        check_names(&constraints)?;
    }
    if extension::<PolicyConstraints>(certificate)?
        .is_some_and(|constraints| constraints.require_explicit_policy.is_some())
    {
        return Err(Unfit::Policies);
    }
    let extensions = certificate
        .tbs_certificate
        .extensions
        .as_deref()
        .unwrap_or_default();
    match extensions
        .iter()
        .find(|extension| extension.critical && !KNOWN.contains(&extension.extn_id))
    {
        Some(unknown) => Err(Unfit::Critical(unknown.extn_id)),
        None => Ok(()),
    }
}

/// RFC 5280 §4.2.1.10, applied to the names of a device: its subject `O=org_…, CN=dev_…` and one URN.
fn check_names(constraints: &NameConstraints) -> Result<(), Unfit> {
    let permitted = constraints.permitted_subtrees.iter().flatten();
    let excluded = constraints.excluded_subtrees.iter().flatten();
    for (base, permits) in permitted
        .map(|subtree| (&subtree.base, true))
        .chain(excluded.map(|subtree| (&subtree.base, false)))
    {
        match base {
            // "If a URI does not include an authority component …, the application MUST reject the certificate": a URN has none.
            GeneralName::UniformResourceIdentifier(_) => {
                return Err(Unfit::Names(
                    "a device's alternative name is a URN, and URIs are constrained",
                ));
            }
            // Subjects of devices are ids, which no authority can have foreseen; everything lies within the empty name.
            GeneralName::DirectoryName(name) if permits != name.0.is_empty() => {
                return Err(Unfit::Names(
                    "a device's subject is O=org_…, CN=dev_…, and directory names are constrained",
                ));
            }
            _ => {}
        }
    }
    Ok(())
}
