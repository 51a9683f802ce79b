//! Certificate requests: the good ones are read, the others refused for the right reason, and none does any harm.
//! The requests come from OpenSSL (`vectors/csr/make.sh`); signatures are verified by ring, as the server does.

use gangway_protocol::certificate::{
    Csr, CsrRefusal, KeyKind, KeyRefusal, MAX_CSR_LEN, PemError, SignatureAlgorithm, SignatureCheck,
    SignatureRefusal, UncheckedCsr,
};
use proptest::prelude::*;
use ring::signature;

macro_rules! request {
    ($name:literal) => {
        include_str!(concat!("../../vectors/csr/", $name, ".pem"))
    };
}

/// What every native verifier does with a [`SignatureCheck`].
pub(crate) fn verify_by_ring(check: SignatureCheck<'_>) -> bool {
    let algorithm: &dyn signature::VerificationAlgorithm = match (check.algorithm, check.key.kind()) {
        (SignatureAlgorithm::EcdsaSha256, KeyKind::P256) => &signature::ECDSA_P256_SHA256_ASN1,
        (SignatureAlgorithm::EcdsaSha384, KeyKind::P256) => &signature::ECDSA_P256_SHA384_ASN1,
        (SignatureAlgorithm::EcdsaSha256, KeyKind::P384) => &signature::ECDSA_P384_SHA256_ASN1,
        (SignatureAlgorithm::EcdsaSha384, KeyKind::P384) => &signature::ECDSA_P384_SHA384_ASN1,
        (SignatureAlgorithm::Ed25519, KeyKind::Ed25519) => &signature::ED25519,
        (SignatureAlgorithm::RsaSha256, _) => &signature::RSA_PKCS1_2048_8192_SHA256,
        (SignatureAlgorithm::RsaSha384, _) => &signature::RSA_PKCS1_2048_8192_SHA384,
        (SignatureAlgorithm::RsaSha512, _) => &signature::RSA_PKCS1_2048_8192_SHA512,
        _ => return false,
    };
    signature::UnparsedPublicKey::new(algorithm, check.key.bits())
        .verify(check.message, check.signature)
        .is_ok()
}

fn read(pem: &str) -> Result<Csr, CsrRefusal> {
    UncheckedCsr::from_pem(pem)?.verify(verify_by_ring)
}

fn der(pem: &str) -> Vec<u8> {
    read(pem).expect("a good request").der().to_vec()
}

pub(crate) fn read_der(der: &[u8]) -> Result<Csr, CsrRefusal> {
    UncheckedCsr::from_der(der)?.verify(verify_by_ring)
}

fn refusal(pem: &str) -> CsrRefusal {
    read(pem).expect_err("refused")
}

#[test]
fn every_accepted_kind_of_key_and_signature_is_read_and_verified() {
    let kinds = [
        (request!("p256"), "P-256"),
        (request!("p256-sha384"), "P-256"),
        (request!("p384"), "P-384"),
        (request!("ed25519"), "Ed25519"),
        (request!("rsa2048"), "RSA 2048"),
        (request!("rsa2048-sha512"), "RSA 2048"),
        (request!("rsa4096"), "RSA 4096"),
    ];
    for (pem, kind) in kinds {
        let csr = read(pem).unwrap_or_else(|refusal| panic!("{kind}: {refusal}"));
        assert_eq!(csr.key().kind().to_string(), kind);
        assert_eq!(csr.to_pem(), pem, "our PEM is the one that OpenSSL writes");
    }
}

#[test]
fn the_digest_of_the_key_is_the_one_that_openssl_computes() {
    let digests = [
        (
            request!("p256"),
            "ec40f4e3cbeda7d7df2ca23032cb7e56d0b0bbd8a69f5c1ce68487b95f815f63",
        ),
        (
            request!("ed25519"),
            "3c25b3a478ee33cd1840c5e9206d917ec92cd81cc6fdb054206896f2e141691a",
        ),
        (
            request!("rsa2048"),
            "6034bc7e8c827d6e158fe7ee32dbff18f448a44bf269d0a582ed0f1d61700070",
        ),
    ];
    for (pem, digest) in digests {
        assert_eq!(
            read(pem).expect("a good request").spki_sha256().to_string(),
            digest
        );
    }
}

#[test]
fn requests_of_rcgen_are_read() {
    for algorithm in [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ED25519,
    ] {
        let key = rcgen::KeyPair::generate_for(algorithm).expect("a key");
        let parameters = rcgen::CertificateParams::new(vec!["thermometer-7".to_owned()]).expect("parameters");
        let pem = parameters
            .serialize_request(&key)
            .expect("a request")
            .pem()
            .expect("PEM");
        read(&pem).expect("a good request");
    }
}

/// Threat model: ENR-14.
#[test]
fn of_a_hostile_request_only_the_key_is_taken() {
    let hostile = read(request!("hostile")).expect("CA:TRUE and foreign names are ignored, not refused");
    let honest = read(request!("p256")).expect("a good request");
    assert_eq!(hostile.key(), honest.key());
}

/// Threat model: ENR-13.
#[test]
fn keys_outside_the_policy_are_refused_for_the_right_reason() {
    let key = CsrRefusal::Key;
    assert_eq!(
        refusal(request!("rsa1024")),
        key(KeyRefusal::RsaBits { bits: 1024 })
    );
    assert_eq!(
        refusal(request!("rsa2047")),
        key(KeyRefusal::RsaBits { bits: 2047 })
    );
    assert_eq!(
        refusal(request!("rsa4160")),
        key(KeyRefusal::RsaBits { bits: 4160 })
    );
    assert_eq!(refusal(request!("rsa2048-e3")), key(KeyRefusal::RsaExponent));
    assert_eq!(refusal(request!("rsa2048-roca")), key(KeyRefusal::Roca));
    assert_eq!(refusal(request!("p256-compressed")), key(KeyRefusal::CurveForm));
    assert_eq!(refusal(request!("p256-explicit")), key(KeyRefusal::CurveForm));
    assert!(
        matches!(refusal(request!("p521")), CsrRefusal::Key(KeyRefusal::Curve { oid }) if oid.to_string() == "1.3.132.0.35")
    );
    assert!(matches!(
        refusal(request!("secp256k1")),
        CsrRefusal::Key(KeyRefusal::Curve { .. })
    ));
    assert!(
        matches!(refusal(request!("ed448")), CsrRefusal::Key(KeyRefusal::Algorithm { oid }) if oid.to_string() == "1.3.101.113")
    );
}

#[test]
fn signature_algorithms_outside_the_policy_are_refused_for_the_right_reason() {
    let weak = |name| CsrRefusal::Algorithm(SignatureRefusal::Weak { name });
    assert_eq!(refusal(request!("p256-sha1")), weak("ECDSA and SHA-1"));
    assert_eq!(refusal(request!("rsa2048-sha1")), weak("RSA and SHA-1"));
    assert_eq!(refusal(request!("rsa2048-md5")), weak("RSA and MD5"));
    let unknown = |pem| {
        matches!(
            refusal(pem),
            CsrRefusal::Algorithm(SignatureRefusal::Unlisted { .. })
        )
    };
    assert!(unknown(request!("rsa2048-pss")));
    assert!(unknown(request!("p256-sha512")));
}

#[test]
fn an_algorithm_that_the_key_cannot_have_is_refused() {
    // AlgorithmIdentifier of sha256WithRSAEncryption and of Ed25519, in the place of ecdsa-with-SHA256.
    let rsa = [
        0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0,
    ];
    let ed25519 = [0x30, 5, 6, 3, 0x2b, 0x65, 0x70];
    for identifier in [rsa.as_slice(), &ed25519] {
        let request = Anatomy::of(&der(request!("p256"))).with_algorithm(identifier);
        let refused = read_der(&request).expect_err("refused");
        assert!(matches!(
            refused,
            CsrRefusal::Algorithm(SignatureRefusal::Mismatch {
                key: KeyKind::P256,
                ..
            })
        ));
    }
}

#[test]
fn parameters_where_none_belong_are_refused() {
    let ecdsa_with_null = [0x30, 0x0c, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2, 5, 0];
    let request = Anatomy::of(&der(request!("p256"))).with_algorithm(&ecdsa_with_null);
    let algorithm = SignatureAlgorithm::EcdsaSha256;
    let refused = CsrRefusal::Algorithm(SignatureRefusal::Parameters { algorithm });
    assert_eq!(read_der(&request), Err(refused));
}

/// Threat model: ENR-13.
#[test]
fn a_signature_by_another_key_is_refused() {
    let ours = Anatomy::of(&der(request!("p256")));
    let other_key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let parameters = rcgen::CertificateParams::default();
    let other = parameters.serialize_request(&other_key).expect("a request");
    let request = Anatomy {
        signature: Anatomy::of(other.der()).signature,
        ..ours
    };
    assert_eq!(read_der(&request.join()), Err(CsrRefusal::BadSignature));
}

#[test]
fn a_verifier_that_says_no_is_believed() {
    let unchecked = UncheckedCsr::from_pem(request!("p256")).expect("readable");
    assert_eq!(unchecked.conclude(false), Err(CsrRefusal::BadSignature));
}

#[test]
fn ed25519_keys_of_small_order_are_refused() {
    let good = der(request!("ed25519"));
    let key_at = good
        .windows(3)
        .position(|window| window == [3, 33, 0])
        .expect("the BIT STRING")
        + 3;
    for small in curve25519_dalek::constants::EIGHT_TORSION {
        let mut request = good.clone();
        request[key_at..key_at + 32].copy_from_slice(&small.compress().to_bytes());
        let refused = read_der(&request).expect_err("refused");
        assert!(
            matches!(refused, CsrRefusal::Key(KeyRefusal::Broken { .. })),
            "{refused}"
        );
    }
}

/// Threat model: ENR-15.
#[test]
fn an_rsa_modulus_with_a_small_factor_is_refused() {
    let mut request = der(request!("rsa2048"));
    let exponent_at = request
        .windows(5)
        .position(|window| window == [2, 3, 1, 0, 1])
        .expect("65537");
    request[exponent_at - 1] &= 0xfe;
    let refused = read_der(&request).expect_err("refused");
    assert!(
        matches!(refused, CsrRefusal::Key(KeyRefusal::Broken { .. })),
        "{refused}"
    );
}

#[test]
fn exactly_one_pem_block_and_nothing_else_is_accepted() {
    let good = request!("p256");
    read(&format!("\r\n {} \n\n", good.replace('\n', "\r\n"))).expect("white space is no matter");
    let pem = |text: &str| match refusal(text) {
        CsrRefusal::Pem(error) => error,
        other => panic!("{other}"),
    };
    let expected = "CERTIFICATE REQUEST";
    assert_eq!(pem(""), PemError::Empty { expected });
    assert_eq!(pem(&good.repeat(2)), PemError::TooMany { max: 1 });
    assert_eq!(pem(&format!("{good}rm -rf /")), PemError::Outside);
    assert_eq!(pem(&format!("subject=CN=x\n{good}")), PemError::Outside);
    assert_eq!(pem(&good[..good.len() - 20]), PemError::Unfinished { expected });
    assert_eq!(
        pem(&good.replace("END CERTIFICATE REQUEST", "END CERTIFICATE")),
        PemError::Unfinished { expected }
    );
    assert_eq!(pem(&good.replacen("MIH", "M!H", 1)), PemError::Base64);
    assert_eq!(
        pem("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
        PemError::Label {
            expected,
            found: "PRIVATE KEY".to_owned()
        }
    );
}

/// Threat model: ENR-14.
#[test]
fn a_megabyte_is_refused_before_it_is_read() {
    let len = 1 << 20;
    let too_large = |len| {
        CsrRefusal::Pem(PemError::TooLarge {
            len,
            max: MAX_CSR_LEN,
        })
    };
    assert_eq!(UncheckedCsr::from_pem(&"A".repeat(len)), Err(too_large(len)));
    assert_eq!(UncheckedCsr::from_der(&vec![0x30; len]), Err(too_large(len)));
}

#[test]
fn bytes_after_the_end_are_refused_in_every_place() {
    let good = der(request!("p256"));
    assert_eq!(
        read_der(&[good.as_slice(), &[0]].concat()),
        Err(CsrRefusal::TrailingBytes)
    );
    let anatomy = Anatomy::of(&good);
    let inside = sequence(&[&anatomy.signed, &anatomy.algorithm, &anatomy.signature, &[5, 0]]);
    assert_eq!(read_der(&inside), Err(CsrRefusal::Malformed));
}

#[test]
fn every_truncation_is_refused() {
    let good = der(request!("p256"));
    for len in 0..good.len() {
        assert_eq!(read_der(&good[..len]), Err(CsrRefusal::Malformed), "{len} bytes");
    }
}

#[test]
fn deep_nesting_is_refused_without_exhausting_the_stack() {
    let mut nested = vec![5, 0];
    for _ in 0..3000 {
        nested = sequence(&[&nested]);
    }
    assert_eq!(read_der(&nested), Err(CsrRefusal::Malformed));
}

#[test]
fn long_lengths_and_indefinite_lengths_are_not_der() {
    let good = der(request!("p256"));
    let content = &good[3..];
    let longer = [&[0x30, 0x82, 0, good[2]], content].concat();
    assert_eq!(read_der(&longer), Err(CsrRefusal::Malformed));
    let indefinite = [&[0x30, 0x80], content, &[0, 0]].concat();
    assert_eq!(read_der(&indefinite), Err(CsrRefusal::Malformed));
}

#[test]
fn refusals_tell_people_what_to_do() {
    assert_eq!(
        refusal(request!("rsa1024")).to_string(),
        "the RSA key has 1024 bits; 2048 to 4096 are accepted. Make a new key, best P-256"
    );
    assert_eq!(
        refusal(request!("rsa2048-sha1")).to_string(),
        "the certificate request is signed with RSA and SHA-1, which is no longer safe; sign it with SHA-256"
    );
}

#[test]
fn ecdsa_signatures_take_the_form_that_webcrypto_wants() {
    for (pem, len) in [(request!("p256"), 64), (request!("p384"), 96)] {
        let csr = UncheckedCsr::from_pem(pem).expect("readable");
        let check = csr.signature_check();
        let fixed: &dyn signature::VerificationAlgorithm = match len {
            64 => &signature::ECDSA_P256_SHA256_FIXED,
            _ => &signature::ECDSA_P384_SHA384_FIXED,
        };
        let raw = check.ecdsa_p1363().expect("two numbers");
        assert_eq!(raw.len(), len);
        signature::UnparsedPublicKey::new(fixed, check.key.bits())
            .verify(check.message, &raw)
            .expect("the same signature");
    }
    let csr = UncheckedCsr::from_pem(request!("p256")).expect("readable");
    let with = |signature| SignatureCheck {
        signature,
        ..csr.signature_check()
    };
    let short = with(&[0x30, 6, 2, 1, 1, 2, 1, 2])
        .ecdsa_p1363()
        .expect("two numbers");
    assert_eq!((short[31], short[63], short[0]), (1, 2, 0));
    assert_eq!(with(&[0x30, 6, 2, 1, 1, 2, 1, 2, 0]).ecdsa_p1363(), None);
    assert_eq!(with(&[0x30, 3, 2, 1, 1]).ecdsa_p1363(), None);
    let too_long = [vec![0x30, 38, 2, 33, 1], vec![0; 32], vec![2, 1, 1]].concat();
    assert_eq!(with(&too_long).ecdsa_p1363(), None);
    let rsa = UncheckedCsr::from_pem(request!("rsa2048")).expect("readable");
    assert_eq!(rsa.signature_check().ecdsa_p1363(), None);
}

proptest! {
    #[test]
    fn no_change_of_a_request_verifies(at in any::<prop::sample::Index>(), to in any::<u8>(), rsa in any::<bool>()) {
        let good = der(if rsa { request!("rsa2048") } else { request!("p256") });
        let mut bad = good.clone();
        let at = at.index(bad.len());
        bad[at] = to;
        prop_assert_eq!(read_der(&bad).is_ok(), bad == good);
    }

    #[test]
    fn no_mixture_of_bytes_panics(
        start in any::<prop::sample::Index>(),
        removed in 0_usize..40,
        inserted in proptest::collection::vec(any::<u8>(), 0..40),
    ) {
        let mut bytes = der(request!("hostile"));
        let start = start.index(bytes.len());
        let end = bytes.len().min(start + removed);
        bytes.splice(start..end, inserted);
        drop(read_der(&bytes));
    }

    #[test]
    fn no_text_panics(text in ".{0,300}") {
        drop(read(&text));
        drop(read(&format!("-----BEGIN CERTIFICATE REQUEST-----{text}-----END CERTIFICATE REQUEST-----")));
    }
}

/// A request in its three parts, to be put together wrongly.
struct Anatomy {
    signed: Vec<u8>,
    algorithm: Vec<u8>,
    signature: Vec<u8>,
}

impl Anatomy {
    fn of(request: &[u8]) -> Self {
        let (content, rest) = take_content(request);
        assert!(rest.is_empty());
        let (signed, rest) = take(content);
        let (algorithm, rest) = take(rest);
        let (signature, rest) = take(rest);
        assert!(rest.is_empty());
        Self {
            signed: signed.to_vec(),
            algorithm: algorithm.to_vec(),
            signature: signature.to_vec(),
        }
    }

    fn with_algorithm(self, algorithm: &[u8]) -> Vec<u8> {
        let algorithm = algorithm.to_vec();
        Self { algorithm, ..self }.join()
    }

    fn join(self) -> Vec<u8> {
        sequence(&[&self.signed, &self.algorithm, &self.signature])
    }
}

/// Header length and content length of the DER value at the beginning.
fn measure(der: &[u8]) -> (usize, usize) {
    match der[1] {
        0x81 => (3, usize::from(der[2])),
        0x82 => (4, usize::from(der[2]) << 8 | usize::from(der[3])),
        short => (2, usize::from(short)),
    }
}

pub(crate) fn take(der: &[u8]) -> (&[u8], &[u8]) {
    let (header, content) = measure(der);
    der.split_at(header + content)
}

pub(crate) fn take_content(der: &[u8]) -> (&[u8], &[u8]) {
    let (header, _) = measure(der);
    let (value, rest) = take(der);
    (&value[header..], rest)
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let len = u16::try_from(content.len()).expect("short").to_be_bytes();
    let header = match content.len() {
        ..=0x7f => vec![0x30, len[1]],
        0x80..=0xff => vec![0x30, 0x81, len[1]],
        _ => vec![0x30, 0x82, len[0], len[1]],
    };
    [header, content].concat()
}
