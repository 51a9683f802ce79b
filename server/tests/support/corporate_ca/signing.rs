//! A root, an intermediate, and what they sign.

use std::sync::atomic::{AtomicUsize, Ordering};

use gangway_protocol::certificate::{PublicKey, split_chain};
use gangway_protocol::time::UnixMillis;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData, SanType, SignatureAlgorithm,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::OffsetDateTime;

use super::https::Identity;
use crate::support::csr;

/// Days of a certificate.
const DAYS: i64 = 90;

pub(super) struct Hierarchy {
    /// PEM.
    pub(super) root: String,
    /// PEM.
    pub(super) intermediate: String,
    issuer: Issuer<'static, KeyPair>,
    signed: AtomicUsize,
}

/// What a certificate says.
pub(super) struct Statement<'a> {
    pub(super) common_name: &'a str,
    pub(super) uris: &'a [String],
    pub(super) is_ca: bool,
    pub(super) now: UnixMillis,
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params
}

fn ca(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

impl Hierarchy {
    pub(super) fn new() -> Self {
        let (root_key, intermediate_key) = (csr::key(), csr::key());
        let root = ca("Works Root").self_signed(&root_key).expect("a root");
        let above = Issuer::new(ca("Works Root"), root_key);
        let intermediate = ca("Works Devices").signed_by(&intermediate_key, &above);
        Self {
            root: root.pem(),
            intermediate: intermediate.expect("an intermediate").pem(),
            issuer: Issuer::new(ca("Works Devices"), intermediate_key),
            signed: AtomicUsize::new(0),
        }
    }

    /// PEM.
    pub(super) fn sign(&self, key: &PublicKey, says: &Statement<'_>) -> String {
        let mut params = named(says.common_name);
        let at = |millis: UnixMillis| {
            OffsetDateTime::from_unix_timestamp(millis.0 / UnixMillis::SECOND).expect("a time")
        };
        params.not_before = at(says.now.plus(-UnixMillis::MINUTE));
        params.not_after = at(says.now.plus(DAYS * UnixMillis::DAY));
        for uri in says.uris {
            let uri = uri.as_str().try_into().expect("ASCII");
            params.subject_alt_names.push(SanType::URI(uri));
        }
        if says.is_ca {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        self.signed.fetch_add(1, Ordering::SeqCst);
        let signed = params.signed_by(&OfDevice(key), &self.issuer);
        signed.expect("a certificate").pem()
    }

    pub(super) fn signed(&self) -> usize {
        self.signed.load(Ordering::SeqCst)
    }

    /// What it shows to its clients.
    pub(super) fn identity_of_server(&self) -> Identity {
        let mut params = named("localhost");
        params.subject_alt_names = vec![SanType::DnsName("localhost".try_into().expect("a name"))];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = csr::key();
        let own = params.signed_by(&key, &self.issuer).expect("a certificate");
        Identity {
            chain: vec![own.der().clone(), der(&self.intermediate)],
            key: PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
            root: der(&self.root),
        }
    }

    /// A client's certificate with the intermediate, and its key. PEM.
    pub(super) fn identity_of_client(&self) -> (String, String) {
        let mut params = named("gangway");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = csr::key();
        let own = params.signed_by(&key, &self.issuer).expect("a certificate");
        (format!("{}{}", own.pem(), self.intermediate), key.serialize_pem())
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    let der = split_chain(pem).expect("a certificate").remove(0);
    CertificateDer::from(der)
}

/// A device's public key, in rcgen's terms.
struct OfDevice<'a>(&'a PublicKey);

impl PublicKeyData for OfDevice<'_> {
    fn der_bytes(&self) -> &[u8] {
        self.0.bits()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &PKCS_ECDSA_P256_SHA256
    }
}
