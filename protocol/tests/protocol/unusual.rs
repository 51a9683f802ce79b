//! Requests that are unusual but legal, or nearly so: they are taken, or the cause is named. And names that are the same
//! in another writing.

use gangway_protocol::certificate::{CsrRefusal, KeyRefusal, SignatureCheck, same_name};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair};

use crate::csr::{read_der, sequence, take, take_content};

const ECDSA_SHA256: [u8; 12] = [0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];
const VERSION: [u8; 3] = [2, 1, 0];
const NO_ATTRIBUTES: [u8; 2] = [0xa0, 0];
/// AlgorithmIdentifier of rsaEncryption without its NULL.
const RSA_WITHOUT_NULL: [u8; 13] = [0x30, 0x0b, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];

/// A request of these parts, signed by a P-256 key, whose SubjectPublicKeyInfo `spki` is given.
fn request(parts: impl FnOnce(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
    let info = parts(&rcgen::PublicKeyData::subject_public_key_info(&key));
    let random = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &key.serialize_der(), &random)
        .expect("the same key");
    let signature = key.sign(&random, &info).expect("a signature");
    let bits = [&[0], signature.as_ref()].concat();
    let len = u8::try_from(bits.len()).expect("short");
    sequence(&[&info, &ECDSA_SHA256, &[&[3, len], bits.as_slice()].concat()])
}

fn relative(kind: &[u8], tag: u8, text: &[u8]) -> Vec<u8> {
    let value = [&[tag, u8::try_from(text.len()).expect("short")], text].concat();
    let attribute = sequence(&[kind, &value]);
    [
        &[0x31, u8::try_from(attribute.len()).expect("short")],
        attribute.as_slice(),
    ]
    .concat()
}

const COMMON_NAME: [u8; 5] = [6, 3, 0x55, 4, 3];
const ORGANISATION: [u8; 5] = [6, 3, 0x55, 4, 10];

fn name(tag: u8, text: &[u8]) -> Vec<u8> {
    sequence(&[&relative(&COMMON_NAME, tag, text)])
}

#[track_caller]
fn is_taken(request: &[u8]) {
    let read = read_der(request);
    assert!(read.is_ok(), "{read:?}");
}

#[test]
fn a_request_without_the_attributes_field_is_taken() {
    let subject = name(0x0c, b"box");
    is_taken(&request(|spki| sequence(&[&VERSION, &subject, spki])));
    is_taken(&request(|spki| {
        sequence(&[&VERSION, &subject, spki, &NO_ATTRIBUTES])
    }));
}

#[test]
fn names_in_every_string_type_and_any_other_tag_are_taken() {
    let universal = [0, 0, 0, b'b', 0, 1, 0xf6, 0];
    let bmp = [0, b'b', 0x20, 0xac];
    // The last: a private tag with a number of two octets.
    let private = [0xdf, 0x81, 0x01, 1, 7];
    for subject in [
        name(0x1c, &universal),
        name(0x1e, &bmp),
        name(0x14, b"B\xf6x"),
        name(0x16, b"box"),
        sequence(&[]),
    ] {
        is_taken(&request(|spki| {
            sequence(&[&VERSION, &subject, spki, &NO_ATTRIBUTES])
        }));
    }
    let attribute = [&[0xa0, 5], private.as_slice()].concat();
    is_taken(&request(|spki| {
        sequence(&[&VERSION, &name(0x0c, b"box"), spki, &attribute])
    }));
}

#[test]
fn what_is_not_taken_is_never_called_damaged() {
    let subject = name(0x0c, b"box");
    let version_2 = request(|spki| sequence(&[&[2, 1, 1], &subject, spki, &NO_ATTRIBUTES]));
    assert_eq!(read_der(&version_2), Err(CsrRefusal::Version));
    let rsa = rsa_spki();
    let without_null = sequence(&[&RSA_WITHOUT_NULL, &rsa]);
    let refused = request(|_| sequence(&[&VERSION, &subject, &without_null, &NO_ATTRIBUTES]));
    assert_eq!(
        read_der(&refused),
        Err(CsrRefusal::Key(KeyRefusal::RsaParameters))
    );
    let ed25519_with_null = sequence(&[&[0x30, 7, 6, 3, 0x2b, 0x65, 0x70, 5, 0], &[3, 2, 0, 1]]);
    let refused = request(|_| sequence(&[&VERSION, &subject, &ed25519_with_null, &NO_ATTRIBUTES]));
    assert_eq!(
        read_der(&refused),
        Err(CsrRefusal::Key(KeyRefusal::Ed25519Parameters))
    );
    for refusal in [
        CsrRefusal::Version,
        CsrRefusal::Key(KeyRefusal::RsaParameters),
        CsrRefusal::Key(KeyRefusal::Ed25519Parameters),
    ] {
        assert!(!refusal.to_string().contains("damaged"), "{refusal}");
    }
}

/// The BIT STRING of an RSA key that is accepted.
fn rsa_spki() -> Vec<u8> {
    let pem = include_str!("../../vectors/csr/rsa2048.pem");
    let csr = gangway_protocol::certificate::UncheckedCsr::from_pem(pem).expect("a good request");
    let SignatureCheck { key, .. } = csr.signature_check();
    let (_, bits) = take(take_content(key.spki_der()).0);
    bits.to_vec()
}

#[test]
fn names_are_the_same_in_another_string_type() {
    let utf8 = name(0x0c, "Büro Root".as_bytes());
    for same in [
        name(0x14, b"B\xfcro Root"),
        name(
            0x1e,
            &"Büro Root"
                .encode_utf16()
                .flat_map(u16::to_be_bytes)
                .collect::<Vec<_>>(),
        ),
        name(0x0c, "  büro   ROOT ".as_bytes()),
    ] {
        assert!(same_name(&utf8, &same));
    }
    assert!(same_name(&name(0x13, b"Works root"), &name(0x0c, b"Works root")));
    for other in [
        name(0x0c, "Büro Roots".as_bytes()),
        sequence(&[&relative(&ORGANISATION, 0x0c, "Büro Root".as_bytes())]),
        sequence(&[
            &relative(&COMMON_NAME, 0x0c, "Büro Root".as_bytes()),
            &relative(&COMMON_NAME, 0x0c, "Büro Root".as_bytes()),
        ]),
        sequence(&[]),
        b"\x30\x80".to_vec(),
    ] {
        assert!(!same_name(&utf8, &other));
    }
    assert!(
        !same_name(b"", b"\x30"),
        "what is no name is the same as itself only"
    );
}
