//! The vectors that Python computed (`interop/peer.py`), recomputed by this implementation. `docs/protocol.md` shows them.

use data_encoding::HEXLOWER;
use gangway_protocol::code::UserCode;
use gangway_protocol::encoding::{Base64, Sha256Hex};
use gangway_protocol::enrolment::{ClaimantToDevice, DeviceToClaimant};
use gangway_protocol::id::ClaimId;
use gangway_protocol::seal::{Answer, Channel, Claimant, Device};
use gangway_protocol::session::{proof_message, renewal_message};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::Deserialize;
use serde_json::Value;

pub(crate) const SEAL: &str = include_str!("../../vectors/seal.json");
pub(crate) const SIGNATURES: &str = include_str!("../../vectors/signatures.json");

#[derive(Deserialize)]
struct Vectors {
    code: String,
    claim: ClaimId,
    scalar_device: String,
    scalar_browser: String,
    pake_device: String,
    pake_browser: String,
    confirm_device: String,
    confirm_browser: String,
    boxes: Vec<SealedVector>,
}

#[derive(Deserialize)]
struct SealedVector {
    from: String,
    json: String,
    #[serde(rename = "box")]
    sealed: String,
}

fn bytes(hex: &str) -> Base64 {
    Base64(HEXLOWER.decode(hex.as_bytes()).expect("hex"))
}

/// A source that yields this scalar: 64 bytes are reduced, of which the upper 32 are nought.
fn fixed(scalar: &str) -> impl FnMut(&mut [u8]) {
    let scalar = bytes(scalar).0;
    move |random| {
        assert_eq!(random.len(), 64, "one scalar is drawn");
        random.fill(0);
        random[..32].copy_from_slice(&scalar);
    }
}

fn replay(vectors: &Vectors) -> (Channel, Channel) {
    let code = UserCode::read(&vectors.code).expect("a code");
    let (claimant, pake) = Claimant::start(&code, fixed(&vectors.scalar_browser));
    assert_eq!(pake.0, bytes(&vectors.pake_browser).0);
    let (device, answer) =
        Device::answer(&code, &vectors.claim, &pake, fixed(&vectors.scalar_device)).expect("an answer");
    assert_eq!(answer.pake.0, bytes(&vectors.pake_device).0);
    assert_eq!(answer.confirm.0, bytes(&vectors.confirm_device).0);
    let Answer { pake, confirm } = answer;
    let (at_claimant, confirm) = claimant
        .on_answer(&vectors.claim, &Answer { pake, confirm })
        .expect("the same code");
    assert_eq!(confirm.0, bytes(&vectors.confirm_browser).0);
    (device.on_confirm(&confirm).expect("the same code"), at_claimant)
}

#[test]
fn the_handshake_and_the_boxes_are_those_of_the_vectors() {
    let vectors: Vectors = serde_json::from_str(SEAL).expect("vectors");
    let (mut device, mut claimant) = replay(&vectors);
    assert!(!vectors.boxes.is_empty());
    for vector in &vectors.boxes {
        let expected = bytes(&vector.sealed);
        if vector.from == "device" {
            let message: DeviceToClaimant = serde_json::from_str(&vector.json).expect("a message");
            assert_eq!(device.seal(&message).expect("sealed").0, expected.0);
            assert_eq!(claimant.open(&expected), Ok(message));
        } else {
            let message: ClaimantToDevice = serde_json::from_str(&vector.json).expect("a message");
            assert_eq!(claimant.seal(&message).expect("sealed").0, expected.0);
            assert_eq!(device.open(&expected), Ok(message));
        }
    }
}

#[test]
fn the_signed_bytes_and_their_signatures_are_those_of_the_vectors() {
    let vectors: Value = serde_json::from_str(SIGNATURES).expect("vectors");
    let text = |name: &str| vectors[name].as_str().expect("text");
    let hex = |name: &str| bytes(text(name)).0;
    let key = Ed25519KeyPair::from_seed_unchecked(&hex("ed25519_seed")).expect("a seed");
    assert_eq!(key.public_key().as_ref(), hex("ed25519_public_key"));

    let leaf: Sha256Hex = text("leaf_sha256").parse().expect("a digest");
    let proof = proof_message(&hex("nonce"), text("origin"), &leaf);
    assert_eq!(proof, hex("proof_message"));
    assert_eq!(key.sign(&proof).as_ref(), hex("proof_signature"));

    // The request of the vector is these bytes, not DER: only its digest is signed.
    let renewal = renewal_message(b"gangway vector, certificate request");
    assert_eq!(renewal, hex("renewal_message"));
    assert_eq!(key.sign(&renewal).as_ref(), hex("renewal_signature"));
}
