//! What a client wants to have signed, looked at before an authority sees it, and what came back, before the client gets it.
//!
//! A hub copies the extensions of a request into the certificate (hub 2025-07, `pkg/security/certificateSigner`): a request for
//! CA:TRUE or for somebody's host name would become a certificate for that.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use der::asn1::ObjectIdentifier;
use der::{Decode as _, Encode as _};
use gangway_protocol::certificate::{Csr, UncheckedCsr, leaf_key};
use gangway_protocol::encoding::Sha256Hex;
use uuid::Uuid;
use x509_cert::der;
use x509_cert::ext::Extensions;
use x509_cert::name::RdnSequence;
use x509_cert::request::CertReq;

use super::ClientError;
use super::error::UnfitRequest;
use crate::SigningError;
use crate::asked::check_extensions;
use crate::sign_in::shown;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
/// PKCS#9, RFC 2985 §5.4.2.
const EXTENSION_REQUEST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.14");

/// Looks at a request (base64 of PEM) that has to be for this owner or device, and tells whose key it is for. Whoever signs
/// verifies its signature.
pub(super) fn look(encoded: &str, of: &Uuid) -> Result<Sha256Hex, UnfitRequest> {
    let pem = BASE64_STANDARD
        .decode(encoded)
        .map_err(|_| UnfitRequest::Encoding)?;
    let pem = String::from_utf8(pem).map_err(|_| UnfitRequest::Encoding)?;
    let csr = UncheckedCsr::from_pem(&pem)?.conclude(true)?;
    let request = read(&csr)?;
    let wanted = format!("uuid:{of}");
    let found = common_names(&request.info.subject);
    if found != [wanted.as_str()] {
        return Err(UnfitRequest::Name {
            found: shown(&found.join(", ")),
            wanted,
        });
    }
    for attribute in request.info.attributes.iter() {
        if attribute.oid != EXTENSION_REQUEST {
            continue;
        }
        for value in attribute.values.iter() {
            let asked = value.to_der().and_then(|der| Extensions::from_der(&der));
            check_extensions(&asked.map_err(|_| malformed())?)?;
        }
    }
    Ok(csr.spki_sha256())
}

/// Whether a chain (base64 of PEM, leaf first) is for that key.
pub(super) fn check_signed(encoded: &str, key: &Sha256Hex) -> Result<(), ClientError> {
    let pem = BASE64_STANDARD.decode(encoded).ok();
    let chain = pem.and_then(|pem| String::from_utf8(pem).ok());
    match chain.and_then(|chain| leaf_key(&chain)) {
        Some(found) if found == *key => Ok(()),
        Some(_) => Err(SigningError::OtherKey.into()),
        None => Err(super::error::malformed("the signed certificate")),
    }
}

fn read(csr: &Csr) -> Result<CertReq, UnfitRequest> {
    CertReq::from_der(csr.der()).map_err(|_| malformed())
}

fn malformed() -> UnfitRequest {
    UnfitRequest::Csr(gangway_protocol::certificate::CsrRefusal::Malformed)
}

fn common_names(subject: &RdnSequence) -> Vec<&str> {
    subject
        .0
        .iter()
        .flat_map(|rdn| rdn.0.iter())
        .filter(|attribute| attribute.oid == COMMON_NAME)
        .map(|attribute| std::str::from_utf8(attribute.value.value()).unwrap_or("?"))
        .collect()
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints as Constraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
        KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _,
    };

    use super::*;

    const OF: Uuid = Uuid::from_u128(0x0a1b_2c3d_0000_1111_2222_3333_4444_5555);
    const NAME: &str = "uuid:0a1b2c3d-0000-1111-2222-333344445555";

    fn key() -> KeyPair {
        KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")
    }

    fn params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params
    }

    fn encoded(params: &CertificateParams, key: &KeyPair) -> String {
        let pem = params.serialize_request(key).and_then(|request| request.pem());
        BASE64_STANDARD.encode(pem.expect("a CSR"))
    }

    /// Threat model: ENR-31.
    #[test]
    fn a_request_is_for_its_owner_and_asks_for_nothing_but_an_identity() {
        let key = key();
        let mut as_clients_make_it = params(NAME);
        as_clients_make_it.is_ca = IsCa::ExplicitNoCa;
        as_clients_make_it.key_usages =
            vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyAgreement];
        as_clients_make_it.extended_key_usages = vec![
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
            ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 4, 1, 44_924, 1, 6]),
        ];
        let looked = look(&encoded(&as_clients_make_it, &key), &OF).expect("a good one");
        assert_eq!(looked, Sha256Hex::of(&key.subject_public_key_info()));
        for purpose in [
            ExtendedKeyUsagePurpose::OcspSigning,
            ExtendedKeyUsagePurpose::CodeSigning,
            ExtendedKeyUsagePurpose::Any,
        ] {
            let mut more = as_clients_make_it.clone();
            more.extended_key_usages.push(purpose);
            assert!(matches!(
                look(&encoded(&more, &key), &OF),
                Err(UnfitRequest::Purpose { .. })
            ));
        }
        let refused = |params: &CertificateParams| look(&encoded(params, &key), &OF).expect_err("refused");
        for other in [
            "uuid:0a1b2c3d-0000-1111-2222-333344445556",
            "0a1b2c3d-0000-1111-2222-333344445555",
            "uuid:0a1b2c3d-0000-1111-2222-333344445555 uuid:0a1b2c3d-0000-1111-2222-333344445556",
            "",
        ] {
            assert!(
                matches!(refused(&params(other)), UnfitRequest::Name { .. }),
                "{other}"
            );
        }
        let mut authority = params(NAME);
        authority.is_ca = IsCa::Ca(Constraints::Unconstrained);
        assert_eq!(refused(&authority), UnfitRequest::Authority);
        let mut signs = params(NAME);
        signs.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        assert_eq!(refused(&signs), UnfitRequest::Authority);
        let mut host = params(NAME);
        host.subject_alt_names = vec![rcgen::SanType::DnsName("hub.example".try_into().expect("a name"))];
        assert_eq!(
            refused(&host),
            UnfitRequest::Extension {
                oid: "2.5.29.17".to_owned()
            }
        );
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for text in ["", "!", "bm90IHBlbQ=="] {
            assert!(look(text, &OF).is_err(), "{text}");
        }
    }

    #[test]
    fn a_certificate_for_another_key_is_not_handed_on() {
        let (key, other) = (key(), key());
        let certificate = CertificateParams::default()
            .self_signed(&key)
            .expect("a certificate");
        let chain = BASE64_STANDARD.encode(certificate.pem());
        let of = |key: &KeyPair| Sha256Hex::of(&key.subject_public_key_info());
        assert_eq!(check_signed(&chain, &of(&key)), Ok(()));
        assert_eq!(
            check_signed(&chain, &of(&other)),
            Err(ClientError::Signing(SigningError::OtherKey))
        );
        assert!(check_signed("AAAA", &of(&key)).is_err());
    }
}
