//! A certificate authority made of rcgen.

use std::sync::OnceLock;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PublicKeyData};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use crate::key::{DeviceKey, FileKey, KeyType};

/// A root, an intermediate, and leaves on request.
pub(crate) struct TestCa {
    root_pem: String,
    intermediate_pem: String,
    intermediate: Issuer<'static, KeyPair>,
}

impl TestCa {
    pub(crate) fn new() -> Self {
        let root_params = issuer_params("Test root");
        let root_key = KeyPair::generate().expect("a key");
        let root_pem = root_params.self_signed(&root_key).expect("a root").pem();
        let root = Issuer::new(root_params, root_key);
        let params = issuer_params("Test intermediate");
        let key = KeyPair::generate().expect("a key");
        let intermediate_pem = params.signed_by(&key, &root).expect("an intermediate").pem();
        Self {
            root_pem,
            intermediate_pem,
            intermediate: Issuer::new(params, key),
        }
    }

    pub(crate) fn root_pem(&self) -> String {
        self.root_pem.clone()
    }

    pub(crate) fn intermediate_pem(&self) -> String {
        self.intermediate_pem.clone()
    }

    /// A leaf that is valid a month around [`super::NOW`].
    pub(crate) fn leaf_der(&self, key: &dyn DeviceKey, name: &str) -> Vec<u8> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Harbour, Works");
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = rcgen::date_time_ymd(2029, 12, 15);
        params.not_after = rcgen::date_time_ymd(2030, 1, 15);
        let public = PublicKey(x509_parser_spki(&key.spki()), key_algorithm(key));
        params
            .signed_by(&public, &self.intermediate)
            .expect("a leaf")
            .der()
            .to_vec()
    }

    /// A chain and its key, for a TLS server of this name, valid the same month.
    pub(crate) fn tls_server(&self, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(2029, 12, 15);
        params.not_after = rcgen::date_time_ymd(2030, 1, 15);
        let key = KeyPair::generate().expect("a key");
        let leaf = params.signed_by(&key, &self.intermediate).expect("a leaf");
        let intermediate = CertificateDer::from_pem_slice(self.intermediate_pem.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("PKCS#8");
        (vec![leaf.der().clone(), intermediate], key)
    }

    pub(crate) fn leaf_for(&self, key: &dyn DeviceKey, name: &str) -> String {
        to_pem(&self.leaf_der(key, name))
    }

    /// Leaf and intermediate.
    pub(crate) fn chain_for(&self, key: &dyn DeviceKey, name: &str) -> String {
        format!("{}{}", self.leaf_for(key, name), self.intermediate_pem)
    }
}

/// A certificate for this name, signed by its own key, valid the same month as the others.
pub(crate) fn self_signed(
    name: &str,
    marked_as_ca: bool,
) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    params.not_before = rcgen::date_time_ymd(2029, 12, 15);
    params.not_after = rcgen::date_time_ymd(2030, 1, 15);
    params.is_ca = if marked_as_ca {
        IsCa::Ca(BasicConstraints::Unconstrained)
    } else {
        IsCa::ExplicitNoCa
    };
    let key = KeyPair::generate().expect("a key");
    let certificate = params.self_signed(&key).expect("a certificate").der().clone();
    (
        certificate,
        PrivateKeyDer::try_from(key.serialize_der()).expect("PKCS#8"),
    )
}

/// One authority and one key for property tests, which would otherwise make hundreds.
pub(crate) fn shared_ca_and_key() -> &'static (TestCa, FileKey) {
    static SHARED: OnceLock<(TestCa, FileKey)> = OnceLock::new();
    SHARED.get_or_init(|| (TestCa::new(), FileKey::generate(KeyType::P256).expect("a key")))
}

pub(crate) fn to_pem(der: &[u8]) -> String {
    let text = data_encoding::BASE64.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

struct PublicKey(Vec<u8>, &'static rcgen::SignatureAlgorithm);

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        self.1
    }
}

fn issuer_params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

/// The bits of the key without the algorithm around them.
fn x509_parser_spki(spki: &[u8]) -> Vec<u8> {
    use x509_parser::prelude::FromDer as _;
    let (_, parsed) = x509_parser::x509::SubjectPublicKeyInfo::from_der(spki).expect("our own key");
    parsed.subject_public_key.data.to_vec()
}

fn key_algorithm(key: &dyn DeviceKey) -> &'static rcgen::SignatureAlgorithm {
    match key.spki().len() {
        91 => &rcgen::PKCS_ECDSA_P256_SHA256,
        120 => &rcgen::PKCS_ECDSA_P384_SHA384,
        _ => &rcgen::PKCS_ED25519,
    }
}
