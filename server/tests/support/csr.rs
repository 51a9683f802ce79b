//! Keys and certificate signing requests of every accepted kind, as devices make them.

use std::process::Command;

use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

/// A P-256 key.
pub(crate) fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")
}

/// A CSR for `key`, PEM.
pub(crate) fn csr(key: &KeyPair) -> String {
    CertificateParams::default()
        .serialize_request(key)
        .expect("a CSR")
        .pem()
        .expect("PEM")
}

/// One CSR of each accepted kind of key, with the name of the kind.
pub(crate) fn of_every_kind() -> Vec<(&'static str, String)> {
    let of = |algorithm| csr(&KeyPair::generate_for(algorithm).expect("a key"));
    vec![
        ("P-256", of(&PKCS_ECDSA_P256_SHA256)),
        ("P-384", of(&PKCS_ECDSA_P384_SHA384)),
        ("Ed25519", of(&PKCS_ED25519)),
        ("RSA 2048", rsa(2048)),
        ("RSA 4096", rsa(4096)),
    ]
}

/// A CSR for a new RSA key; ring makes none, openssl does.
pub(crate) fn rsa(bits: u32) -> String {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("key.pem");
    let output = Command::new("openssl")
        .args([
            "req",
            "-new",
            "-newkey",
            &format!("rsa:{bits}"),
            "-nodes",
            "-subj",
            "/CN=device",
            "-keyout",
        ])
        .arg(&path)
        .output()
        .expect("openssl runs");
    assert!(
        output.status.success(),
        "openssl req: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("PEM is text")
}
